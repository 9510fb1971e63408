"""Functions that SymPy lacks, with values and slopes that keep their digits: what `stable` writes formulas with."""

from functools import cache
from typing import Any, NamedTuple

__all__ = ["Functions", "formula_text", "functions"]

Function = Any  # a subclass of sympy.Function: SymPy has no types, and is loaded where a formula is first used


class Functions(NamedTuple):
    """Classes of SymPy.

    sigmoid    1 / (1 + e^-u)
    bump       its slope, sigmoid(u) sigmoid(-u)
    softplus   log(1 + e^u)
    logcosh    log(cosh(u))
    erfc       1 - erf(u), which SymPy's turns into 2 - erfc(-u) for some u
    """

    sigmoid: Function
    bump: Function
    softplus: Function
    logcosh: Function
    erfc: Function


@cache
def functions() -> Functions:
    """The classes, made when SymPy is first used."""
    import sympy

    class Sigmoid(sympy.Function):  # type: ignore[misc]  # SymPy has no types
        """1 / (1 + e^-u)."""

        nargs = 1

        def fdiff(self, argindex: int = 1) -> Any:  # SymPy's protocol
            return SigmoidSlope(*self.args)

    class SigmoidSlope(sympy.Function):  # type: ignore[misc]
        """Sigmoid(u) Sigmoid(-u)."""

        nargs = 1

        def fdiff(self, argindex: int = 1) -> Any:
            return -self * sympy.tanh(self.args[0] / 2)

    class Softplus(sympy.Function):  # type: ignore[misc]
        """log(1 + e^u)."""

        nargs = 1

        def fdiff(self, argindex: int = 1) -> Any:
            return Sigmoid(*self.args)

    class LogCosh(sympy.Function):  # type: ignore[misc]
        """log(cosh(u))."""

        nargs = 1

        def fdiff(self, argindex: int = 1) -> Any:
            return sympy.tanh(*self.args)

    class ErrorComplement(sympy.Function):  # type: ignore[misc]
        """1 - erf(u)."""

        nargs = 1

        def fdiff(self, argindex: int = 1) -> Any:
            return -2 / sympy.sqrt(sympy.pi) * sympy.exp(-(self.args[0] ** 2))

    return Functions(Sigmoid, SigmoidSlope, Softplus, LogCosh, ErrorComplement)


def formula_text(expression: Any) -> str:
    """An expression as it is printed, in functions that a reader knows."""
    import sympy

    made = functions()
    sigmoid, softplus, erfc = map(sympy.Function, ("sigmoid", "softplus", "erfc"))
    shown = expression.replace(made.bump, lambda u: sigmoid(u) * sigmoid(-u)).replace(made.sigmoid, sigmoid)
    shown = shown.replace(made.erfc, erfc)
    return str(shown.replace(made.softplus, softplus).replace(made.logcosh, lambda u: sympy.log(sympy.cosh(u))))
