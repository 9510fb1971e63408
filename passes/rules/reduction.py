"""Identities of reductions: what is repeated is not folded, and what is folded twice is folded once."""

from collections.abc import Iterator
from dataclasses import replace

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Div, Mul, Neg, Spread, Squeeze, Sub, Sum
from graphc.ir.arithmetic import spread as repeated
from graphc.ir.leaves import size_node
from graphc.ir.node import Node, Op
from graphc.ir.operands import cast
from graphc.ops.axes import without
from graphc.ops.elementwise import Exp
from graphc.ops.extremes import Max, Min, UpperBound
from graphc.ops.placement import Reshape, Transpose
from graphc.ops.reduction import All, Any, Prod
from graphc.passes.matching import Match, hole, on
from graphc.passes.pipeline import Spill
from graphc.passes.rewrite import Change, Rule
from graphc.passes.rules.holes import axes_of, filled, floating, like, number
from graphc.sizes import lower_bound, product
from graphc.types import is_complex

__all__ = ["REDUCTION", "UNLESS_SMALL"]

#: folds of one operand into one value, of the same dtype but for sums and products
_FOLDS = (Sum, Prod, Max, Min, UpperBound, Any, All)
#: folds that give the same bits in any order
_ORDERLESS = (Max, Min, UpperBound, Any, All)


def _over_ones(match: Match) -> Node | None:
    """A fold over axes of extent 1 does nothing."""
    node, axes = match.node, axes_of(match.node)
    if isinstance(node.op, Prod) and is_complex(node.dtype):  # 1 times a part beside an infinite one is nan
        return None
    if match[x].dtype != node.dtype or any(match[x].shape[axis] != 1 for axis in axes):
        return None
    return apply(Squeeze(axes), match[x])


def _of_repeats(match: Match) -> Node | None:
    """A fold over axes along which elements repeat: of what is left when these are gone, and so often."""
    node, under = match.node, match[x]
    new_axes = set(axes_of(match[spread]))
    gone = [axis for axis in axes_of(node) if axis in new_axes]
    times = product(match[spread].shape[axis] for axis in gone)
    if not gone or (lower_bound(times) or 0) < 1:  # over nothing a fold is what it starts with
        return None
    kept = [axis for axis in range(match[spread].ndim) if axis not in gone]
    shape = tuple(match[spread].shape[axis] for axis in kept)
    if isinstance(node.op, Sum) and times != 1:
        wide, count = cast(under, node.dtype), cast(size_node(times), node.dtype)
        under = apply(Mul(), wide, repeated(count, wide.shape, range(wide.ndim)))
    elif under.dtype != node.dtype:
        under = cast(under, node.dtype)
    new = tuple(place for place, axis in enumerate(kept) if axis in new_axes)
    rest = tuple(place for place, axis in enumerate(kept) if axis in axes_of(node))
    found = apply(Spread(shape, new), under) if new else under
    return apply(_over(node.op, rest), found) if rest else found


def _over(op: Op, axes: tuple[int, ...]) -> Op:
    """The same fold over other axes."""
    assert isinstance(op, _FOLDS), op
    return replace(op, axes=axes)


def _folded_once(match: Match) -> Node | None:
    """A fold of a fold that nobody else reads is one over all the axes."""
    node, before = match.node, match[inner]
    if not match.alone_reads(before) or before.dtype != node.dtype:
        return None
    first = axes_of(before)
    left = without(first, range(match[x].ndim))
    return apply(_over(before.op, tuple(sorted((*first, *(left[axis] for axis in axes_of(node)))))), match[x])


def _of_transposed(match: Match) -> Node | None:
    """A fold does not ask for the order of axes, if those that stay are in order."""
    turning = match[inner].op
    assert isinstance(turning, Transpose)
    axes = [turning.permutation[axis] for axis in axes_of(match.node)]
    kept = without(axes_of(match.node), turning.permutation)
    return apply(_over(match.node.op, tuple(sorted(axes))), match[x]) if list(kept) == sorted(kept) else None


def _of_reshaped(match: Match) -> Node | None:
    """A fold over all there is does not ask for its shape."""
    under = match[x]
    if len(axes_of(match.node)) < match[inner].ndim or not under.ndim:
        return None
    return apply(_over(match.node.op, tuple(range(under.ndim))), under)


def _scaled_later(match: Match) -> Node | None:
    """sum(x * c) = sum(x) * c.  A factor below 1 stays, as the sum might be more than the dtype has without it."""
    factor = filled(match, c)
    if abs(factor) < 1 or not match.alone_reads(match.node.inputs[0]):
        return None
    total = apply(match.node.op, match[x])
    return apply(Mul(), total, like(total, factor))


def _negated_later(match: Match) -> Node | None:
    """sum(-x) = -sum(x), where the sum is no wider than what it adds up."""
    if match[x].dtype != match.node.dtype or not match.alone_reads(match[inner]):
        return None
    return apply(Neg(), apply(match.node.op, match[x]))


def _by_inverse(match: Match) -> Node | None:
    """x / spread(Σ e^(u - max u)) as a product.  The sum is at least 1, so its inverse has all its digits."""
    shifted, spread_total = match[inner], match[spread]
    (total,) = spread_total.inputs
    largest = shifted.inputs[1].inputs[0]
    if not axes_of(total) == axes_of(largest) == axes_of(shifted.inputs[1]) or total.dtype.itemsize < 4:
        return None
    return apply(Mul(), match[y], apply(spread_total.op, apply(Div(), like(total, 1), total)))


x, y, inner, spread = hole("x"), floating("y"), hole("inner"), hole("spread(x)", Spread)
c = number("c")
of_spread = on(Spread, x, called=spread)
_shifted = {of: on(Sub, x, on(Spread, on(of, x)), called=inner) for of in (Max, UpperBound)}
_ROUNDED = "a pass over less, with roundings in another order"
UNLESS_SMALL = "; unless abs(c) < 1, as the sum may leave the range of floats without it"
_SAVED = "saves a pass; keeps a -0.0 that the sum would lose"


def _of_folds(of: type | None, change: Change, why: str, called: str) -> Iterator[Rule]:
    """A rule for each kind of fold, of another of its kind or of an op of class `of`."""
    for fold in _FOLDS:
        is_exact = fold in _ORDERLESS
        because = "" if is_exact else f"{why}, with roundings in another order"
        left = on(fold, on(of or fold, x, called=inner))
        yield Rule(left, change, exact=is_exact, because=because, called=called.format(fold.name))


REDUCTION = (
    Rule(on(Sum, x), _over_ones, exact=False, because=_SAVED, called="sum(x) = squeeze(x), over extents 1"),
    *(
        Rule(on(of, x), _over_ones, exact=True, called=f"{of.name}(x) = squeeze(x), over extents 1")
        for of in _FOLDS
        if of is not Sum
    ),
    Rule(
        on(Sum, of_spread),
        _of_repeats,
        exact=False,
        because="one product instead of a sum of equal numbers",
        called="sum(spread(x)) = x * n",
    ),
    *(Rule(on(of, of_spread), _of_repeats, exact=True, called=f"{of.name}(spread(x)) = x") for of in _ORDERLESS),
    *_of_folds(None, _folded_once, "one pass instead of two", "{0}({0}(x)) = {0}(x)"),
    *_of_folds(Transpose, _of_transposed, "reads what lies side by side", "{0}(transpose(x)) = {0}(x)"),
    *_of_folds(Reshape, _of_reshaped, "no pass to store what is folded", "{0}(reshape(x)) = {0}(x), over all axes"),
    Rule(
        on(Sum, x * c),
        _scaled_later,
        exact=False,
        because=_ROUNDED + UNLESS_SMALL,
        called="sum(x * c) = sum(x) * c",
        spill=Spill.ELSEWHERE,
    ),
    Rule(
        on(Sum, on(Neg, x, called=inner)),
        _negated_later,
        exact=False,
        because="a pass over less; a sum of 0.0 and -0.0 has the other sign",
        called="sum(-x) = -sum(x)",
    ),
    *(
        Rule(
            y / on(Spread, on(Sum, on(Exp, shifted)), called=spread),
            _by_inverse,
            exact=False,
            because="one quotient for a row instead of one for each element",
            called=f"y / spread(sum(exp(x - {of.name}(x)))) = y * spread(1 / sum(exp(x - {of.name}(x))))",
        )
        for of, shifted in _shifted.items()
    ),
)
