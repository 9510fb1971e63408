"""Rows of the table: reductions of some elements, quantiles, differences, running extremes."""

import math

import numpy as np

import graphc as gx
from tests.case import Array, Case, apart, between, coins, given, normal, whole

__all__ = ["REDUCTIONS_OF_SOME"]

BLANK = given(0.3, math.nan, -0.7, 0.9, math.nan, 0.1)
NOTHING = given(math.nan, math.nan)


def most(rng: np.random.Generator) -> Array:
    """Bools of which seven of nine hold."""
    return rng.permuted(np.tile([True] * 7 + [False] * 2, (3, 1)), axis=1)


def _running(x: Array) -> Array:
    """log of running sums of exponentials along the last axis."""
    return np.asarray(np.logaddexp.accumulate(x, -1))


SOME = (
    Case(
        "sum where",
        lambda x, m: gx.sum(x, 1, where=m),
        lambda x, m: np.sum(x, 1, where=m),
        (normal(3, 4), coins(3, 4)),
        terms=4,
    ),
    Case(
        "sum where, of rows",
        lambda x, m: gx.sum(x, where=m, keepdims=True),
        lambda x, m: np.sum(x, where=m, keepdims=True),
        (normal(3, 4), coins(4)),
        terms=12,
    ),
    Case(
        "prod where",
        lambda x, m: gx.prod(x, (0, 1), where=m),
        lambda x, m: np.prod(x, (0, 1), where=m),
        (normal(3, 4), coins(3, 4)),
        terms=12,
    ),
    Case(
        "max where",
        lambda x, m: gx.max(x, 0, where=m, initial=-0.5),
        lambda x, m: np.max(x, 0, where=m, initial=-0.5),
        (apart(3, 4), coins(3, 4)),
    ),
    Case(
        "min where",
        lambda x, m: gx.min(x, -1, where=m, initial=math.inf),
        lambda x, m: np.min(x, -1, where=m, initial=np.inf),
        (apart(3, 4), coins(3, 4)),
    ),
    Case(
        "mean where",
        lambda x, m: gx.mean(x, 1, where=m),
        lambda x, m: np.mean(x, 1, where=m),
        (normal(3, 9), coins(3, 9)),
        terms=9,
    ),
    Case(
        "var and std where",
        lambda x, m: (gx.var(x, 1, where=m), gx.std(x, 1, where=m, correction=1)),
        lambda x, m: (np.var(x, 1, where=m), np.std(x, 1, where=m, ddof=1)),
        (normal(3, 9), coins(3, 9)),
        terms=9,
    ),
    Case(
        "any where and all where",
        lambda x, m: (gx.any(x, 1, where=m), gx.all(x, 1, where=m)),
        lambda x, m: (np.any(x, 1, where=m), np.all(x, 1, where=m)),
        (coins(6, 3), coins(6, 3)),
        order=0,
    ),
    Case(
        "sum of integers where",
        lambda x, m: gx.sum(x, where=m),
        lambda x, m: np.sum(x, where=m),
        (whole(-9, 9, 12), coins(12)),
        order=0,
    ),
    Case(
        "sum in another dtype",
        lambda x: gx.sum(x, dtype="float32"),
        lambda x: np.float32(np.sum(x)),
        (whole(-9, 9, 12),),
        order=0,
    ),
)

BLANKS = (
    Case("nansum", gx.nansum, np.nansum, (BLANK,), order=0, terms=6),
    Case("nanprod", gx.nanprod, np.nanprod, (BLANK,), order=0, terms=6),
    Case("nanmean", gx.nanmean, np.nanmean, (BLANK,), order=0, terms=6),
    Case("nanvar", gx.nanvar, np.nanvar, (BLANK,), order=0, terms=6),
    Case("nanstd", gx.nanstd, np.nanstd, (BLANK,), order=0, terms=6),
    Case("nanmax", gx.nanmax, np.nanmax, (BLANK,), order=0),
    Case("nanmin", gx.nanmin, np.nanmin, (BLANK,), order=0),
    *(
        Case(
            f"{function.__name__} where",
            lambda x, n, m, function=function: function(gx.where(n, x, math.nan), 1, where=m),
            lambda x, n, m, same=same: same(np.where(n, x, np.nan), 1, where=m),
            (apart(3, 9), most, most),
            terms=9,
        )
        for function, same in (
            (gx.nansum, np.nansum),
            (gx.nanprod, np.nanprod),
            (gx.nanmean, np.nanmean),
            (gx.nanvar, np.nanvar),
            (gx.nanstd, np.nanstd),
        )
    ),
    *(
        Case(
            f"{function.__name__} where, from a number",
            lambda x, n, m, function=function: function(gx.where(n, x, math.nan), 1, where=m, initial=0.05),
            lambda x, n, m, same=same: same(np.where(n, x, np.nan), 1, where=m, initial=0.05),
            (apart(3, 9), most, coins(9)),
        )
        for function, same in ((gx.nanmax, np.nanmax), (gx.nanmin, np.nanmin))
    ),
    Case("nanmedian", gx.nanmedian, np.nanmedian, (BLANK,), order=0),
    Case(
        "nanquantile",
        lambda x: gx.nanquantile(x, (0.1, 0.9)),
        lambda x: np.nanquantile(x, (0.1, 0.9)),
        (BLANK,),
        order=0,
    ),
    *(
        Case(
            f"{function.__name__} where one is nan",
            lambda x, m, function=function: function(gx.where(m, x, math.nan), 1),
            lambda x, m, same=same: same(np.where(m, x, np.nan), 1),
            (apart(3, 9), most),
            terms=9,
        )
        for function, same in (
            (gx.nansum, np.nansum),
            (gx.nanprod, np.nanprod),
            (gx.nanmean, np.nanmean),
            (gx.nanvar, np.nanvar),
            (gx.nanmax, np.nanmax),
            (gx.nanmin, np.nanmin),
            (gx.nanmedian, np.nanmedian),
        )
    ),
)

QUANTILES = (
    Case("median, odd", lambda x: gx.median(x, 0), lambda x: np.median(x, 0), (apart(5, 2),)),
    Case("median, even", lambda x: gx.median(x, -1), lambda x: np.median(x, -1), (apart(2, 6),)),
    Case(
        "median over two axes",
        lambda x: gx.median(x, (0, -1), keepdims=True),
        lambda x: np.median(x, (0, -1), keepdims=True),
        (apart(2, 3, 3),),
    ),
    Case("median of one", gx.median, np.median, (apart(1),)),
    Case("median of integers", gx.median, np.median, (whole(-9, 9, 8),), order=0),
    Case("median with nan", gx.median, np.median, (BLANK,), order=0),
    *(
        Case(
            f"quantile {q}",
            lambda x, q=q: gx.quantile(x, q, 1),
            lambda x, q=q: np.quantile(x, q, 1),
            (apart(2, 7),),
            terms=8,
        )
        for q in (0, 0.3, 0.77, 1, (0.25, 0.6))
    ),
    *(
        Case(
            f"quantile, {method}",
            lambda x, method=method: gx.quantile(x, (0, 0.22, 0.375, 0.875, 0.9, 1), 0, method=method),
            lambda x, method=method: np.quantile(x, (0, 0.22, 0.375, 0.875, 0.9, 1), 0, method=method),
            (apart(5, 2),),
        )
        for method in ("lower", "higher", "midpoint", "nearest")
    ),
    Case(
        "percentile, lower, and nanquantile, higher",
        lambda x: (gx.percentile(x, 30, method="lower"), gx.nanquantile(x, 0.3, method="higher")),
        lambda x: (np.percentile(x, 30, method="lower"), np.nanquantile(x, 0.3, method="higher")),
        (apart(3, 4),),
    ),
    Case(
        "quantile, kept",
        lambda x: gx.quantile(x, np.array([[0.1, 0.2, 0.7]]), (0, 1), keepdims=True),
        lambda x: np.quantile(x, [[0.1, 0.2, 0.7]], (0, 1), keepdims=True),
        (apart(2, 7, 2),),
        terms=8,
    ),
    Case(
        "quantile of a share that is a node",
        lambda x, q: gx.quantile(x, q, 0),
        lambda x, q: np.quantile(x, q, 0),
        (apart(5, 2), given(0.33, 0.9)),
        terms=8,
    ),
    Case(
        "percentile",
        lambda x: gx.percentile(x, 35),
        lambda x: np.percentile(x, 35),
        (apart(3, 4),),
        terms=8,
    ),
)

WEIGHED = (
    Case(
        "average",
        lambda x, w: gx.average(x, 1, weights=w),
        lambda x, w: np.average(x, 1, weights=w),
        (normal(3, 4), between(0.5, 2, 4)),
        terms=8,
    ),
    Case(
        "average of all",
        lambda x, w: gx.average(x, weights=w, keepdims=True),
        lambda x, w: np.average(x, weights=w, keepdims=True),
        (normal(3, 4), between(0.5, 2, 3, 4)),
        terms=24,
    ),
    Case("average without weights", gx.average, np.average, (normal(3, 4),), terms=12),
    Case("ptp", lambda x: gx.ptp(x, 1), lambda x: np.ptp(x, 1), (apart(3, 4),)),
    Case("ptp of integers", gx.ptp, np.ptp, (whole(-9, 9, 5),), order=0),
)

DIFFERENCES = (
    Case("diff", gx.diff, np.diff, (normal(3, 4),)),
    Case("diff, twice", lambda x: gx.diff(x, 2, 0), lambda x: np.diff(x, 2, 0), (normal(5, 2),), terms=4),
    Case("diff of no times", lambda x: gx.diff(x, 0), lambda x: np.diff(x, 0), (normal(5),)),
    Case("diff of one", lambda x: gx.diff(x, 2), lambda x: np.diff(x, 2), (normal(1),), order=0),
    Case("diff of bools", gx.diff, np.diff, (coins(3, 4),), order=0),
    Case("diff of integers", gx.diff, np.diff, (whole(0, 9, 5),), order=0),
    Case(
        "diff with ends",
        lambda x, y: gx.diff(x, prepend=0.5, append=y),
        lambda x, y: np.diff(x, prepend=0.5, append=y),
        (normal(3, 4), normal(3, 2)),
        symbolic=False,
    ),
    Case("trapezoid", lambda y: gx.trapezoid(y, dx=0.5), lambda y: np.trapezoid(y, dx=0.5), (normal(3, 4),), terms=4),
    Case(
        "trapezoid between points",
        lambda y, x: gx.trapezoid(y, x, axis=0),
        lambda y, x: np.trapezoid(y, x, axis=0),
        (normal(4, 3), normal(4)),
        terms=4,
    ),
    Case("trapezoid, points of each", gx.trapezoid, np.trapezoid, (normal(3, 4), normal(3, 4)), terms=4),
)

RUNNING_EXTREMES = (
    Case("cummax", gx.cummax, lambda x: np.maximum.accumulate(x, -1), (apart(3, 5),)),
    Case("cummin", lambda x: gx.cummin(x, 0), lambda x: np.minimum.accumulate(x, 0), (apart(5, 3),)),
    Case(
        "cummax, reversed",
        lambda x: gx.cummax(x, reverse=True),
        lambda x: np.maximum.accumulate(x[:, ::-1], -1)[:, ::-1],
        (apart(3, 5),),
    ),
    Case(
        "cummin, reversed",
        lambda x: gx.cummin(x, 0, reverse=True),
        lambda x: np.minimum.accumulate(x[::-1], 0)[::-1],
        (apart(5, 3),),
    ),
    Case("cummax of integers", gx.cummax, np.maximum.accumulate, (whole(-9, 9, 9),), order=0),
    Case("cummin with nan", gx.cummin, np.minimum.accumulate, (BLANK,), order=0),
    Case("logcumsumexp", gx.logcumsumexp, _running, (normal(2, 5),), terms=5),
    Case(
        "logcumsumexp, reversed",
        lambda x: gx.logcumsumexp(x, 0, reverse=True),
        lambda x: np.logaddexp.accumulate(x[::-1], 0)[::-1],
        (normal(4, 2),),
        terms=5,
    ),
    Case(
        "logcumsumexp of what would overflow or vanish",
        gx.logcumsumexp,
        np.logaddexp.accumulate,
        (given(-math.inf, -2000.0, -900.0, 0.0, 1000.0, math.inf),),
        order=0,
    ),
    Case(
        "cumsum in another dtype",
        lambda x: gx.cumsum(x, dtype="float64"),
        lambda x: np.cumsum(x, dtype=np.float64),
        (whole(-9, 9, 9),),
        order=0,
    ),
)

REDUCTIONS_OF_SOME = (*SOME, *BLANKS, *QUANTILES, *WEIGHED, *DIFFERENCES, *RUNNING_EXTREMES)
