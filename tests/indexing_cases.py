"""Rows of the table: several arrays of indices, arrays with elements replaced, segments, searching."""

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.ir.node import Node
from graphc.ops import searching, segments, sorting
from graphc.ops.assigning import at
from graphc.ops.points import gather_nd, scatter_nd
from graphc.types import is_complex
from tests.case import Array, Case, Draw, apart, coins, given, normal, whole

__all__ = ["ASSIGNMENTS", "POINTS", "SEARCHES", "SEGMENTS"]


def _replaced(x: Array, index: Any, values: Array, ufunc: np.ufunc | None = None) -> Array:
    """A copy of `x` with elements set, or combined with what is there, at any index of NumPy's."""
    result: Array = np.array(x)
    if ufunc is None:
        result[index] = values
    else:
        ufunc.at(result, index, values)
    return result


def _points(x: Array, index: Array) -> Array:
    return np.asarray(x[tuple(np.moveaxis(index, -1, 0))])


POINTS = (
    Case(
        "index of two arrays",
        lambda x, i, j: x[i, :, j],
        lambda x, i, j: x[i, :, j],
        (normal(3, 2, 4), whole(-3, 3, 2, 1), whole(-4, 4, 3)),
        symbolic=False,
    ),
    Case(
        "index of arrays side by side",
        lambda x, i, j: x[1:, i, j],
        lambda x, i, j: x[1:, i, j],
        (normal(3, 2, 4), whole(-2, 2, 5), whole(-4, 4, 5)),
    ),
    Case(
        "index of an array and a number apart",
        lambda x, i: x[1, :, i, None],
        lambda x, i: x[1, :, i, None],
        (normal(3, 2, 4), whole(-4, 4, 5)),
    ),
    Case("gather_nd", gather_nd, _points, (normal(3, 4, 2), lambda rng: rng.integers(0, 3, (5, 2))), symbolic=False),
    Case(
        "scatter_nd",
        lambda i, u: scatter_nd(i, u, (3, 3, 2)),
        lambda i, u: _replaced(np.zeros((3, 3, 2), u.dtype), tuple(i.T), u, np.add),
        (whole(0, 3, 6, 2), normal(6, 2)),
        terms=6,
        symbolic=False,
    ),
)


def _assignment(
    name: str, index: Callable[..., Any], *draws: Draw, terms: int = 1, symbolic: bool = True, least: int = 0
) -> list[Case]:
    """Rows for all that may be done at an index, which is a function of the operands after the values."""
    changes: dict[str, np.ufunc | None] = {
        "set": None,
        "add": np.add,
        "multiply": np.multiply,
        "max": np.maximum,
        "min": np.minimum,
    }

    def built(x: Node, values: Node, *indices: Node, method: str) -> Node:
        node: Node = getattr(at(x)[index(*indices)], method)(values)
        return node

    def reference(x: Array, values: Array, *indices: Array, ufunc: np.ufunc | None) -> Array:
        return _replaced(x, index(*indices), values, ufunc)

    return [
        Case(
            f"{method} at {name}",
            lambda *xs, method=method: built(*xs, method=method),
            lambda *xs, ufunc=ufunc: reference(*xs, ufunc=ufunc),
            draws,
            terms=terms,
            symbolic=symbolic and method != "multiply",
        )
        for method, ufunc in list(changes.items())[least:]
    ]


def _beside(*shape: int) -> Draw:
    """Floats that are close to none of `apart`'s."""
    return lambda rng: apart(*shape)(rng) + 0.013


ASSIGNMENTS = (
    *_assignment("a slice", lambda: (slice(None, None, 2), 1), apart(5, 3), _beside(3)),
    *_assignment("an array that repeats", lambda i: i, apart(4, 2), _beside(6, 2), whole(-4, 4, 6), terms=6),
    *_assignment(
        "arrays and a slice",
        lambda i, j: (i, slice(3, 0, -1), j),
        apart(3, 4, 2),
        _beside(3),
        whole(-3, 3, 2, 1),
        whole(-2, 2, 3),
        terms=6,
        symbolic=False,
    )[:2],
    Case(
        "multiply at an index, with zeros",
        lambda x, v, i: at(x)[i].multiply(v),
        lambda x, v, i: _replaced(x, i, v, np.multiply),
        (normal(3), given(0.0, 2.0, 0.0, 3.0, 0.0), lambda rng: np.array([0, 0, 1, 1, 0])),
        terms=5,
        symbolic=False,
    ),
    Case(
        "set where a mask holds",
        lambda x, v, m: at(x)[m].set(v),
        lambda x, v, m: np.where(m, v, x),
        (normal(3, 4), lambda rng: np.array(0.5), coins(3, 4)),
    ),
)


def _segmented(ufunc: np.ufunc, start: float) -> Callable[[Array, Array], Array]:
    def reference(x: Array, s: Array) -> Array:
        return _replaced(np.full((5, *x.shape[1:]), start, x.dtype if is_complex(x.dtype) else float), s, x, ufunc)

    return reference


SEGMENTS = (
    Case(
        "segment_sum",
        lambda x, s: segments.segment_sum(x, s, 5),
        _segmented(np.add, 0),
        (normal(6, 2), whole(0, 5, 6)),
        terms=6,
    ),
    Case(
        "segment_max",
        lambda x, s: segments.segment_max(x, s, 5),
        _segmented(np.maximum, -np.inf),
        (apart(6, 2), lambda rng: np.array([4, 0, 3, 0, 1, 2])),
    ),
    Case(
        "segment_min",
        lambda x, s: segments.segment_min(x, s, 5),
        _segmented(np.minimum, np.inf),
        (apart(6, 2), lambda rng: np.array([4, 0, 3, 0, 1, 2])),
    ),
    Case(
        "segment_mean",
        lambda x, s: segments.segment_mean(x, s, 3),
        lambda x, s: np.stack([x[s == i].mean(0) for i in range(3)]),
        (normal(6, 2), lambda rng: np.array([2, 0, 1, 0, 1, 1])),
        terms=6,
    ),
    Case(
        "bincount",
        lambda x: segments.bincount(x, 6),
        lambda x: np.bincount(x, minlength=6),
        (whole(0, 6, 9),),
        order=0,
    ),
    Case(
        "bincount with weights",
        lambda x, w: segments.bincount(x, 6, weights=w),
        lambda x, w: np.bincount(x.ravel(), w.ravel(), 6),
        (whole(0, 6, 3, 2), normal(3, 2)),
        terms=6,
    ),
)


def _sorted(*shape: int) -> Draw:
    return lambda rng: np.sort(np.round(rng.uniform(-2, 2, shape), 1))


def _rounded(*shape: int) -> Draw:
    return lambda rng: np.round(rng.uniform(-2.5, 2.5, shape), 1)


def _nonzero(x: Array) -> tuple[Array, ...]:
    found = np.nonzero(x)
    return tuple(np.concatenate([part, np.full(9, -1)])[:9] for part in found)


def _unique(x: Array) -> Array:
    found = np.unique(x)
    return np.concatenate([found, np.full(8, 9.0)])[:8]


SEARCHES = (
    *(
        Case(
            f"searchsorted, {side}",
            lambda x, v, side=side: searching.searchsorted(x, v, side),
            lambda x, v, side=side: np.searchsorted(x, v, side),
            (_sorted(7), _rounded(3, 4)),
            order=0,
        )
        for side in ("left", "right")
    ),
    Case(
        "nonzero",
        lambda x: searching.nonzero(x, size=9, fill_value=-1),
        _nonzero,
        (whole(0, 2, 3, 4),),
        order=0,
    ),
    Case("unique", lambda x: searching.unique(x, size=8, fill_value=9), _unique, (apart(2, 3),)),
    Case(
        "unique_counts",
        lambda x: searching.unique_counts(x, size=3),
        lambda x: np.unique(x, return_counts=True),
        (lambda rng: rng.permutation(np.array([3, 1, 1, 7, 3, 1])),),
        order=0,
    ),
    Case(
        "unique_inverse",
        lambda x: searching.unique_inverse(x, size=3),
        lambda x: (np.unique(x), np.unique(x, return_inverse=True)[1].reshape(x.shape)),
        (lambda rng: rng.permutation(np.array([3, 1, 1, 7, 3, 1])).reshape(2, 3),),
        order=0,
    ),
    Case("sort of all", lambda x: sorting.sort(x, None), lambda x: np.sort(x, None), (apart(3, 4),)),
    Case("partition", lambda x: sorting.partition(x, 2, 0), lambda x: np.sort(x, 0), (apart(5, 2),)),
    Case(
        "argpartition",
        lambda x: sorting.argpartition(x, 2, None),
        lambda x: np.argsort(x, None),
        (apart(3, 2),),
        order=0,
    ),
)
