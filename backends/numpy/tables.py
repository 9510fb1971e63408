"""What the NumPy backend can do, and how each function of the kernel language is spelt in NumPy."""

from collections.abc import Mapping

from graphc.kernel.monoids import Monoid
from graphc.kernel.scalar import Fn
from graphc.kernel.target import Target

__all__ = ["ACCUMULATE", "LOGISTIC", "SPECIAL", "TARGET", "UFUNCS"]

#: Every let is a call, which takes as long as moving 5 kB, and a pass that reads and writes whole arrays.
TARGET = Target(name="numpy", addition=2.0, let=5_000.0, kernel=5_000.0, undisturbed=1e9)

#: functions that are one ufunc, called as ufunc(*operands, out=...)
UFUNCS: Mapping[Fn, str] = {
    Fn.ADD: "np.add",
    Fn.SUB: "np.subtract",
    Fn.MUL: "np.multiply",
    Fn.DIV: "np.divide",
    Fn.FLOORDIV: "np.floor_divide",
    Fn.MOD: "np.remainder",
    Fn.POW: "np.power",
    Fn.NEG: "np.negative",
    Fn.ABS: "np.absolute",
    Fn.SIGN: "np.sign",
    Fn.FLOOR: "np.floor",
    Fn.CEIL: "np.ceil",
    Fn.TRUNC: "np.trunc",
    Fn.ROUND: "np.rint",
    Fn.MINIMUM: "np.minimum",
    Fn.MAXIMUM: "np.maximum",
    Fn.SQRT: "np.sqrt",
    Fn.CBRT: "np.cbrt",
    Fn.EXP: "np.exp",
    Fn.EXP2: "np.exp2",
    Fn.EXPM1: "np.expm1",
    Fn.LOG: "np.log",
    Fn.LOG2: "np.log2",
    Fn.LOG10: "np.log10",
    Fn.LOG1P: "np.log1p",
    Fn.SIN: "np.sin",
    Fn.COS: "np.cos",
    Fn.TAN: "np.tan",
    Fn.ASIN: "np.arcsin",
    Fn.ACOS: "np.arccos",
    Fn.ATAN: "np.arctan",
    Fn.ATAN2: "np.arctan2",
    Fn.SINH: "np.sinh",
    Fn.COSH: "np.cosh",
    Fn.TANH: "np.tanh",
    Fn.ASINH: "np.arcsinh",
    Fn.ACOSH: "np.arccosh",
    Fn.ATANH: "np.arctanh",
    Fn.COPYSIGN: "np.copysign",
    Fn.CONJ: "np.conjugate",
    Fn.LT: "np.less",
    Fn.LE: "np.less_equal",
    Fn.GT: "np.greater",
    Fn.GE: "np.greater_equal",
    Fn.EQ: "np.equal",
    Fn.NE: "np.not_equal",
    Fn.AND: "np.bitwise_and",
    Fn.OR: "np.bitwise_or",
    Fn.XOR: "np.bitwise_xor",
    Fn.NOT: "np.invert",
    Fn.LEFT_SHIFT: "np.left_shift",
    Fn.RIGHT_SHIFT: "np.right_shift",
    Fn.ISNAN: "np.isnan",
    Fn.ISFINITE: "np.isfinite",
}

#: functions that SciPy has, imported by programs that call them
SPECIAL: Mapping[Fn, str] = {
    Fn.ERF: "erf",
    Fn.ERFC: "erfc",
    Fn.ERFINV: "erfinv",
    Fn.LGAMMA: "gammaln",
    Fn.DIGAMMA: "digamma",
}

#: functions of `approximations` in scratch that has a row of bools
LOGISTIC: Mapping[Fn, str] = {Fn.SIGMOID: "sigmoid", Fn.SILU: "silu"}

#: the ufunc behind each monoid
ACCUMULATE: Mapping[Monoid, str] = {
    Monoid.SUM: "np.add",
    Monoid.PROD: "np.multiply",
    Monoid.MAX: "np.maximum",
    Monoid.MIN: "np.minimum",
    Monoid.ANY: "np.logical_or",
    Monoid.ALL: "np.logical_and",
}
