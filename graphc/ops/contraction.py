"""Sums of products of two operands, declared as such: the op behind matmul, einsum and convolution."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import lru_cache
from typing import TypeAlias, final

from graphc.errors import DTypeError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import Squeeze, spread
from graphc.ir.kinds import Product
from graphc.ir.node import IndexBound, Node, Op, SameSize
from graphc.ir.operands import cast, mul
from graphc.kernel.affine import AffineIndex
from graphc.once import once
from graphc.ops.movement import transpose
from graphc.origin import here
from graphc.sizes import Size, equal, lower_bound, maximum, total
from graphc.types import BOOL, FLOAT32, Shape, TensorType, accumulator, promote

__all__ = ["Contraction", "Labels", "Places", "contract", "plain", "product"]

Places: TypeAlias = tuple[AffineIndex, ...]
Labels: TypeAlias = Sequence[str]

_LETTERS = "ijklmnopqrstuvwxyzabcdefgh"


@final
class Contraction(Product):
    """result[out(a)] += left[left(a)] * right[right(a)], for every point a of the iteration space.

    extents            of the axes of the iteration space
    left, right, out   an index over those axes for each axis of the operands and of the result
    shape              of the result, which starts at zero
    name               of the function that the user called: matmul, einsum, conv2d

    All indices are in range.  Each axis stands in two of the three maps, or in all: then every adjoint is a
    Contraction too, in which the cotangent stands where an operand stood, and that is the result.
    The sum is taken in the dtype of the operands; integers wrap around.
    """

    extents: tuple[Size, ...]
    left: Places
    right: Places
    out: Places
    shape: Shape
    name: str = field(compare=False)  # type: ignore[misc]  # one class, many functions
    apart: int = 0

    def __post_init__(self) -> None:
        held = [[axis for part in places for axis, _ in part.terms] for places in self.indices()]
        for axis in range(len(self.extents)):
            count = [axes.count(axis) for axes in held]
            assert max(count) == 1 < sum(count), (self.text(), axis)

    @once
    def _hash(self) -> int:
        return hash((self.extents, self.left, self.right, self.out, self.shape, self.apart))

    def __hash__(self) -> int:
        return self._hash

    @once
    def plain(self) -> tuple[tuple[int | None, ...], ...]:
        """`plain` of the three maps."""
        return tuple([tuple(plain(places)) for places in self.indices()])

    @once
    def sums(self) -> bool:
        """Whether an element of the result is more than a product of two elements, or a window moves."""
        left, right, out = map(set, self.plain)
        return len(out - {None}) < len(self.extents) or None in left | right

    def infer(self, *types: TensorType) -> TensorType:
        left, right = types
        assert left.dtype == right.dtype, (left, right)
        if left.dtype == BOOL:
            raise DTypeError(f"{self.name} has no meaning for bool", hint='x.astype("float32")')
        found = self._result
        return found if found.dtype is left.dtype else TensorType(self.shape, left.dtype)

    @once
    def _result(self) -> TensorType:
        """The type that most results have: one object, which is known again at a glance."""
        return TensorType(self.shape, FLOAT32)

    @property
    def points_apart(self) -> int:
        return self.apart

    def taken_apart(self) -> "Contraction":
        return replace(self, apart=max(self.apart, 1))

    def indices(self) -> tuple[Places, Places, Places]:
        return self.left, self.right, self.out

    @once
    def _fitting(self) -> tuple[Shape, ...] | None:
        """The shapes of operands of which nothing is required; None where sizes are open, or windows move."""
        if not _is_fixed(self.extents):
            return None
        shapes = []
        for places in self.plain[:2]:
            shape = tuple([self.extents[axis] for axis in places if axis is not None])
            if len(shape) < len(places):
                return None
            shapes.append(shape)
        return tuple(shapes)

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        if tuple([operand.shape for operand in types]) == self._fitting:
            return ()
        found = []
        counted: set[int] = set()
        for places, operand in zip(self.plain, types, strict=False):
            for axis, n in zip(places, operand.shape, strict=True):
                if axis is None:
                    continue
                counted.add(axis)
                if n != self.extents[axis]:
                    found.append(SameSize(self.extents[axis], n, f"{self._role(axis)} differ"))
        for axis, n in enumerate(self.extents):  # where a window fits, it has a place
            if axis not in counted and ((low := lower_bound(n)) is None or low < 1):
                reach, room = self._room(axis, types)
                found.append(SameSize(maximum(reach, room), room, "the window is larger than what it moves over"))
        return found

    def _room(self, axis: int, types: Sequence[TensorType]) -> tuple[Size, Size]:
        """How far a window reaches that moves along an axis, and the extent that it moves over."""
        for places, operand in zip((self.left, self.right), types, strict=True):
            for place, n in zip(places, operand.shape, strict=True):
                if axis in dict(place.terms):
                    return total((self.extents[i] - 1) * step for i, step in place.terms if i != axis) + 1, n
        raise AssertionError((self, axis))

    def _role(self, axis: int) -> str:
        left, right, out = (axis in places for places in self.plain)
        return "extents" if not (left and right) else "batch extents" if out else "inner extents"

    def transpose(self, node: Node, operand: int, cotangent: Node) -> Node:
        x, y = node.inputs
        shape = node.inputs[operand].shape
        adjoint = _one_adjoint if _is_fixed((*self.extents, *shape)) else _adjoint
        op = adjoint(self, operand, shape, self.name)
        return contract(op, cotangent, y) if operand == 0 else contract(op, x, cotangent)

    def lifted(self, extent: Size) -> Op:
        return self._lifted(extent, (True, True, True))

    def batch(self, inputs: Sequence[Node], batched: Sequence[bool], extent: Size) -> Node | None:
        return contract(self._lifted(extent, (*batched, True)), *inputs)

    def added_up(self, extent: Size) -> "Contraction":
        """The sum of as many of these products, whose operands lie one after the other along a new axis 0."""
        return self._lifted(extent, (True, True, False))

    def _lifted(self, extent: Size, led: Sequence[bool]) -> "Contraction":
        """With a new axis 0, that leads those of the operands and the result that are named."""
        new = AffineIndex(((0, 1),))
        left, right, out = (
            (*([new] if flag else []), *map(_shifted, places)) for places, flag in zip(self.indices(), led, strict=True)
        )
        shape = (extent, *self.shape) if led[2] else self.shape
        apart = self.apart + 1 if self.apart else 0
        return Contraction((extent, *self.extents), left, right, out, shape, self.name, apart)

    def text(self) -> str:
        left, right, out = map(self._letters, self.indices())
        return f"{self.name}[{left},{right}->{out}{' apart' if self.apart else ''}]"

    def _letters(self, places: Places) -> str:
        """One letter per axis, in order of first use: matmul[ij,jk->ik]; window indices as (2k+m)."""
        used = [axis for other in self.indices() for part in other for axis, _ in part.terms]
        order = list(dict.fromkeys(used))

        def term(axis: int, coefficient: Size) -> str:
            number = order.index(axis)
            letter = _LETTERS[number] if number < len(_LETTERS) else f"_{number}"
            if coefficient == 1:
                return letter
            return f"{coefficient}{letter}" if isinstance(coefficient, int) else f"({coefficient}){letter}"

        written = []
        for part in places:
            terms = "+".join(term(axis, coefficient) for axis, coefficient in part.terms)
            written.append(terms if len(part.terms) == 1 and part.terms[0][1] == 1 else f"({terms})")
        return "".join(written)


def plain(places: Places) -> Iterator[int | None]:
    """For each index the axis that it is, or None where it is more than one axis alone."""
    for part in places:
        simple = len(part.terms) == 1 and part.terms[0][1] == 1 and part.offset == 0
        yield part.terms[0][0] if simple else None


def contract(op: Contraction, left: Node, right: Node) -> Node:
    """`op` on two operands.  Where nothing is summed it is a product of elements, which fuses."""
    if op.sums:
        return apply(op, left, right)
    return mul(_aligned(left, op.left, op), _aligned(right, op.right, op))


def product(name: str, left: Node, right: Node, labels: tuple[Labels, Labels, Labels]) -> Node:
    """Products of elements, summed over the labels that the result lacks.

    `labels` name the axes of the left operand, of the right one and of the result; none stands twice in one
    of them, and those that are summed stand in both operands.  Of the others, an extent of 1 that meets
    another is repeated.  The dtypes are promoted; the sum of float16 and bfloat16 is taken in float32.  Of bools
    it is whether one of the products holds: a sum in float32, where it never overflows to 0.
    """
    left_labels, right_labels, out = labels
    extents = dict(zip(left_labels, left.shape, strict=True))
    for label, m in zip(right_labels, right.shape, strict=True):
        n = extents.setdefault(label, m)
        if label in out and n == 1:
            extents[label] = m
        elif equal(n, m) is False and not (label in out and m == 1):
            role = "batch extents" if label in out else "inner extents"
            raise locate(ShapeError(f"{name}: {role} differ, {n} and {m}"), here(), (left, right))
    dtype = promote(left.tensor, right.tensor)
    wide = FLOAT32 if dtype == BOOL and set(out) != set(extents) else accumulator(dtype)
    x, left_labels = _unrepeated(cast(left, wide), left_labels, extents, out)
    y, right_labels = _unrepeated(cast(right, wide), right_labels, extents, out)
    labelled = _one_labelled if _is_fixed(extents.values()) else _labelled
    op = labelled(name, tuple(left_labels), tuple(right_labels), tuple(out), tuple(extents.items()))
    return cast(contract(op, x, y), dtype)


def _is_fixed(sizes: Iterable[Size]) -> bool:
    return not [n for n in sizes if not isinstance(n, int)]


def _labelled(
    name: str,
    left: tuple[str, ...],
    right: tuple[str, ...],
    out: tuple[str, ...],
    extents: tuple[tuple[str, Size], ...],
) -> Contraction:
    """The sum of products whose maps are plain axes, given by labels."""
    known = dict(extents)
    axes = {label: number for number, label in enumerate(dict.fromkeys((*out, *left)))}

    def places(labels: tuple[str, ...]) -> Places:
        return tuple(AffineIndex(((axes[label], 1),)) for label in labels)

    sizes = tuple(known[label] for label in axes)
    return Contraction(sizes, places(left), places(right), places(out), sizes[: len(out)], name)


def _adjoint(op: Contraction, operand: int, shape: Shape, name: str) -> Contraction:
    """What gives the cotangent of an operand of `shape`; `name` is that of `op`, which equal ops need not share."""
    if operand == 0:
        return Contraction(op.extents, op.out, op.right, op.left, shape, name)
    return Contraction(op.extents, op.left, op.out, op.right, shape, name)


# Equal ops of fixed sizes are one object: they are compared often, and hold many parts.  Open sizes are equal
# whatever their hints are, so an op of another graph would bring its hints along.
_one_labelled = lru_cache(1024)(_labelled)
_one_adjoint = lru_cache(1024)(_adjoint)


def _unrepeated(x: Node, labels: Labels, extents: Mapping[str, Size], out: Labels) -> tuple[Node, Labels]:
    """`x` without the axes of extent 1 whose label has another extent; one that is summed is no such axis."""
    places = enumerate(zip(x.shape, labels, strict=True))
    ones = [axis for axis, (n, label) in places if n == 1 != extents[label] and label in out]
    if not ones:
        return x, labels
    return apply(Squeeze(tuple(ones)), x), [label for axis, label in enumerate(labels) if axis not in ones]


def _aligned(x: Node, places: Places, op: Contraction) -> Node:
    """`x` with its axes in the order of the result, and repeated along those it lacks."""
    order = list(plain(op.out))
    axes = [order.index(axis) for axis in plain(places)]
    result = list(op.shape)
    for axis, n in zip(axes, x.shape, strict=True):
        result[axis] = n
    x = transpose(x, sorted(range(len(axes)), key=axes.__getitem__)) if axes != sorted(axes) else x
    return spread(x, tuple(result), [axis for axis in range(len(result)) if axis not in axes])


def _shifted(part: AffineIndex) -> AffineIndex:
    return AffineIndex(tuple((axis + 1, coefficient) for axis, coefficient in part.terms), part.offset)
