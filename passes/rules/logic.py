"""Identities of bools and bits, of comparisons, and of choices between two."""

from collections.abc import Mapping

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Cast, Compare, Where
from graphc.ir.leaves import ConstantValue, full, uniform
from graphc.ir.node import Node
from graphc.kernel.scalar import Fn
from graphc.ops.bits import BitAnd, BitNot, BitOr, BitXor, LeftShift, RightShift
from graphc.ops.logic import And, Not, Or, Xor
from graphc.passes.matching import Match, form, hole, on
from graphc.passes.rewrite import Rule
from graphc.passes.rules.holes import like, truth, whole
from graphc.types import BOOL, is_complex, is_integer

__all__ = ["LOGIC"]

#: what holds where a comparison does not: of all numbers, then of those that have an order, as nan has none
_OPPOSITE: Mapping[Fn, Fn] = {Fn.EQ: Fn.NE, Fn.NE: Fn.EQ}
_OPPOSITE_ORDER: Mapping[Fn, Fn] = {**_OPPOSITE, Fn.LT: Fn.GE, Fn.GE: Fn.LT, Fn.GT: Fn.LE, Fn.LE: Fn.GT}


def _opposite(match: Match) -> Node | None:
    """not (x == y) = x != y; of integers any comparison."""
    op = match[comparison].op
    assert isinstance(op, Compare)
    has_order = is_integer(match[x].dtype) or match[x].dtype == BOOL
    fn = (_OPPOSITE_ORDER if has_order else _OPPOSITE).get(op.fn)
    return None if fn is None else apply(Compare(fn), match[x], match[y])


def _with_itself(match: Match) -> Node | None:
    """Nothing is less than itself; and all but nan is equal to itself."""
    op = match.node.op
    assert isinstance(op, Compare)
    if op.fn in (Fn.LT, Fn.GT):
        return _bools(match.node, holds=False)
    if is_integer(match[x].dtype) or match[x].dtype == BOOL:
        return _bools(match.node, holds=op.fn in (Fn.EQ, Fn.LE, Fn.GE))
    return None


def _of_truth(match: Match) -> Node | None:
    """Whether a bool that was made a number is 0, or is not: the bool."""
    op, truths = match.node.op, match[cast].inputs[0]
    assert isinstance(op, Compare)
    match op.fn:
        case Fn.NE:
            return truths
        case Fn.EQ:
            return apply(Not(), truths)
    return None


def _as_number(match: Match) -> Node | None:
    """Ones where a bool holds, unless the zeros are -0.0."""
    zero = match.node.inputs[2].op
    assert isinstance(zero, ConstantValue)
    is_plain = not any(zero.content) and not match.node.tensor.weak
    return apply(Cast(match.node.dtype), match[p]) if is_plain else None


def _bools(node: Node, holds: bool) -> Node:
    return full(node.shape, holds, BOOL)


def _taken(match: Match) -> Node:
    """The branch that a constant takes."""
    return match[x] if uniform(match[c]) else match[y]


def _is_decided(node: Node) -> bool:
    return uniform(node) is not None


def _all_ones(node: Node) -> bool:
    """Whether all bits of an integer constant are ones."""
    return is_integer(node.dtype) and uniform(node) == (
        -1 if node.dtype.kind == "i" else (1 << 8 * node.dtype.itemsize) - 1
    )


def _is_truth_cast(node: Node) -> bool:
    return node.inputs[0].dtype == BOOL and not is_complex(node.dtype)


x, y, a, b = hole("x"), hole("y"), hole("a"), hole("b")
n, ones = whole("n"), hole("-1", ConstantValue, "iu", only=_all_ones)
p, q = truth("p"), truth("q")
c = hole("c", ConstantValue, only=_is_decided)
comparison, cast = hole("x == y", Compare), hole("cast(p)", Cast, only=_is_truth_cast)
where, not_, and_, or_, xor = form(Where), form(Not), form(And), form(Or), form(Xor)
bit_not, bit_and, bit_or, bit_xor = form(BitNot), form(BitAnd), form(BitOr), form(BitXor)
left_shift, right_shift = form(LeftShift), form(RightShift)

LOGIC = (
    Rule(not_(not_(p)), p, exact=True),
    Rule(and_(p, p), p, exact=True),
    Rule(or_(p, p), p, exact=True),
    Rule(and_(p, True), p, exact=True),
    Rule(and_(p, False), lambda match: _bools(match.node, holds=False), exact=True, called="logical_and(p, 0) = 0"),
    Rule(or_(p, False), p, exact=True),
    Rule(or_(p, True), lambda match: _bools(match.node, holds=True), exact=True, called="logical_or(p, 1) = 1"),
    Rule(xor(p, p), lambda match: _bools(match.node, holds=False), exact=True, called="logical_xor(p, p) = 0"),
    Rule(xor(p, False), p, exact=True),
    Rule(xor(p, True), not_(p), exact=True),
    Rule(and_(not_(p), not_(q)), not_(or_(p, q)), exact=True),
    Rule(or_(not_(p), not_(q)), not_(and_(p, q)), exact=True),
    Rule(bit_not(bit_not(n)), n, exact=True),
    Rule(bit_and(n, n), n, exact=True),
    Rule(bit_or(n, n), n, exact=True),
    Rule(bit_xor(n, n), lambda match: like(match.node, 0), exact=True, called="bitwise_xor(n, n) = 0"),
    Rule(bit_and(n, 0), lambda match: like(match.node, 0), exact=True, called="bitwise_and(n, 0) = 0"),
    Rule(bit_or(n, 0), n, exact=True),
    Rule(bit_xor(n, 0), n, exact=True),
    Rule(bit_and(n, ones), n, exact=True),
    Rule(bit_or(n, ones), ones, exact=True),
    Rule(bit_xor(n, ones), bit_not(n), exact=True),
    Rule(left_shift(n, 0), n, exact=True),
    Rule(right_shift(n, 0), n, exact=True),
    Rule(not_(on(Compare, x, y, called=comparison)), _opposite, exact=True, called="not (x == y) = x != y"),
    Rule(on(Compare, x, x), _with_itself, exact=True, called="x < x is false"),
    Rule(on(Compare, cast, 0), _of_truth, exact=True, called="cast(p) != 0 = p"),
    Rule(where(p, x, x), x, exact=True),
    Rule(where(c, x, y), _taken, exact=True, called="where(1, x, y) = x"),
    Rule(where(not_(p), x, y), where(p, y, x), exact=True),
    Rule(where(p, where(p, x, a), y), where(p, x, y), exact=True),
    Rule(where(p, x, where(p, a, y)), where(p, x, y), exact=True),
    Rule(where(p, where(q, x, y), y), where(and_(p, q), x, y), exact=True),
    Rule(where(p, x, where(q, x, y)), where(or_(p, q), x, y), exact=True),
    Rule(where(p, True, False), p, exact=True),
    Rule(where(p, 1, 0), _as_number, exact=True, called="where(p, 1, 0) = cast(p)"),
    Rule(where(p, False, True), not_(p), exact=True),
)
