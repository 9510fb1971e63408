"""Joining: loops that make the same steps become one, which has the results of all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import ClassVar, final

from graphc.dataclass import dataclass
from graphc.ir.control import Repeated
from graphc.ir.graph import Graph, exchanged
from graphc.ir.leaves import Item
from graphc.ir.node import Node
from graphc.passes.pipeline import Log, Pass
from graphc.passes.throughout import with_changed_bodies

__all__ = ["JoinLoops"]


@final
@dataclass(frozen=True)
class JoinLoops(Pass[Graph, Graph]):
    """Merge loops over the same body, of which one may carry more than another, as tangents beside values.

    A derivative makes the steps of what it is taken of again, and keeps more of them.  Afterwards each step is made
    once, but for those that a derivative is to make again.  It comes first, while bodies still share their nodes.
    """

    name: ClassVar[str] = "join loops"
    exact: ClassVar[bool] = True

    def run(self, form: Graph, log: Log) -> Graph:
        alike: dict[Node, list[Node]] = {}
        for node in form.nodes:
            if isinstance(node.op, Repeated) and node.op.body.inputs:
                alike.setdefault(node.op.body.inputs[0], []).append(node)
        hosts: dict[Node, _Host] = {}
        for group in alike.values():
            if len(group) > 1:
                self._join(form, group, hosts, log)
        joined = _joined(form, hosts) if hosts else form
        return with_changed_bodies(joined, lambda body: self.run(body, log))

    def _join(self, graph: Graph, group: Sequence[Node], hosts: dict[Node, "_Host"], log: Log) -> None:
        """Let those that carry most take in the others."""
        found: list[_Host] = []
        for node in sorted(group, key=lambda node: -len(node.inputs)):
            for host in found:
                if host.takes(node) and not _leads_to(graph, node, host.node):
                    host.take(node)
                    hosts[node] = host
                    log.note("one loop for two", node.origin)
                    break
            else:
                found.append(_Host(node))
        hosts |= {host.node: host for host in list(hosts.values())}


@dataclass(eq=False)
class _Host:
    """A loop that takes in others.

    outputs   of all of them, in order, with the place of each
    carries   input of the body -> which carry it is
    given     input of the body -> the operand that it stands for
    """

    node: Node
    outputs: dict[Node, int] = field(init=False)
    carries: Mapping[Node, int] = field(init=False)
    given: Mapping[Node, Node] = field(init=False)

    def __post_init__(self) -> None:
        op = self.op
        self.outputs = {y: place for place, y in enumerate(dict.fromkeys(op.outputs))}
        self.carries = {x: place for place, x in enumerate(op.inner().carries)}
        self.given = dict(zip(op.body.inputs, _read_inside(op, self.node), strict=True))

    @property
    def op(self) -> Repeated:
        op = self.node.op
        assert isinstance(op, Repeated), op
        return op

    def takes(self, node: Node) -> bool:
        """Whether this loop makes the steps of `node`, and perhaps more."""
        op, other = self.op, node.op
        assert isinstance(other, Repeated), other
        is_alike = (op.length, op.reverse, op.counted, op.recomputes, self.node.origin.members) == (
            other.length, other.reverse, other.counted, other.recomputes, node.origin.members,
        ) and len(op.bodies) == len(other.bodies)  # fmt: skip
        if not is_alike or not _same(op.parts(self.node.inputs).counts, other.parts(node.inputs).counts):
            return False
        given = _read_inside(other, node)
        if any(self.given.get(inside) is not x for inside, x in zip(other.body.inputs, given, strict=True)):
            return False
        if any(
            x not in self.carries or op.next[self.carries[x]] is not after
            for x, after in zip(other.inner().carries, other.next, strict=True)
        ):
            return False
        return op.condition is None or (
            other.condition is not None and _same(op.condition.outputs, other.condition.outputs)
        )

    def take(self, node: Node) -> None:
        """Have its results too."""
        op = node.op
        assert isinstance(op, Repeated), op
        for y in op.outputs:
            self.outputs.setdefault(y, len(self.outputs))

    def result(self) -> Repeated:
        """The op that has the results of all."""
        body = Graph(self.op.body.inputs, (*self.op.next, *self.outputs))
        return replace(self.op, bodies=(body, *self.op.bodies[1:]))

    def place(self, node: Node, index: int, op: Repeated) -> int:
        """Where result `index` of a loop that was taken in is among those of `op`."""
        other = node.op
        assert isinstance(other, Repeated), other
        if index < other.carries:
            return self.carries[other.body.inputs[index]]
        outputs = len(other.body.outputs)
        if index < outputs:
            return op.carries + self.outputs[other.body.outputs[index]]
        return len(op.body.outputs)


def _read_inside(op: Repeated, node: Node) -> list[Node]:
    """The operands that the inputs of the body stand for, in their order."""
    return op.parts(node.inputs)._replace(counts=()).all


def _same(left: Iterable[Node], right: Iterable[Node]) -> bool:
    return all(x is y for x, y in zip(left, right, strict=True))


def _leads_to(graph: Graph, node: Node, other: Node) -> bool:
    """Whether `other` needs a result of `node`."""
    reached = {node}
    for each in graph.nodes:
        if not reached.isdisjoint(each.inputs):
            reached.add(each)
    return other in reached


def _joined(graph: Graph, hosts: Mapping[Node, _Host]) -> Graph:
    """The graph in which every loop that was taken in is read as its host."""
    ops = {host.node: host.result() for host in hosts.values()}
    new: dict[Node, Node] = {}
    pending = list(reversed((*graph.roots, *graph.demanded)))
    while pending:
        node = pending[-1]
        if node in new:
            pending.pop()
            continue
        host = hosts.get(node)
        operands = node.inputs if host is None else host.node.inputs
        missing = [x for x in operands if x not in new]
        if missing:
            pending += reversed(missing)
            continue
        pending.pop()
        if host is not None:
            made = new.get(host.node)
            if made is None:
                op = ops[host.node]
                inputs = tuple([new[x] for x in operands])
                made = Node(op, inputs, op.infer(*[x.tensor for x in inputs]), host.node.origin)
            new[node] = new[host.node] = made
        elif isinstance(node.op, Item) and node.inputs[0] in hosts:
            loop = hosts[node.inputs[0]]
            place = loop.place(node.inputs[0], node.op.index, ops[loop.node])
            new[node] = Node(Item(place), (new[node.inputs[0]],), node.type, node.origin)
        else:
            new[node] = exchanged(node, new)
    return graph.exchanged(new)
