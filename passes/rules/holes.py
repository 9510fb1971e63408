"""Holes that only some dtypes fill, or only numbers, as the left sides of rules use them."""

import math

import ml_dtypes

from graphc.ir.arithmetic import Spread, Squeeze
from graphc.ir.kinds import Reduction
from graphc.ir.leaves import ConstantValue, full, uniform
from graphc.ir.node import Node
from graphc.kernel.scalar import Number
from graphc.passes.matching import Hole, Match, hole
from graphc.types import DType, is_integer

__all__ = [
    "axes_of",
    "complex_",
    "filled",
    "floating",
    "is_ordinary",
    "like",
    "number",
    "ordered",
    "real",
    "truth",
    "whole",
    "whole_number",
]


def axes_of(node: Node) -> tuple[int, ...]:
    """The axes that an op adds, drops or folds."""
    op = node.op
    assert isinstance(op, Spread | Squeeze | Reduction), op
    return op.axes


def real(name: str) -> Hole:
    """Any real numbers: integers and floats, also bools."""
    return hole(name, kinds="biuf")


def ordered(name: str) -> Hole:
    """Integers and floats."""
    return hole(name, kinds="iuf")


def floating(name: str) -> Hole:
    """Real floats."""
    return hole(name, kinds="f")


def complex_(name: str) -> Hole:
    """Complex numbers."""
    return hole(name, kinds="c")


def whole(name: str) -> Hole:
    """Integers."""
    return hole(name, kinds="iu")


def truth(name: str) -> Hole:
    """Bools."""
    return hole(name, kinds="b")


def number(name: str) -> Hole:
    """A constant that one real float fills, which is neither 0 nor near the ends of what its dtype has."""
    return hole(name, ConstantValue, "f", only=lambda node: is_ordinary(uniform(node), node.dtype))


def whole_number(name: str) -> Hole:
    """A constant that one integer fills."""
    return hole(name, ConstantValue, "iu", only=lambda node: uniform(node) is not None)


def is_ordinary(value: Number | None, dtype: DType) -> bool:
    """Whether a number is neither 0, nan or infinite in a dtype, nor so small there that it has lost digits."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return False
    floats = ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]
    return float(floats.smallest_normal) <= abs(value) <= float(floats.max)


def filled(match: Match, hole: Hole) -> int | float:
    """The real number that fills a constant."""
    found = uniform(match[hole])
    assert isinstance(found, int | float), found
    return found


def like(node: Node, value: Number) -> Node:
    """A number in the place of a node.  Integers wrap around."""
    if is_integer(node.dtype) and isinstance(value, int):
        bits = 8 * node.dtype.itemsize
        value = value % (1 << bits)
        if node.dtype.kind == "i" and value >= 1 << (bits - 1):
            value -= 1 << bits
    return full(node.shape, value, node.dtype, weak=node.tensor.weak)
