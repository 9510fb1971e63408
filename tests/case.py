"""A row of the table of ops, and what operands it may draw."""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from graphc.ir.node import Node
from graphc.types import DTYPES, DType, complex_of, is_complex, is_floating

__all__ = ["Array", "Case", "apart", "between", "coins", "given", "normal", "unary", "waves", "whole", "with_complex"]

Array: TypeAlias = npt.NDArray[Any]  # Any: a row holds arrays of several dtypes
Draw: TypeAlias = Callable[[np.random.Generator], Array]
Build: TypeAlias = Callable[..., Node | Sequence[Node]]  # of one node per operand
Reference: TypeAlias = Callable[..., "npt.ArrayLike | tuple[npt.ArrayLike, ...]"]  # of one array per operand


@dataclass(frozen=True)
class Case:
    """One row.

    build       the node or nodes, from one node per operand
    reference   the same by NumPy, from one array per operand
    draws       the operands; floats are drawn as float64 and rounded to the dtype under test
    order       up to which derivatives are checked: 0 where none flows, or where they are known to be 0
    terms       how many terms one element adds up, for the tolerance
    symbolic    whether the extents of the operands may be sizes
    complex     whether complex operands have a meaning too; they are drawn around the floats
    """

    name: str
    build: Build
    reference: Reference
    draws: tuple[Draw, ...]
    order: int = 3
    terms: int = 1
    symbolic: bool = True
    complex: bool = False

    def __str__(self) -> str:
        return self.name

    def arrays(self, dtype: str, seed: int = 0) -> list[Array]:
        """The operands, floats as `dtype`; complex ones at least in its width."""
        rng = np.random.default_rng(seed)
        wanted = DTYPES[dtype]
        return [_drawn_as(wanted, draw(rng), rng) for draw in self.draws]

    def expected(self, arrays: Sequence[Array]) -> list[Array]:
        """What NumPy gives, computed in float64 or complex128."""
        exact = [_wide(array) for array in arrays]
        with np.errstate(all="ignore"):
            result = self.reference(*exact)
        return [np.asarray(part) for part in (result if isinstance(result, tuple) else (result,))]


def _drawn_as(dtype: DType, array: Array, rng: np.random.Generator) -> Array:
    if is_complex(array.dtype):
        return array.astype(complex_of(dtype))
    if not is_floating(array.dtype):
        return array
    return (array + 1j * rng.uniform(-0.5, 0.5, array.shape) if is_complex(dtype) else array).astype(dtype)


def _wide(array: Array) -> Array:
    if is_complex(array.dtype):
        return array.astype(np.complex128)
    return array.astype(np.float64) if is_floating(array.dtype) else array


def with_complex(cases: Iterable[Case], names: Container[str]) -> tuple[Case, ...]:
    """The same rows; those of these names for complex operands as well."""
    return tuple(replace(case, complex=case.complex or case.name in names) for case in cases)


def between(low: float, high: float, *shape: int) -> Draw:
    """Floats from low to high."""
    return lambda rng: rng.uniform(low, high, shape)


def normal(*shape: int) -> Draw:
    """Normal floats."""
    return lambda rng: rng.standard_normal(shape)


def apart(*shape: int) -> Draw:
    """Floats from -1 to 1 of which no two are close, and none is close to 0."""

    def draw(rng: np.random.Generator) -> Array:
        count = int(np.prod(shape))
        grid = (np.arange(count) - count / 2 + 0.5) / max(count / 2, 1)
        return rng.permutation(grid + 0.1 / max(count, 1)).reshape(shape)

    return draw


def waves(*shape: int) -> Draw:
    """Complex numbers, not near 0 nor the negative real line."""
    return lambda rng: rng.uniform(0.5, 2, shape) * np.exp(1j * rng.uniform(-2, 2, shape))


def given(*values: float) -> Draw:
    """These floats."""
    return lambda rng: np.array(values, dtype=np.float64)


def whole(low: int, high: int, *shape: int) -> Draw:
    """Integers from low to high - 1."""
    return lambda rng: rng.integers(low, high, shape)


def coins(*shape: int) -> Draw:
    """Bools."""
    return lambda rng: rng.random(shape) < 0.5


def unary(name: str, build: Build, reference: Reference, low: float, high: float, order: int = 3) -> Case:
    """A row for a function of one float."""
    return Case(name, build, reference, (between(low, high, 3, 4),), order)
