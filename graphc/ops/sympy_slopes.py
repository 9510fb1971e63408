"""Derivatives of SymPy expressions: SymPy differentiates each function, the chain rule is walked here.

Differentiating a whole expression at once would copy what is shared, and recurse as deep as the expression.
"""

from graphc.errors import UnsupportedError
from graphc.ops.sympy_walk import Expression, operands_first

__all__ = ["slope"]


def slope(expression: Expression, symbol: Expression) -> Expression:
    """The derivative with respect to `symbol`.  Nothing is expanded.

    At kinks: abs and sign have slope 0 at 0, as have floor, ceiling and their like everywhere; the largest
    and the smallest of several share it equally among those that are equal; a Piecewise has that of the piece
    taken.
    """
    import sympy

    slopes: dict[Expression, Expression] = {}
    for part in operands_first(expression, _operands):
        if part == symbol:
            slopes[part] = sympy.Integer(1)
        elif not part.is_Piecewise and all(slopes.get(arg, 0) == 0 for arg in _operands(part)):
            slopes[part] = sympy.Integer(0)
        else:
            slopes[part] = _chained(part, slopes)
    return slopes[expression]


def _operands(part: Expression) -> tuple[Expression, ...]:
    """What a derivative of `part` depends on: conditions have none."""
    return tuple(piece for piece, _ in part.args) if part.is_Piecewise else part.args


def _chained(part: Expression, slopes: dict[Expression, Expression]) -> Expression:
    """The derivative of one expression from those of its operands."""
    import sympy

    inner = [slopes[arg] for arg in _operands(part)]
    if part.is_Piecewise:
        pieces = [(change, condition) for change, (_, condition) in zip(inner, part.args, strict=True)]
        return sympy.Piecewise(*pieces, evaluate=False) if any(inner) else sympy.Integer(0)
    match part:
        case sympy.Add():
            return sympy.Add(*inner)
        case sympy.Mul():
            return sympy.Add(*(sympy.Mul(change, *_without(i, part.args)) for i, change in enumerate(inner) if change))
        case sympy.Pow():
            return _of_power(*part.args, *inner)
        case sympy.Max() | sympy.Min():
            return _of_extreme(part, inner)
        case sympy.Mod():
            x, y = part.args
            return inner[0] - sympy.floor(x / y) * inner[1]
        case sympy.floor() | sympy.ceiling() | sympy.sign() | sympy.Heaviside():
            return sympy.Integer(0)
    return sympy.Add(*(change * _partial(part, i) for i, change in enumerate(inner) if change))


def _partial(part: Expression, place: int) -> Expression:
    """The derivative of a function with respect to one operand, by SymPy."""
    import sympy

    stand_ins = [arg if arg.is_Number else sympy.Dummy(real=True) for arg in part.args]
    found = part.func(*stand_ins).diff(stand_ins[place])
    if found.has(sympy.Derivative, sympy.Subs, sympy.DiracDelta):
        problem = f"SymPy has no derivative of {part.func.__name__} by operand {place}"
        raise UnsupportedError(problem, hint="gx.custom_vjp gives one")
    return found.xreplace(dict(zip(stand_ins, part.args, strict=True)))


def _of_power(base: Expression, exponent: Expression, by_base: Expression, by_exponent: Expression) -> Expression:
    """b^(e - 1) e b' + b^e log(b) e', where the second part has its limit 0 at b = 0, for e > 0."""
    import sympy

    change = exponent * base ** (exponent - 1) * by_base
    if by_exponent == 0:
        return change
    growth = base**exponent * sympy.log(base)
    if not base.is_number:
        at_zero = sympy.And(sympy.Eq(base, 0, evaluate=False), sympy.Gt(exponent, 0, evaluate=False))
        growth = sympy.Piecewise((0, at_zero), (growth, True), evaluate=False)
    return change + growth * by_exponent


def _of_extreme(part: Expression, inner: list[Expression]) -> Expression:
    """The slopes of those operands that reach the extreme, shared equally."""
    import sympy

    reached = [sympy.Piecewise((1, sympy.Eq(x, part, evaluate=False)), (0, True), evaluate=False) for x in part.args]
    return sympy.Add(*(share * change for share, change in zip(reached, inner, strict=True))) / sympy.Add(*reached)


def _without(place: int, args: tuple[Expression, ...]) -> tuple[Expression, ...]:
    return args[:place] + args[place + 1 :]
