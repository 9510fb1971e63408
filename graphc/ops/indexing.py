"""Reading and adding at indices that come from data."""

from collections.abc import Sequence
from typing import ClassVar, Literal, TypeAlias, final

from graphc.errors import DTypeError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import spread
from graphc.ir.given import a_choice, a_count
from graphc.ir.kinds import Linear, Lookup, Scatter
from graphc.ir.leaves import full, size_node
from graphc.ir.node import IndexBound, Like, Node, Op, SameSize
from graphc.ir.operands import accumulated, as_node, broadcast, cast
from graphc.kernel.monoids import Monoid
from graphc.ops.axes import one_axis
from graphc.ops.creation import iota
from graphc.ops.logic import equal
from graphc.ops.movement import reshape, transpose
from graphc.ops.piecewise import maximum, minimum
from graphc.ops.stepping import remainder
from graphc.origin import called, here
from graphc.sizes import Size, lower_bound
from graphc.types import DTYPES, INT64, Shape, TensorType, as_dtype, is_integer

__all__ = [
    "ScatterAdd",
    "Take",
    "Written",
    "as_index",
    "embedding",
    "one_hot",
    "scatter_add",
    "take",
    "take_along_axis",
]

_UINT64 = DTYPES["uint64"]
_LARGEST = (1 << 63) - 1

Mode: TypeAlias = Literal["raise", "clip", "wrap"]


@final
class Take(Lookup):
    """Elements of operand 0 at the indices of operand 1 (see `Lookup`).  Adjoint: ScatterAdd.

    checked    indices from the user are checked at the call; others are known to be in range
    reported   the axis that a failed check names, where it is not `axis`
    """

    axis: int
    leading: int = 0
    paired: bool = False
    checked: bool = True
    reported: int | None = None
    name: ClassVar[str] = "take"

    def infer(self, *types: TensorType) -> TensorType:
        x, index = types
        return TensorType(_taken(self, x.shape, index.shape), x.dtype)

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        x, index = types
        return _needs(self, x.shape, index.shape, self.checked, self.axis if self.reported is None else self.reported)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        x, index = node.inputs
        adjoint = ScatterAdd(self.axis, self.leading, self.paired, self.checked)
        return accumulated(adjoint, full(x.shape, 0, x.dtype), index, cotangent), None

    def lifted(self, extent: Size) -> Op:
        return Take(self.axis + 1, self.leading + (not self.paired), self.paired, self.checked, self.reported)

    def batch(self, inputs: Sequence[Node], batched: Sequence[bool], extent: Size) -> Node | None:
        if self.paired or self.leading or all(batched):
            return None
        if batched[0]:
            return apply(Take(self.axis + 1, 0, False, self.checked, self.reported), *inputs)
        y = apply(self, *inputs)  # the new axis stands where the axes of the index begin
        order = [self.axis, *(axis for axis in range(y.ndim) if axis != self.axis)]
        return transpose(y, order) if self.axis else y

    def text(self) -> str:
        return f"take[{_fields(self)}]"


class Written(Scatter):
    """A scatter whose indices are checked where they are the user's (see `Take`)."""

    checked: bool

    def infer(self, *types: TensorType) -> TensorType:
        return TensorType(types[0].shape, types[0].dtype)

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        return _scattered_needs(self, types, self.checked)

    def lifted(self, extent: Size) -> Op:
        return type(self)(self.axis + 1, self.leading + (not self.paired), self.paired, self.checked)

    def text(self) -> str:
        return f"{self.name}[{self.axis}]"


@final
class ScatterAdd(Written, Linear):
    """Operand 0 with operand 2 added at the indices of operand 1 (see `Scatter`).  Adjoint: Take.

    Sums are taken in the dtype of the operands: where many may meet, see `accumulated`.
    """

    axis: int
    leading: int = 0
    paired: bool = False
    checked: bool = True
    name: ClassVar[str] = "scatter_add"
    monoid: ClassVar[Monoid] = Monoid.SUM

    def is_linear_in(self, operand: int) -> bool:
        return operand != 1

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        _, index, _ = node.inputs
        return (
            cotangent,
            None,
            apply(Take(self.axis, self.leading, self.paired, self.checked), cotangent, index),
        )

    def batch(self, inputs: Sequence[Node], batched: Sequence[bool], extent: Size) -> Node | None:
        if self.paired or self.leading or batched[1]:
            return None
        base, index, updates = inputs
        base, updates = (
            x if flag else spread(x, (extent, *x.shape), (0,))
            for x, flag in ((base, batched[0]), (updates, batched[2]))
        )
        return apply(ScatterAdd(self.axis + 1, 0, False, self.checked), base, index, updates)

    def text(self) -> str:
        return f"scatter_add[{_fields(self)}]"


def _scattered_needs(op: Scatter, types: Sequence[TensorType], checked: bool) -> list[SameSize | IndexBound]:
    """That indices are in range, and that the updates have the shape of what a lookup there gives."""
    base, index, updates = types
    wanted = _taken(op, base.shape, index.shape)
    if len(wanted) != len(updates.shape):
        raise ShapeError(f"{op.name}: the updates have rank {len(updates.shape)}, not {len(wanted)}")
    differing = [
        SameSize(n, m, f"extents of the updates differ along axis {axis}")
        for axis, (n, m) in enumerate(zip(wanted, updates.shape, strict=True))
        if n != m
    ]
    return [*_needs(op, base.shape, index.shape, checked, op.axis), *differing]


def _fields(op: Take | ScatterAdd) -> str:
    return f"{op.axis}" + (",paired" if op.paired else f",{op.leading} leading" if op.leading else "")


def _taken(op: Lookup | Scatter, shape: Shape, index: Shape) -> Shape:
    """The shape of what is taken."""
    return index if op.paired else (*shape[: op.axis], *index[op.leading :], *shape[op.axis + 1 :])


def _needs(
    op: Lookup | Scatter, shape: Shape, index: Shape, checked: bool, reported: int
) -> list[SameSize | IndexBound]:
    """That indices are in range, and that axes which walk together have equal extents."""
    together = [axis for axis in range(len(shape)) if axis != op.axis] if op.paired else range(op.leading)
    sizes = [
        SameSize(shape[axis], index[axis], f"array and index differ along axis {axis}")
        for axis in together
        if shape[axis] != index[axis]
    ]
    bound = IndexBound(1, shape[op.axis], f"index out of range along axis {reported}")
    return [*sizes, bound] if checked else [*sizes]


def take(x: Like, index: Like, axis: int | None = None, *, mode: Mode = "raise") -> Node:
    """The elements, or slices, of `x` at whole-numbered places along one axis.

    x [p..., n, q...]   index [i...]   ->   [p..., i..., q...]

    Without `axis`, `x` is read as one row of all its elements.  A negative index counts from the end.
    Outside -n .. n - 1 mode "raise" fails at the call; "clip" takes the nearest of 0 .. n - 1, so that all
    negative indices are 0; "wrap" counts on from the other end.

    Adjoint: `scatter_add` into zeros.
    """
    node = as_node(x)
    if axis is None:
        node, axis = reshape(node, (-1,)), 0
    axis = one_axis("take", axis, node.ndim, node)
    places = _integers("take", index, node)
    return apply(Take(axis, checked=_may_fail(node, axis, mode)), node, _in_range(places, node, axis, mode))


def take_along_axis(x: Like, index: Like, axis: int = -1, *, mode: Mode = "raise") -> Node:
    """The elements of `x` at places along one axis, which may differ from row to row.

    x [p..., n, q...]   index [p..., i, q...]   ->   [p..., i, q...]; other extents of 1 are repeated.

    Adjoint: the cotangent added at those places of zeros.
    """
    node = as_node(x)
    axis = one_axis("take_along_axis", axis, node.ndim, node)
    places = _integers("take_along_axis", index, node)
    if places.ndim != node.ndim:
        problem = f"take_along_axis: the index has rank {places.ndim}, the array {node.ndim}"
        raise locate(ShapeError(problem, hint="gx.take reads whole slices"), here(), (node, places))
    node, places = _widened(node, places, axis), _widened(places, node, axis)
    op = Take(axis, paired=True, checked=_may_fail(node, axis, mode))
    return apply(op, node, _in_range(places, node, axis, mode))


def scatter_add(x: Like, index: Like, updates: Like, axis: int = 0) -> Node:
    """`x` with `updates` added at whole-numbered places along one axis; places may repeat.

    x [p..., n, q...]   index [i...]   updates [p..., i..., q...]   ->   [p..., n, q...]

    `updates` broadcast.  A negative index counts from the end; outside -n .. n - 1 the call fails.  float16 and
    bfloat16 are added in float32 and rounded once.

    Slopes: 1 by `x`; the adjoint by `updates` is `take`.
    """
    node = as_node(x)
    axis = one_axis("scatter_add", axis, node.ndim, node)
    places = as_index("scatter_add", index, node)
    added = as_node(updates)
    shape = (*node.shape[:axis], *places.shape, *node.shape[axis + 1 :])
    if added.ndim > len(shape):
        raise locate(
            ShapeError(f"scatter_add: the updates have rank {added.ndim}, not {len(shape)}"),
            here(),
            (node, places, added),
        )
    added = broadcast(cast(added, node.dtype), shape)
    return accumulated(ScatterAdd(axis), node, places, added)


def one_hot(index: Like, classes: Size, dtype: object = "float32") -> Node:
    """1 at the index along a new last axis, 0 elsewhere.  [...]   ->   [..., classes]

    An index outside 0 .. classes - 1 gives zeros only.

    No slope.
    """
    places = as_index("one_hot", index)
    classes = a_count("one_hot", "classes", classes, places)
    shape = (*places.shape, classes)
    rows = spread(places, shape, (places.ndim,))
    return cast(equal(rows, spread(iota(classes), shape, range(places.ndim))), as_dtype(dtype))


def embedding(table: Like, index: Like) -> Node:
    """One row of `table` per index.  table [n, d]   index [...]   ->   [..., d]

    Adjoint: `scatter_add` of the cotangent into rows of zeros.  Outside -n .. n - 1 the call fails: see `take`.
    Bengio, Ducharme, Vincent, Jauvin: A neural probabilistic language model, 2003.
    """
    return take(table, index, 0)


def as_index(name: str, index: Like, *others: Node) -> Node:
    """`index`, which holds integers, as int64.  `name` is the function that asks."""
    return _as_int64(_integers(name, index, *others))


def _integers(name: str, index: Like, *others: Node) -> Node:
    """`index` as a node of integers."""
    node = as_node(index)
    if not is_integer(node.dtype):
        hint = "gx.where keeps or replaces by a condition" if node.dtype == bool else 'index.astype("int64")'
        raise locate(
            DTypeError(f"{name}: an index is an integer, not {node.dtype}", hint=hint),
            here(),
            (*others, node),
        )
    return node


def _as_int64(index: Node) -> Node:
    """`index` as int64; what is too large for it as the largest int64, which no extent reaches."""
    return cast(minimum(index, _LARGEST) if index.dtype == _UINT64 else index, INT64)


def _may_fail(x: Node, axis: int, mode: str) -> bool:
    """Whether indices may be out of range: in an axis of extent 0 all are."""
    a_choice(called() or "indexing", "the mode", mode, ("raise", "clip", "wrap"), x)
    return mode == "raise" or not (lower_bound(x.shape[axis]) or 0) > 0


def _in_range(index: Node, x: Node, axis: int, mode: str) -> Node:
    """`index` as int64, for "clip" and "wrap" brought into 0 .. n - 1."""
    n = x.shape[axis]
    match mode:
        case "raise":
            return _as_int64(index)
        case "clip":
            return maximum(minimum(_as_int64(index), size_node(n - 1)), 0)
        case _:
            wide = index if index.dtype == _UINT64 else cast(index, INT64)
            return cast(remainder(wide, size_node(n)), INT64)


def _widened(x: Node, other: Node, axis: int) -> Node:
    """`x` with axes of extent 1, but `axis`, repeated as in `other`."""
    shape = [m if n == 1 else n for n, m in zip(x.shape, other.shape, strict=True)]
    shape[axis] = x.shape[axis]
    return broadcast(x, tuple(shape))
