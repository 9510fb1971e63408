"""How operands meet: numbers become nodes, dtypes promote, shapes broadcast; and arithmetic on what has met."""

from collections.abc import Sequence
from math import isfinite
from typing import TypeGuard

import numpy as np

from graphc.errors import DTypeError, GraphError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import (
    Add,
    Cast,
    Div,
    Mul,
    Neg,
    Spread,
    Squeeze,
    Sub,
    Where,
    spread,
)
from graphc.ir.kinds import Deposit
from graphc.ir.leaves import constant_array, full, size_node, uniform
from graphc.ir.node import Like, Node, Op
from graphc.ir.values import fits, holds
from graphc.origin import here, of_call
from graphc.printable import a_thing, tuple_text
from graphc.sizes import Expression, equal
from graphc.types import (
    BOOL,
    COMPLEX64,
    DTYPES,
    FLOAT32,
    INT64,
    DType,
    Shape,
    TensorType,
    accumulator,
    as_dtype,
    as_floating,
    is_complex,
    is_integer,
    promote,
)

__all__ = [
    "accumulated",
    "add",
    "add_up",
    "as_node",
    "as_number",
    "broadcast",
    "broadcast_shapes",
    "cast",
    "div",
    "in_dtype",
    "is_masked",
    "meet",
    "mul",
    "neg",
    "one_number",
    "sub",
    "times",
    "where",
]


def as_node(value: Like) -> Node:
    """`value` as a node.  Python numbers and sizes are weak; arrays, and NumPy's scalars, keep their dtype."""
    if isinstance(value, Node):
        return value
    if isinstance(value, np.generic):  # first of all: float64 is a float, and complex128 a complex
        return constant_array(np.asarray(value).astype(as_dtype(value.dtype), copy=False))
    if isinstance(value, bool):
        return full((), value, BOOL)
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            problem = f"an integer of {value.bit_length()} bits does not fit int64"
            raise DTypeError(of_call(problem), hint="write it as a float")
        return full((), value, INT64, weak=True)
    if isinstance(value, float):
        return full((), value, FLOAT32, weak=True)
    if isinstance(value, complex):
        return full((), value, COMPLEX64, weak=True)
    if isinstance(value, Expression):
        return size_node(value)
    if isinstance(value, np.ma.MaskedArray):
        raise DTypeError(of_call("a masked array would lose its mask"), hint="array.filled(...), or gx.where")
    if isinstance(value, np.ndarray):
        return constant_array(np.asarray(value).astype(as_dtype(value.dtype), copy=False))
    raise _no_node(value)


def _no_node(value: object) -> GraphError:
    problem = f"{a_thing(value)} is no node, array or number"
    hint = None
    if isinstance(value, list | tuple):
        hint = "gx.stack(...) puts nodes together, numpy.asarray(...) makes an array of numbers"
    elif callable(value):
        hint = "call it with nodes: it gives a node"
    return DTypeError(of_call(problem), hint=hint)


def as_number(x: Node) -> Node:
    """`x` where it holds numbers; bools as int8, as NumPy counts them where truths alone have no meaning."""
    return cast(x, DTYPES["int8"]) if x.dtype == BOOL else x


def one_number(name: str, what: str, value: Like) -> Node:
    """The argument `what` of the function `name` as a node without axes."""
    node = as_node(value)
    if node.shape != ():
        raise locate(ShapeError(f"{name}: {what} is one number, not {node.type}"), here(), (node,))
    return node


def cast(x: Node, dtype: DType, *others: Node) -> Node:
    """`x` in another dtype; itself where it has it.  `others` are what it meets there, which errors name."""
    tensor = x.tensor
    if tensor.dtype == dtype and not tensor.weak:
        return x
    number = uniform(x)
    if number is None:
        return apply(Cast(dtype), x)
    if is_complex(tensor.dtype) and not is_complex(dtype):
        return apply(Cast(dtype), x)  # which raises
    if isinstance(number, int) and tensor.weak and not holds(dtype, number):
        raise _beyond(number, dtype, "int64", others)
    if isinstance(number, float) and not (-3e4 < number < 3e4 and dtype.kind == "f"):
        return _rounded(x, number, dtype, others)
    return full(tensor.shape, number, dtype)


def in_dtype(x: Like, dtype: object) -> Node:
    """The node of `x`, in a dtype where one is asked for."""
    return as_node(x) if dtype is None else cast(as_node(x), as_dtype(dtype))


def accumulated(op: Op, *operands: Node) -> Node:
    """The node of an op that adds up or multiplies many: float16 and bfloat16 in float32, rounded once."""
    dtype = operands[0].dtype
    wide = accumulator(dtype)
    if wide == dtype:
        return apply(op, *operands)
    return cast(apply(op, *[cast(x, wide) if x.dtype == dtype else x for x in operands]), dtype)


def _beyond(number: float, dtype: DType, wide: str, others: Sequence[Node]) -> GraphError:
    """A Python number does not fit into a dtype, of what it meets if it meets something."""
    hint = f'x.astype("{wide}") has room for it' if others and str(dtype) != wide else None
    return locate(DTypeError(f"the number {number} does not fit into {dtype}", hint=hint), here(), others)


def _rounded(x: Node, number: float, dtype: DType, others: Sequence[Node]) -> Node:
    """A constant in another dtype, which it may leave: a Python number raises, an element of an array becomes inf."""
    tensor = x.tensor
    with np.errstate(all="ignore"):
        if tensor.weak and dtype != BOOL:
            if is_integer(dtype):  # which takes what stands before the point
                is_lost = not isfinite(number) or not holds(dtype, int(number))
            else:
                is_lost = not fits(np.asarray(number), dtype)
            if is_lost:
                raise _beyond(number, dtype, "float64", others)
        return full(tensor.shape, number, dtype)


def broadcast_shapes(left: Shape, right: Shape) -> Shape:
    """The shape two shapes meet in, as NumPy has it, except that only a literal 1 is repeated."""
    if left == right:
        return left
    rank = max(len(left), len(right))
    padded_left, padded_right = (1,) * (rank - len(left)) + left, (1,) * (rank - len(right)) + right
    return tuple(b if a == 1 else a for a, b in zip(padded_left, padded_right, strict=True))


def broadcast(x: Node, shape: Shape) -> Node:
    """`x` repeated as NumPy does: new leading axes, and axes of extent 1 to those of `shape`.

    Other axes keep their extent, whatever `shape` says: whether they agree is the reader's requirement.
    """
    if x.shape == shape:
        return x
    lead = len(shape) - x.ndim
    ones = [axis for axis, n in enumerate(x.shape) if n == 1 and shape[lead + axis] != 1]
    if not lead and not ones:
        return x
    kept = [axis for axis in range(x.ndim) if axis not in ones]
    result = [*shape]
    for axis in kept:
        result[lead + axis] = x.shape[axis]
    if ones:
        number = uniform(x)
        if number is not None:
            return full(tuple(result), number, x.dtype, weak=x.tensor.weak)
        op = x.op
        if isinstance(op, Spread) and set(ones) <= set(op.axes):  # kept as 1 by keepdims: go back before it
            x = x.inputs[0]
            kept = [axis for axis in kept if axis not in op.axes]
        else:
            x = apply(Squeeze(tuple(ones)), x)
    places = {lead + axis for axis in kept}
    return spread(x, tuple(result), tuple(axis for axis in range(len(result)) if axis not in places))


def meet(name: str, left: Like, right: Like) -> tuple[Node, Node]:
    """Both operands with one dtype and one shape, as every op of two operands wants them."""
    if _is_small(left) and isinstance(right, Node) and _adopts_small(right.tensor):
        return full(right.shape, left, right.dtype), right
    if _is_small(right) and isinstance(left, Node) and _adopts_small(left.tensor):
        return left, full(left.shape, right, left.dtype)
    x, y = first, second = as_node(left), as_node(right)
    a, b = x.tensor, y.tensor
    if a is b or a == b:
        return x, y
    if a.shape != b.shape:
        shape = _meeting_shape(name, x, y)
        x, y = broadcast(x, shape), broadcast(y, shape)
    if a.dtype == b.dtype and a.weak == b.weak:
        return x, y
    dtype = promote(a, b)
    return cast(x, dtype, second), cast(y, dtype, first)


def _is_small(value: Like) -> TypeGuard[int | float]:
    """Whether a value is a Python number that every float has room for."""
    return (value.__class__ is float or value.__class__ is int) and -3e4 < value < 3e4


def _adopts_small(tensor: TensorType) -> bool:
    """Whether a small number that meets an array just takes its dtype."""
    return tensor.dtype.kind == "f" and not tensor.weak


def _meeting_shape(name: str, x: Node, y: Node) -> Shape:
    left, right = x.shape, y.shape
    for axis, (n, m) in enumerate(zip(reversed(left), reversed(right), strict=False)):
        if n != 1 and m != 1 and equal(n, m) is False:
            wide = f"axis {-1 - axis}: {n} and {m}"
            hint = "transpose one of them" if left == right[::-1] else "only an extent of 1 is repeated"
            raise locate(
                ShapeError(
                    f"{name}: shapes {tuple_text(left)} and {tuple_text(right)} do not fit at {wide}", hint=hint
                ),
                here(),
                (x, y),
            )
    return broadcast_shapes(left, right)


def add(left: Like, right: Like) -> Node:
    """x + y.  Slopes: 1, 1."""
    return apply(Add(), *meet("add", left, right))


def sub(left: Like, right: Like) -> Node:
    """x - y.  Slopes: 1, -1."""
    return apply(Sub(), *meet("subtract", left, right))


def mul(left: Like, right: Like) -> Node:
    """x y.  Slopes: y, x."""
    return apply(Mul(), *meet("multiply", left, right))


def div(left: Like, right: Like) -> Node:
    """x / y.  Integers are divided as floats (float32).  Slopes: 1 / y, -x / y²."""
    x, y = meet("divide", left, right)
    dtype = as_floating(x.dtype)
    return apply(Div(), cast(x, dtype) if x.dtype != dtype else x, cast(y, dtype) if y.dtype != dtype else y)


def neg(x: Like) -> Node:
    """-x.  Slope: -1."""
    return apply(Neg(), as_node(x))


def where(condition: Like, x: Like, y: Like) -> Node:
    """`x` where the condition holds, else `y`; all three broadcast.

    Slopes: 1 by the branch taken; exactly 0 by the other, also where what it is computed from has a slope of inf
    or nan.
    """
    test = as_node(condition)
    if test.dtype != BOOL:
        raise locate(
            DTypeError(f"where: the condition is {test.dtype}, not bool", hint="write a comparison"),
            here(),
            (test,),
        )
    a, b = meet("where", x, y)
    if test.shape != a.shape:
        shape = broadcast_shapes(_meeting_shape("where", test, a), a.shape)
        test, a, b = broadcast(test, shape), broadcast(a, shape), broadcast(b, shape)
    return apply(Where(), test, a, b)


# Cotangents.


def is_masked(x: Node) -> bool:
    """Whether `x` is `where(m, v, 0)`."""
    return isinstance(x.op, Where) and uniform(x.inputs[2]) == 0


def times(cotangent: Node, slope: Node) -> Node:
    """cotangent * slope, where either may be masked: where a mask is false the product is 0, also if 0 * inf.

    Products by 1 and -1 and by a reciprocal are written as what they are.
    """
    if is_masked(cotangent):
        mask, inner, zero = cotangent.inputs
        product = times(inner, slope)
        return apply(Where(), mask, product, zero)
    if uniform(cotangent) == 1:
        return slope
    match slope.op:
        case Where() if is_masked(slope):
            mask, inner, zero = slope.inputs
            return apply(Where(), mask, times(cotangent, inner), zero)
        case Div() if uniform(slope.inputs[0]) == 1:
            return apply(Div(), cotangent, slope.inputs[1])
        case Neg():
            return apply(Neg(), times(cotangent, slope.inputs[0]))
    match uniform(slope):
        case 1:
            return cotangent
        case -1:
            return apply(Neg(), cotangent)
    return apply(Mul(), cotangent, slope)


def add_up(parts: Sequence[Node]) -> Node:
    """The sum of cotangents.  Parts under one mask stay under it; many that lie beside each other are put together."""
    result, *others = parts if len(parts) < _MANY else _together(parts)
    for part in others:
        if is_masked(result) and is_masked(part) and result.inputs[0] is part.inputs[0]:
            mask, x, zero = result.inputs
            result = apply(Where(), mask, apply(Add(), x, part.inputs[1]), zero)
        else:
            result = apply(Add(), result, part)
    return result


def _together(parts: Sequence[Node]) -> Sequence[Node]:
    found: list[Node] = []
    deposits: dict[type[Deposit], list[Node]] = {}
    for part in parts:
        of = deposits.setdefault(type(part.op), []) if isinstance(part.op, Deposit) else found
        of.append(part)
    for kind, some in deposits.items():
        found += kind.together(some)
    return found


_MANY = 16  # parts: as many arrays with zeros around one part each, as the rows of a loop that was unrolled have
