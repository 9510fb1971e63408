"""The table of ops: one row per op and form.  Value, derivative, batch and backend tests are made from it.

Operands keep away from kinks, ties and poles by more than the steps that derivatives are checked with;
tests/test_conventions.py stands at them.
"""

import numpy as np
from scipy import special

from graphc.ir.declare import state, with_update
from graphc.ops import extremes, reduction, running
from graphc.ops import movement as m
from graphc.ops import statistics as s
from graphc.ops.custom import custom_vjp
from graphc.ops.padding import pad
from graphc.ops.repetition import repeat
from tests.case import Case, apart, between, coins, given, normal, whole, with_complex
from tests.creation_cases import CREATION, PADDING, STACKING
from tests.elementwise_cases import ELEMENTWISE
from tests.fft_cases import FOURIER
from tests.indexing_cases import ASSIGNMENTS, POINTS, SEARCHES, SEGMENTS
from tests.linalg_cases import LINEAR_ALGEBRA
from tests.lookup_cases import FORMULAS, LOOKUPS, ROUTINES
from tests.loop_cases import LOOPS
from tests.loss_cases import LOSSES
from tests.product_cases import CONVOLUTIONS, PRODUCTS, WINDOWS
from tests.random_cases import RANDOM
from tests.reduction_cases import REDUCTIONS_OF_SOME
from tests.window_cases import INTERPOLATION, LAID, POOLING, UNFOLDING

__all__ = ["CASES"]

MOVEMENT = (
    Case("transpose", lambda x: x.T, np.transpose, (normal(2, 3, 4),)),
    Case(
        "transpose by axes",
        lambda x: m.transpose(x, (1, 2, 0)),
        lambda x: x.transpose(1, 2, 0),
        (normal(2, 3, 4),),
    ),
    Case("matrix_transpose", lambda x: x.mT, lambda x: x.swapaxes(1, 2), (normal(2, 3, 4),)),
    Case("swapaxes", lambda x: m.swapaxes(x, 0, -1), lambda x: x.swapaxes(0, -1), (normal(2, 3, 4),)),
    Case("moveaxis", lambda x: m.moveaxis(x, 0, -1), lambda x: np.moveaxis(x, 0, -1), (normal(2, 3, 4),)),
    Case("reshape", lambda x: x.reshape(4, -1), lambda x: x.reshape(4, -1), (normal(2, 3, 4),)),
    Case("ravel", m.ravel, np.ravel, (normal(2, 3, 4),)),
    Case("squeeze", m.squeeze, np.squeeze, (normal(2, 1, 4, 1),), symbolic=False),
    Case(
        "expand_dims",
        lambda x: m.expand_dims(x, (0, -1)),
        lambda x: np.expand_dims(x, (0, -1)),
        (normal(2, 3),),
    ),
    Case(
        "spread",
        lambda x: m.broadcast_to(x, (2, *x.shape)),
        lambda x: np.stack([x, x]),
        (normal(3, 4),),
    ),
    Case(
        "broadcast_to",
        lambda x: m.broadcast_to(x, (5, 3, 4)),
        lambda x: np.broadcast_to(x, (5, 3, 4)),
        (normal(3, 1),),
        symbolic=False,
    ),
    Case("declare", lambda x: m.broadcast_to(x, (3, 4)), np.array, (normal(3, 4),)),
    Case("flip", lambda x: m.flip(x, 1), lambda x: np.flip(x, 1), (normal(3, 4),)),
    Case("flip all", m.flip, np.flip, (normal(3, 4),)),
    Case("roll", lambda x: m.roll(x, 3, -1), lambda x: np.roll(x, 3, -1), (normal(3, 4),)),
    Case(
        "pad",
        lambda x: pad(x, ((1, 2), (0, 3))),
        lambda x: np.pad(x, ((1, 2), (0, 3))),
        (normal(3, 4),),
    ),
    Case(
        "pad with a value",
        lambda x: pad(x, 1, 7.0),
        lambda x: np.pad(x, 1, constant_values=7.0),
        (normal(3, 4),),
    ),
    Case("repeat", lambda x: repeat(x, 3, 1), lambda x: np.repeat(x, 3, 1), (normal(2, 3, 4),)),
    Case(
        "repeat, each its own",
        lambda x: repeat(x, (2, 0, 3), 1),
        lambda x: np.repeat(x, (2, 0, 3), 1),
        (normal(2, 3, 4),),
    ),
    Case("tile", lambda x: m.tile(x, 3, 1), lambda x: np.tile(x, (1, 3, 1)), (normal(2, 3, 4),)),
    Case(
        "concat",
        lambda x, y: m.concat((x, y, x), 1),
        lambda x, y: np.concatenate((x, y, x), 1),
        (normal(3, 4), normal(3, 2)),
    ),
    Case(
        "stack",
        lambda x, y: m.stack((x, y), -1),
        lambda x, y: np.stack((x, y), -1),
        (normal(3, 4), normal(3, 4)),
    ),
    Case("split", lambda x: m.split(x, 3, 1), lambda x: tuple(np.split(x, 3, 1)), (normal(3, 6),)),
    Case(
        "split at places",
        lambda x: m.split(x, (1, 4), 1),
        lambda x: tuple(np.split(x, (1, 4), 1)),
        (normal(3, 6),),
        symbolic=False,
    ),
    Case("unstack", lambda x: m.unstack(x, 1), lambda x: tuple(x.T), (normal(3, 2),), symbolic=False),
    *(
        Case(f"slice {name}", pick, pick, (normal(5, 6),))
        for name, pick in {
            "1:": lambda x: x[1:],
            ":, 1:-1": lambda x: x[:, 1:-1],
            "::2, 4:0:-3": lambda x: x[::2, 4:0:-3],
            "::-1": lambda x: x[::-1, -2:],
            "3:1": lambda x: x[3:1],
            "2:99": lambda x: x[2:99, -99:3],
            "-1:-4:-1": lambda x: x[-1:-4:-1],
            "..., None": lambda x: x[..., None, 1:3],
            "None, 0": lambda x: x[None, 0],
            "2, -1": lambda x: x[2, -1],
            "-2, ::-2": lambda x: x[-2, ::-2],
        }.items()
    ),
    Case("slice of an array", lambda x, i: x[:, i], lambda x, i: x[:, i], (normal(5, 6), whole(-6, 6, 2, 3))),
    Case(
        "slice of a number and an array",
        lambda x, i: x[1, i],
        lambda x, i: x[1, i],
        (normal(5, 6), whole(-6, 6, 3)),
    ),
)

REDUCTION = (
    Case("sum", lambda x: x.sum(), np.sum, (normal(3, 4),), terms=12),
    Case("sum of one axis", lambda x: x.sum(-1), lambda x: x.sum(-1), (normal(3, 4),), terms=4),
    Case(
        "sum, keepdims",
        lambda x: x / x.sum(0, keepdims=True),
        lambda x: x / x.sum(0, keepdims=True),
        (between(1, 2, 3, 4),),
        terms=3,
    ),
    Case("sum of integers", lambda x: x.sum(), np.sum, (whole(-9, 9, 3, 4),), order=0),
    Case("sum of bools", lambda x: x.sum(), np.sum, (coins(3, 4),), order=0),
    Case(
        "sum, from a number",
        lambda x: reduction.sum(x, 1, initial=2),
        lambda x: np.sum(x, 1, initial=2),
        (normal(3, 4),),
        terms=5,
    ),
    Case(
        "sum, from a node",
        lambda x, y: reduction.sum(x, 0, initial=y, keepdims=True),
        lambda x, y: np.sum(x, 0, initial=y.item(), keepdims=True),
        (normal(3, 4), normal()),
        terms=4,
    ),
    Case("sum of nothing", lambda x: x.sum(1), lambda x: x.sum(1), (normal(3, 0),)),
    Case("prod", reduction.prod, np.prod, (between(0.5, 1.5, 3, 3),), terms=9),
    Case(
        "prod, from a number",
        lambda x: reduction.prod(x, (0, 1), initial=3),
        lambda x: np.prod(x, (0, 1), initial=3),
        (between(0.5, 1.5, 3, 3),),
        terms=10,
    ),
    Case("prod of one axis", lambda x: reduction.prod(x, 1), lambda x: x.prod(1), (normal(2, 5, 2),), terms=5),
    Case(
        "prod with zeros",
        lambda x: reduction.prod(x, 0),
        lambda x: x.prod(0),
        (lambda rng: np.array([[0.0, 0, 1], [2, 0, 3], [4, 5, 6]]),),
        terms=3,
    ),
    Case("any", lambda x: reduction.any(x, 1), lambda x: x.any(1), (coins(5, 2),), order=0),
    Case("all", lambda x: reduction.all(x, 1), lambda x: x.all(1), (coins(5, 2),), order=0),
    Case("count_nonzero", reduction.count_nonzero, np.count_nonzero, (whole(0, 3, 5),), order=0),
    Case("max", extremes.max, np.max, (apart(3, 4),)),
    Case("max of one axis", lambda x: extremes.max(x, 0), lambda x: x.max(0), (apart(3, 4),)),
    Case(
        "max and min of bools from a number",
        lambda x: (extremes.max(x, 0, initial=1), extremes.min(x, 1, initial=True)),
        lambda x: (x.max(0, initial=True), x.min(1, initial=True)),
        (coins(3, 4),),
        order=0,
    ),
    Case("max with nan", extremes.max, np.max, (given(1.0, np.nan, 2.0),), order=0),
    Case("min", lambda x: extremes.min(x, (0, 2)), lambda x: x.min((0, 2)), (apart(2, 3, 4),)),
    Case("argmax", lambda x: extremes.argmax(x, 0), lambda x: x.argmax(0), (normal(5, 4),), order=0),
    Case("argmax of all", extremes.argmax, np.argmax, (normal(5, 4),), order=0),
    Case(
        "argmax of equal ones",
        lambda x: extremes.argmax(x, -1),
        lambda x: x.argmax(-1),
        (whole(0, 2, 5, 4),),
        order=0,
    ),
    Case("argmin", lambda x: extremes.argmin(x, 1), lambda x: x.argmin(1), (normal(5, 4),), order=0),
    Case(
        "max_with_index",
        lambda x: extremes.max_with_index(x, 1),
        lambda x: (x.max(1), x.argmax(1)),
        (apart(3, 4),),
    ),
    Case(
        "min_with_index",
        lambda x: extremes.min_with_index(x, 0),
        lambda x: (x.min(0), x.argmin(0)),
        (apart(3, 4),),
    ),
    Case("cumsum", lambda x: running.cumsum(x, 0), lambda x: x.cumsum(0), (normal(4, 3),), terms=4),
    Case(
        "cumsum, reverse",
        lambda x: running.cumsum(x, 1, reverse=True),
        lambda x: x[:, ::-1].cumsum(1)[:, ::-1],
        (normal(3, 4),),
        terms=4,
    ),
    Case(
        "cumprod",
        lambda x: running.cumprod(x, 1),
        lambda x: x.cumprod(1),
        (normal(2, 5, 2),),
        terms=5,
        symbolic=False,
    ),
    Case(
        "cumprod with zeros",
        lambda x: running.cumprod(x, reverse=True),
        lambda x: x[::-1].cumprod()[::-1],
        (given(1.0, 0.0, 2.0, 0.0, 3.0),),
        terms=5,
        symbolic=False,
    ),
)

STATISTICS = (
    Case("mean", lambda x: x.mean(), np.mean, (normal(3, 4),), terms=12),
    Case("mean of integers", lambda x: x.mean(0), lambda x: x.mean(0), (whole(-9, 9, 3, 4),), order=0, terms=3),
    Case("var", lambda x: s.var(x, 1), lambda x: x.var(1), (normal(3, 4),), terms=4),
    Case(
        "var, corrected",
        lambda x: s.var(x, correction=1),
        lambda x: x.var(ddof=1),
        (normal(3, 4),),
        terms=12,
    ),
    Case(
        "var and std in another dtype",
        lambda x: (s.var(x, 0, dtype="float64"), s.std(x, 0, dtype="float64", correction=1)),
        lambda x: (x.var(0, dtype=np.float64), x.std(0, dtype=np.float64, ddof=1)),
        (whole(-9, 9, 5, 2),),
        order=0,
    ),
    Case("std", lambda x: s.std(x, 1), lambda x: x.std(1), (normal(3, 4),), terms=4),
    Case(
        "logsumexp",
        lambda x: s.logsumexp(x, 1),
        lambda x: special.logsumexp(x, 1),
        (normal(3, 4),),
        terms=4,
    ),
    Case(
        "logsumexp of large ones",
        s.logsumexp,
        special.logsumexp,
        (lambda rng: rng.standard_normal((3, 4)) + 90,),
        terms=12,
    ),
    Case("softmax", s.softmax, lambda x: special.softmax(x, -1), (normal(3, 4),), terms=4),
    Case(
        "log_softmax",
        lambda x: s.log_softmax(x, 0),
        lambda x: special.log_softmax(x, 0),
        (normal(3, 4),),
        terms=4,
    ),
)

STEPS = state("steps", 0)

FROM_USERS = (
    Case("custom_vjp", custom_vjp(lambda x: x * x, lambda y, c, x: (2 * c * x,)), np.square, (normal(3, 4),)),
    Case("with_update", lambda x: with_update(x * x, STEPS, lambda old: old + 1), np.square, (normal(3, 4),)),
)

#: rows that hold for complex operands as well, in families of which others do not
LINEAR = frozenset({
    "sum, from a number", "sum, from a node", "prod, from a number", "sum", "sum of one axis", "sum, keepdims",
    "sum of nothing", "prod", "prod of one axis", "prod with zeros", "tril of a vector", "nansum where",
    "nanprod where", "nanmean where", "cumsum", "cumsum, reverse", "cumprod", "cumprod with zeros", "mean", "var",
    "var, corrected", "std", "take", "take along the first axis", "take along an inner axis", "take, clipped",
    "take, wrapped", "take_along_axis", "take_along_axis, repeated", "scatter_add", "scatter_add along the last axis",
    "embedding", "tril", "triu", "windows", "windows that tile", "window_sum", "avg_pool", "avg_pool, overlapping",
    "avg_pool of what is there", "avg_pool, dilated", "adaptive_avg_pool", "global_avg_pool", "segment_sum",
    "segment_mean", "cross", "cross along the first axis", "matrix_power 0", "matrix_power 1", "matrix_power 5",
    "multi_dot", "vector norm 1", "vector norm 2", "vector norm 3", "norm of all", "matrix norm fro", "matrix norm 1",
    "sum where", "sum where, of rows", "prod where", "mean where", "nansum", "nanprod", "nanmean",
    "nansum where one is nan", "average", "average of all", "average without weights", "diff", "diff, twice",
    "diff with ends", "trapezoid", "set at a slice", "add at a slice", "multiply at a slice",
    "set at an array that repeats", "add at an array that repeats", "multiply at an array that repeats",
    "set at arrays and a slice", "add at arrays and a slice", "multiply at an index, with zeros",
    "set where a mask holds", "full", "full_like", "zeros_like", "ones_like", "meshgrid", "meshgrid, ij",
})  # fmt: skip


def _all_complex(cases: tuple[Case, ...]) -> tuple[Case, ...]:
    """Rows of a family that holds for complex operands as a whole."""
    return with_complex(cases, {case.name for case in cases})


CASES: tuple[Case, ...] = (
    *ELEMENTWISE,
    *_all_complex(MOVEMENT),
    *with_complex(REDUCTION, LINEAR),
    *with_complex(STATISTICS, LINEAR),
    *_all_complex(PRODUCTS),
    *_all_complex(CONVOLUTIONS),
    *with_complex(WINDOWS, LINEAR),
    *with_complex(LOOKUPS, LINEAR),
    *ROUTINES,
    *with_complex(LINEAR_ALGEBRA, LINEAR),
    *FOURIER,
    *with_complex(REDUCTIONS_OF_SOME, LINEAR),
    *_all_complex(POINTS),
    *with_complex(ASSIGNMENTS, LINEAR),
    *with_complex(SEGMENTS, LINEAR),
    *SEARCHES,
    *with_complex(CREATION, LINEAR),
    *_all_complex(PADDING),
    *_all_complex(STACKING),
    *_all_complex(LAID),
    *with_complex(POOLING, LINEAR),
    *_all_complex(UNFOLDING),
    *_all_complex(INTERPOLATION),
    *FORMULAS,
    *LOSSES,
    *RANDOM,
    *LOOPS,
    *FROM_USERS,
)
