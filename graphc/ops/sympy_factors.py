"""What is common to the terms of a sum, put in front: what is left are terms that cancel before anything is rounded."""

from collections.abc import Mapping

from graphc.ops.sympy_walk import Expression

__all__ = ["gathered"]

Powers = Mapping[Expression, Expression]

_LARGEST = 24  # terms that a product of sums is multiplied out to


def gathered(part: Expression) -> tuple[Expression, Expression] | None:
    """What divides every term of a sum, and the sum of the quotients; None where nothing does.

    e^(2u) counts as e^u e^u.  Of x^2 / (x^2 + 1)^3 and 1 / (x^2 + 1)^2 the smaller power divides both; the quotients
    are multiplied out, and sech(u)^2 beside tanh(u) is 1 - tanh(u)^2.  No quotient grows where no term did.
    """
    import sympy

    terms = [_powers(term) for term in part.args]
    bases = dict.fromkeys(base for _, powers in terms for base in powers)
    common: dict[Expression, Expression] = {}
    for base in bases:
        exponents = [powers.get(base, sympy.S.Zero) for _, powers in terms]
        if all(exponent > 0 for exponent in exponents):
            common[base] = min(exponents)
        elif all(exponent < 0 for exponent in exponents):
            common[base] = min(exponents) if _is_divided(base, terms) else max(exponents)
        elif _is_divided(base, terms) and min(exponents) == -1:
            numerator = _quotients(terms, {base: sympy.S.NegativeOne})
            if numerator.is_number:
                return 1 / base, numerator
    if not common:
        return None
    factor = sympy.Mul(*(base**exponent for base, exponent in common.items()))
    return factor, _in_tanh(_quotients(terms, common))


def _is_divided(base: Expression, terms: list[tuple[Expression, Powers]]) -> bool:
    """Whether a sum divides what is infinite where it is: then a numerator that is infinite there is no worse."""
    if not _is_plain(base):
        return False
    return any(
        powers.get(base, 0) < 0 and any(_grows_with(base, one, powers[one]) for one in powers) for _, powers in terms
    )


def _grows_with(base: Expression, factor: Expression, exponent: Expression) -> bool:
    """Whether a factor is a power of a symbol in `base`, or of its absolute value."""
    symbol = factor.args[0] if type(factor).__name__ == "Abs" else factor
    return bool(exponent > 0 and symbol.is_Symbol and symbol in base.free_symbols)


def _is_plain(base: Expression) -> bool:
    """Whether it is a sum of powers of symbols and their absolute values."""
    return bool(base.is_Add) and all(_is_size(one) for term in base.args for one in _powers(term)[1])


def _is_size(one: Expression) -> bool:
    """Whether it is a symbol, or the absolute value of one, or a number."""
    return bool(one.is_Symbol or one.is_number or (type(one).__name__ == "Abs" and one.args[0].is_Symbol))


def _is_multiplied(base: Expression) -> bool:
    """Whether products with this sum are multiplied out: where terms may cancel that are powers of symbols and tanh."""
    return bool(base.is_Add) and all(
        _is_size(one) or type(one).__name__ in ("tanh", "sech") for term in base.args for one in _powers(term)[1]
    )


def _quotients(terms: list[tuple[Expression, Powers]], common: Powers) -> Expression:
    """The sum of the terms, each divided by `common` and multiplied out."""
    import sympy

    left = [
        (number, {base: powers.get(base, sympy.S.Zero) - common.get(base, 0) for base in {**powers, **common}})
        for number, powers in terms
    ]
    return sympy.Add(*(_multiplied_out(number, powers) for number, powers in left))


def _powers(term: Expression) -> tuple[Expression, Powers]:
    """The number in front of a product, and the exponent of each factor."""
    import sympy

    number, rest = term.as_coeff_Mul()
    powers: dict[Expression, Expression] = {}
    for factor in sympy.Mul.make_args(rest):
        base, exponent = factor.as_base_exp()
        if isinstance(factor, sympy.exp):
            exponent, inner = factor.args[0].as_coeff_Mul()
            base = sympy.exp(inner)
        if not exponent.is_Rational:
            base, exponent = factor, sympy.S.One
        if base != 1:
            powers[base] = powers.get(base, sympy.S.Zero) + exponent
    return number, powers


def _multiplied_out(number: Expression, powers: Powers) -> Expression:
    """A product, in which sums with small powers are multiplied out."""
    import sympy

    count = 1
    for base, exponent in powers.items():
        if _is_multiplied(base) and exponent.is_Integer and exponent > 0:
            count *= len(base.args) ** int(exponent)
    product = sympy.Mul(number, *(base**exponent for base, exponent in powers.items()))
    return sympy.expand(product, deep=False, power_exp=False, log=False) if 1 < count <= _LARGEST else product


def _in_tanh(part: Expression) -> Expression:
    """A polynomial in tanh(u), sech(u)^2 and symbols, in tanh(u) alone, unless all of it falls as sech(u)^2 does."""
    import sympy

    terms = [_powers(term)[1] for term in sympy.Add.make_args(part)]
    functions = {base for powers in terms for base in powers if not base.is_Symbol}
    sech = next((one for one in functions if isinstance(one, sympy.sech)), None)
    if sech is None or functions != {sech, sympy.tanh(*sech.args)} or all(sech in powers for powers in terms):
        return part
    tanh = sympy.tanh(*sech.args)
    return sympy.Add(*(_without_sech(term, sech, tanh) for term in sympy.Add.make_args(part)))


def _without_sech(term: Expression, sech: Expression, tanh: Expression) -> Expression:
    import sympy

    exponent = _powers(term)[1].get(sech, sympy.S.Zero)
    if exponent % 2 or exponent < 0:
        return term
    return sympy.expand(term / sech**exponent * (1 - tanh**2) ** (exponent / 2), deep=False)
