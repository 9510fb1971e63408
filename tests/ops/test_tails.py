"""Functions far out: what a dtype holds is not lost to an intermediate result that it does not hold."""

from collections.abc import Callable
from typing import Literal

import mpmath
import numpy as np
import pytest
from scipy import special

import graphc as gx
from graphc.types import DTYPES
from tests.case import Array

EPSILON = {"float16": 2.0**-10, "bfloat16": 2.0**-7}
FUNCTIONS: dict[str, tuple[Callable[[gx.Node], gx.Node], Callable[[Array], Array]]] = {
    "sigmoid": (gx.sigmoid, special.expit),
    "silu": (gx.silu, lambda x: x * special.expit(x)),
    "gelu": (gx.gelu, lambda x: x * special.ndtr(x)),
}


@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_activation_of_narrow_floats_is_rounded_once(name: str, dtype: str, level: int) -> None:
    function, reference = FUNCTIONS[name]
    array = np.concatenate([np.linspace(-16, 16, 257), [40000.0, 65504.0]]).astype(DTYPES[dtype])
    x = gx.input("x", array.shape, dtype)
    found = gx.compile([x], function(x), level=level)(array).astype(np.float64)
    wanted = reference(array.astype(np.float64)).astype(DTYPES[dtype]).astype(np.float64)
    np.testing.assert_allclose(found, wanted, rtol=2 * EPSILON[dtype], atol=6e-8)


#: where e^-x overflows, or e^x has few digits
FAR = {"float32": (-80, -88.77, -95, -103, -104, -108, -110), "float64": (-700, -715.2, -740, -745, -746, -751, -760)}


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("dtype", FAR)
@pytest.mark.parametrize("name", ["sigmoid", "silu"])
def test_an_activation_is_right_to_the_least_number(name: str, dtype: str, backend: Literal["numpy", "llvm"]) -> None:
    points = np.array([*FAR[dtype], -np.inf, np.inf, np.nan, -1e30, 1e30, -0.0], dtype)
    x = gx.input("x", points.shape, dtype)
    function, _ = FUNCTIONS[name]
    found = gx.compile([x], function(x), backend=backend)(points)
    least = np.finfo(dtype).smallest_subnormal
    with mpmath.workdps(40):
        for point, value in zip(points[: len(FAR[dtype])], found, strict=False):
            far = mpmath.mpf(float(point))
            exact = (far if name == "silu" else 1) / (1 + mpmath.exp(-far))
            assert abs(mpmath.mpf(float(value)) - exact) <= least + abs(exact) * 8 * float(np.finfo(dtype).eps)
    limits = [-0.0, np.inf, np.nan, -0.0, points[-2], -0.0] if name == "silu" else [0.0, 1.0, np.nan, 0.0, 1.0, 0.5]
    np.testing.assert_array_equal(found[len(FAR[dtype]) :], np.array(limits, dtype))
    is_number = ~np.isnan(limits)
    np.testing.assert_array_equal(np.signbit(found[-6:])[is_number], np.signbit(limits)[is_number])


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("name", ["sigmoid", "silu"])
def test_slope_of_an_activation_is_right_in_its_tail(name: str, backend: Literal["numpy", "llvm"]) -> None:
    points = np.array([-740.0, -715.2, -100.0, -2.0, 0.0, 3.0])
    x = gx.input("x", points.shape, "float64")
    function, _ = FUNCTIONS[name]
    found = gx.compile([x], gx.grad(gx.sum(function(x)), x), backend=backend)(points)
    with mpmath.workdps(40):
        shares = [1 / (1 + mpmath.exp(-mpmath.mpf(point))) for point in points]
        slopes = [
            s * (1 - s) if name == "sigmoid" else s + x * s * (1 - s) for x, s in zip(points, shares, strict=True)
        ]
    np.testing.assert_allclose(found, [float(one) for one in slopes], rtol=1e-14, atol=1e-322)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_gelu_of_the_largest_number_is_that_number(dtype: str) -> None:
    largest = np.finfo(dtype).max
    assert gx.evaluate(gx.gelu(np.asarray(largest))) == largest


def test_between_large_numbers_of_two_signs_nothing_overflows() -> None:
    x, y, w = (gx.input(name, (), "float64") for name in "xyw")
    f = gx.compile([x, y, w], gx.lerp(x, y, w))
    assert f(-1e308, 1e308, 0.5) == f(1e308, -1e308, 0.5) == 0
    assert [f(-1e308, 1.7e308, at) for at in (0, 1)] == [-1e308, 1.7e308]
    assert [f(-3.0, 0.1, at) for at in (0, 1, 2)] == [-3, 0.1, pytest.approx(3.2)]
    assert [f(1.7e308, 1.6e308, at) for at in (0, 1)] == [1.7e308, 1.6e308]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("level", [0, 2])
def test_the_sign_of_minus_0_is_0(dtype: str, level: int) -> None:
    x = gx.input("x", 2, dtype)
    found = gx.compile([x], gx.sign(x), level=level)(np.array([-0.0, 0.0], DTYPES[dtype]))
    assert not np.signbit(found.astype(np.float64)).any()


PARTS = [0, -0.0, 1, -2, np.inf, -np.inf, np.nan, 1e300]
CORNERS = np.array([complex(a, b) for a in PARTS for b in PARTS])


@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize("name", ["sign", "isinf", "isnan", "isfinite"])
def test_functions_of_infinite_complex_numbers_are_those_of_numpy(name: str, level: int) -> None:
    z = gx.input("z", CORNERS.shape, "complex128")
    with np.errstate(all="ignore"):
        wanted = getattr(np, name)(CORNERS)
        found = gx.compile([z], getattr(gx, name)(z), level=level)(CORNERS)
    np.testing.assert_array_equal(found, wanted)


def test_the_sign_of_an_infinite_complex_number_has_slope_0() -> None:
    z = gx.input("z", (), "complex128")
    slope = gx.compile([z], gx.vjp(gx.sign(z), z, 1.0))
    assert [slope(value) for value in (complex(0, np.inf), complex(-np.inf, 1))] == [0, 0]
