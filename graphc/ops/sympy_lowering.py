"""SymPy expressions as scalar formulas."""

from collections.abc import Mapping, Sequence
from functools import cache, reduce
from typing import Any

from graphc.errors import UnsupportedError
from graphc.kernel.scalar import Fn, Scalar
from graphc.ops.sympy_functions import functions
from graphc.ops.sympy_walk import Expression, operands_first
from graphc.types import BOOL

__all__ = ["lost_by_numbers", "lowered", "number_of", "require_supported"]

_FUNCTIONS: Mapping[str, Fn] = {
    "Abs": Fn.ABS, "sign": Fn.SIGN, "floor": Fn.FLOOR, "ceiling": Fn.CEIL, "Mod": Fn.MOD,
    "Max": Fn.MAXIMUM, "Min": Fn.MINIMUM, "exp": Fn.EXP, "log": Fn.LOG,
    "sin": Fn.SIN, "cos": Fn.COS, "tan": Fn.TAN,
    "asin": Fn.ASIN, "acos": Fn.ACOS, "atan": Fn.ATAN, "atan2": Fn.ATAN2,
    "sinh": Fn.SINH, "cosh": Fn.COSH, "tanh": Fn.TANH,
    "asinh": Fn.ASINH, "acosh": Fn.ACOSH, "atanh": Fn.ATANH,
    "erf": Fn.ERF, "erfc": Fn.ERFC, "erfinv": Fn.ERFINV, "loggamma": Fn.LGAMMA,
}  # fmt: skip
_C_FUNCTIONS: Mapping[str, Fn] = {  # of sympy.codegen.cfunctions
    "exp2": Fn.EXP2, "expm1": Fn.EXPM1, "log2": Fn.LOG2, "log10": Fn.LOG10, "log1p": Fn.LOG1P,
    "Cbrt": Fn.CBRT, "Sqrt": Fn.SQRT,
}  # fmt: skip
_CONDITIONS: Mapping[str, Fn] = {
    "Equality": Fn.EQ, "Unequality": Fn.NE, "StrictLessThan": Fn.LT, "LessThan": Fn.LE,
    "StrictGreaterThan": Fn.GT, "GreaterThan": Fn.GE,
    "And": Fn.AND, "Or": Fn.OR, "Xor": Fn.XOR, "Not": Fn.NOT,
}  # fmt: skip
_RECIPROCALS: Mapping[str, Fn] = {
    "cot": Fn.TAN, "sec": Fn.COS, "csc": Fn.SIN, "coth": Fn.TANH, "sech": Fn.COSH, "csch": Fn.SINH,
}  # fmt: skip
_FORMS = ("Add", "Mul", "Pow", "Piecewise", "Heaviside", "gamma", "polygamma")

_LARGEST = 64  # a larger power is not multiplied out
_DIGITS = 30  # of numbers such as sqrt(2) / 2, which are rounded once


@cache
def _table() -> Mapping[Any, Fn | None]:
    """SymPy's classes, and the function that each is; None for those written out below."""
    import sympy
    from sympy.codegen import cfunctions

    found = {getattr(sympy, name): fn for name, fn in {**_FUNCTIONS, **_CONDITIONS, **_RECIPROCALS}.items()}
    found |= {getattr(cfunctions, name): fn for name, fn in _C_FUNCTIONS.items()}
    return found | {getattr(sympy, name): None for name in _FORMS} | dict.fromkeys(functions())


def require_supported(name: str, expression: Expression) -> None:
    """Raise UnsupportedError where some part of the formula of `name` has no scalar form."""
    for part in reversed(operands_first(expression, _parts)):
        if part.is_Symbol or part in (True, False):
            continue
        if part.is_Number or part.is_NumberSymbol:
            number_of(part)
        elif part.func not in _table():
            known = ", ".join(sorted({*_FUNCTIONS, *_C_FUNCTIONS, *_RECIPROCALS, "gamma", "polygamma"}))
            problem = f"{name}: {part.func.__name__} has no scalar form"
            raise UnsupportedError(problem, hint=f"real numbers, + - * / **, Piecewise, {known}")


def lowered(expression: Expression, symbols: Mapping[Expression, Scalar], like: Scalar) -> Scalar:
    """The formula of `expression`, in the dtype of `like`.  What stands in it twice is computed once."""
    known = dict(symbols)
    for part in operands_first(expression, _operands):
        if part not in known:
            known[part] = _scalar(part, [known[operand] for operand in _operands(part)], like)
    return known[expression]


def lost_by_numbers(expression: Expression) -> dict[str, float]:
    """What the numbers of a formula lose when they are rounded to float64, by the text of the float."""
    import sympy

    lost: dict[str, float] = {}
    for part in operands_first(expression, _operands):
        number = part if _is_real_number(part) else _factors(part)[0] if part.is_Mul else sympy.S.One
        if not number.is_Integer:
            rounded = number_of(number)
            lost[repr(rounded)] = float((number - sympy.Rational(rounded)).evalf(_DIGITS))
    return lost


def number_of(part: Expression) -> float:
    """The float next to a number of SymPy."""
    try:
        return part.p / part.q if part.is_Rational else float(part.evalf(_DIGITS))
    except OverflowError:
        raise UnsupportedError(f"a number of {len(str(part))} digits is outside float64") from None


def _is_real_number(part: Expression) -> bool:
    return bool(part.is_number and part.is_real)


def _parts(part: Expression) -> Sequence[Expression]:
    """What `part` is written with."""
    return [each for pair in part.args for each in pair.args] if part.is_Piecewise else list(part.args)


def _operands(part: Expression) -> Sequence[Expression]:
    """What `_scalar` wants to have computed before."""
    if _is_real_number(part):
        return ()
    if part.is_Add:
        return [*_summands(part)[0], *_summands(part)[1]]
    if part.is_Mul:
        return [*_factors(part)[1], *_factors(part)[2]]
    if part.is_Pow:
        base, exponent = part.args
        return [base] if _multiplied_out(exponent) else [base, exponent]
    if (u := _logistic(part)) is not None:
        return [-u if u.could_extract_minus_sign() else u]
    match type(part).__name__:
        case "polygamma":
            return list(part.args[part.args[0] == 0 :])
        case "Heaviside":
            return list(part.args[:1])
    return _parts(part)


def _scalar(part: Expression, operands: Sequence[Scalar], like: Scalar) -> Scalar:
    """One part, from its operands."""
    if _is_real_number(part):
        return like.of(number_of(part))
    if part in (True, False):
        return Scalar(like.formula, like.formula.constant(bool(part), BOOL))
    if part.is_Add:
        return _sum(part, operands)
    if part.is_Mul:
        return _product(part, operands, like)
    if part.is_Pow:
        return _power(operands, part.args[1], like)
    if part.is_Piecewise:
        return _pieces(operands, like)
    name, (x, *others) = type(part).__name__, operands
    if _logistic(part) is not None:
        return _of_logistic(part, x)
    if name in _RECIPROCALS:
        return 1 / x.call(_RECIPROCALS[name])
    match name:
        case "Heaviside":
            one, half, zero = like.of(1), like.of(0.5), like.of(0)
            return _where(x > 0, one, _where(x < 0, zero, _where(x == 0, half, x)))
        case "gamma":
            return _gamma(x)
        case "Softplus":
            return x.call(Fn.MAXIMUM, like.of(0)) + (-x.call(Fn.ABS)).call(Fn.EXP).call(Fn.LOG1P)
        case "LogCosh":
            return _logcosh(x)
        case "ErrorComplement":
            return x.call(Fn.ERFC)
        case "polygamma":
            return x.call(Fn.POLYGAMMA, *others) if others else x.call(Fn.DIGAMMA)
    fn = _table()[part.func]
    assert fn is not None, part
    if len(others) > 1:
        return reduce(lambda left, right: left.call(fn, right), operands)
    return x.call(fn, *others)


def _logistic(part: Expression) -> Expression | None:
    """The u of a function of u that is made of e^-u; None for another."""
    made = functions()
    if isinstance(part, (made.sigmoid, made.bump)):
        return part.args[0]
    if type(part).__name__ in ("tanh", "sech") and isinstance(part.args[0], made.softplus):
        return part.args[0].args[0]
    return None


def _of_logistic(part: Expression, x: Scalar) -> Scalar:
    """A function of u, from u or -u, whichever SymPy writes without a sign: both take the same exponential.

    The hyperbolic ones of log(1 + e^u) are algebraic in q = sigmoid(-u): tanh(-log(q)) = (1 - q^2) / (1 + q^2).
    """
    falling = (-x).call(Fn.EXP)
    u = _logistic(part)
    assert u is not None, part
    if u.could_extract_minus_sign():
        falling = 1 / falling
    match type(part).__name__:
        case "Sigmoid":
            return 1 / (1 + falling)
        case "SigmoidSlope":
            return 1 / ((falling + 1 / falling) + 2)
    q = 1 / (1 + 1 / falling)
    if type(part).__name__ == "sech":
        return 2 * q / (1 + q * q)
    return (1 + q) / ((1 + falling) * (1 + q * q))


def _summands(part: Expression) -> tuple[list[Expression], list[Expression]]:
    """What is added, and what is taken away."""
    added, taken = [], []
    for term in part.args:
        if term.as_coeff_Mul()[0].is_negative:
            taken.append(-term)
        else:
            added.append(term)
    return added, taken


def _sum(part: Expression, operands: Sequence[Scalar]) -> Scalar:
    count = len(_summands(part)[0])
    added, taken = operands[:count], operands[count:]
    if not added:
        return -reduce(Scalar.__add__, taken)
    return reduce(Scalar.__sub__, taken, reduce(Scalar.__add__, added))


def _factors(part: Expression) -> tuple[Expression, list[Expression], list[Expression]]:
    """The number in front, what is multiplied, and what is divided by."""
    number, rest = part.as_coeff_Mul()
    above, below = [], []
    for factor in rest.args if rest.is_Mul else (rest,):
        if _is_real_number(factor):
            number *= factor
        elif factor.is_Pow and factor.exp.is_Rational and factor.exp.is_negative:
            below.append(factor.base**-factor.exp)
        else:
            above.append(factor)
    return number, above, below


def _product(part: Expression, operands: Sequence[Scalar], like: Scalar) -> Scalar:
    number, factors, _ = _factors(part)
    above, below = list(operands[: len(factors)]), operands[len(factors) :]
    if not above or number not in (1, -1):
        above.insert(0, like.of(number_of(number)))
        number = 1
    result = reduce(Scalar.__mul__, above)
    if below:
        result = result / reduce(Scalar.__mul__, below)
    return -result if number == -1 else result


def _multiplied_out(exponent: Expression) -> bool:
    """Whether a power is made of products and a square root."""
    return bool(exponent.is_Rational and exponent.q in (1, 2) and abs(exponent) <= _LARGEST)


def _power(operands: Sequence[Scalar], exponent: Expression, like: Scalar) -> Scalar:
    x = operands[0]
    if not _multiplied_out(exponent):
        return x.call(Fn.POW, operands[1])
    root = x.call(Fn.SQRT) if exponent.q == 2 else None
    whole = _squared(x, abs(exponent.p) // exponent.q)
    parts = [factor for factor in (whole, root) if factor is not None]
    result = reduce(Scalar.__mul__, parts)
    return like.of(1) / result if exponent.is_negative else result


def _squared(x: Scalar, count: int) -> Scalar | None:
    """x to the power of `count` by repeated squaring; None for 0."""
    result = None
    while count:
        if count % 2:
            result = x if result is None else result * x
        count //= 2
        if count:
            x = x * x
    return result


def _pieces(operands: Sequence[Scalar], like: Scalar) -> Scalar:
    """The first piece whose condition holds; nan where none does."""
    result = like.of(float("nan"))
    for value, condition in reversed(list(zip(operands[::2], operands[1::2], strict=True))):
        always = condition.formula.constant(True, BOOL) == condition.number
        result = value if always else _where(condition, value, result)
    return result


def _where(condition: Scalar, x: Scalar, y: Scalar) -> Scalar:
    return condition.call(Fn.WHERE, x, y, dtype=x.dtype)


def _gamma(x: Scalar) -> Scalar:
    """e^(log gamma(x)), and pi / (sin(pi x) gamma(1 - x)) for x < 0, where log gamma has lost the sign.

    pi x is no multiple of pi in floats; so the sine is taken of the fraction, and turned for an odd floor.
    """
    pi = 3.141592653589793
    below = x.call(Fn.FLOOR)
    fraction = x - below
    sine = (fraction * pi).call(Fn.SIN)
    turned = _where(below.call(Fn.MOD, 2) == 0, sine, -sine)
    mirrored = pi / (turned * (1 - x).call(Fn.LGAMMA).call(Fn.EXP))
    at_pole = _where(x == 0, 1 / x, x.of(float("nan")))
    negative = _where(fraction == 0, at_pole, mirrored)
    return _where(x > 0, x.call(Fn.LGAMMA).call(Fn.EXP), negative)


def _logcosh(x: Scalar) -> Scalar:
    """log(1 + 2 sinh(x / 2)^2), and |x| + log(1 + e^-2|x|) - log(2) where the square might overflow."""
    size = x.call(Fn.ABS)
    half = (size * 0.5).call(Fn.SINH)
    far = size + ((size * -2).call(Fn.EXP).call(Fn.LOG1P) - 0.6931471805599453)
    return _where(size < 1, (2 * (half * half)).call(Fn.LOG1P), far)
