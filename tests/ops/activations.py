"""Sixty-seven activations and special functions of the literature, each a formula of one line."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from sympy import Abs, Max, Min, Piecewise, Rational, asinh, atan, cos, cosh, erf, exp, log, pi, sign, sin, sqrt, tanh

__all__ = ["ACTIVATIONS", "LIMITS", "RANGES"]

Expression: TypeAlias = Any  # SymPy has no types
Activation: TypeAlias = Callable[[Expression], Expression]

HALF = Rational(1, 2)

ACTIVATIONS: Mapping[str, Activation] = {
    "sigmoid": lambda x: 1 / (1 + exp(-x)),
    "tanh": tanh,
    "softplus": lambda x: log(1 + exp(x)),
    "log_sigmoid": lambda x: -log(1 + exp(-x)),
    "swish": lambda x: x / (1 + exp(-x)),
    "mish": lambda x: x * tanh(log(1 + exp(x))),
    "gelu": lambda x: x * (1 + erf(x / sqrt(2))) / 2,
    "gelu_tanh": lambda x: x / 2 * (1 + tanh(sqrt(2 / pi) * (x + Rational(44715, 1000000) * x**3))),
    "quick_gelu": lambda x: x / (1 + exp(-Rational(1702, 1000) * x)),
    "relu": lambda x: Piecewise((x, x > 0), (0, True)),
    "relu6": lambda x: Min(Max(x, 0), 6),
    "leaky_relu": lambda x: Piecewise((x, x > 0), (x / 100, True)),
    "elu": lambda x: Piecewise((x, x > 0), (exp(x) - 1, True)),
    "selu": lambda x: Rational(10507, 10000) * Piecewise((x, x > 0), (Rational(16733, 10000) * (exp(x) - 1), True)),
    "celu": lambda x: Piecewise((x, x > 0), (2 * (exp(x / 2) - 1), True)),
    "softsign": lambda x: x / (1 + Abs(x)),
    "hard_tanh": lambda x: Max(-1, Min(1, x)),
    "hard_sigmoid": lambda x: Max(0, Min(1, x / 6 + HALF)),
    "hard_swish": lambda x: x * Max(0, Min(1, x / 6 + HALF)),
    "tanh_shrink": lambda x: x - tanh(x),
    "soft_shrink": lambda x: Piecewise((x - HALF, x > HALF), (x + HALF, x < -HALF), (0, True)),
    "hard_shrink": lambda x: Piecewise((x, x > HALF), (x, x < -HALF), (0, True)),
    "threshold": lambda x: Piecewise((x, x > 1), (Rational(1, 5), True)),
    "squared_relu": lambda x: Piecewise((x**2, x > 0), (0, True)),
    "gaussian": lambda x: exp(-(x**2)),
    "arctan": atan,
    "isru": lambda x: x / sqrt(1 + x**2),
    "isrlu": lambda x: Piecewise((x, x > 0), (x / sqrt(1 + x**2), True)),
    "bent_identity": lambda x: (sqrt(x**2 + 1) - 1) / 2 + x,
    "sine": sin,
    "snake": lambda x: x + sin(x) ** 2,
    "sinc": lambda x: sin(x) / x,
    "cauchy_cdf": lambda x: atan(x) / pi + HALF,
    "log_log": lambda x: 1 - exp(-exp(x)),
    "lisht": lambda x: x * tanh(x),
    "serf": lambda x: x * erf(log(1 + exp(x))),
    "phish": lambda x: x * tanh(x * (1 + erf(x / sqrt(2))) / 2),
    "squareplus": lambda x: (x + sqrt(x**2 + 4)) / 2,
    "log1p_abs": lambda x: sign(x) * log(1 + Abs(x)),
    "normal_cdf": lambda x: (1 + erf(x / sqrt(2))) / 2,
    "log_cosh": lambda x: log(cosh(x)),
    "growing_cosine": lambda x: x * cos(x),
    "smooth_step": lambda x: 3 * x**2 - 2 * x**3,
    "entropy": lambda x: -(x**2) * log(x**2),
    "tanh_exp": lambda x: x * tanh(exp(x)),
    "smish": lambda x: x * tanh(log(1 + 1 / (1 + exp(-x)))),
    "logish": lambda x: x * log(1 + 1 / (1 + exp(-x))),
    "elish": lambda x: Piecewise((x / (1 + exp(-x)), x > 0), ((exp(x) - 1) / (1 + exp(-x)), True)),
    "arcsinh": asinh,
    "gudermannian": lambda x: 2 * atan(tanh(x / 2)),
    "gompertz": lambda x: exp(-exp(-x)),
    "michaelis_menten": lambda x: x / (2 + x),
    "hill": lambda x: x**3 / (1 + x**3),
    "multiquadric": lambda x: sqrt(1 + x**2),
    "inverse_multiquadric": lambda x: 1 / sqrt(1 + x**2),
    "rational_quadratic": lambda x: 1 / (1 + x**2 / 6) ** 3,
    "student_t": lambda x: (1 + x**2 / 3) ** -2,
    "mexican_hat": lambda x: (1 - x**2) * exp(-(x**2) / 2),
    "matern": lambda x: (1 + sqrt(5) * Abs(x) + 5 * x**2 / 3) * exp(-sqrt(5) * Abs(x)),
    "pseudo_huber": lambda x: sqrt(1 + x**2) - 1,
    "huber": lambda x: Piecewise((x**2 / 2, Abs(x) < 1), (Abs(x) - HALF, True)),
    "welsch": lambda x: 1 - exp(-(x**2) / 2),
    "cauchy_loss": lambda x: log(1 + x**2 / 2),
    "geman_mcclure": lambda x: x**2 / (1 + x**2),
    "planck": lambda x: x**3 / (exp(x) - 1),
    "fermi_dirac": lambda x: 1 / (1 + exp(x)),
    "wave_packet": lambda x: cos(5 * x) * exp(-(x**2)),
}

#: where to stand, if not from -3 to 3: away from where a quotient is 0 / 0, and a logarithm of 0
RANGES: Mapping[str, tuple[float, float]] = {
    "sinc": (1.0, 5.0),
    "entropy": (0.1, 3.0),
    "michaelis_menten": (0.0, 5.0),
    "hill": (0.0, 4.0),
    "planck": (0.3, 8.0),
}

#: the worst error of value and three derivatives in ulp, where it is above 4: the third derivative of sin(x) / x is a
#: sum in which sin(x) and cos(x) stand with a dozen times its size, each of which is off by half an ulp already
LIMITS: Mapping[str, tuple[float, float, float, float]] = {
    "sinc": (4, 4, 4, 7),
    "planck": (4, 4, 5, 4),  # its second is a difference of terms a few times as large, which shows that of expm1
    "gelu": (4, 6, 4, 4),  # its slope is a difference that shows the last digit of exp, which differs by machine
}
