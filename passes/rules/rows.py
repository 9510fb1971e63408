"""Identities of rows less the logarithm of the sum of their powers, as others than `log_softmax` spell it."""

from graphc.ir.arithmetic import Spread
from graphc.ir.node import Node
from graphc.passes.matching import Form, Match, hole
from graphc.passes.pipeline import Spill
from graphc.passes.rewrite import Change, Rule
from graphc.passes.totals import total_of

__all__ = ["ROWS"]


def _share(match: Match) -> Node | None:
    found = total_of(match[x], match[whole])
    return None if found is None else match[x] - found[1] - found[0]


def _loss(match: Match) -> Node | None:
    found = total_of(match[x], match[whole])
    return None if found is None else found[0] - (match[x] - found[1])


x, whole = hole("x", kinds="f"), hole("log(sum(exp(x - m))) + m", Spread, kinds="f")


def _apart_from_m(left: Form, change: Change, called: str) -> Rule:
    because = "beside a large m the logarithm has few digits"
    return Rule(left, change, exact=False, because=because, called=f"{called}, m = max(x)", spill=Spill.LESS)


ROWS = (
    _apart_from_m(x - whole, _share, "x - (log(sum(exp(x - m))) + m) = x - m - log(sum(exp(x - m)))"),
    _apart_from_m(whole - x, _loss, "log(sum(exp(x - m))) + m - x = log(sum(exp(x - m))) - (x - m)"),
)
