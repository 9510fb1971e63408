"""What AVX-512 computes faster than by the instructions of a formula, with the same bits."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from graphc.backends.llvm.roots import EACH, root
from graphc.backends.llvm.scaling import of_scaled, scaled_by_instruction
from graphc.backends.llvm.values import Lanes, Value
from graphc.kernel.scalar import Call, Fn, Let
from graphc.types import FLOAT32

__all__ = ["Shortcut", "shortcuts"]


class Shortcut(NamedTuple):
    """How a let is computed, and the lets that it is computed of."""

    of: Callable[..., Value]  # of lanes and the operands
    operands: Sequence[int]


def shortcuts(lets: Sequence[Let]) -> Mapping[int, Shortcut]:
    """The lets that are computed in another way than they are written."""
    found = {}
    for number, let in enumerate(lets):
        scaled = of_scaled(lets, number)
        if scaled is not None:
            found[number] = Shortcut(scaled_by_instruction, scaled)
        elif isinstance(let, Call) and let.fn is Fn.SQRT and let.dtype == FLOAT32:
            found[number] = Shortcut(_root, let.args)
    return found


def _root(lanes: Lanes, x: Value) -> Value:
    return lanes.intrinsic("sqrt", x) if x.lanes % EACH else root(lanes, x)
