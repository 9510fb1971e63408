"""One computation that several sides make of the same arrays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

import graphc as gx
from benchmarks.measure.race import Side

__all__ = ["Array", "Declared", "Graph", "Workload", "compiled", "declared", "normal", "results"]

Array: TypeAlias = npt.NDArray[Any]  # Any: of the dtype of the workload
Declared: TypeAlias = tuple[Sequence[gx.Node], Mapping[gx.Node, Any] | None]  # outputs, updates
Graph: TypeAlias = Callable[[Sequence[gx.Node], Sequence[gx.Node]], Declared]  # of inputs and variables

LARGE = 1 << 20  # bytes of results from which on a caller gives room; smaller ones are used again when dropped


@dataclass(frozen=True, eq=False)
class Workload:
    """A computation, and what a side is measured by.

    kind        what the sides of the peers are called by; several workloads of different sizes have one
    arrays      what each call is given
    start       what variables hold before the first call; each call sets them
    fixed       what other variables hold, which come after those: no call sets them
    moved       bytes that cannot but be read or written, where memory is what limits
    operations  multiplications and additions of products, where these are what limits
    structure   what the shapes of arrays do not tell: how many heads, or which convolutions a pooling comes after
    tolerance   how far results may be from those of float64, over the largest element
    """

    name: str
    kind: str
    graph: Graph
    arrays: Sequence[Array]
    start: Sequence[Array] = field(default=())
    fixed: Sequence[Array] = field(default=())
    moved: int = 0
    operations: int = 0
    structure: Any = None  # Any: each kind has its own
    tolerance: float = 1e-4

    def exact(self) -> "Workload":
        """The same in float64."""
        arrays, start, fixed = ([_wide(a) for a in given] for given in (self.arrays, self.start, self.fixed))
        return replace(self, arrays=arrays, start=start, fixed=fixed)


def compiled(work: Workload, backend: Literal["numpy", "llvm"]) -> Side:
    """A call of graphc's function of the workload."""
    inputs, outputs, updates = declared(work)
    is_one = len(outputs) == 1  # given as it is, as by the other sides
    f = gx.compile(list(inputs), outputs[0] if is_one else list(outputs), updates=updates, backend=backend)
    arrays, room = list(work.arrays), _room(outputs)
    if sum(y.nbytes for y in room) >= LARGE:
        out = room[0] if is_one else room
        return lambda: f(*arrays, out=out)
    return lambda: f(*arrays)


def results(work: Workload) -> Sequence[Array]:
    """Arrays for the results of a call."""
    return _room(declared(work)[1])


def declared(work: Workload) -> tuple[Sequence[gx.Node], Sequence[gx.Node], Mapping[gx.Node, Any] | None]:
    """Inputs, outputs and updates of a function of the workload."""
    inputs = [gx.input(f"x{k}", a.shape, a.dtype) for k, a in enumerate(work.arrays)]
    variables = [gx.param(f"w{k}", a) for k, a in enumerate([*work.start, *work.fixed])]
    return inputs, *work.graph(inputs, variables)


def _room(outputs: Sequence[gx.Node]) -> Sequence[Array]:
    return [np.empty(tuple(int(extent) for extent in y.shape), y.dtype) for y in outputs]


def normal(*shape: int, seed: int = 0, dtype: str = "float32") -> Array:
    """Numbers of the normal distribution."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def _wide(array: Array) -> Array:
    return array.astype("float64") if array.dtype.kind == "f" else array
