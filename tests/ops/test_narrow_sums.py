"""Sums of many in float16 and bfloat16 are taken in float32 and rounded once, wherever something is added up."""

from collections.abc import Callable

import numpy as np
import pytest

import graphc as gx
from graphc.types import DTYPES
from tests.case import Array

COUNT = 5000  # float16 adds ones up to 2048, bfloat16 up to 256
NARROW = pytest.mark.parametrize("dtype", ["float16", "bfloat16"])

SUMS: dict[str, Callable[[gx.Node, gx.Node], gx.Node]] = {
    "segment_sum": lambda x, i: gx.segment_sum(x, i, 2),
    "bincount": lambda x, i: gx.bincount(i, 2, weights=x),
    "scatter_add": lambda x, i: gx.scatter_add(gx.zeros(2, x.dtype), i, x),
    "scatter_nd": lambda x, i: gx.scatter_nd(i[:, None], x, (2,)),
    "at add": lambda x, i: gx.at(gx.zeros(2, x.dtype))[i].add(x),
}


@NARROW
@pytest.mark.parametrize("build", SUMS.values(), ids=SUMS)
def test_many_that_meet_are_added_in_float32(build: Callable[[gx.Node, gx.Node], gx.Node], dtype: str) -> None:
    x, i = gx.input("x", COUNT, dtype), gx.input("i", COUNT, "int64")
    y = build(x, i)
    assert y.dtype == DTYPES[dtype]
    found = gx.evaluate(y, {x: np.ones(COUNT, DTYPES[dtype]), i: np.zeros(COUNT, np.int64)})
    np.testing.assert_array_equal(found, np.array([COUNT, 0], DTYPES[dtype]))


@NARROW
@pytest.mark.parametrize("level", [0, 2])
def test_the_gradient_of_equal_indices_is_added_in_float32(dtype: str, level: int) -> None:
    table, i = gx.input("table", (2, 1), dtype), gx.input("i", COUNT, "int64")
    y = gx.sum(gx.embedding(table, i))
    for slope in (gx.grad(y, table), gx.grad(gx.sum(gx.square(gx.embedding(table, i))) / 2, table)):
        f = gx.compile([table, i], slope, level=level)
        found = f(np.ones((2, 1), DTYPES[dtype]), np.zeros(COUNT, np.int64))
        np.testing.assert_array_equal(found, np.array([[COUNT], [0]], DTYPES[dtype]))


@NARROW
def test_the_gradient_of_windows_that_meet_is_added_in_float32(dtype: str) -> None:
    x = gx.input("x", (COUNT + 1,), dtype)
    slope = gx.grad(gx.sum(gx.windows(x, (COUNT // 2,))), x)
    found = gx.evaluate(slope, {x: np.ones(COUNT + 1, DTYPES[dtype])})
    assert found[COUNT // 2] == DTYPES[dtype].type(COUNT // 2)


@NARROW
def test_the_gradient_of_a_running_extreme_is_added_in_float32(dtype: str) -> None:
    x = gx.input("x", COUNT, dtype)
    slope = gx.grad(gx.sum(gx.cummax(x)), x)
    found = gx.evaluate(slope, {x: np.eye(1, COUNT)[0].astype(DTYPES[dtype])})  # the first is the largest
    np.testing.assert_array_equal(found, (np.eye(1, COUNT)[0] * COUNT).astype(DTYPES[dtype]))


@NARROW
def test_factors_that_meet_are_multiplied_in_float32(dtype: str) -> None:
    x, i = gx.input("x", 4, dtype), gx.input("i", 4, "int64")
    y = gx.at(gx.ones(1, dtype))[i].multiply(x)
    factors = np.array([2e4, 2e4, 1e-4, 1e-4], DTYPES[dtype])
    found = gx.evaluate(y, {x: factors, i: np.zeros(4, np.int64)})
    np.testing.assert_allclose(found.astype(np.float64), [4], rtol=2e-2)


@pytest.mark.parametrize("function", [gx.std, gx.nanstd])
@pytest.mark.parametrize(("values", "wanted"), [([300, 900], 300), ([0, 3e-4], 1.5e-4)])
def test_a_deviation_is_in_range_where_the_variance_is_not(
    function: Callable[[gx.Node], gx.Node], values: list[float], wanted: float
) -> None:
    x = gx.input("x", 2, "float16")
    y = function(x)
    found, slope = gx.evaluate([y, gx.grad(y, x)], {x: np.array(values, np.float16)})
    assert found == np.float16(wanted)
    np.testing.assert_array_equal(slope, np.array([-0.5, 0.5], np.float16))


POOLS: dict[str, tuple[Callable[[gx.Node], gx.Node], float, float]] = {
    "avg_pool": (lambda x: gx.avg_pool(x, 64), 20, 20),
    "avg_pool of what is covered": (lambda x: gx.avg_pool(x, 64, padding=1, count_include_pad=False), 20, 20),
    "lp_pool of large ones": (lambda x: gx.lp_pool(x, 2, 2), 300, 600),
    "lp_pool of small ones": (lambda x: gx.lp_pool(x, 2, 2), 1e-4, 2e-4),
    "segment_mean": (lambda x: gx.segment_mean(gx.ravel(x), np.zeros(4096, np.int64), 1), 300, 300),
}


@pytest.mark.parametrize(("build", "element", "wanted"), POOLS.values(), ids=POOLS)
def test_pooling_is_in_range_where_sums_are_not(
    build: Callable[[gx.Node], gx.Node], element: float, wanted: float
) -> None:
    x = gx.input("x", (1, 1, 64, 64), "float16")
    y = build(x)
    found: Array = gx.evaluate(y, {x: np.full((1, 1, 64, 64), element, np.float16)})
    assert y.dtype == found.dtype == DTYPES["float16"]
    np.testing.assert_array_equal(found, np.full(found.shape, wanted, np.float16))
