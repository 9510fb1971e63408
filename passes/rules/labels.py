"""Identities of what a label picks out of a softmax: what is almost certain keeps its digits."""

from itertools import permutations

import ml_dtypes

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Add, Spread, Squeeze, Sub, Sum, spread
from graphc.ir.leaves import uniform
from graphc.ir.node import Node
from graphc.ir.operands import where
from graphc.ops.elementwise import Exp, Expm1, Log, Log1p
from graphc.ops.placement import Pick, Slice
from graphc.passes.labels import read_axis, where_read
from graphc.passes.matching import Form, Match, hole, on
from graphc.passes.pipeline import Spill
from graphc.passes.rewrite import Change, Rule
from graphc.passes.totals import bare, is_log, largest_of

__all__ = ["LABELS"]


def _but_nothing(total: Node) -> Node:
    """A total of 1 or more without what is too small to change it."""
    nothing = uniform(total.inputs[1]) if isinstance(total.op, Add) else None
    if not isinstance(nothing, float):
        return total
    limits = ml_dtypes.finfo(total.dtype)  # type: ignore[no-untyped-call]
    return total.inputs[0] if 0 < nothing < float(limits.eps) / 4 else total


def _log_of_total(log: Node, chosen: Node) -> Node | None:
    """log Σ e^(x - m) = log1p(Σ e^(x - m) of others + expm1(chosen)), where m is the largest and chosen is x[i] - m."""
    (total,) = bare(log).inputs
    total = bare(_but_nothing(bare(total)))
    if not isinstance(total.op, Sum) or len(total.op.axes) != 1 or not isinstance(total.inputs[0].op, Exp):
        return None
    (powers,), (axis,) = total.inputs, total.op.axes
    (shifted,), picked = powers.inputs, bare(chosen)
    if not isinstance(shifted.op, Sub) or not isinstance(picked.op, Sub):
        return None
    x, shift = shifted.inputs
    take, shift_there = picked.inputs
    take = bare(take)
    if not isinstance(shift.op, Spread) or shift.op.axes != (axis,):
        return None
    m = largest_of(shift.inputs[0])
    if m is None or m is not largest_of(shift_there) or m.inputs[0] is not x or m.op.axes != (axis,):  # type: ignore[attr-defined]
        return None
    if not take.inputs or take.inputs[0] is not x or read_axis(take) != axis:
        return None
    others = apply(Sum((axis,)), where(where_read(take, axis), 0, powers))
    if chosen.ndim == x.ndim:
        others = spread(others, take.shape, (axis,))
    if others.shape != chosen.shape:
        return None
    return apply(Log1p(), apply(Add(), others, apply(Expm1(), chosen)))


def _share(match: Match) -> Node | None:
    log = _log_of_total(match[total], match[a])
    return None if log is None else match[a] - log


def _loss(match: Match) -> Node | None:
    log = _log_of_total(match[total], match[a])
    return None if log is None else log - match[a]


def _whole_loss(match: Match) -> Node | None:
    for log, largest in permutations(bare(match[whole]).inputs):
        axes = _axes(log)
        if not axes:
            continue
        there = largest if largest.ndim == match[a].ndim else spread(largest, match[a].shape, axes)
        if there.type == match[a].type:
            chosen = match[a] - there
            found = _log_of_total(log, chosen)
            if found is not None:
                return found - chosen
    return None


def _read_share(match: Match) -> Node | None:
    """The share of a known place."""
    axis = read_axis(match.node)
    left, right = match[shares].inputs
    if axis is None or not all(isinstance(x.op, Spread) and x.op.axes == (axis,) for x in (left.inputs[1], right)):
        return None
    x, (m,) = left.inputs[0], left.inputs[1].inputs
    if match.node.ndim == x.ndim:
        m = spread(m, match.node.shape, (axis,))
    chosen = apply(Sub(), apply(match.node.op, x), m)
    log = _log_of_total(right.inputs[0], chosen)
    return None if log is None else chosen - log


def _is_log_of_shares(node: Node) -> bool:
    left, right = node.inputs
    return isinstance(left.op, Sub) and isinstance(right.op, Spread) and is_log(right.inputs[0])


def _axes(log: Node) -> tuple[int, ...]:
    """The axes of the sum that a node is the logarithm of."""
    log = bare(log)
    under = bare(_but_nothing(bare(log.inputs[0]))) if isinstance(log.op, Log) else log
    return under.op.axes if isinstance(under.op, Sum) else ()


def _is_sum_with_log(node: Node) -> bool:
    node = bare(node)
    return isinstance(node.op, Add) and any(map(is_log, node.inputs))


a = hole("x[i]", kinds="f")
whole = hole("log(sum(exp(x - m))) + m", (Add, Spread, Squeeze), kinds="f", only=_is_sum_with_log)
total = hole("log(sum(exp(x - m)))", (Log, Spread, Squeeze), kinds="f", only=is_log)
shares = hole("x - m - log(sum(exp(x - m)))", Sub, kinds="f", only=_is_log_of_shares)
_IS = "log1p(sum(exp(x - m)) of others + expm1(x[i] - m))"


def _of_others(left: Form, change: Change, called: str) -> Rule:
    because = "a sum that is almost 1 has no digits of what the others have"
    return Rule(left, change, exact=False, because=because, called=called, spill=Spill.LESS)


LABELS = (
    _of_others(a - total, _share, f"x[i] - m - log(sum(exp(x - m))) = x[i] - m - {_IS}"),
    _of_others(total - a, _loss, f"log(sum(exp(x - m))) - (x[i] - m) = {_IS} - (x[i] - m)"),
    _of_others(on(Pick, shares), _read_share, f"(x - m - log(sum(exp(x - m))))[i] = x[i] - m - {_IS}"),
    _of_others(on(Slice, shares), _read_share, f"(x - m - log(sum(exp(x - m))))[i:i + 1] = x[i] - m - {_IS}"),
    _of_others(whole - a, _whole_loss, f"log(sum(exp(x - m))) + m - x[i] = {_IS} - (x[i] - m)"),
)
