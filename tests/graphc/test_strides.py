"""Arrays with an axis of one give the same bits, whatever their stride is along it: NumPy's loops look at it."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import graphc as gx
from graphc.ir.declare import Extent
from graphc.ir.values import Array

STRIDES = (-4, 0, 1 << 32)
SHAPES: tuple[tuple[tuple[Extent, ...], tuple[int, ...]], ...] = (
    (("n",), (1,)),
    ((1,), (1,)),
    (("n", "m"), (1, 3)),
    ((3, 1), (3, 1)),
)
NUMBERS = np.linspace(0.1, 3, 40, dtype=np.float32)


def strided(array: Array, stride: int) -> Array:
    """The same elements, with a stride along axes of one."""
    return as_strided(array, None, [stride if n == 1 else s for n, s in zip(array.shape, array.strides, strict=True)])


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize(("declared", "shape"), SHAPES)
def test_a_call_gives_the_bits_of_a_fresh_array(
    declared: tuple[Extent, ...], shape: tuple[int, ...], stride: int
) -> None:
    x = gx.input("x", declared)
    f = gx.compile([x], [gx.cosh(x), gx.power(x[..., 0], 1.7)], backend="numpy")
    for number in NUMBERS:
        fresh = np.full(shape, number)
        given = strided(fresh, stride)
        assert given.flags.carray
        assert f.arguments.accept((given,), {})[0][0].strides == fresh.strides
        for found, expected in zip(f(given), f(fresh), strict=True):
            assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("stride", STRIDES)
def test_a_call_fills_an_array_with_the_bits_of_a_fresh_one(stride: int) -> None:
    x = gx.input("x", ("n",))
    f = gx.compile([x], gx.cosh(x), backend="numpy")
    for number in NUMBERS:
        out = np.zeros(1, np.float32)
        f(number[None], out=strided(out, stride))
        assert out.tobytes() == f(number[None]).tobytes()
