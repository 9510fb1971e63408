"""New elementwise ops from SymPy expressions, with derivatives of every order."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import field
from functools import cached_property
from typing import final

from graphc.errors import ArgumentError, GraphError
from graphc.ir.apply import apply, locate
from graphc.ir.kinds import Elementwise
from graphc.ir.leaves import full
from graphc.ir.node import Like, Node
from graphc.ir.operands import meet
from graphc.ir.storage import label_of
from graphc.kernel.scalar import Scalar
from graphc.ops.elementwise import floating
from graphc.ops.sympy_functions import formula_text
from graphc.ops.sympy_lowering import lowered, number_of, require_supported
from graphc.ops.sympy_rounding import Careful, careful
from graphc.ops.sympy_slopes import slope
from graphc.ops.sympy_stable import stable
from graphc.ops.sympy_walk import Expression, symbols_of
from graphc.origin import here
from graphc.printable import a_thing
from graphc.types import DTYPES, FLOAT32, DType, accumulator

__all__ = ["Formula", "op"]

_FLOAT64 = DTYPES["float64"]


@final
class Formula(Elementwise):
    """An expression of SymPy, element by element.  Slopes: the derivatives that SymPy finds, Formulas again.

    expression   over real symbols
    parameters   the symbols, in the order of the operands; each occurs
    name         of the function that the user made
    order        the parameters it was differentiated by, one after the other

    16-bit floats are computed in float32 and rounded once.  Where the formula loses many digits, float32 is computed in
    float64, and float64 carries the roundings along that cost the most.
    """

    expression: Expression
    parameters: tuple[Expression, ...]
    name: str = field(compare=False)  # type: ignore[misc]  # one class, many functions
    order: tuple[str, ...] = field(compare=False, default=())

    def told_by(self) -> Sequence[object]:
        from sympy import srepr

        return (srepr(self.expression), *map(srepr, self.parameters))

    def scalar(self, *xs: Scalar) -> Scalar:
        dtype = xs[0].dtype
        if dtype == _FLOAT64 and self._careful.needs_corrections:
            return self._careful.scalar(xs)
        widens = dtype == FLOAT32 and self._careful.needs_double
        return self._lowered(xs, _FLOAT64 if widens else accumulator(dtype))

    def plain(self, *xs: Scalar) -> Scalar:
        return self._lowered(xs, accumulator(xs[0].dtype))

    def _lowered(self, xs: Sequence[Scalar], dtype: DType) -> Scalar:
        """The expression as it is written, computed in `dtype`."""
        wide = [x.cast(dtype) for x in xs]
        operands = dict(zip(self.parameters, wide, strict=True))
        return lowered(self.expression, operands, wide[0]).cast(xs[0].dtype)

    @cached_property
    def _careful(self) -> Careful:
        return careful(self.expression, self.parameters)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        operands = dict(zip(self.parameters, xs, strict=True))
        slopes: list[Node | None] = []
        for found in self._slopes:
            if isinstance(found, Formula):
                slopes.append(apply(found, *(operands[symbol] for symbol in found.parameters)))
            else:
                slopes.append(None if found == 0 else full(y.shape, found, y.dtype))
        return slopes

    @cached_property
    def _slopes(self) -> tuple["Formula | float", ...]:
        """The derivative by each parameter: a number, or a formula of the parameters that occur in it."""
        found: list[Formula | float] = []
        for symbol in self.parameters:
            expression = stable(slope(self.expression, symbol))
            found_symbols = symbols_of(expression)
            used = tuple(other for other in self.parameters if other in found_symbols)
            if not used:
                found.append(number_of(expression) if expression.is_Rational else float(expression))
                continue
            require_supported(self.name, expression)
            found.append(Formula(expression, used, self.name, (*self.order, symbol.name)))
        return tuple(found)

    def definition(self) -> str:
        names = ", ".join(symbol.name for symbol in self.parameters)
        return f"{self.text()}({names}) = {formula_text(self.expression)}"

    def text(self) -> str:
        return f"{self.name}[{','.join(f'd{symbol}' for symbol in self.order)}]" if self.order else self.name


def op(name: str, formula: Callable[..., object]) -> Callable[..., Node]:
    """A new elementwise function from a formula: `swish = op("swish", lambda x: x / (1 + sympy.exp(-x)))`.

    The formula is called once, with a real SymPy symbol per parameter, and returns a SymPy expression (never
    text) in which each occurs.  The function takes nodes, arrays and numbers, which broadcast; integers
    become float32.  It is one node and one kernel; so are its derivatives, of any order, which SymPy finds.
    Slopes at kinks: 0 for abs and sign at 0; equal shares for the largest of several; in a Piecewise that of
    the piece taken.
    """
    try:
        made = _formula(label_of(name, "an op"), formula)
    except GraphError as error:
        raise locate(error, here(), ()) from None

    listed = ", ".join(symbol.name for symbol in made.parameters)

    def function(*xs: Like) -> Node:
        wanted = len(made.parameters)
        if len(xs) != wanted:
            problem = f"{name} takes {wanted} operands ({listed}), not {len(xs)}"
            raise locate(ArgumentError(problem), here(), ())
        first, *others = map(floating, xs)
        for other in others:
            first, _ = meet(name, first, other)
        return apply(made, first, *(meet(name, first, other)[1] for other in others))

    function.__name__ = function.__qualname__ = name
    function.__code__ = function.__code__.replace(co_name=name, co_qualname=name)  # by which errors know it
    function.__doc__ = f"{name}({listed}), a formula, element by element."
    return function


def _formula(name: str, formula: object) -> Formula:
    """What the user's function returns for symbols, if it is something that can be compiled."""
    import sympy

    def fail(problem: str, hint: str | None = None) -> ArgumentError:
        return ArgumentError(f"{name}: {problem}", hint=hint)

    if not callable(formula):
        hint = "a function of symbols: lambda x: x * sympy.exp(x)"
        raise fail(f"the formula is {a_thing(formula)}", hint)
    parameters = list(inspect.signature(formula).parameters.values())
    if not parameters or any(p.kind not in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters):
        raise fail("the formula takes one or more operands, by position")
    symbols = tuple(sympy.Symbol(parameter.name, real=True) for parameter in parameters)
    result = formula(*symbols)
    if not isinstance(result, sympy.Expr):
        is_condition = isinstance(result, sympy.logic.boolalg.Boolean)
        hint = "sympy.Piecewise((1, x > 0), (0, True)) is a number" if is_condition else "lambda x: x * sympy.exp(x)"
        raise fail(f"the formula returns {a_thing(result)}, not a SymPy expression", hint)
    found = symbols_of(result)
    unknown = [symbol for symbol in found if symbol not in symbols]
    unused = [symbol for symbol in symbols if symbol not in found]
    if unknown:
        raise fail(f"the formula has a symbol {unknown[0].name!r} that is no parameter")
    if unused:
        raise fail(f"the formula does not use its parameter {unused[0].name!r}")
    require_supported(name, result)
    return Formula(stable(result), symbols, name)
