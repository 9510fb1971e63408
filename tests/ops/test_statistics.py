"""Reductions, quantiles and running extremes at their corners: nothing, one, ties, nan, infinities, masks."""

import math
import warnings
from collections.abc import Callable

import numpy as np
import pytest

import graphc as gx
from graphc.driver import evaluate
from graphc.ir.node import Node
from graphc.types import DTYPES
from tests.case import Array

INF, NAN = math.inf, math.nan


def value(build: Callable[[Node], Node], *values: float) -> Array:
    array = np.array(values, dtype=np.float64)
    x = gx.input("x", array.shape, array.dtype)
    with np.errstate(all="ignore"):
        return np.asarray(evaluate([build(x)], {x: array})[0])


def slope(build: Callable[[Node], Node], *values: float) -> list[float]:
    array = np.array(values, dtype=np.float64)
    x = gx.input("x", array.shape, array.dtype)
    with np.errstate(all="ignore"):
        found = np.asarray(evaluate([gx.grad(gx.sum(build(x)), x)], {x: array})[0])
    return [float(part) for part in found]


# Quantiles.


@pytest.mark.parametrize("build", [gx.median, gx.nanmedian, lambda x: gx.quantile(x, 0.2)])
def test_a_quantile_of_nothing_is_nan(build: Callable[[Node], Node]) -> None:
    assert np.isnan(value(build))


def test_a_quantile_along_a_size_that_is_0_is_nan() -> None:
    x = gx.input("x", ("n",), "float64")
    assert np.isnan(gx.evaluate(gx.median(x), {x: np.zeros(0)}))
    assert gx.evaluate(gx.median(x), {x: np.array([3.0, 1.0, 2.0])}) == 2


def test_quantiles_of_infinities_are_infinite() -> None:
    assert value(gx.median, INF, INF, -INF) == INF
    assert value(gx.median, INF, INF) == INF
    assert value(lambda x: gx.quantile(x, (0, 0.5, 1)), -INF, 0, INF).tolist() == [-INF, 0, INF]
    assert np.isnan(value(gx.median, INF, -INF))


QUANTILES = {"quantile": gx.quantile, "percentile": gx.percentile, "nanquantile": gx.nanquantile}


@pytest.mark.parametrize("name", QUANTILES)
@pytest.mark.parametrize(("share", "shown"), [(1.001, 2), (-0.5, -1), (NAN, -1), (1e30, None)])
@pytest.mark.parametrize("dtype", ["float64", "float16"])
def test_a_share_out_of_range_is_refused_when_called(name: str, share: float, shown: int | None, dtype: str) -> None:
    x, q = gx.input("x", 3, "float64"), gx.input("q", (), dtype)
    most = 100 if name == "percentile" else 1
    f = gx.compile([x, q], QUANTILES[name](x, q))
    array = np.array([1.0, 5.0, 9.0])
    assert [f(array, DTYPES[dtype].type(q)) for q in (0, most)] == [1, 9]
    wrong = share * most if most == 1 or share != 1.001 else 101
    with (
        np.errstate(over="ignore"),
        pytest.raises(gx.IndexRangeError, match=f"{name}: a share is out of range") as raised,
    ):
        f(array, DTYPES[dtype].type(wrong))
    assert most > 1 or shown is None or f"{shown} is not in 0 .. 1" in str(raised.value)


def test_one_nan_makes_a_quantile_nan_unless_it_is_left_out() -> None:
    assert np.isnan(value(gx.median, 1, NAN, 3))
    assert value(gx.nanmedian, 1, NAN, 3) == 2
    assert np.isnan(value(gx.nanmedian, NAN, NAN))


def test_a_median_of_large_numbers_does_not_overflow() -> None:
    assert value(gx.median, 1.7e308, 1.7e308 * 0.9) == pytest.approx(1.7e308 * 0.95)
    assert value(gx.median, -1.7e308, 1.7e308) == 0


def test_the_gradient_of_a_quantile_goes_to_both_neighbours() -> None:
    assert slope(gx.median, 4, 1, 3, 2) == [0, 0, 0.5, 0.5]
    assert slope(lambda x: gx.quantile(x, 0.25), 4, 0, 2, 8, 6) == [0, 0, 1, 0, 0]
    assert slope(gx.nanmedian, 4, NAN, 3, 2, 1) == [0, 0, 0.5, 0.5, 0]


@pytest.mark.parametrize("q", [-0.1, 1.5, NAN, (0.5, 2)])
def test_a_share_outside_0_and_1_is_refused(q: float) -> None:
    with pytest.raises(gx.ArgumentError, match="a share is from 0 to 1"):
        gx.quantile(gx.input("x", (3,)), q)


# Masks.


def test_masked_elements_have_no_gradient() -> None:
    assert slope(lambda x: gx.sum(gx.log(x), where=x > 0), -1, 0, 2) == [0, 0, 0.5]
    assert slope(lambda x: gx.prod(x, where=x > 1), 0, 2, 3) == [0, 3, 2]
    assert slope(gx.nansum, NAN, 2) == [0, 1]
    assert slope(gx.nanmean, NAN, 2, 4) == [0, 0.5, 0.5]
    assert slope(gx.nanmax, NAN, 2, 2) == [0, 0.5, 0.5]


def test_means_and_extremes_of_nan_alone_are_nan() -> None:
    for build in (gx.nanmean, gx.nanmax, gx.nanmin, gx.nanvar, gx.nanstd):
        assert np.isnan(value(build, NAN, NAN))
    assert value(gx.nansum, NAN, NAN) == 0
    assert value(gx.nanprod, NAN, NAN) == 1


def test_an_extreme_with_a_mask_needs_a_number_to_start_from() -> None:
    x = gx.input("x", (3,))
    with pytest.raises(gx.ArgumentError, match="max: where= needs initial="):
        gx.max(x, where=x > 0)


def test_an_extreme_of_nothing_is_the_initial_number() -> None:
    assert value(lambda x: gx.max(x, initial=-2)) == -2
    assert value(lambda x: gx.min(x, where=x > 5, initial=9), 1, 2) == 9


def test_a_mask_of_numbers_is_refused() -> None:
    with pytest.raises(gx.DTypeError, match="where= takes bools, not float32"):
        gx.sum(gx.input("x", (3,)), where=gx.input("m", (3,)))


def test_a_mask_that_is_larger_than_the_array_is_refused() -> None:
    with pytest.raises(gx.ShapeError, match="does not fit into"):
        gx.sum(gx.input("x", (3,)), where=gx.input("m", (2, 3), "bool"))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_narrow_floats_are_added_up_in_float32_and_rounded_once(dtype: str) -> None:
    ones = np.ones(5000, DTYPES[dtype])
    x = gx.input("x", (5000,), dtype)
    exact = np.array(5000).astype(DTYPES[dtype])
    for build in (gx.sum, gx.nansum, lambda x: gx.sum(x, where=x > 0), lambda x: gx.cumsum(x)[-1]):
        assert gx.evaluate(build(x), {x: ones}) == exact
    for build in (gx.mean, gx.nanmean, lambda x: gx.average(x, weights=x), gx.median):
        assert gx.evaluate(build(x), {x: ones}) == 1


# Running.


def test_the_latest_of_equal_ones_gets_the_gradient_of_a_running_extreme() -> None:
    assert slope(gx.cummax, 1, 3, 3, 2) == [1, 1, 2, 0]
    assert slope(gx.cummin, 2, 2, 3, 1) == [1, 2, 0, 1]
    assert slope(lambda x: gx.cummax(x, reverse=True), 2, 3, 3, 1) == [0, 2, 1, 1]


def test_a_running_extreme_is_nan_from_the_first_nan_on() -> None:
    np.testing.assert_array_equal(value(gx.cummax, 1, NAN, 3), [1, NAN, NAN])


@pytest.mark.parametrize("build", [gx.cummax, gx.cummin, gx.logcumsumexp, gx.cumprod])
def test_running_over_nothing_and_one(build: Callable[[Node], Node]) -> None:
    assert value(build).tolist() == []
    assert value(build, 3).tolist() == [3]
    assert slope(build, 3) == [1]


def test_a_running_sum_of_exponentials_has_a_gradient_of_0_where_nothing_is_likely() -> None:
    assert slope(gx.logcumsumexp, -INF, 0, 0) == [0, 1.5, 0.5]


@pytest.mark.parametrize("reverse", [False, True])
def test_running_products_along_a_size_have_derivatives_at_zeros(reverse: bool) -> None:
    given = np.array([2.0, 0.0, 3.0, 0.0, 5.0])
    weight = gx.constant(np.array([1.0, -2.0, 3.0, 5.0, 7.0]))
    found = []
    for extent in ("n", 5):
        x = gx.input("x", (extent,), "float64")
        first = gx.grad(gx.sum(gx.cumprod(x, reverse=reverse) * weight), x)
        second = gx.grad(gx.sum(first * weight), x)
        found.append(gx.evaluate([first, second], {x: given}))
    for by_size, by_number in zip(*found, strict=True):
        np.testing.assert_allclose(by_size, by_number)


# Differences and averages.


def test_differences_of_one_or_nothing_are_nothing() -> None:
    assert value(gx.diff).tolist() == value(gx.diff, 3).tolist() == []
    assert value(gx.trapezoid, 3) == value(gx.trapezoid) == 0


def test_differences_along_a_size_that_is_0() -> None:
    x = gx.input("x", ("n",), "float64")
    assert gx.evaluate(gx.diff(x), {x: np.zeros(0)}).tolist() == []


def test_weights_that_fit_nowhere_are_refused() -> None:
    with pytest.raises(gx.ShapeError, match="average: weights"):
        gx.average(gx.input("x", (3, 4)), weights=gx.input("w", (4,)))


@pytest.mark.parametrize("axis", [(1, 2), (2, 1), (0, -1), 1, (1,)], ids=str)
def test_weights_may_be_those_of_the_axes_that_are_averaged_over(axis: int | tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3, 4))
    w = rng.uniform(1, 2, tuple(x.shape[i] for i in (axis if isinstance(axis, tuple) else (axis,))))
    found = gx.evaluate(gx.average(x, axis, weights=w))
    np.testing.assert_allclose(found, np.average(x, axis, weights=w), rtol=1e-14)


def test_an_average_whose_weights_add_up_to_0_is_not_finite() -> None:
    assert np.isnan(value(lambda x: gx.average(x, weights=x - x), 1, 2))


@pytest.mark.parametrize("times", [-1])
def test_differences_are_taken_a_number_of_times(times: int) -> None:
    with pytest.raises(gx.ArgumentError, match="diff: n is an int of 0 or more, not -1"):
        gx.diff(gx.input("x", (3,)), times)


# Dtypes that are asked for.


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint8", "bool", "float64", "complex64"])
@pytest.mark.parametrize("values", [[1, 4], [1.7, 4.9], [-1, -4]], ids=str)
def test_a_mean_has_the_dtype_asked_for(dtype: str, values: list[float]) -> None:
    array = np.array(values, np.int64 if dtype == "uint8" else None)
    if dtype == "uint8":
        array = abs(array)
    y = gx.mean(array, dtype=dtype)
    assert y.dtype == DTYPES[dtype]
    assert gx.evaluate(y) == np.mean(array, dtype=dtype)


def test_a_mean_of_large_integers_keeps_its_digits() -> None:
    x = gx.input("x", 3, "int64")
    assert gx.evaluate(gx.mean(x, dtype="int64"), {x: np.array([2**40 + 1] * 3)}) == 2**40 + 1
    assert gx.mean(x).dtype == DTYPES["float32"]


@pytest.mark.parametrize(("ours", "theirs"), [(gx.cumsum, np.cumsum), (gx.cumprod, np.cumprod)])
def test_a_running_sum_without_an_axis_goes_along_all_elements(
    ours: Callable[..., Node], theirs: Callable[..., Array]
) -> None:
    array = np.arange(1.0, 7).reshape(2, 3)
    for axis in (None, 0, -1):
        np.testing.assert_array_equal(gx.evaluate(ours(array, axis)), theirs(array, axis))
    np.testing.assert_array_equal(gx.evaluate(ours(array)), theirs(array))
    assert gx.evaluate(ours(array, reverse=True)).tolist() == theirs(array[::-1, ::-1])[::-1].tolist()
    assert ours(2.0).shape == theirs(2.0).shape == (1,)
    assert gx.evaluate(ours(2.0)) == theirs(2.0)


def test_a_first_number_is_added_before_rounding() -> None:
    x = gx.constant(np.full(2, 40000, np.float16))
    assert gx.evaluate(gx.sum(x, initial=-49984.0)) == 30016
    assert gx.evaluate(gx.prod(x, initial=0.5**20)) == np.float16(40000.0**2 / 2**20)


@pytest.mark.parametrize("build", [gx.sum, gx.prod, gx.max, gx.min])
def test_a_first_number_that_the_dtype_lacks_is_refused(build: Callable[..., Node]) -> None:
    with pytest.raises(gx.ArgumentError, match=r"initial=0\.5 is no int64"):
        build(gx.input("x", (3,), "int64"), initial=0.5)


@pytest.mark.parametrize("number", [-INF, 0.5, 5])
def test_an_extreme_of_bools_starts_from_a_bool(number: float) -> None:
    with pytest.raises(gx.ArgumentError, match="is no bool"):
        gx.max(gx.input("x", (3,), "bool"), initial=number)


def test_a_nan_extreme_of_a_mask_that_holds_nowhere_is_nan() -> None:
    assert np.isnan(value(lambda x: gx.nanmax(x, where=x > 5), 1, NAN))
    assert value(lambda x: gx.nanmin(x, where=x > 5, initial=9), 1, NAN) == 9
    assert slope(lambda x: gx.nanmax(x, where=x < 3), NAN, 2, 4) == [0, 1, 0]


def test_a_variance_is_no_integer() -> None:
    x = gx.input("x", (3,), "int64")
    for build in (gx.var, gx.std, gx.nanvar, gx.nanstd):
        assert build(x, dtype="float64").dtype == "float64"
        with pytest.raises(gx.DTypeError, match="no dtype for what lies between integers"):
            build(x, dtype="int64")


def test_the_nearest_quantile_is_at_the_even_place_of_two() -> None:
    for share in (0.125, 0.375, 0.625, 0.875):
        found = gx.evaluate(gx.quantile(np.array([1.0, 3, 5, 7, 9]), share, method="nearest"))
        assert found == np.quantile([1, 3, 5, 7, 9], share, method="nearest")


def test_other_methods_of_quantiles_are_refused_with_what_to_do() -> None:
    with pytest.raises(gx.ArgumentError, match="not 'hazen'") as caught:
        gx.quantile(gx.input("x", (3,)), 0.5, method="hazen")
    assert "q = p / (n - 1)" in str(caught.value)


# Asked for, as NumPy has it.


@pytest.mark.parametrize("correction", [0, 1, 2, 2.5, 5])
@pytest.mark.parametrize("values", [(), (3.0,), (1.0, 2.0), (1.0, 2.0, 4.0)])
def test_a_correction_above_the_number_of_elements_leaves_nothing_to_divide_by(
    values: tuple[float, ...], correction: float
) -> None:
    array = np.array(values, np.float64)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of degrees of freedom
        variance, deviation = (f(array, ddof=correction) for f in (np.var, np.std))
    np.testing.assert_allclose(value(lambda x: gx.var(x, correction=correction), *values), variance)
    np.testing.assert_allclose(value(lambda x: gx.std(x, correction=correction), *values), deviation)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float16", "complex64"])
@pytest.mark.parametrize("name", ["sum", "prod", "cumsum", "cumprod", "nansum"])
def test_a_sum_has_the_dtype_that_is_asked_for(name: str, dtype: str) -> None:
    array = np.array([3, 5, 0, 250, 7], np.int64)
    x = gx.input("x", ("n",), "int64")
    build, wanted = getattr(gx, name), getattr(np, name)(array, dtype=dtype)
    options = {"initial": 1} if name in ("sum", "prod") else {}
    found = gx.compile([x], [build(x, dtype=dtype), build(x, dtype=dtype, **options)])(array)
    assert [part.dtype for part in found] == [wanted.dtype] * 2
    np.testing.assert_array_equal(found[0], wanted)


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 3), (0, 0)])
def test_nothing_has_an_extreme_where_a_first_number_counts(name: str, shape: tuple[int, int]) -> None:
    x = gx.input("x", ("n", "m"), "float64")
    build = getattr(gx, name)
    outputs = [build(x, axis, initial=1.0) for axis in (None, 0, 1)]
    slopes = gx.grad(gx.sum(outputs[1]), x)
    *found, cotangent = gx.compile([x], [*outputs, slopes])(np.full(shape, 2.0))
    for axis, part in zip((None, 0, 1), found, strict=True):
        np.testing.assert_array_equal(part, getattr(np, name)(np.full(shape, 2.0), axis, initial=1.0))
    np.testing.assert_array_equal(cotangent, np.full(shape, 1 / 2 if name == "max" else 0))
