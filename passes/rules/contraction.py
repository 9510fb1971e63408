"""Identities of sums of products: in which order, of what shape, and of how little they are taken."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from operator import is_not
from typing import NamedTuple, TypeAlias

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Add, Mul, Neg, Spread, Squeeze, spread, sum_over
from graphc.ir.kinds import Elementwise
from graphc.ir.leaves import ConstantValue, uniform
from graphc.ir.node import Node
from graphc.ir.operands import cast, mul
from graphc.ops.contraction import Contraction, product
from graphc.ops.movement import transpose
from graphc.ops.placement import Transpose, moved
from graphc.passes.matching import Match, hole, on
from graphc.passes.pipeline import Spill
from graphc.passes.rewrite import Rule
from graphc.passes.rules.holes import filled, like, number
from graphc.passes.rules.reduction import UNLESS_SMALL
from graphc.sizes import estimate, lower_bound

__all__ = ["CONTRACTION", "Labelled", "aligned", "labelled"]

Labels: TypeAlias = tuple[str, ...]


class Labelled(NamedTuple):
    """A product of two nodes, with a label for each axis of these and of the result."""

    left: Node
    right: Node
    left_labels: Labels
    right_labels: Labels
    out: Labels

    @property
    def summed(self) -> frozenset[str]:
        """The labels that the result lacks."""
        return frozenset(self.left_labels) - set(self.out)

    def sides(self, first: Node) -> tuple[tuple[Node, Labels], tuple[Node, Labels]]:
        """Both operands with their labels, `first` first."""
        left, right = (self.left, self.left_labels), (self.right, self.right_labels)
        return (left, right) if self.left is first else (right, left)


def labelled(node: Node) -> Labelled | None:
    """A product whose maps are plain axes, with labels; None where windows move, or points stay apart."""
    assert isinstance(node.op, Contraction), node
    labels = labels_of(node.op)
    x, y = node.inputs
    return None if labels is None else Labelled(x, y, *labels)


def labels_of(op: Contraction) -> tuple[Labels, Labels, Labels] | None:
    """The labels of both operands and the result of a product whose maps are plain axes."""
    left, right, out = op.plain
    if op.apart or None in left or None in right or None in out:
        return None
    a, b, c = (tuple([f"a{axis}" for axis in places]) for places in (left, right, out))
    return a, b, c


def aligned(x: Node, labels: Sequence[str], node: Node, out: Sequence[str]) -> Node:
    """`x` with axes in the order of `out`, in the shape of `node`, and repeated along those that it lacks."""
    order = [labels.index(label) for label in out if label in labels]
    x = transpose(x, order) if order != sorted(order) else x
    return spread(x, node.shape, [axis for axis, label in enumerate(out) if label not in labels])


# Axes in another order are read, or written, as they are.


def _operands_turned_back(match: Match) -> Node:
    """A product reads a transposed operand as it lies."""
    op = match.node.op
    assert isinstance(op, Contraction)
    operands, places = list(match.node.inputs), [op.left, op.right]
    for side, operand in enumerate(operands):
        if isinstance(operand.op, Transpose):
            operands[side] = operand.inputs[0]
            places[side] = tuple(places[side][axis] for axis in operand.op.inverse)
    return apply(replace(op, left=places[0], right=places[1]), *operands)


def _result_turned(match: Match) -> Node | None:
    """A product that is only read transposed is written so."""
    turning, op = match.node.op, match[made].op
    assert isinstance(turning, Transpose)
    assert isinstance(op, Contraction)
    if op.apart or not match.alone_reads(match[made]):
        return None
    out = tuple(op.out[axis] for axis in turning.permutation)
    return apply(replace(op, out=out, shape=match.node.shape), *match[made].inputs)


# Chains.


def _regrouped(match: Match) -> Node | None:
    """(x y) z = x (y z), where that is a fifth fewer products of elements; sizes that are open count as their hints."""
    whole, part = match.node, match[made]
    is_left = whole.inputs[0] is part
    z = whole.inputs[is_left]
    shapes = tuple([tuple(map(estimate, node.shape)) for node in (*part.inputs, z)])
    assert isinstance(whole.op, Contraction), whole
    assert isinstance(part.op, Contraction), part
    found = _order(whole.op, part.op, is_left, shapes, match.alone_reads(part))
    if found is None:
        return None
    first, second = part.inputs if found.is_first_last else part.inputs[::-1]
    joined = product(whole.op.name, second, z, (found.second, found.other, found.kept))
    return product(whole.op.name, first, joined, (found.last, found.kept, found.out))


class _Order(NamedTuple):
    """Which of x and y in (x y) z is multiplied last, with labels for the axes of all."""

    is_first_last: bool
    last: Labels
    second: Labels
    other: Labels
    kept: Labels
    out: Labels


@lru_cache(256)
def _order(
    whole: Contraction, part: Contraction, is_left: bool, shapes: tuple[tuple[int, ...], ...], alone: bool
) -> _Order | None:
    """In which other order three operands are better multiplied: layers of a net ask the same again and again."""
    outer_labels, part_labels = labels_of(whole), labels_of(part)
    if outer_labels is None or part_labels is None:
        return None
    outer, others = outer_labels[:2] if is_left else outer_labels[1::-1]
    names = dict(zip(part_labels[2], outer, strict=True))
    x, y = (tuple([names.get(label, f"inner {label}") for label in labels]) for labels in part_labels[:2])
    axes = zip((x, y, others), shapes, strict=True)
    extents = {label: n for labels, shape in axes for label, n in zip(labels, shape, strict=True)}
    out = outer_labels[2]
    least, found = _FEWER * (_work(extents, outer, others) + (_work(extents, x, y) if alone else 0)), None
    for is_first_last, last, second in ((True, x, y), (False, y, x)):
        kept = tuple(dict.fromkeys(label for label in (*second, *others) if label in last or label in out))
        work = _work(extents, second, others) + _work(extents, last, kept)
        if work < least:
            least, found = work, _Order(is_first_last, last, second, others, kept, out)
    return found


_FEWER = 0.8


def _work(extents: dict[str, int], *labels: Labels) -> int:
    """How many products of elements two operands have."""
    return math.prod(extents[label] for label in frozenset[str]().union(*labels))


# Operands that repeat, or that are one number.


def _repeats_left_out(match: Match) -> Node | None:
    """A product with what repeats along an axis.

    If the axis is summed the other operand is summed along it first; if only this operand has it the result repeats;
    and if all have it the operand is read without it.
    """
    whole = labelled(match.node)
    if whole is None:
        return None
    if isinstance(whole.left.op, Spread):
        x, labels, y, others = whole.left, whole.left_labels, whole.right, whole.right_labels
    else:
        x, labels, y, others = whole.right, whole.right_labels, whole.left, whole.left_labels
    op = x.op
    assert isinstance(op, Spread)
    new = {labels[axis] for axis in op.axes}
    summed = [axis for axis, label in enumerate(others) if label in new and label not in whole.out]
    if any((lower_bound(y.shape[axis]) or 0) < 1 for axis in summed):
        return None  # over nothing the sum is 0, and inf times it is nan
    y = cast(sum_over(y, summed), y.dtype)  # sums of integers are wider
    others = tuple(label for axis, label in enumerate(others) if axis not in summed)
    labels = tuple(label for label in labels if label not in new)
    out = tuple(label for label in whole.out if label in labels or label in others)
    found = product(match.node.op.name, x.inputs[0], y, (labels, others, out))
    return aligned(found, out, match.node, whole.out)


def _with_number(match: Match) -> Node | None:
    """A product with an array that one number fills is a sum of the other, times that number."""
    whole = labelled(match.node)
    if whole is None:
        return None
    value = uniform(whole.left)
    x, labels = (whole.right, whole.right_labels) if value is not None else (whole.left, whole.left_labels)
    value = uniform(whole.right) if value is None else value
    if value is None:
        return None
    scaled = x if value == 1 else mul(x, like(x, value))
    summed = [axis for axis, label in enumerate(labels) if label not in whole.out]
    total = cast(sum_over(scaled, summed), x.dtype)
    return aligned(total, [label for label in labels if label in whole.out], match.node, whole.out)


def _is_thin(node: Node) -> bool:
    """Whether a product sums over nothing but axes of extent 1."""
    op = node.op
    if not isinstance(op, Contraction) or 1 not in op.extents:
        return False
    whole = labelled(node)
    if whole is None:
        return False
    sides = (whole.left_labels, whole.left.shape), (whole.right_labels, whole.right.shape)
    extents = [(label, n) for labels, shape in sides for label, n in zip(labels, shape, strict=True)]
    return all(n == 1 for label, n in extents if label in whole.summed)  # an open extent is 1 only when called


def _without_ones(match: Match) -> Node | None:
    """f(x @ y) = f(x * y), over an inner extent 1: a product that only f reads is computed along with it."""
    node = match.node
    inputs = [_outer(x) if _is_thin(x) and match.alone_reads(x) else x for x in node.inputs]
    return apply(node.op, *inputs) if any(map(is_not, inputs, node.inputs)) else None


def _outer(node: Node) -> Node:
    """The product of elements that a product over extents 1 is."""
    whole = labelled(node)
    assert whole is not None, node
    operands = []
    for x, labels in ((whole.left, whole.left_labels), (whole.right, whole.right_labels)):
        gone = tuple(axis for axis, label in enumerate(labels) if label in whole.summed)
        operands.append((moved(Squeeze(gone), x), tuple(label for label in labels if label not in whole.summed)))
    (x, first), (y, second) = operands
    return product(node.op.name, x, y, (first, second, whole.out))


# Factors.


def _scaled_later(match: Match) -> Node | None:
    """(x * c) @ y = (x @ y) * c, if that is a smaller array; a factor below 1 keeps sums within what the dtype has."""
    op, scaled = match.node.op, match[made]
    if isinstance(scaled.op, Mul) and abs(filled(match, c)) < 1:
        return None
    if not match.alone_reads(scaled) or _elements(scaled) < _elements(match.node):
        return None
    found = apply(op, *[match[x] if operand is scaled else operand for operand in match.node.inputs])
    return apply(Neg(), found) if isinstance(scaled.op, Neg) else apply(Mul(), found, like(found, filled(match, c)))


def _elements(node: Node) -> int:
    return math.prod(map(estimate, node.shape))


x, y = hole("x"), hole("y")
c = number("c")
made = hole("made")
# A product that is only added to something stays: it can be added where it is made.
outer = hole("f(x @ y)", only=lambda node: not isinstance(node.op, Add) and any(map(_is_thin, node.inputs)))
_ROUNDED = "roundings in another order"

CONTRACTION = (
    Rule(
        on(Contraction, some=Transpose),
        _operands_turned_back,
        exact=False,
        because=f"other rules see what is turned, with {_ROUNDED}",
        called="transpose(x) @ y = a product of x and y with other roles of axes",
    ),
    Rule(
        on(Transpose, on(Contraction, called=made)),
        _result_turned,
        exact=False,
        because=f"saves a copy, with {_ROUNDED}",
        called="transpose(x @ y) = transpose(y) @ transpose(x)",
    ),
    Rule(
        on(Contraction, some=ConstantValue),
        _with_number,
        exact=False,
        because=f"a sum instead of a product, with {_ROUNDED}",
        called="full(c) @ x = sum(x * c)",
    ),
    Rule(
        on(Contraction, some=Spread),
        _repeats_left_out,
        exact=False,
        because=f"fewer products, with {_ROUNDED}",
        called="spread(x) @ y = x * sum(y)",
        spill=Spill.ELSEWHERE,
    ),
    Rule(
        on(Elementwise, called=outer, some=Contraction),
        _without_ones,
        exact=False,
        because="a product of elements, which fuses; keeps a -0.0 that the sum would lose",
        called="f(x @ y) = f(x * y), over an inner extent 1",
    ),
    *(
        Rule(
            left,
            _scaled_later,
            exact=False,
            because=f"scales less, with {_ROUNDED}{unless}",
            called=called,
            spill=Spill.ELSEWHERE,
        )
        for left, called, unless in (
            (on(Contraction, on(Mul, x, c, called=made), y), "(x * c) @ y = (x @ y) * c", UNLESS_SMALL),
            (on(Contraction, y, on(Mul, x, c, called=made)), "y @ (x * c) = (y @ x) * c", UNLESS_SMALL),
            (on(Contraction, on(Neg, x, called=made), y), "-x @ y = -(x @ y)", ""),
            (on(Contraction, y, on(Neg, x, called=made)), "y @ -x = -(y @ x)", ""),
        )
    ),
    *(
        Rule(
            left,
            _regrouped,
            exact=False,
            because=f"fewer products, with {_ROUNDED}",
            called=called,
            spill=Spill.ELSEWHERE,
        )
        for left, called in (
            (on(Contraction, on(Contraction, called=made), y), "(x @ y) @ z = x @ (y @ z)"),
            (on(Contraction, y, on(Contraction, called=made)), "x @ (y @ z) = (x @ y) @ z"),
        )
    ),
)
