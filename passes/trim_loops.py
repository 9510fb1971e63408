"""Trimming: loops and branches do what is read of them, and no more."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, final

from graphc.dataclass import dataclass
from graphc.ir.control import Chosen, Repeated, Structured
from graphc.ir.graph import Graph, exchanged
from graphc.ir.leaves import Item
from graphc.ir.node import Node
from graphc.passes.pipeline import Log, Pass
from graphc.passes.throughout import with_changed_bodies

__all__ = ["TrimLoops"]


@final
@dataclass(frozen=True)
class TrimLoops(Pass[Graph, Graph]):
    """Drop results that nobody reads, and what only they need: outputs, stacks, carries, rows, operands.

    A carry that no step changes becomes an operand that all steps share.  The outer graph comes first, so that
    bodies are asked for less.
    """

    name: ClassVar[str] = "trim loops"
    exact: ClassVar[bool] = True

    def run(self, form: Graph, log: Log) -> Graph:
        read: dict[Node, set[int]] = {}
        for node in form.nodes:
            if isinstance(node.op, Item) and isinstance(node.inputs[0].op, Structured):
                read.setdefault(node.inputs[0], set()).add(node.op.index)
        new: dict[Node, Node] = {}
        places: dict[Node, Mapping[int, int]] = {}  # a result of a loop before -> where it is now
        shown: dict[Node, Mapping[int, Node]] = {}  # a result of a loop before -> the node that it is
        for node in form.nodes:
            if isinstance(node.op, Item) and node.inputs[0] in places:
                loop, index = node.inputs[0], node.op.index
                if index in shown[loop]:
                    new[node] = shown[loop][index]
                else:
                    new[node] = Node(Item(places[loop][index]), (new[loop],), node.type, node.origin)
                continue
            same = exchanged(node, new)
            match node.op:
                case Repeated():
                    new[node], places[node], shown[node] = _trimmed_loop(same, node.op, read[node])
                case Chosen():
                    new[node], places[node] = _trimmed_branch(same, node.op, read[node])
                    shown[node] = {}
                case _:
                    new[node] = same
        return with_changed_bodies(form.exchanged(new), lambda body: self.run(body, log))


def _trimmed_loop(node: Node, op: Repeated, read: set[int]) -> tuple[Node, Mapping[int, int], Mapping[int, Node]]:
    inner, given = op.inner(), op.parts(node.inputs)
    body, outputs = op.body, len(op.body.outputs)
    still = {c for c in range(op.carries) if op.next[c] is inner.carries[c]}
    if op.condition is not None:
        still = set()  # the condition is given the carries first
    wanted = [place for place in range(op.carries, outputs) if place in read]
    needed = {c for c in range(op.carries) if c in read} - still
    if op.condition is not None:
        needed |= {c for c, x in enumerate(op.condition.inputs[: op.carries]) if x in set(op.condition.nodes)}
    while True:
        results = (*(body.outputs[p] for p in wanted), *(op.next[c] for c in sorted(needed)))
        used = set(Graph((), results, demands=body.demands).nodes)
        more = {c for c, x in enumerate(inner.carries) if x in used} - needed - still
        if not more:
            break
        needed |= more
    carries = sorted(needed)
    sequences = [s for s, x in enumerate(inner.sequences) if x in used]
    conditioned = set() if op.condition is None else set(op.condition.nodes)
    conditions = () if op.condition is None else op.condition.inputs[op.carries :]
    shared = [k for k, x in enumerate(inner.shared) if x in used or (conditions and conditions[k] in conditioned)]
    unchanged = [c for c in sorted(still) if inner.carries[c] in used]
    shown = {c: given.carries[c] for c in still}
    steps = Graph(
        (
            *(inner.carries[c] for c in carries),
            *(inner.sequences[s] for s in sequences),
            *(inner.shared[k] for k in shared),
            *(inner.carries[c] for c in unchanged),
        ),
        (*(op.next[c] for c in carries), *(body.outputs[p] for p in wanted)),
        demands=body.demands,
    )
    bodies = [steps]
    if op.condition is not None:
        first = op.condition.inputs[: op.carries]
        bodies.append(replace(op.condition, inputs=(*(first[c] for c in carries), *(conditions[k] for k in shared))))
    trimmed = replace(
        op,
        bodies=tuple(bodies),
        carries=len(carries),
        sequences=len(sequences),
    )
    inputs = (
        *(given.carries[c] for c in carries),
        *(given.sequences[s] for s in sequences),
        *given.counts,
        *(given.shared[k] for k in shared),
        *(given.carries[c] for c in unchanged),
    )
    places = {c: place for place, c in enumerate(carries)}
    places |= {p: len(carries) + place for place, p in enumerate(wanted)}
    places[outputs] = len(carries) + len(wanted)
    if len(inputs) == len(node.inputs) and len(steps.outputs) == outputs:
        return node, places, shown
    return Node(trimmed, inputs, trimmed.infer(*[x.tensor for x in inputs]), node.origin), places, shown


def _trimmed_branch(node: Node, op: Chosen, read: set[int]) -> tuple[Node, Mapping[int, int]]:
    wanted = sorted(read)
    places = {old: new for new, old in enumerate(wanted)}
    cut = [replace(body, outputs=tuple([body.outputs[place] for place in wanted])) for body in op.bodies]
    used = [k for k in range(len(node.inputs) - 1) if any(body.inputs[k] in set(body.nodes) for body in cut)]
    if len(wanted) == len(op.bodies[0].outputs) and len(used) == len(node.inputs) - 1:
        return node, places
    bodies = [replace(body, inputs=tuple([body.inputs[k] for k in used])) for body in cut]
    trimmed = op.with_bodies(bodies)
    inputs = (node.inputs[0], *(node.inputs[1 + k] for k in used))
    return Node(trimmed, inputs, trimmed.infer(*[x.tensor for x in inputs]), node.origin), places
