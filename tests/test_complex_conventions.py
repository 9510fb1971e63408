"""Gradients of complex numbers: the convention of JAX."""

from collections.abc import Callable

import numpy as np
import pytest

from graphc.autodiff.reverse import placeholder, pull_back
from graphc.driver import evaluate
from graphc.ir.complex import conj, imag, real
from graphc.ir.leaves import constant_array
from graphc.ir.node import Node
from graphc.ops.piecewise import sign
from graphc.ops.powers import power
from graphc.ops.trigonometry import angle
from graphc.types import TensorType


def at_complex(build: Callable[[Node], Node], z: complex, cotangent: complex = 1) -> complex:
    """What flows back to `z`."""
    x = placeholder(TensorType((), np.dtype(np.complex128)))
    y = build(x)
    seed = constant_array(np.array(cotangent, y.dtype))
    (back,) = pull_back([y], [seed], [x])
    assert back is not None
    return complex(evaluate(back, {x: np.array(z)}))


def test_gradient_of_a_real_result_is_the_conjugate_of_the_steepest_ascent() -> None:
    assert at_complex(lambda z: real(z * conj(z)), 3 + 4j) == 6 - 8j
    assert at_complex(abs, 3 + 4j) == pytest.approx(0.6 - 0.8j)
    assert at_complex(angle, 1 + 1j) == pytest.approx(-0.5 - 0.5j)


def test_holomorphic_function_multiplies_by_its_derivative() -> None:
    assert at_complex(lambda z: z * z, 3 + 4j, 1j) == 1j * (6 + 8j)


def test_parts_pass_their_cotangents() -> None:
    assert at_complex(real, 3 + 4j) == 1
    assert at_complex(imag, 3 + 4j) == -1j
    assert at_complex(conj, 3 + 4j, 2 + 1j) == 2 - 1j


def test_cotangent_is_the_one_that_jax_documents() -> None:
    a, b, c, d = 0.3, -0.7, 1.1, 0.4  # u = a x + b y, v = c x + d y, and (p + iq)* ∂f = [p, -q] J [1, -i]
    p, q = 0.9, -0.2
    back = at_complex(lambda z: (real(z) * a + imag(z) * b) + 1j * (real(z) * c + imag(z) * d), 1 + 2j, complex(p, q))
    assert back == pytest.approx((p * a - q * c) - 1j * (p * b - q * d))


@pytest.mark.parametrize("function", [abs, angle, sign])
def test_slopes_of_length_and_angle_are_0_at_0(function: Callable[[Node], Node]) -> None:
    assert at_complex(function, 0) == 0


def test_a_real_operand_gets_the_real_part() -> None:
    x = placeholder(TensorType((), np.dtype(np.float64)))
    (back,) = pull_back([x * (2 + 3j)], [constant_array(np.array(1 + 1j))], [x])
    assert back is not None
    assert back.dtype == np.float64
    assert evaluate(back, {x: np.array(5.0)}) == -1


def test_power_of_complex_0_has_slope_0_by_the_exponent() -> None:
    assert at_complex(lambda p: power(constant_array(np.zeros((), complex)), p), 2 + 1j) == 0
