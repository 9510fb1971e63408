"""Stabilising: formulas as they are written on paper, computed so that floats keep their digits.

What a user writes, and what derivatives make of it, is right for real numbers.  In floats e^100 is infinite and
1 - 0.9999999999 has no digits.  Here every node gets a form: what it is, as a sum of products of numbers, powers of e,
sums of powers of e and other nodes (`forms`, `terms`).  Where the operands of a node cancel in its form, or pair to
something bounded, the node is written anew (`write`); all else stays exactly as it is.

A form is only ever another way to write what the node is in real arithmetic.  What is nan for real numbers stays nan:
only powers of e and sums of them, which are positive, are cancelled.
"""

from collections.abc import Mapping
from typing import ClassVar, final

from graphc.dataclass import dataclass
from graphc.ir.arithmetic import Add, Div, Mul, Neg, Spread, Squeeze, Sub, Sum, Where
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Op
from graphc.ops.elementwise import Exp, Log, Log1p, Log2, Log10, Sigmoid, Softplus
from graphc.ops.indexing import ScatterAdd, Take
from graphc.ops.placement import Pad, Pick, Slice, Transpose
from graphc.ops.powers import Sqrt, Square
from graphc.ops.trigonometry import Cosh, Sinh
from graphc.origin import standing_for
from graphc.passes import meanings, moved
from graphc.passes.forms import Forms, Meaning
from graphc.passes.labels import LABELLING
from graphc.passes.pipeline import Log as Notes
from graphc.passes.pipeline import Pass, Spill
from graphc.passes.provenance import Ancestry, consumed
from graphc.passes.write import Writer

__all__ = ["Stabilise"]

_MEANINGS: Mapping[type[Op], Meaning] = {
    Add: meanings.sum_of_two,
    Cosh: meanings.cosine,
    Div: meanings.product,
    Exp: meanings.power,
    Log: meanings.logarithm,
    Log2: meanings.logarithm,
    Log10: meanings.logarithm,
    Log1p: meanings.softplus_of_power,
    Mul: meanings.product,
    Neg: meanings.negative,
    Pad: moved.padded,
    ScatterAdd: moved.scattered,
    Pick: moved.moved,
    Sigmoid: meanings.share,
    Sinh: meanings.sine,
    Slice: moved.moved,
    Softplus: meanings.softplus,
    Spread: moved.moved,
    Sqrt: meanings.root,
    Square: meanings.square,
    Squeeze: moved.moved,
    Sub: meanings.sum_of_two,
    Sum: moved.total,
    Take: moved.moved,
    Transpose: moved.moved,
    Where: meanings.choice,
}

#: ops of which every node is looked at; nodes of others are where an operand has a form
_FIRST = frozenset({Cosh, Exp, Sigmoid, Sinh, Softplus, Sqrt})


@final
@dataclass(frozen=True)
class Stabilise(Pass[Graph, Graph]):
    """Write products of powers of e, logarithms and lengths so that they keep their digits.

    Afterwards nothing is divided by what it was multiplied by before, if that may leave the range of floats.
    Equal nodes are to be one before.
    """

    name: ClassVar[str] = "stabilise"
    spill: ClassVar[Spill] = Spill.LESS

    def run(self, form: Graph, log: Notes) -> Graph:
        forms = _forms(form)
        return _written(form, forms, log) if forms.better else form


def _forms(graph: Graph) -> Forms:
    """The forms of the nodes of a graph, each found once."""
    labels = any(map(graph.has, LABELLING))
    forms = Forms(_MEANINGS, graph, labels, weighed=_weighed(graph))
    formed, logged, weighed = forms.forms.keys(), forms.logs.keys(), forms.weighed
    for node in graph.nodes:
        kind, inputs = type(node.op), node.inputs
        if kind not in _MEANINGS:
            continue
        if (
            kind not in _FIRST
            and formed.isdisjoint(inputs)
            and logged.isdisjoint(inputs)
            and weighed.isdisjoint(inputs)
        ):
            continue
        forms.at = node
        forms.look(node)
    forms.at = None
    return forms


def _weighed(graph: Graph) -> set[Node]:
    """Nodes x of which there are both Σ x and Σ x y."""
    summed = {node.inputs[0] for node in graph.nodes if isinstance(node.op, Sum)}
    products = [node for node in summed if isinstance(node.op, Mul | Square)]
    return {x for node in products for x in node.inputs if x in summed}


def _written(graph: Graph, forms: Forms, log: Notes) -> Graph:
    """The graph, with nodes written in their better forms."""
    writer = Writer(forms)
    ancestry = Ancestry()
    before = set(graph.nodes)
    for node in graph.nodes:
        if node in forms.better:
            with standing_for(node):
                found = writer.node(node)
        else:
            found = writer.node(node)
        if node in writer.replaced:
            candidate = writer.replaced[node]
            log.note(f"{node.op.name} in stable form", node.origin)
            ancestry.add(found, candidate, *consumed(candidate, found, before))
        elif found is not node:
            ancestry.add(found, node)  # which may be equal to another now
    if not log.notes:
        return graph
    return ancestry.given_to(graph.exchanged(writer.new), before)
