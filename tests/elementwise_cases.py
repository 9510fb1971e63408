"""The rows of elementwise ops: arithmetic, functions of one and two numbers, corners, logic, bits."""

import numpy as np
from scipy import special

from graphc.ir import complex as c
from graphc.ir.operands import where
from graphc.ops import elementwise as e
from graphc.ops import logic, piecewise, powers, stepping
from graphc.ops import special as s
from graphc.ops import trigonometry as t
from graphc.ops.interpolation import lerp
from graphc.ops.tensor_float import to_tensor_float
from tests.case import Array, Case, apart, between, coins, given, normal, unary, waves, whole, with_complex

__all__ = ["ELEMENTWISE", "tensor_float"]


def tensor_float(x: Array) -> Array:
    """The nearest number of 11 digits, by shifting the point to where they end: `rint` takes the even one of two."""
    fractions, exponents = np.frexp(x.astype(np.float32))
    found: Array = np.ldexp(np.rint(fractions * 2048), exponents - 11).astype(x.dtype)
    return found


SMOOTH = (
    unary("exp", e.exp, np.exp, -2, 2),
    unary("exp2", e.exp2, np.exp2, -2, 2),
    unary("expm1", e.expm1, np.expm1, -1, 1),
    unary("log", e.log, np.log, 0.5, 3),
    unary("log2", e.log2, np.log2, 0.5, 3),
    unary("log10", e.log10, np.log10, 0.5, 3),
    unary("log1p", e.log1p, np.log1p, -0.5, 2),
    unary("tanh", e.tanh, np.tanh, -2, 2),
    unary("sigmoid", e.sigmoid, special.expit, -4, 4),
    unary("log_sigmoid", e.log_sigmoid, special.log_expit, -4, 4),
    unary("softplus", e.softplus, lambda x: np.logaddexp(x, 0), 0.1, 4),
    unary("softplus of negative", e.softplus, lambda x: np.logaddexp(x, 0), -4, -0.1),
    unary("silu", e.silu, lambda x: np.maximum(x, -800) * special.expit(x), -4, 4),
    unary("gelu", e.gelu, lambda x: x * special.ndtr(x), -3, 3),
    Case("lerp", lerp, lambda x, y, w: x + w * (y - x), (normal(3, 4), normal(3, 4), between(-0.5, 1.5, 3, 4))),
    unary("stop_gradient", e.stop_gradient, lambda x: x, -1, 1, order=0),
    unary("to_tensor_float", to_tensor_float, tensor_float, -1, 1, order=0),
    Case("exp of integers", e.exp, np.exp, (whole(-2, 3, 5),), order=0),
    Case("cast to float32", lambda x: x.astype("float32"), np.array, (whole(-9, 9, 5),), order=0),
    Case("cast to int64", lambda x: x.astype("int64"), np.trunc, (between(-9, 9, 7),), order=0),
)

ARITHMETIC = (
    Case("add", lambda x, y: x + y, np.add, (normal(3, 4), normal(3, 4))),
    Case("add, repeated", lambda x, y: x + y, np.add, (normal(3, 1), normal(2, 1, 4)), symbolic=False),
    Case("sub", lambda x, y: x - y, np.subtract, (normal(3, 4), normal(4))),
    Case("neg", lambda x: -x, np.negative, (normal(3, 4),)),
    Case("mul", lambda x, y: x * y, np.multiply, (normal(3, 4), normal(3, 4))),
    Case("mul by itself", lambda x: x * x, np.square, (normal(3, 4),)),
    Case("div", lambda x, y: x / y, np.divide, (normal(3, 4), between(0.5, 2, 3, 4))),
    Case("div of integers", lambda x, y: x / y, np.divide, (whole(-9, 9, 5), whole(1, 9, 5)), order=0),
    Case(
        "add of integers",
        lambda x, y: x + y * 2,
        lambda x, y: x + 2 * y,
        (whole(-9, 9, 5), whole(1, 9, 5)),
        0,
    ),
)

TRIGONOMETRY = (
    unary("sin", t.sin, np.sin, -3, 3),
    unary("cos", t.cos, np.cos, -3, 3),
    unary("tan", t.tan, np.tan, -1, 1),
    unary("asin", t.asin, np.arcsin, -0.8, 0.8),
    unary("acos", t.acos, np.arccos, -0.8, 0.8),
    unary("atan", t.atan, np.arctan, -2, 2),
    unary("sinh", t.sinh, np.sinh, -2, 2),
    unary("cosh", t.cosh, np.cosh, -2, 2),
    unary("asinh", t.asinh, np.arcsinh, -2, 2),
    unary("acosh", t.acosh, np.arccosh, 1.5, 3),
    unary("atanh", t.atanh, np.arctanh, -0.7, 0.7),
    unary("degrees", t.degrees, np.degrees, -3, 3),
    unary("radians", t.radians, np.radians, -180, 180),
    unary("sinc", t.sinc, np.sinc, -3, 3),
    Case("sinc around 0", t.sinc, np.sinc, (given(0.0, -0.0, 1e-9, -1e-5, 0.01, 0.3, 0.32, 0.45, 0.48, 0.63, 0.65),)),
    Case("atan2", t.atan2, np.arctan2, (apart(3, 4), lambda rng: apart(3, 4)(rng) + 0.01)),
    Case("hypot", powers.hypot, np.hypot, (apart(3, 4), lambda rng: apart(3, 4)(rng) + 0.01)),
)

SPECIAL = (
    unary("erf", e.erf, special.erf, -2, 2),
    unary("erfc", e.erfc, special.erfc, -2, 2),
    unary("erfinv", e.erfinv, special.erfinv, -0.8, 0.8),
    unary("lgamma", s.lgamma, special.gammaln, 0.5, 4),
    unary("lgamma of negative", s.lgamma, special.gammaln, -1.8, -1.2),
    unary("digamma", s.digamma, special.digamma, 0.5, 4),
    unary("digamma of negative", s.digamma, special.digamma, -1.7, -1.3),
    unary("polygamma", lambda x: s.polygamma(2, x), lambda x: special.polygamma(2, x), 1, 4),
    unary("polygamma of order 0", lambda x: s.polygamma(0, x), special.digamma, 1, 4),
    Case("xlogy", s.xlogy, special.xlogy, (normal(3, 4), between(0.5, 3, 3, 4))),
    Case("xlogy at 0", s.xlogy, special.xlogy, (given(0.0, 0.0, 2.0), given(0.5, 2.0, 3.0))),
    Case("xlog1py", s.xlog1py, special.xlog1py, (normal(3, 4), between(-0.5, 2, 3, 4))),
    Case("xlog1py at 0", s.xlog1py, special.xlog1py, (given(0.0, 0.0, 2.0), given(-0.5, 2.0, 3.0))),
    Case("logaddexp", s.logaddexp, np.logaddexp, (normal(3, 4), normal(4))),
    Case("logaddexp of equals", s.logaddexp, np.logaddexp, (given(0.0, 3.0), given(0.0, 3.0))),
    Case("logaddexp2", s.logaddexp2, np.logaddexp2, (normal(3, 4), normal(4))),
)

BITS = (
    Case("bitwise_and", lambda x, y: x & y, np.bitwise_and, (whole(-99, 99, 9), whole(-99, 99, 9)), order=0),
    Case("bitwise_or", lambda x, y: x | y, np.bitwise_or, (whole(-99, 99, 9), whole(-99, 99, 9)), order=0),
    Case("bitwise_xor", lambda x, y: x ^ y, np.bitwise_xor, (whole(-99, 99, 9), whole(-99, 99, 9)), order=0),
    Case("bitwise_not", lambda x: ~x, np.bitwise_not, (whole(-99, 99, 9),), order=0),
    Case("left_shift", lambda x, y: x << y, np.left_shift, (whole(-99, 99, 9), whole(0, 66, 9)), order=0),
    Case("right_shift", lambda x, y: x >> y, np.right_shift, (whole(-999, 999, 9), whole(0, 66, 9)), order=0),
)

POWERS = (
    unary("square", powers.square, np.square, -2, 2),
    unary("sqrt", powers.sqrt, np.sqrt, 0.5, 2),
    unary("one_minus_square", powers.one_minus_square, lambda x: 1 - x * x, -2, 2),
    unary("cbrt", powers.cbrt, np.cbrt, 0.5, 2),
    unary("cbrt of negative", powers.cbrt, np.cbrt, -2, -0.5),
    unary("reciprocal", powers.reciprocal, np.reciprocal, 0.5, 2),
    unary("rsqrt", powers.rsqrt, lambda x: 1 / np.sqrt(x), 0.5, 2),
    Case("pow", powers.power, np.power, (between(0.5, 2, 3, 4), between(-2, 2, 3, 4))),
    *(
        unary(f"pow {p}", lambda x, p=p: x**p, lambda x, p=p: x**p, 0.5, 2)
        for p in (0, 1, 2, 3, 4, 5, -1, -2, 0.5, 1.5, 2.0)
    ),
    unary("pow -0.5", lambda x: x**-0.5, lambda x: 1 / np.sqrt(x), 0.5, 2),
    Case("pow of a number", lambda x: 2**x, lambda x: 2**x, (between(-2, 2, 5),)),
    Case("pow of integers", lambda x: x**5, lambda x: x**5, (whole(-5, 5, 9),), order=0),
)

CORNERS = (
    Case("abs", abs, np.abs, (apart(3, 4),)),
    Case("sign", piecewise.sign, np.sign, (apart(3, 4),), order=1),
    Case("relu", piecewise.relu, lambda x: np.maximum(x, 0), (apart(3, 4),)),
    Case("maximum", piecewise.maximum, np.maximum, (apart(3, 4), lambda rng: apart(3, 4)(rng) + 0.01)),
    Case("minimum", piecewise.minimum, np.minimum, (apart(3, 4), lambda rng: apart(3, 4)(rng) + 0.01)),
    Case("clip", lambda x: piecewise.clip(x, -0.5, 0.5), lambda x: np.clip(x, -0.5, 0.5), (apart(3, 4),)),
    unary("floor", stepping.floor, np.floor, 0.2, 0.8, order=1),
    unary("ceil", stepping.ceil, np.ceil, 0.2, 0.8, order=1),
    unary("round", stepping.round, np.round, 0.6, 1.4, order=1),
    *(
        Case(
            f"round to {decimals} decimals",
            lambda x, n=decimals: stepping.round(x, n),
            lambda x, n=decimals: np.round(x, n),
            (between(101.1, 103.9, 3, 4),),
            order=0,
        )
        for decimals in (1, 3, -1, -3)
    ),
    Case("round to even", stepping.round, np.round, (given(-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.7),), order=0),
    Case(
        "floordiv",
        lambda x, y: x // y,
        np.floor_divide,
        (given(7.1, -7.1, 7.1, -7.1), given(2.0, 2.0, -2.0, -2.0)),
        1,
    ),
    Case("mod", lambda x, y: x % y, np.mod, (given(7.1, -7.1, 7.1, -7.1), given(2.0, 2.0, -2.0, -2.0))),
    Case(
        "floordiv of integers",
        lambda x, y: x // y,
        np.floor_divide,
        (whole(-9, 9, 9), whole(1, 4, 9)),
        order=0,
    ),
    Case("mod of integers", lambda x, y: x % y, np.mod, (whole(-9, 9, 9), whole(-4, 0, 9)), order=0),
    unary("trunc", stepping.trunc, np.trunc, -0.8, -0.2, order=1),
    Case("trunc to both sides", stepping.trunc, np.trunc, (given(-2.5, -0.5, 0.5, 1.5, 3.7),), order=0),
    Case("fmod", stepping.fmod, np.fmod, (given(7.1, -7.1, 7.1, -7.1), given(2.0, 2.0, -2.0, -2.0))),
    Case("fmod of integers", stepping.fmod, np.fmod, (whole(-9, 9, 99), whole(-4, 4, 99)), order=0),
    Case("copysign", piecewise.copysign, np.copysign, (apart(9), apart(9))),
    Case("heaviside", piecewise.heaviside, np.heaviside, (given(-0.5, 0.5, 0.7), normal(3)), order=1),
    Case("nan_to_num", piecewise.nan_to_num, np.nan_to_num, (normal(3, 4),)),
    Case(
        "nan_to_num of no numbers",
        lambda x: piecewise.nan_to_num(x, 1.0, 2.0, -3.0),
        lambda x: np.nan_to_num(x, nan=1.0, posinf=2.0, neginf=-3.0),
        (given(np.nan, np.inf, -np.inf, 0.5),),
        order=0,
    ),
    Case(
        "where",
        where,
        np.where,
        (coins(3, 4), normal(3, 4), normal(4)),
    ),
    Case(
        "where, with slopes of a cube",
        lambda x, y: where(x > y, x * x * x, y * y),
        lambda x, y: np.where(x > y, x**3, y**2),
        (apart(3, 4), lambda rng: apart(3, 4)(rng) + 0.01),
    ),
)

LOGIC = (
    Case("equal", lambda x, y: x == y, np.equal, (whole(0, 3, 9), whole(0, 3, 9)), order=0),
    Case("not_equal", lambda x, y: x != y, np.not_equal, (whole(0, 3, 9), whole(0, 3, 9)), order=0),
    Case("less", lambda x, y: x < y, np.less, (normal(9), normal(9)), order=0),
    Case("less_equal", lambda x, y: x <= y, np.less_equal, (whole(0, 3, 9), whole(0, 3, 9)), order=0),
    Case("greater", lambda x, y: x > y, np.greater, (normal(9), normal(9)), order=0),
    Case("greater_equal", lambda x, y: x >= y, np.greater_equal, (whole(0, 3, 9), whole(0, 3, 9)), order=0),
    Case("compare with nan", lambda x: x != x, lambda x: x != x, (given(0.0, np.nan, np.inf),), order=0),
    Case("logical_and", logic.logical_and, np.logical_and, (coins(9), coins(9)), order=0),
    Case("logical_or", logic.logical_or, np.logical_or, (coins(9), coins(9)), order=0),
    Case("logical_xor", logic.logical_xor, np.logical_xor, (coins(9), coins(9)), order=0),
    Case("logical_not", logic.logical_not, np.logical_not, (coins(9),), order=0),
    Case("isnan", logic.isnan, np.isnan, (given(0.0, np.nan, np.inf, -np.inf),), order=0),
    Case("isfinite", logic.isfinite, np.isfinite, (given(0.0, np.nan, np.inf, -np.inf),), order=0),
    Case("isinf", logic.isinf, np.isinf, (given(0.0, np.nan, np.inf, -np.inf),), order=0),
)

COMPLEX = (
    Case("abs of complex", abs, np.abs, (waves(3, 4),)),
    Case("sign of complex", piecewise.sign, np.sign, (waves(3, 4),)),
    Case("round of complex", lambda z: stepping.round(z, 1), lambda z: np.round(z, 1), (waves(3, 4),), order=0),
    Case("real", c.real, np.real, (waves(3, 4),)),
    Case("imag", c.imag, np.imag, (waves(3, 4),)),
    Case("conj", c.conj, np.conj, (waves(3, 4),)),
    Case("angle", t.angle, np.angle, (waves(3, 4),)),
    Case("complex", c.complex, lambda x, y: x + 1j * y, (normal(3, 4), normal(3, 4))),
    Case("parts of a real number", lambda x: x.real + x.imag, np.array, (normal(3, 4),)),
    Case("conj, times the number", lambda z: (z * z.conj()).real, lambda z: np.abs(z) ** 2, (waves(3, 4),)),
    Case("product of real and complex", lambda x, z: x * z, np.multiply, (normal(3, 4), waves(4))),
    Case("power of complex", powers.power, np.power, (waves(3, 4), waves(3, 4))),
    Case("nan_to_num of complex", piecewise.nan_to_num, np.nan_to_num, (waves(3, 4),)),
    Case("cast to complex64", lambda x: x.astype("complex64"), np.array, (whole(-9, 9, 5),), order=0),
    Case("cast to complex128", lambda x: x.astype("complex128") * 1j, lambda x: x * 1j, (normal(5),)),
)

#: rows that hold for complex operands as well
HOLOMORPHIC = frozenset({
    "add", "add, repeated", "sub", "neg", "mul", "mul by itself", "div",
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "tanh", "stop_gradient", "sinc", "sinc around 0",
    "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh",
    "square", "sqrt", "rsqrt", "reciprocal", "pow", "pow 3", "pow 5", "pow -2", "pow 1.5", "pow of a number", "where",
})  # fmt: skip

ELEMENTWISE = with_complex(
    (
        *ARITHMETIC,
        *SMOOTH,
        *TRIGONOMETRY,
        *SPECIAL,
        *POWERS,
        *CORNERS,
        *LOGIC,
        *BITS,
        *COMPLEX,
    ),
    HOLOMORPHIC,
)
