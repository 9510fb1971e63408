"""Identities of placement: slices of what was put together, and parts that are put together again."""

import cmath
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Add
from graphc.ir.kinds import Elementwise, Leaf, Movement, Product, Reshaped, Routine
from graphc.ir.leaves import full, uniform
from graphc.ir.node import Node
from graphc.ops.guarded import Guarded
from graphc.ops.placement import Concat, Pad, Slice, Transpose, axis_beside, moved
from graphc.passes.fold import value_at
from graphc.passes.matching import Match, hole, on
from graphc.passes.rewrite import Rule
from graphc.passes.rules.parts import (
    MOST_APART,
    all_ones,
    are_known,
    but,
    cut_where_any_ends,
    first_above,
    is_below,
    last_below,
    parts_between,
    starts_of,
)
from graphc.sizes import Size

__all__ = ["PLACEMENT"]


def _joined_parts(match: Match) -> Node | None:
    """pad(x) + pad(y) + ... = concat(x, y, ...), where the parts lie side by side and fill the whole."""
    node = match.node
    filled = match.folded(_filled, node, Add)
    if filled is None or filled[1] != node.shape[filled[0]]:
        return None
    parts: dict[Node, None] = {}
    pending = list(node.inputs)
    while pending:
        x = pending.pop()
        if isinstance(x.op, Add):
            pending += x.inputs
        elif x in parts:
            return None
        else:
            parts[x] = None
    found = Pad.together(list(parts))
    return found[0] if len(found) == 1 else None


_Filled: TypeAlias = tuple[int, Size] | None  # an axis along which there are zeros, and how much others take of it


def _filled(x: Node, terms: Sequence[_Filled]) -> _Filled:
    """What is not filling in padding along one axis, or in a sum of such; None for others."""
    if not isinstance(x.op, Add):
        axis = axis_beside(x) if isinstance(x.op, Pad) else None
        return None if axis is None else (axis, x.inputs[0].shape[axis])
    first, second = terms
    if first is None or second is None or first[0] != second[0]:
        return None
    return first[0], first[1] + second[1]


def _sliced_deposit(match: Match) -> Node | None:
    """A slice of padding is the filling, or what was padded, or a slice of it."""
    op, padding, under = match.node.op, match[padded].op, match[x]
    assert isinstance(op, Slice)
    assert isinstance(padding, Pad)
    if (op.starts, op.steps, op.lengths) == (padding.starts, padding.steps, under.shape):
        return under
    if not (all_ones(op.steps) and all_ones(padding.steps)):
        return None
    along = list(zip(op.starts, op.lengths, padding.starts, under.shape, strict=True))
    if any(is_below(start + n, first) or is_below(first + m, start) for start, n, first, m in along):
        return full(op.lengths, padding.value, under.dtype)
    if all(is_below(first, start) and is_below(start + n, first + m) for start, n, first, m in along):
        return moved(Slice(tuple(start - first for start, _, first, _ in along), op.steps, op.lengths), under)
    return None


def _sliced_part(match: Match) -> Node | None:
    """A slice that lies in one of the parts of a concatenation, or in some of them."""
    op, joining = match.node.op, match[joined].op
    assert isinstance(op, Slice)
    assert isinstance(joining, Concat)
    axis = joining.axis
    start, n = op.starts[axis], op.lengths[axis]
    if op.steps[axis] != 1:
        return None
    starts, known = match.once(starts_of, match[joined]), match.once(are_known, match[joined])
    first = last_below(starts, start, known=known)
    last = None if first is None else first_above(starts, start + n, first, known=known)
    parts = match[joined].inputs
    if first is None or last is None or last - first == len(parts):
        return None
    kept = parts[first:last]
    if len(kept) > 1 and not match.alone_reads(match[joined]):
        return None
    under = kept[0] if len(kept) == 1 else apply(Concat(axis), *kept)
    return moved(Slice(but(op.starts, axis, start - starts[first]), op.steps, op.lengths), under)


def _joined_slices(match: Match) -> Node | None:
    """Slices of one array that lie side by side are one slice."""
    node = match.node
    assert isinstance(node.op, Concat)
    axis = node.op.axis
    kept: list[Node] = []
    for part in node.inputs:
        both = _side_by_side(kept[-1], part, axis) if kept else None
        if both is None:
            kept.append(part)
        else:
            kept[-1] = both
    if len(kept) == len(node.inputs):
        return None
    return _whole(kept[0]) if len(kept) == 1 else apply(Concat(axis), *kept)


def _side_by_side(first: Node, second: Node, axis: int) -> Node | None:
    """Two slices as one, if the second goes on along `axis` where the first ends, and is else the same."""
    a, b = first.op, second.op
    if not (
        isinstance(a, Slice) and isinstance(b, Slice) and first.inputs[0] is second.inputs[0] and a.steps == b.steps
    ):
        return None
    shared = [i for i in range(len(a.starts)) if i != axis]
    if any(a.starts[i] != b.starts[i] or a.lengths[i] != b.lengths[i] for i in shared):
        return None
    if b.starts[axis] != a.starts[axis] + a.lengths[axis] * a.steps[axis]:
        return None
    lengths = (*a.lengths[:axis], a.lengths[axis] + b.lengths[axis], *a.lengths[axis + 1 :])
    return apply(Slice(a.starts, a.steps, lengths), *first.inputs)


def _whole(node: Node) -> Node:
    """What a slice that leaves nothing out shows."""
    assert isinstance(node.op, Slice)
    return moved(node.op, node.inputs[0])


def _flat(match: Match) -> Node | None:
    """Concatenations along one axis, within one, are part of it; parts without elements are none."""
    node = match.node
    assert isinstance(node.op, Concat)
    axis = node.op.axis
    kept: list[Node] = []
    for part in node.inputs:
        is_inner = isinstance(part.op, Concat) and part.op.axis == axis and len(part.inputs) <= _MOST_FLAT
        if is_inner and match.alone_reads(part):
            kept += part.inputs
        elif part.shape[axis] != 0:
            kept.append(part)
    if len(kept) == len(node.inputs) or not kept:
        return None
    return kept[0] if len(kept) == 1 else apply(Concat(axis), *kept)


_MOST_FLAT = 64  # parts that are taken over: of a long chain, each piece once and not again in every link


def _joined_later(match: Match) -> Node | None:
    """f(concat(x, y), z, 1) = concat(f(x, slice(z), 1), f(y, slice(z), 1)), where the whole is made for this alone."""
    node = match.node
    joints = [_as_concat(x, match) if match.alone_reads(x) else None for x in node.inputs]
    whole = next((x for x in joints if x is not None), None)
    if whole is None or len(whole.inputs) > MOST_APART or isinstance(node.op, Guarded):
        return None
    given = [
        x if joint is None or joint.op != whole.op else joint for x, joint in zip(node.inputs, joints, strict=True)
    ]
    whole = cut_where_any_ends(whole, [x for x in given if x.op == whole.op and x is not whole])
    parts = [part for part in [_beside(x, whole, match) for x in given] if part is not None]
    if len(parts) < len(node.inputs):
        return None
    return apply(whole.op, *[apply(node.op, *operands) for operands in zip(*parts, strict=True)])


def _as_concat(x: Node, match: Match) -> Node | None:
    """A concatenation, also one that is moved; or padding along one axis as that of the filling and what is padded."""
    match x.op:
        case Concat():
            return x
        case Pad():
            return _with_filling(x)
        case Transpose() | Slice() if isinstance(x.inputs[0].op, Concat) and match.alone_reads(x.inputs[0]):
            return _moved_parts(x.op, x.inputs[0])
    return None


def _moved_parts(op: Transpose | Slice, whole: Node) -> Node | None:
    """A movement of a concatenation as the concatenation of moved parts."""
    assert isinstance(whole.op, Concat)
    axis = whole.op.axis
    if isinstance(op, Transpose):
        return apply(Concat(op.inverse[axis]), *[moved(op, part) for part in whole.inputs])
    start, starts = op.starts[axis], starts_of(whole)
    end = start + op.lengths[axis]
    known = {place for place in (start, end, *starts) if isinstance(place, int)}
    if not all_ones(op.steps) or len(known) < len({start, end, *starts}):
        return None
    places = sorted(place for place in known if is_below(start, place) and is_below(place, end))
    if len(places) < 3:
        return None
    parts = [
        moved(Slice(but(op.starts, axis, 0), op.steps, but(op.lengths, axis, part.shape[axis])), part)
        for part in parts_between(whole, places)
    ]
    return apply(Concat(axis), *parts)


def _turned_parts(match: Match) -> Node | None:
    """A transpose of padding, or of a concatenation, that is made for it alone: of what is put there."""
    op, whole = match.node.op, match.node.inputs[0]
    assert isinstance(op, Transpose)
    if not match.alone_reads(whole):
        return None
    if isinstance(whole.op, Concat):
        return _moved_parts(op, whole) if len(whole.inputs) <= MOST_APART else None
    assert isinstance(whole.op, Pad)
    pad = whole.op
    starts = tuple([pad.starts[axis] for axis in op.permutation])
    steps = tuple([pad.steps[axis] for axis in op.permutation])
    turned = Pad(starts, steps, match.node.shape, pad.value)
    return apply(turned, moved(op, whole.inputs[0]))


def _with_filling(x: Node) -> Node | None:
    """Padding along one axis as a concatenation."""
    assert isinstance(x.op, Pad)
    op, under = x.op, x.inputs[0]
    apart = [axis for axis, n in enumerate(x.shape) if under.shape[axis] != n]
    if len(apart) != 1 or not all_ones(op.steps):
        return None
    (axis,) = apart
    start, end = op.starts[axis], op.starts[axis] + under.shape[axis]
    after = x.shape[axis] - end
    if not is_below(0, start) or not is_below(end, x.shape[axis]):
        return None
    sides = [full(but(x.shape, axis, n), op.value, x.dtype) for n in (start, after)]
    parts = [part for part in (sides[0], under, sides[1]) if part.shape[axis] != 0]
    return apply(Concat(axis), *parts)


def _beside(x: Node, whole: Node, match: Match) -> Sequence[Node] | None:
    """What lies beside each part of a concatenation in another array; None where that costs something."""
    assert isinstance(whole.op, Concat)
    axis = whole.op.axis
    shapes = [part.shape for part in whole.inputs]
    number = uniform(x)
    if x.op == whole.op:
        if [part.shape for part in x.inputs] == shapes:
            return x.inputs
        starts, ends = match.once(starts_of, whole), match.once(starts_of, x)
        places = [place for place in starts if isinstance(place, int)]
        are_cut = len(places) == len(starts) and set(ends) <= set(places)
        return parts_between(x, places) if are_cut and match.alone_reads(x) else None
    if number is not None:
        return [full(shape, number, x.dtype, weak=x.tensor.weak) for shape in shapes]
    if not _lies_there(x) and not _is_made_for(x, match):
        return None
    none, ones = (0,) * x.ndim, (1,) * x.ndim
    starts = match.once(starts_of, whole)
    return [moved(Slice(but(none, axis, start), ones, n), x) for start, n in zip(starts, shapes, strict=False)]


def _lies_there(x: Node) -> bool:
    """Whether parts of a node can be read at no cost: it is given, or the result of a step of its own."""
    while isinstance(x.op, Movement | Reshaped):
        x = x.inputs[0]
    return isinstance(x.op, Leaf | Product | Routine)


def _is_made_for(x: Node, match: Match) -> bool:
    """Whether a node is computed for a match alone, element by element, from what lies there: so may its parts be."""
    pending, seen = [x], 0
    while pending:
        part = pending.pop()
        seen += 1
        if uniform(part) is not None or _lies_there(part):
            continue
        if not isinstance(part.op, Elementwise) or isinstance(part.op, Guarded) or seen > MOST_APART:
            return False
        if match.alone_reads(part):
            pending += part.inputs
        elif part is x:
            return False
    return True


def _padded_later(match: Match) -> Node | None:
    """f(pad(x), 1) = pad(f(x, 1)), filled with f of the filling, where the whole is made for this alone."""
    node = match.node
    whole, *others = [x for x in node.inputs if isinstance(x.op, Pad)]
    if others or isinstance(node.op, Guarded) or not match.alone_reads(whole):
        return None
    assert isinstance(whole.op, Pad)
    under = whole.inputs[0]
    filling = [whole.op.value if x is whole else uniform(x) for x in node.inputs]
    known = [number for number in filling if number is not None]
    if len(known) < len(filling):
        return None
    value = value_at(node, known)
    if not cmath.isfinite(value):
        return None
    inside = [
        under if x is whole else full(under.shape, number, x.dtype, weak=x.tensor.weak)
        for x, number in zip(node.inputs, known, strict=True)
    ]
    return apply(replace(whole.op, value=value), apply(node.op, *inside))


x = hole("x")
padded, joined = hole("pad(x)", Pad), hole("concat(x, y)", Concat)

PLACEMENT = (
    Rule(on(Slice, on(Pad, x, called=padded)), _sliced_deposit, exact=True, called="slice(pad(x)) = slice(x)"),
    Rule(on(Slice, joined), _sliced_part, exact=True, called="slice(concat(x, y)) = slice(x)"),
    Rule(on(Transpose, on(Pad)), _turned_parts, exact=True, called="transpose(pad(x)) = pad(transpose(x))"),
    Rule(on(Transpose, joined), _turned_parts, exact=True, called="transpose(concat(x)) = concat(transpose(x))"),
    Rule(on(Concat, some=Slice), _joined_slices, exact=True, called="concat(slice(x), slice(x)) = slice(x)"),
    Rule(
        on(Elementwise, some=Pad),
        _padded_later,
        exact=False,
        because="a pass over less; of the filling, f is computed by other code",
        called="f(pad(x), 1) = pad(f(x, 1))",
    ),
    Rule(on(Elementwise, some=Concat), _joined_later, exact=True, called="f(concat(x, y)) = concat(f(x), f(y))"),
    Rule(on(Elementwise, some=Pad), _joined_later, exact=True, called="f(pad(x), y) = concat(f(0, y), f(x, y))"),
    *(
        Rule(
            on(Elementwise, some=of),
            _joined_later,
            exact=True,
            called=f"f({of.name}(concat(x, y))) = concat(f({of.name}(x)), f({of.name}(y)))",
        )
        for of in (Transpose, Slice)
    ),
    Rule(on(Concat), _flat, exact=True, called="concat(concat(x, y), z) = concat(x, y, z)"),
    Rule(
        on(Add, some=Pad),
        _joined_parts,
        exact=False,
        because="saves passes; keeps a -0.0",
        called="pad(x) + pad(y) = concat(x, y)",
    ),
)
