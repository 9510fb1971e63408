"""Graphs of single numbers as formulas of SymPy, and as LaTeX."""

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, assert_never

from graphc.errors import ArgumentError, UnsupportedError
from graphc.inspection.escaping import quoted
from graphc.inspection.formulas import on_numbers, on_truths
from graphc.inspection.wording import op_text, place_text, type_text
from graphc.ir.control import Structured
from graphc.ir.graph import topological
from graphc.ir.kinds import Counting, Elementwise, Movement, Product, Reduction, Reshaped, Running
from graphc.ir.leaves import ConstantValue, Input, SizeOf, Variable
from graphc.ir.node import Node
from graphc.kernel.monoids import Monoid
from graphc.kernel.scalar import Axis, AxisIndex, Call, Const, Fn, Formula, Load, Scalar, SizeValue
from graphc.printable import a_thing, printable
from graphc.sizes import Size
from graphc.types import BOOL, DType, TensorType, is_complex, is_floating, is_integer

if TYPE_CHECKING:
    import sympy

__all__ = ["to_latex", "to_sympy"]

_HINT = "gx.show prints graphs of any size"
_LONGEST = 100_000  # nodes of a formula written out, where what is shared is written again and again
_PLAIN = r"[A-Za-z]{1,20}[0-9]{0,9}(_[A-Za-z0-9]{1,9})?"  # SymPy may set: `x_1`, `alpha`
_SIMPLE = 64  # a number is written as a fraction if its denominator is at most this


def to_sympy(node: Node) -> "sympy.Basic":
    """The formula that a node computes, where it and all that it needs are single numbers.

    Inputs and variables are symbols of their names.  The formula is over the real numbers: it knows no
    rounding, overflow or nan.  A node of more elements, or an op without a formula, raises UnsupportedError.
    """
    _require_node(node)
    try:
        return _formula(node)
    except RecursionError:
        raise UnsupportedError("the formula is nested too deeply for SymPy", hint=_HINT) from None


def to_latex(node: Node) -> str:
    """The formula that a node computes, in LaTeX.  Names that are no plain words are set as text."""
    import sympy

    _require_node(node)
    lengths: dict[Node, int] = {}
    for part in topological([node]):
        lengths[part] = 1 + sum(lengths[operand] for operand in part.inputs)
    if lengths[node] > _LONGEST:
        raise UnsupportedError(f"the formula has more than {_LONGEST} parts, as it repeats what is shared", hint=_HINT)
    formula = to_sympy(node)
    names = {s: _as_text(s.name) for s in formula.atoms(sympy.Symbol) if not re.fullmatch(_PLAIN, s.name)}
    try:
        text: str = sympy.latex(formula, symbol_names=names)
    except RecursionError:
        raise UnsupportedError("the formula is nested too deeply for SymPy", hint=_HINT) from None
    return text


def _require_node(node: object) -> None:
    if not isinstance(node, Node):
        raise ArgumentError(f"{a_thing(node)} has no formula", hint="give a node")


def _formula(node: Node) -> "sympy.Basic":
    values: dict[Node, sympy.Basic] = {}
    named: dict[str, Node] = {}
    for part in topological([node]):
        if isinstance(part.type, TensorType) and is_complex(part.dtype):
            raise _unsupported(part, f"is {type_text(part)}, and formulas are of real numbers")
        if isinstance(part.op, Structured):
            raise _unsupported(part, "is a loop or a branch, whose body runs as a call decides")
        if not _is_one_number(part):
            raise _unsupported(part, f"is {type_text(part)}, not a single number")
        if isinstance(part.op, Input | Variable) and named.setdefault(part.op.label, part) is not part:
            raise ArgumentError(
                f"two nodes are called {quoted(part.op.label)}; a formula cannot tell them apart",
                hint="give them different names",
            )
        values[part] = _value(part, [values[operand] for operand in part.inputs])
    return values[node]


def _is_one_number(node: Node) -> bool:
    return isinstance(node.type, TensorType) and all(isinstance(n, int) and n == 1 for n in node.type.shape)


def _unsupported(node: Node, why: str) -> UnsupportedError:
    where = place_text(node.origin.place())
    return UnsupportedError(f"no formula: {op_text(node)}, made at {where}, {why}", hint=_HINT)


def _value(node: Node, operands: Sequence["sympy.Basic"]) -> "sympy.Basic":
    """What the op makes of its operands."""
    match node.op:
        case Input(label=label) | Variable(label=label):
            return _symbol(label, node.dtype)
        case ConstantValue(array=array):
            return _number(array.item() if array.dtype.kind != "V" else float(array.reshape(())), node.dtype)
        case SizeOf(size=size):
            return _size(size)
        case Elementwise() as op:
            formula = Formula()
            places = [AxisIndex(Axis(i, 1), x.dtype) for i, x in enumerate(node.inputs)]
            result = op.plain(*(Scalar(formula, formula.add(place)) for place in places))
            return _computed(node, formula, dict(zip(places, operands, strict=True)), result.number)
        case Counting():
            return _number(0, node.dtype)
        case Reduction(monoid=Monoid.ARGMAX | Monoid.ARGMIN):
            return _number(0, node.dtype)
        case Movement() | Reshaped() | Reduction() | Running() if len(operands) == 1:
            return _cast(operands[0], node.inputs[0].dtype, node.dtype)
        case Product() as op if all(isinstance(n, int) and n == 1 for n in op.extents):
            left, right = operands
            return left * right
    raise _unsupported(node, "is no arithmetic on single numbers")


def _computed(node: Node, formula: Formula, operands: Mapping[AxisIndex, "sympy.Basic"], number: int) -> "sympy.Basic":
    """The let of that number, where `operands` says what stands for the operands of the node."""
    numbers, truths = on_numbers(), on_truths()
    values: list[sympy.Basic] = []
    for let in formula.lets[: number + 1]:
        match let:
            case Const(value=value, dtype=dtype):
                values.append(_number(value, dtype))
            case SizeValue(size=size):
                values.append(_size(size))
            case AxisIndex():
                values.append(operands[let])
            case Call(fn=Fn.CAST, args=(x,), dtype=dtype):
                values.append(_cast(values[x], formula.lets[x].dtype, dtype))
            case Call(fn=fn, args=args):
                table = truths if formula.lets[args[-1]].dtype == BOOL else numbers
                if fn not in table:
                    raise _unsupported(node, f"uses {fn.value}, which is no arithmetic")
                values.append(table[fn](*(values[arg] for arg in args)))
            case Load():
                raise AssertionError("a formula of operands loads nothing")
            case _:
                assert_never(let)
    return values[number]


def _symbol(name: str, dtype: DType) -> "sympy.Basic":
    import sympy

    if dtype == BOOL:
        return sympy.Symbol(name)
    return sympy.Symbol(name, integer=True) if is_integer(dtype) else sympy.Symbol(name, real=True)


def _size(size: Size) -> "sympy.Basic":
    """A size: a number, or a symbol that is called as the size is written."""
    import sympy

    if isinstance(size, int):
        return sympy.Integer(size)
    return sympy.Symbol(str(size), integer=True, nonnegative=True)


def _number(value: object, dtype: DType) -> "sympy.Basic":
    """A number as people write it: a simple fraction, else with the digits that its dtype holds."""
    import sympy

    if dtype == BOOL:
        return sympy.true if value else sympy.false
    assert isinstance(value, int | float), value  # complex numbers have been refused
    if not isfinite(value):
        return sympy.nan if value != value else sympy.oo if value > 0 else -sympy.oo
    numerator, denominator = value.as_integer_ratio()
    if denominator <= _SIMPLE:
        return sympy.Rational(numerator, denominator)
    return sympy.Float(float(str(dtype.type(value))))


def _cast(value: "sympy.Basic", source: DType, target: DType) -> "sympy.Basic":
    import sympy

    if source == target:
        return value
    if target == BOOL:
        return sympy.Ne(value, 0)
    if source == BOOL:
        return sympy.Piecewise((1, value), (0, True))
    return on_numbers()[Fn.TRUNC](value) if is_floating(source) and is_integer(target) else value


def _as_text(name: str) -> str:
    """A name as text of LaTeX, in which nothing is a command."""
    special = {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
    special |= {character: f"\\{character}" for character in "{}#$%&_"}
    return rf"\text{{{''.join(special.get(c, c) for c in printable(name, 40))}}}"
