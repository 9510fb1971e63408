"""The few ops that operators on nodes and the adding-up of cotangents need."""

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.errors import DTypeError, ShapeError
from graphc.ir.apply import apply
from graphc.ir.kinds import NO_ORDER, Elementwise, IndexMap, Linear, Movement, Reduction, require_ordered
from graphc.ir.leaves import full, uniform
from graphc.ir.node import Node, Op
from graphc.kernel.affine import AffineIndex
from graphc.kernel.monoids import Monoid
from graphc.kernel.scalar import Fn, Scalar
from graphc.sizes import Size
from graphc.types import BOOL, DType, Shape, TensorType, as_summed, is_complex, is_differentiable

__all__ = [
    "Add",
    "Cast",
    "Compare",
    "Div",
    "Mul",
    "Neg",
    "Spread",
    "Squeeze",
    "Sub",
    "Sum",
    "Where",
    "ones_like",
    "or_zeros",
    "spread",
    "sum_over",
    "zeros_like",
]


_SAID = {Fn.LT: "less", Fn.LE: "less_equal", Fn.GT: "greater", Fn.GE: "greater_equal"}


def ones_like(x: Node) -> Node:
    """Ones of the type of `x`."""
    return full(x.shape, 1, x.dtype)


def zeros_like(x: Node) -> Node:
    """Zeros of the type of `x`."""
    return full(x.shape, 0, x.dtype)


def or_zeros(found: Node | None, like: Node) -> Node:
    """A derivative that was found, or zeros of the type of what it belongs to."""
    return zeros_like(like) if found is None else found


@final
class Add(Elementwise):
    """x + y.  Slopes: 1, 1."""

    name: ClassVar[str] = "add"
    accepts: ClassVar[str] = "biufc"
    commutes: ClassVar[bool] = True

    def scalar(self, *xs: Scalar) -> Scalar:
        x, y = xs
        return x + y

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        one = ones_like(y)
        return (one, one)


@final
class Sub(Elementwise):
    """x - y.  Slopes: 1, -1."""

    name: ClassVar[str] = "sub"
    accepts: ClassVar[str] = "iufc"

    def scalar(self, *xs: Scalar) -> Scalar:
        x, y = xs
        return x - y

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (ones_like(y), full(y.shape, -1, y.dtype))


@final
class Neg(Elementwise):
    """-x.  Slope: -1."""

    name: ClassVar[str] = "neg"
    accepts: ClassVar[str] = "iufc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return -xs[0]

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (full(y.shape, -1, y.dtype),)


@final
class Mul(Elementwise):
    """x y.  Slopes: y, x."""

    name: ClassVar[str] = "mul"
    accepts: ClassVar[str] = "biufc"
    commutes: ClassVar[bool] = True

    def scalar(self, *xs: Scalar) -> Scalar:
        x, y = xs
        return x * y

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (xs[1], xs[0])


@final
class Div(Elementwise):
    """x / y, of floats or complex numbers.  Slopes: 1 / y, -(x / y) / y."""

    name: ClassVar[str] = "div"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        x, y = xs
        return x / y

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        _, divisor = xs
        return (ones_like(y) / divisor, -(y / divisor))


@final
class Compare(Elementwise):
    """x < y and its like, a bool.  No slope.

    An ordered comparison with nan is false, and with a complex number refused.
    """

    fn: Fn
    name: ClassVar[str] = "compare"
    accepts: ClassVar[str] = "biufc"

    def scalar(self, *xs: Scalar) -> Scalar:
        x, y = xs
        return x.call(self.fn, y)

    def result(self, *dtypes: DType) -> DType:
        if self.fn not in (Fn.EQ, Fn.NE):
            require_ordered(_SAID[self.fn], dtypes[0])
        return BOOL

    def text(self) -> str:
        return self.fn.value


@final
class Where(Elementwise):
    """x where the condition holds, else y.

    The branch not taken gets exactly zero, whatever its slope: through elementwise functions and movements, back
    to what these are computed from.
    """

    name: ClassVar[str] = "where"
    accepts: ClassVar[str] = "biufc"

    def scalar(self, *xs: Scalar) -> Scalar:
        condition, x, y = xs
        return condition.call(Fn.WHERE, x, y, dtype=x.dtype)

    def result(self, *dtypes: DType) -> DType:
        return dtypes[1]

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        taken = xs[0]
        one, zero = ones_like(y), zeros_like(y)
        other = apply(Compare(Fn.EQ), taken, full(taken.shape, False, BOOL))
        return (None, apply(Where(), taken, one, zero), apply(Where(), other, one, zero))


@final
class Cast(Elementwise):
    """The same value in another dtype; a complex number in a complex one.  Slope: 1, between floats or complex."""

    dtype: DType
    name: ClassVar[str] = "cast"
    accepts: ClassVar[str] = "biufc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return xs[0].cast(self.dtype)

    def result(self, *dtypes: DType) -> DType:
        return self.dtype

    def infer(self, *types: TensorType) -> TensorType:
        given = types[0].dtype
        if is_complex(given) and not is_complex(self.dtype):
            raise DTypeError(f"astype: {self.dtype} would lose the imaginary part of {given}", hint=NO_ORDER)
        return TensorType(types[0].shape, self.dtype)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (ones_like(y) if is_differentiable(y.dtype) and is_differentiable(xs[0].dtype) else None,)

    def text(self) -> str:
        return f"cast[{self.dtype.name}]"


@final
class Spread(Movement):
    """Repeat along new axes.  `shape` is the result's, `axes` those of it that are new.  Adjoint: sum."""

    shape: Shape
    axes: tuple[int, ...]
    name: ClassVar[str] = "spread"
    repeats: ClassVar[bool] = True

    def infer(self, *types: TensorType) -> TensorType:
        return TensorType(self.shape, types[0].dtype, types[0].weak)

    def source(self, operand: Shape) -> IndexMap:
        kept = [axis for axis in range(len(self.shape)) if axis not in self.axes]
        return IndexMap(tuple(AffineIndex(((axis, 1),)) for axis in kept))

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        return (sum_over(cotangent, self.axes),)

    def lifted(self, extent: Size) -> Op:
        return Spread((extent, *self.shape), tuple(axis + 1 for axis in self.axes))

    def text(self) -> str:
        return f"spread[{','.join(map(str, self.axes))}]"


@final
class Sum(Reduction, Linear):
    """Sum over `axes`, which the result lacks.  A sum over nothing is 0.  Adjoint: spread.

    float16 and bfloat16 accumulate in float32; integers and bool in int64 (uint64), which they then have.
    """

    axes: tuple[int, ...]
    name: ClassVar[str] = "sum"
    monoid: ClassVar[Monoid] = Monoid.SUM

    def infer(self, *types: TensorType) -> TensorType:
        (x,) = types
        return TensorType(tuple([n for axis, n in enumerate(x.shape) if axis not in self.axes]), as_summed(x.dtype))

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        return (spread(cotangent, node.inputs[0].shape, self.axes),)


@final
class Squeeze(Movement):
    """Drop axes of extent 1.  Adjoint: spread."""

    axes: tuple[int, ...]
    name: ClassVar[str] = "squeeze"

    def infer(self, *types: TensorType) -> TensorType:
        (x,) = types
        for axis in self.axes:
            if x.shape[axis] != 1:
                raise ShapeError(f"squeeze: axis {axis} has extent {x.shape[axis]}, not 1")
        return TensorType(tuple([n for axis, n in enumerate(x.shape) if axis not in self.axes]), x.dtype, x.weak)

    def source(self, operand: Shape) -> IndexMap:
        parts, result = [], 0
        for axis in range(len(operand)):
            if axis in self.axes:
                parts.append(AffineIndex(()))
            else:
                parts.append(AffineIndex(((result, 1),)))
                result += 1
        return IndexMap(tuple(parts))

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        return (spread(cotangent, node.inputs[0].shape, self.axes),)

    def lifted(self, extent: Size) -> Op:
        return Squeeze(tuple(axis + 1 for axis in self.axes))

    def text(self) -> str:
        return f"squeeze[{','.join(map(str, self.axes))}]"


def spread(x: Node, shape: Shape, axes: Sequence[int]) -> Node:
    """`x` repeated along `axes` of `shape`, which `x` lacks.  Constants and repeated spreads stay one node."""
    if not axes:
        return x
    number = uniform(x)
    if number is not None:
        return full(shape, number, x.dtype, weak=x.tensor.weak)
    if isinstance(x.op, Spread):
        inner = x.op
        kept = [axis for axis in range(len(shape)) if axis not in axes]
        new = {*axes, *(kept[axis] for axis in inner.axes)}
        return apply(Spread(shape, tuple(sorted(new))), x.inputs[0])
    return apply(Spread(shape, tuple(axes)), x)


def sum_over(x: Node, axes: Sequence[int]) -> Node:
    """The sum over `axes`, which the result lacks."""
    return apply(Sum(tuple(axes)), x) if axes else x
