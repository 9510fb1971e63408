"""Formulas written so that they keep their digits: no sum of nearly equal terms where another form has none.

Identities that SymPy's expressions meet most: 1 + e^u below a fraction bar, 1 - tanh(u)^2, 1 + erf(u), e^u - 1,
log(1 + v).  Each holds for all real u.  What is left is measured: of a few forms of a small expression, the one that
loses the fewest digits at some points is taken.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from graphc.ops.sympy_functions import functions
from graphc.ops.sympy_walk import Expression, operands_first

__all__ = ["stable"]

_SMALL = 40  # parts of an expression whose other forms are tried: SymPy takes milliseconds for each
_POINTS = (-2.9, -2.3, -1.7, -1.1, -0.7, -0.3, 0.2, 0.5, 0.9, 1.3, 1.9, 2.7)
_BITS, _EXACT_BITS = 53, 200
_BETTER = 4.0  # another form must lose so many times less


def stable(expression: Expression) -> Expression:
    """An equal expression that loses fewer digits.  What is shared stays shared; nothing large is expanded."""
    known: dict[Expression, Expression] = {}
    for part in operands_first(expression, lambda part: part.args):
        arguments = tuple([known[argument] for argument in part.args])
        new = part if arguments == part.args else _with(part, arguments)
        known[part] = _rewritten(new)
    return _best_form(known[expression])


def _with(part: Expression, arguments: Sequence[Expression]) -> Expression:
    """`part` of other operands, as it is written: a Piecewise is not decided, nor are conditions."""
    if part.is_Piecewise or part.is_Relational:
        return part.func(*arguments, evaluate=False)
    return part.func(*arguments)


def _rewritten(part: Expression) -> Expression:
    import sympy

    match part:
        case sympy.Add():
            return _sum(part)
        case sympy.Mul():
            return _product(part)
        case sympy.Pow():
            return _power(part)
        case sympy.log():
            return _logarithm(part.args[0])
        case sympy.erfc(args=(u,)):
            return functions().erfc(u)
    return part


def _sum(part: Expression) -> Expression:
    """c + k f(u) in one term."""
    import sympy

    number, rest = part.as_coeff_Add()
    if number != 0:
        for term in sympy.Add.make_args(rest):
            factor, function = term.as_coeff_Mul()
            found = _joined(function, number) if factor == number else None
            if factor == -number:
                found = _parted(function, number)
            if isinstance(function, functions().erfc) and factor == -number / 2:
                found = -factor * functions().erfc(-function.args[0])
            if found is not None:
                return found + (rest - term)
    return _rooted(part)


def _joined(function: Expression, c: Expression) -> Expression | None:
    """c + c f(u)."""
    import sympy

    match function:
        case sympy.erf(args=(u,)):
            return c * functions().erfc(-u)
        case sympy.tanh(args=(u,)):
            return 2 * c * functions().sigmoid(2 * u)
        case sympy.cos(args=(u,)):
            return 2 * c * sympy.cos(u / 2) ** 2
    return None


def _parted(function: Expression, c: Expression) -> Expression | None:
    """c - c f(u)."""
    import sympy
    from sympy.codegen.cfunctions import expm1

    match function:
        case sympy.exp(args=(u,)):
            return -c * expm1(u)
        case sympy.erf(args=(u,)):
            return c * functions().erfc(u)
        case sympy.tanh(args=(u,)):
            return 2 * c * functions().sigmoid(-2 * u)
        case sympy.cos(args=(u,)):
            return 2 * c * sympy.sin(u / 2) ** 2
        case sympy.Pow(args=(sympy.tanh(args=(u,)), exponent)) if exponent == 2:
            return c * sympy.sech(u) ** 2
    if isinstance(function, functions().erfc):
        return c * sympy.erf(*function.args)
    if isinstance(function, functions().sigmoid):
        return c * functions().sigmoid(-function.args[0])
    return None


def _rooted(part: Expression) -> Expression:
    """u + sqrt(u^2 + c), c > 0: c / (sqrt(u^2 + c) - u) where u is negative."""
    import sympy

    if len(part.args) != 2:
        return part
    for u, root in (part.args, part.args[::-1]):
        if root.is_Pow and root.exp == sympy.Rational(1, 2) and (u.is_Symbol or u.is_Mul):
            c = root.base - u**2
            if c.is_positive and c.is_number:
                return sympy.Piecewise(
                    (u + root, sympy.Gt(u, 0, evaluate=False)), (c / (root - u), True), evaluate=False
                )
    return part


def _power(part: Expression) -> Expression:
    """(1 + e^u)^-n."""
    base, exponent = part.args
    if exponent.is_Rational and exponent.is_negative and (u := _one_plus_exp(base)) is not None:
        return functions().sigmoid(-u) ** -exponent
    return part


def _one_plus_exp(part: Expression) -> Expression | None:
    """u of 1 + e^u."""
    import sympy

    number, rest = part.as_coeff_Add()
    return rest.args[0] if number == 1 and isinstance(rest, sympy.exp) else None


def _product(part: Expression) -> Expression:
    """e^(m u) sigmoid(-u)^n, m <= n, without the exponential, which may overflow."""
    import sympy

    exponentials = [factor for factor in part.args if isinstance(factor, sympy.exp)]
    for factor in part.args:
        base, n = factor.as_base_exp()
        if not exponentials or not isinstance(base, functions().sigmoid) or not n.is_Integer:
            continue
        v = base.args[0]
        for exponential in exponentials:
            m = -exponential.args[0] / v
            if m.is_Integer and 0 < m <= n:
                rest = part / (factor * exponential)
                return rest * functions().sigmoid(-v) ** m * base ** (n - m)
    return part


def _logarithm(x: Expression) -> Expression:
    """log(1 + v), and what grows or falls exponentially."""
    import sympy
    from sympy.codegen.cfunctions import log1p

    if (u := _one_plus_exp(x)) is not None:
        return functions().softplus(u)
    if isinstance(x, functions().sigmoid):
        return -functions().softplus(-x.args[0])
    if isinstance(x, sympy.cosh):
        return functions().logcosh(x.args[0])
    number, rest = x.as_coeff_Add()
    return log1p(rest) if number == 1 and rest != 0 else sympy.log(x)


# What no identity mends.


def _best_form(expression: Expression) -> Expression:
    """Of some forms of a small expression, the one that loses the fewest digits; this one, if others lose as many."""
    import sympy

    if not expression.args or not _is_small(expression):
        return expression
    least, best = _loss(expression), expression
    for form in (sympy.factor_terms, sympy.together, sympy.factor, sympy.simplify):
        if least <= _BETTER:
            break
        other = form(expression)
        if other != expression and _is_small(other) and (loss := _loss(other)) * _BETTER < least:
            least, best = loss, other
    return best


def _is_small(expression: Expression) -> bool:
    sizes: dict[Expression, int] = {}
    for part in operands_first(expression, lambda part: part.args):
        sizes[part] = 1 + sum(sizes[argument] for argument in part.args)
        if sizes[part] > _SMALL:
            return False
    return not expression.has(_undecided())


def _undecided() -> tuple[Any, ...]:
    """What other forms would take apart: kinks have conventions."""
    import sympy

    return (sympy.Piecewise, sympy.Abs, sympy.sign, sympy.Max, sympy.Min, sympy.Heaviside, sympy.floor, sympy.ceiling)


def _loss(expression: Expression) -> float:
    """The largest relative error at some points, in units of rounding."""
    import mpmath
    import sympy

    symbols = sorted(expression.free_symbols, key=lambda symbol: str(symbol.name))
    call = sympy.lambdify(symbols, expression, modules=[_meaning(), "mpmath"])
    worst = 0.0
    for shift in range(len(_POINTS)):
        at = [mpmath.mpf(_POINTS[(shift + 5 * place) % len(_POINTS)]) for place in range(len(symbols))]
        try:
            with mpmath.workprec(_EXACT_BITS):
                exact = call(*at)
            with mpmath.workprec(_BITS):
                found = call(*at)
            if isinstance(exact, mpmath.mpc) or not mpmath.isfinite(exact) or exact == 0:
                continue
            worst = max(worst, float(abs((found - exact) / exact)) * 2**_BITS)
        except (ValueError, ZeroDivisionError, OverflowError, TypeError):
            continue  # no real value there
    return worst


@cache
def _meaning() -> Mapping[str, Callable[..., Any]]:
    """What mpmath has no name for."""
    import mpmath

    def sigmoid(u: Any) -> Any:  # Any: mpmath has no types
        return 1 / (1 + mpmath.exp(-u))

    return {
        "Sigmoid": sigmoid,
        "SigmoidSlope": lambda u: sigmoid(u) * sigmoid(-u),
        "Softplus": lambda u: max(u, 0) + mpmath.log1p(mpmath.exp(-abs(u))),
        "LogCosh": lambda u: mpmath.log1p(2 * mpmath.sinh(u / 2) ** 2),
        "ErrorComplement": mpmath.erfc,
        "expm1": mpmath.expm1,
        "log1p": mpmath.log1p,
    }
