"""The kinds of ops.  A kind says how one element is computed, or how derivatives flow, and so what an op owes.

Derivatives:  Elementwise (partials)   Linear   Multilinear   Differentiable (vjp)   Tangential (jvp)   Constant
Elements:     Leaf   Counting   Elementwise   Movement   Deposit   Lookup   Scatter   Reduction   Running
              Product   Routine   Reshaped

An op picks one of each: `class Transpose(Movement)`, where a Movement is Linear already.  An Elementwise op that is
Linear too (`real`, `conj`) has the rule of Linear, and no partials.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, final

from graphc.errors import DTypeError
from graphc.ir.node import IndexBound, Node, Op, SameSize
from graphc.kernel.affine import AffineIndex
from graphc.kernel.monoids import Monoid
from graphc.kernel.scalar import Number, Scalar
from graphc.sizes import Size
from graphc.types import DType, Shape, TensorType, is_complex, is_differentiable, is_floating
from graphc.value import Value

__all__ = [
    "NO_ORDER",
    "Constant",
    "Counting",
    "Deposit",
    "Differentiable",
    "Digit",
    "Elementwise",
    "IndexMap",
    "Leaf",
    "Linear",
    "Lookup",
    "Movement",
    "Multilinear",
    "Product",
    "Reduction",
    "Reshaped",
    "Routine",
    "Running",
    "Scatter",
    "Tangential",
    "require_field",
    "require_floating",
    "require_ordered",
]


#: what to do instead where an order is asked of complex numbers
NO_ORDER = "take gx.real(x), gx.imag(x) or gx.abs(x)"


def require_floating(name: str, dtype: DType) -> None:
    """Raise DTypeError for what is no real float."""
    if not is_floating(dtype):
        raise DTypeError(f"{name} has no meaning for {dtype}", hint='x.astype("float32")')


def require_field(name: str, dtype: DType) -> None:
    """Raise DTypeError for what is neither a real float nor complex."""
    if not is_differentiable(dtype):
        raise DTypeError(f"{name} has no meaning for {dtype}", hint='x.astype("float32")')


def require_ordered(name: str, dtype: DType) -> None:
    """Raise DTypeError for complex numbers, of which none is the larger."""
    if is_complex(dtype):
        raise DTypeError(f"{name} has no meaning for {dtype}", hint=NO_ORDER)


# How derivatives flow.


class Linear(Op):
    """The result is linear in all operands that `is_linear_in` names, taken together."""

    def is_linear_in(self, operand: int) -> bool:
        """Whether the operand is one of them; the others (indices) carry no derivative."""
        return True

    def linear_part(self) -> Op:
        """The op that tangents go through: this one, unless its result has a constant part as well."""
        return self

    @abstractmethod
    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        """The cotangent of each input."""


class Multilinear(Op):
    """The result is linear in each operand while the others are held."""

    @abstractmethod
    def transpose(self, node: Node, operand: int, cotangent: Node) -> Node:
        """The cotangent of one operand."""


class Differentiable(Op):
    """An op with a reverse rule; the forward rule is derived by transposing it, or given."""

    @abstractmethod
    def vjp(self, node: Node, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
        """The cotangent of each input, from one per result (None where nothing came)."""

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Sequence[Node | None] | None:
        """The tangent of each result; or None: derive it."""
        return None


class Tangential(Op):
    """An op with a forward rule; the reverse rule is derived by transposing it."""

    @abstractmethod
    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Sequence[Node | None]:
        """The tangent of each result, linear in `tangents`."""


class Constant(Op):
    """No derivative flows: the result is piecewise constant, or has no operands."""


# How one element is computed.


class Leaf(Constant):
    """An op without operands: an input, a variable, a constant, a size."""

    def lifted(self, extent: Size) -> Op:
        raise AssertionError(f"{self.name} depends on nothing")


class Counting(Leaf):
    """0, 1, 2 ... in row-major order: an element is how many come before it, in the dtype of the result."""


class Elementwise(Op):
    """Element i of the result is a scalar formula of elements i of the operands, which have equal shapes."""

    #: which dtypes the op has a meaning for: any of "biufc" (bool, signed, unsigned, floating, complex)
    accepts: ClassVar[str] = "f"
    #: whether two operands may be exchanged
    commutes: ClassVar[bool] = False

    @abstractmethod
    def scalar(self, *xs: Scalar) -> Scalar:
        """The formula."""

    def plain(self, *xs: Scalar) -> Scalar:
        """The formula as mathematics has it, without what it does about rounding."""
        return self.scalar(*xs)

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        """The derivative of the result with respect to each operand, None where it is zero everywhere."""
        return (None,) * len(xs)

    def result(self, *dtypes: DType) -> DType:
        """The dtype of the result: that of the operands, unless the op says otherwise."""
        return dtypes[0]

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        shape = types[0].shape
        for other in types:
            if other.shape is not shape and other.shape != shape:
                break
        else:
            return ()
        return [
            SameSize(n, m, f"extents differ along axis {axis}")
            for other in types[1:]
            for axis, (n, m) in enumerate(zip(shape, other.shape, strict=True))
            if n != m
        ]

    def infer(self, *types: TensorType) -> TensorType:
        first, dtypes, is_weak = types[0], [], True
        known: DType | None = None
        for tensor in types:
            dtype = tensor.dtype
            if dtype is not known:
                if dtype.kind not in self.accepts and not (dtype.kind == "V" and "f" in self.accepts):  # V is bfloat16
                    raise DTypeError(f"{self.name} has no meaning for {dtype}", hint=self._dtype_hint(dtype))
                known = dtype
            dtypes.append(dtype)
            if not tensor.weak:
                is_weak = False
        dtype = self.result(*dtypes)
        return first if dtype is first.dtype and is_weak is first.weak else TensorType(first.shape, dtype, is_weak)

    def _dtype_hint(self, given: DType) -> str:
        if is_complex(given):
            return NO_ORDER
        match self.accepts:
            case "f" | "fc":
                return 'x.astype("float32")'
            case "b":
                return "write a comparison, as x != 0"
            case _:
                return 'x.astype("int64")'

    def lifted(self, extent: Size) -> Op:
        return self


@final
class Digit(Value):
    """A digit of a place: `of` divided by `divisor`, rounded down; its remainder by `modulus`, where there is one."""

    of: AffineIndex
    divisor: Size
    modulus: "Size | None"


@final
class IndexMap(Value):
    """Where element (a0, a1, ...) of one array lies in another: one affine index per axis of the other.

    digits   further axes that parts, and later digits, may go along: -1 is the first of them, -2 the second
    """

    parts: tuple[AffineIndex, ...]
    digits: tuple[Digit, ...] = ()

    def lifted(self) -> "IndexMap":
        """The same map with a further leading axis on both sides."""
        assert not self.digits, "no op shows digits"
        parts = tuple(AffineIndex(tuple((a + 1, c) for a, c in p.terms), p.offset) for p in self.parts)
        return IndexMap((AffineIndex(((0, 1),)), *parts))


class Movement(Linear):
    """Element i of the result is one element of the operand, at an affine index.  Always in range."""

    #: whether one element of the operand may become several of the result
    repeats: ClassVar[bool] = False

    @abstractmethod
    def source(self, operand: Shape) -> IndexMap:
        """Where result elements come from: axes of the result to an index of the operand."""


class Reshaped(Linear):
    """The same elements in row-major order under another shape: no work on contiguous arrays."""


class Deposit(Linear):
    """Every element of each operand is written to, or added into, one affine index of the result.

    What nothing is written to is `fill`.
    """

    #: whether elements that meet are added; without, no two of one operand meet, and a later operand stays
    adds: ClassVar[bool] = False

    @abstractmethod
    def places(self, *operands: Shape) -> Sequence[IndexMap]:
        """Where the elements of each operand go: axes of the operand to an index of the result."""

    @abstractmethod
    def covers(self) -> bool:
        """Whether every element of the result is written, so that no fill is needed."""

    def fill(self) -> Number:
        """The value of elements that nothing is written to."""
        return 0

    @classmethod
    def together(cls, parts: Sequence[Node]) -> Sequence[Node]:
        """Fewer nodes that have the same sum, if there are: of nodes of one type, whose ops are of this class."""
        return parts


class Lookup(Linear):
    """Indices that come from data.  Operand 0 is indexed; operand 1 holds int64 indices, checked or in range.

    `axis`     the axis of operand 0 that is indexed
    `leading`  how many leading axes both operands share (a batch); less than or equal to `axis`
    `paired`   all other axes walk together (take_along_axis: operands of one rank, and `leading` is 0);
               else the index axes after `leading` take the place of `axis` (take):
               x [b..., p..., n, q...]   index [b..., i...]   ->   [b..., p..., i..., q...]

    A negative index counts from the end.
    """

    axis: int
    leading: int
    paired: bool

    def is_linear_in(self, operand: int) -> bool:
        return operand == 0


class Scatter(Op):
    """Operand 2 is combined with a copy of operand 0 at the indices of operand 1: a Lookup, written to.

    The fields are those of the Lookup into operand 0.  Elements that meet are combined in row-major order.
    """

    monoid: ClassVar[Monoid]
    axis: int
    leading: int
    paired: bool


class Reduction(Op):
    """Operands are combined over some axes, which the result does not have."""

    monoid: ClassVar[Monoid]
    axes: tuple[int, ...]

    def lifted(self, extent: Size) -> Op:
        return type(self)(tuple(axis + 1 for axis in self.axes))

    def text(self) -> str:
        return f"{self.name}[{','.join(map(str, self.axes))}]"


class Running(Op):
    """A combination of all elements up to and including the present one, along one axis."""

    monoid: ClassVar[Monoid]
    axis: int
    reverse: bool

    def lifted(self, extent: Size) -> Op:
        return type(self)(self.axis + 1, self.reverse)

    def text(self) -> str:
        return f"{self.name}[{self.axis}{' reverse' if self.reverse else ''}]"


class Product(Multilinear):
    """A sum of products of two operands over axes: matmul, einsum, convolution, and all their adjoints."""

    @property
    @abstractmethod
    def points_apart(self) -> int:
        """How many leading axes have a product of its own at each point, which rounds as if it were made alone."""

    @abstractmethod
    def taken_apart(self) -> "Product":
        """The same op, where each point of axis 0, and of those that were apart before, is a product of its own."""

    @abstractmethod
    def indices(self) -> tuple[tuple[AffineIndex, ...], tuple[AffineIndex, ...], tuple[AffineIndex, ...]]:
        """The index of the left operand, of the right one and of the result, over the axes of `extents`."""

    extents: tuple[Size, ...]


class Routine(Op):
    """A routine of the closed set of externs (sort, cholesky ...); leading axes are a batch.

    is_unique   whether its operands say what it gives: of vectors of a matrix, signs are free, or more
    """

    routine: ClassVar[str]
    is_unique: ClassVar[bool] = True

    def options(self) -> tuple[tuple[str, int | bool | str], ...]:
        """What the routine is told besides its operands."""
        return ()
