"""Identities of what a label picks out of a softmax: what is almost certain keeps its digits."""

from itertools import permutations

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Add, Spread, Sub, Sum, spread
from graphc.ir.node import Node
from graphc.ir.operands import where
from graphc.ops.elementwise import Exp, Expm1, Log, Log1p
from graphc.ops.indexing import Take
from graphc.passes.labels import at_index
from graphc.passes.matching import Form, Match, hole
from graphc.passes.pipeline import Spill
from graphc.passes.rewrite import Change, Rule
from graphc.passes.totals import bare, is_log, largest_of

__all__ = ["LABELS"]


def _log_of_total(log: Node, chosen: Node) -> Node | None:
    """log Σ e^(x - m) = log1p(Σ e^(x - m) of others + expm1(chosen)), where m is the largest and chosen is x[i] - m."""
    (total,) = bare(log).inputs
    total = bare(total)
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
    op = take.op
    if not isinstance(op, Take) or take.inputs[0] is not x or not op.paired or (op.axis, take.shape[axis]) != (axis, 1):
        return None
    label = at_index(take.inputs[1], axis, x.shape[axis], may_count_back=op.checked)
    others = apply(Sum((axis,)), where(label, 0, powers))
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


def _axes(log: Node) -> tuple[int, ...]:
    """The axes of the sum that a node is the logarithm of."""
    log = bare(log)
    under = bare(log.inputs[0]) if isinstance(log.op, Log) else log
    return under.op.axes if isinstance(under.op, Sum) else ()


def _is_sum_with_log(node: Node) -> bool:
    node = bare(node)
    return isinstance(node.op, Add) and any(map(is_log, node.inputs))


a, whole = hole("x[i]", kinds="f"), hole("log(sum(exp(x - m))) + m", kinds="f", only=_is_sum_with_log)
total = hole("log(sum(exp(x - m)))", kinds="f", only=is_log)
_IS = "log1p(sum(exp(x - m)) of others + expm1(x[i] - m))"


def _of_others(left: Form, change: Change, called: str) -> Rule:
    because = "a sum that is almost 1 has no digits of what the others have"
    return Rule(left, change, exact=False, because=because, called=called, spill=Spill.LESS)


LABELS = (
    _of_others(a - total, _share, f"x[i] - m - log(sum(exp(x - m))) = x[i] - m - {_IS}"),
    _of_others(total - a, _loss, f"log(sum(exp(x - m))) - (x[i] - m) = {_IS} - (x[i] - m)"),
    _of_others(whole - a, _whole_loss, f"log(sum(exp(x - m))) + m - x[i] = {_IS} - (x[i] - m)"),
)
