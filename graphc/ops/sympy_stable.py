"""Formulas written so that they keep their digits: no sum of nearly equal terms where another form has none.

Identities that SymPy's expressions meet most: 1 + e^u below a fraction bar, 1 - tanh(u)^2, 1 + erf(u), e^u - 1,
log(1 + v).  Each holds for all real u.  What is left `rounding` measures, and carries along.
"""

from collections.abc import Sequence

from graphc.ops.sympy_factors import gathered
from graphc.ops.sympy_functions import functions
from graphc.ops.sympy_walk import Expression, operands_first

__all__ = ["stable"]


def stable(expression: Expression) -> Expression:
    """An equal expression that loses fewer digits.  What is shared stays shared; nothing large is expanded."""
    known: dict[Expression, Expression] = {}
    for part in operands_first(expression, lambda part: part.args):
        arguments = tuple([known[argument] for argument in part.args])
        new = part if arguments == part.args else _with(part, arguments)
        known[part] = _rewritten(new)
    return known[expression]


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
    """A sum with c + k f(u) in one term, and with what is common to all terms in front."""
    part = _with_joined(part)
    if not part.is_Add:
        return part
    together = gathered(part)
    if together is None:
        return _rooted(part)
    factor, rest = together
    return factor * _with_joined(rest)


def _with_joined(part: Expression) -> Expression:
    """c + k f(u) in one term."""
    import sympy

    number, rest = part.as_coeff_Add()
    if number == 0:
        return part
    for term in sympy.Add.make_args(rest):
        factor, function = term.as_coeff_Mul()
        found = _joined(function, number) if factor == number else None
        if factor == -number:
            found = _parted(function, number)
        if isinstance(function, functions().erfc) and factor == -number / 2:
            found = -factor * functions().erfc(-function.args[0])
        if found is not None:
            return found + (rest - term)
    return part


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
        case sympy.Pow(args=(sympy.sech(args=(u,)), exponent)) if exponent == 2:
            return c * sympy.tanh(u) ** 2
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
    """e^(m u) times the n-th power of sigmoid(-u) or 1 / (e^u - 1), m <= n, without what may overflow."""
    import sympy

    exponentials = [factor for factor in part.args if isinstance(factor, sympy.exp)]
    for factor in part.args if exponentials else ():
        base, n = factor.as_base_exp()
        u, mirrored = _mirrored(base)
        if u is None or not n.is_Integer:
            continue
        size = n if isinstance(base, functions().sigmoid) else -n
        for exponential in exponentials:
            m = exponential.args[0] / u
            if m.is_Integer and 0 < m <= size:
                rest = part / (factor * exponential)
                return rest * mirrored**m * base ** (n - m if n > 0 else n + m)
    return part


def _mirrored(base: Expression) -> tuple[Expression | None, Expression]:
    """The u of sigmoid(-u) or e^u - 1, and what e^u sigmoid(-u) or e^u / (e^u - 1) is."""
    import sympy
    from sympy.codegen.cfunctions import expm1

    if isinstance(base, functions().sigmoid):
        u = -base.args[0]
        return u, functions().sigmoid(u)
    if isinstance(base, expm1):
        u = base.args[0]
        return u, -1 / expm1(-u)
    return None, sympy.S.One


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
