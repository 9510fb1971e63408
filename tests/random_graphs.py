"""Random graphs whose arrays grow with one size: what memory, schedules and patterns promise is tested on them.

Programs over all ops, of all dtypes, are made by `graphc.testing.program`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import pytest

import graphc as gx

__all__ = ["MAKERS", "SEEDS", "Maker", "RandomGraph", "Rng", "chosen", "is_small", "pick", "random_graph"]

Array: TypeAlias = npt.NDArray[Any]  # Any: floats and indices
Rng: TypeAlias = np.random.Generator
Choice = TypeVar("Choice")

#: 40 in the default tier, 240 in the full one
SEEDS = [*range(40), *(pytest.param(seed, marks=pytest.mark.full) for seed in range(40, 240))]

LARGEST = 12  # the largest extent that is a number, but for that of
WIDE = 170  # columns of a fifth of the graphs, so that some arrays of known size have hundreds of elements


@dataclass(frozen=True)
class RandomGraph:
    """Inputs, outputs and updates.  The rows of inputs are the size `n`; `rows` is an index into 4 places."""

    inputs: list[gx.Node]
    outputs: list[gx.Node]
    updates: dict[gx.Node, gx.Node]
    start: dict[gx.Node, Array]

    def compile(
        self, level: int = 2, memory: int | None = None, backend: Literal["llvm", "numpy", "cuda"] = "numpy"
    ) -> gx.CompiledFunction:
        """The function of this graph, its variables at their first values."""
        for variable, value in self.start.items():
            variable.value = value
        return gx.compile(self.inputs, self.outputs, updates=self.updates, backend=backend, level=level, memory=memory)

    def arrays(self, n: int, seed: int = 0) -> list[Array]:
        """An array for each input."""
        rng = np.random.default_rng(seed)
        found = []
        for x in self.inputs:
            shape = [extent if isinstance(extent, int) else n for extent in x.shape]
            array = rng.integers(-4, 4, shape) if x.dtype.kind == "i" else rng.standard_normal(shape).astype(x.dtype)
            found.append(array)
        return found

    def results(self, function: gx.CompiledFunction, arrays: Sequence[Array]) -> list[Array]:
        """Outputs of a call from the first values of the variables, then what these hold."""
        for variable, value in self.start.items():
            variable.value = value
        outputs = function(*arrays)
        return [np.asarray(y) for y in outputs] + [v.value for v in self.start]


def random_graph(seed: int, steps: int = 14, further: "Sequence[Maker]" = ()) -> RandomGraph:
    """A graph of some `steps` operations, the gradient of a scalar made of them, and updates of its variables.

    Makers that are given `further` are drawn as often as all others.
    """
    rng = np.random.default_rng(seed)
    dtype = str(rng.choice(["float64", "float64", "float32"]))
    columns = WIDE if seed % 5 == 4 else 3
    inputs = [
        gx.input("x", ("n", columns), dtype),
        gx.input("y", ("n", 4), dtype),
        gx.input("z", (4,), dtype),
        gx.input("rows", ("n",), "int64"),
    ]
    start = {
        gx.param("w", rng.standard_normal((columns, 4)).astype(dtype)): None,
        gx.param("b", rng.standard_normal(4).astype(dtype)): None,
        gx.state("s", rng.standard_normal(()).astype(dtype)): None,
    }
    variables = list(start)
    pool = [*inputs[:3], *variables]
    while len(pool) < 6 + steps:
        makers = further if further and rng.random() < 0.5 else MAKERS
        made = chosen(rng, makers)(rng, pool, inputs[3])
        if made is not None and made.ndim <= 4 and is_small(made):
            pool.append(made if made.dtype == dtype else made.astype(dtype))
    leaves = [node for node in pool[6:] if not any(node in set(other.inputs) for other in pool)]
    loss = sum((gx.mean(gx.tanh(node)) for node in leaves), start=gx.constant(0.0))
    wrt = [*inputs[:3], *variables]
    slopes = gx.grad(loss, wrt, unconnected="zero")
    order = rng.permutation(len(leaves))[:3]
    outputs = [loss, *(leaves[k] for k in order), *slopes[:2], chosen(rng, pool)]
    updates = {v: v - 0.1 * g for v, g in zip(variables, slopes[3:], strict=True)}
    if rng.random() < 0.3:
        updates[variables[1]] = gx.flip(variables[1]) + slopes[4]
    return RandomGraph(inputs, outputs, updates, {v: np.array(v.value) for v in variables})


def is_small(node: gx.Node) -> bool:
    """Whether what is known of the extents lets the interpreter walk a node: one wide axis at most."""
    known = [extent for extent in node.shape if isinstance(extent, int)]
    return all(0 < extent <= LARGEST for extent in known if extent != WIDE) and known.count(WIDE) <= 1


# Each takes the nodes made so far and gives a new one, or None where the ones it drew do not fit.

Maker: TypeAlias = Callable[[Rng, Sequence[gx.Node], gx.Node], gx.Node | None]

UNARY: Sequence[Callable[[gx.Node], gx.Node]] = (
    gx.tanh, gx.sigmoid, gx.relu, gx.sin, gx.negative, gx.softplus, abs,
    lambda x: gx.exp(-gx.square(x)), lambda x: gx.log1p(gx.square(x)), lambda x: x / (1 + gx.square(x)),
    lambda x: gx.where(x > 0.1, x, 0.5 * x), lambda x: gx.clip(x, -0.7, 0.9), lambda x: x * 2 - 1,
    lambda x: gx.where(x > 0, gx.tanh(x), gx.tanh(x)), lambda x: gx.where(x < 0.1, 0.0, x),
    lambda x: gx.where(x > 0, x, -0.0) * 0.1, lambda x: (x.astype("float64") * 0.1 + 1).astype(x.dtype),
)  # fmt: skip
WHOLE: Sequence[Callable[[gx.Node], gx.Node]] = (
    lambda k: gx.maximum(k, 0) + 1, lambda k: k // 3 - k % 3, lambda k: gx.where(k > 1, k, -k), lambda k: k**k % 7,
    lambda k: k ** (k - 1), lambda k: k * 0.1, lambda k: abs(k) ** 2, lambda k: gx.where(k < 0, k, k), gx.sign,
    lambda k: gx.maximum(k.astype("int16"), 0) * gx.maximum(k.astype("int64"), 1) + 10,
)  # fmt: skip
BINARY: Sequence[Callable[[gx.Node, gx.Node], gx.Node]] = (
    gx.add, gx.subtract, gx.multiply, gx.maximum, gx.minimum, lambda x, y: gx.where(x < y, x * y, y),
)  # fmt: skip
REDUCTIONS: Sequence[Callable[[gx.Node, int], gx.Node]] = (
    gx.sum,
    gx.mean,
    gx.max,
    gx.min,
    gx.logsumexp,
    lambda x, a: gx.cumsum(x, a),
    lambda x, a: gx.softmax(x, a),
)


def chosen(rng: Rng, choices: Sequence[Choice]) -> Choice:
    return choices[int(rng.integers(len(choices)))]


def pick(rng: Rng, pool: Sequence[gx.Node], least_rank: int = 0) -> gx.Node:
    """A node, more often one of the last."""
    fitting = [x for x in pool if x.ndim >= least_rank]
    return fitting[int(len(fitting) * rng.random() ** 0.5)]


def _unary(rng: Rng, pool: Sequence[gx.Node], rows: gx.Node) -> gx.Node | None:
    return chosen(rng, UNARY)(pick(rng, pool))


def _binary(rng: Rng, pool: Sequence[gx.Node], rows: gx.Node) -> gx.Node | None:
    x = pick(rng, pool)
    fitting = [y for y in pool if _broadcasts(x, y)]
    return chosen(rng, BINARY)(x, chosen(rng, fitting))


def _broadcasts(x: gx.Node, y: gx.Node) -> bool:
    pairs = zip(reversed(x.shape), reversed(y.shape), strict=False)
    return all(a == b or a == 1 or b == 1 for a, b in pairs)


def _whole(rng: Rng, pool: Sequence[gx.Node], rows: gx.Node) -> gx.Node | None:
    """Small integers, some steps among them, and back."""
    x = pick(rng, pool)
    k = gx.floor(gx.clip(gx.where(gx.isfinite(x), x, 0.3) * 2.1, -4, 4)).astype(chosen(rng, ("int8", "int32", "int64")))
    for _ in range(2):
        k = chosen(rng, WHOLE)(k)
        if k.dtype.kind != "i":
            break
    return gx.clip(k, -9, 9)


def _reduce(rng: Rng, pool: Sequence[gx.Node], rows: gx.Node) -> gx.Node | None:
    x = pick(rng, pool, 1)
    return chosen(rng, REDUCTIONS)(x, int(rng.integers(x.ndim)))


def _move(rng: Rng, pool: Sequence[gx.Node], rows: gx.Node) -> gx.Node | None:
    x = pick(rng, pool, 1)
    axis = int(rng.integers(x.ndim))
    match rng.integers(7):
        case 0:
            return gx.transpose(x, tuple(int(a) for a in rng.permutation(x.ndim)))
        case 1:
            return gx.flip(x, axis)
        case 2:
            return gx.expand_dims(x, axis)
        case 3:
            return x.reshape(-1, 2) if isinstance(x.shape[-1], int) and x.shape[-1] % 2 == 0 else x.reshape(-1)
        case 4:
            return gx.moveaxis(x, axis, 0)[::2] if x.shape[axis] != 1 else None
        case 5:
            return gx.pad(x, [(1, 0) if a == axis else (0, 0) for a in range(x.ndim)])
        case _:
            return gx.moveaxis(x, axis, 0)[:2] if isinstance(x.shape[axis], int) else None


def _nothing(rng: Rng, pool: Sequence[gx.Node], rows: gx.Node) -> gx.Node | None:
    """Slices without elements, read forwards and backwards, beside all of a node."""
    x = pick(rng, pool, 1)
    axis = int(rng.integers(x.ndim))
    turned = gx.moveaxis(x, axis, 0)
    empty = turned[0:0] if rng.random() < 0.5 else turned[:0:2]
    empty = chosen(rng, UNARY)(gx.flip(empty, 0)) * 2
    if rng.random() < 0.3:
        return gx.sum(empty, 0) + gx.sum(turned, 0)
    return gx.concat([empty, turned], 0)


def _scatter(rng: Rng, pool: Sequence[gx.Node], rows: gx.Node) -> gx.Node | None:
    """Additions into something computed, a slice of it, or it reshaped."""
    x = pick(rng, pool, 1)
    base = chosen(rng, UNARY)(x)
    match rng.integers(4):
        case 0 if isinstance(x.shape[0], int) and x.shape[0] > 4:
            base = base[1:5]
        case 1:
            base = base.reshape(-1)
            base = base[:4] if isinstance(base.shape[0], int) and base.shape[0] >= 4 else base
        case 2:
            base = gx.flip(base, 0)
    axes = [axis for axis, extent in enumerate(base.shape) if extent == 4]
    if not axes:
        return None
    axis = chosen(rng, axes)
    updates = gx.take(base, rows, axis) if rng.random() < 0.5 else gx.constant(0.1)
    places = rows if rng.random() < 0.5 else (rows + 5) % 4
    return gx.scatter_add(base, places, updates, axis)


def _concat(rng: Rng, pool: Sequence[gx.Node], rows: gx.Node) -> gx.Node | None:
    x = pick(rng, pool, 1)
    same = [y for y in pool if y.shape == x.shape]
    parts = (x, chosen(rng, same))
    return gx.concat(parts, int(rng.integers(x.ndim))) if rng.random() < 0.5 else gx.stack(parts, 0)


def _matmul(rng: Rng, pool: Sequence[gx.Node], rows: gx.Node) -> gx.Node | None:
    x = pick(rng, pool, 1)
    fitting = [y for y in pool if y.ndim == 2 and y.shape[0] == x.shape[-1]]
    if x.ndim == 2 and rng.random() < 0.3:
        return 0.2 * (x.T @ x)
    return 0.3 * (x @ chosen(rng, fitting)) if fitting else None


def _gather(rng: Rng, pool: Sequence[gx.Node], rows: gx.Node) -> gx.Node | None:
    fitting = [x for x in pool if x.ndim and x.ndim < 3 and x.shape[0] == 4]
    return gx.take(chosen(rng, fitting), rows, 0)


MAKERS: Sequence[Maker] = (
    *(_unary, _unary, _binary, _binary, _reduce, _reduce, _move, _move),
    *(_concat, _matmul, _gather, _scatter, _nothing, _whole),
)
