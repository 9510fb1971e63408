"""How long values live, where the nodes of a graph are computed in some order; and an order in which they live short.

A node that only shows another's elements takes no room: it is a view of that one.  What a call is given, what is a
constant, and outputs take none either.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import final

from graphc.dataclass import dataclass
from graphc.ir.graph import Graph, topological
from graphc.ir.kinds import Leaf, Movement, Reshaped
from graphc.ir.leaves import Item
from graphc.ir.node import Node
from graphc.sizes import estimate
from graphc.types import TensorType

__all__ = ["Values", "in_short_order"]

_VIEWS = (Movement, Reshaped, Item)


@final
@dataclass(frozen=True, eq=False)
class Values:
    """The values behind the nodes of a graph.

    owner   node -> the node whose value it shows: itself, for most
    reads   node -> the values that it reads, each once; nothing for a view
    bytes   value -> how many bytes it takes, open sizes counting as their hints; 0 where it has a place of its own
    """

    owner: Mapping[Node, Node]
    reads: Mapping[Node, Sequence[Node]]
    bytes: Mapping[Node, int]

    @staticmethod
    def of(nodes: Iterable[Node], outputs: Iterable[Node]) -> "Values":
        """Those behind `nodes`, of which `outputs` have a place of their own."""
        owner: dict[Node, Node] = {}
        reads: dict[Node, Sequence[Node]] = {}
        bytes: dict[Node, int] = {}
        for node in nodes:
            if isinstance(node.op, _VIEWS):
                owner[node], reads[node] = owner[node.inputs[0]], ()
            else:
                owner[node] = node
                reads[node] = tuple(dict.fromkeys([owner[x] for x in node.inputs]))
                bytes[node] = 0 if isinstance(node.op, Leaf) else bytes_of(node)
        for node in outputs:
            bytes[owner[node]] = 0
        return Values(owner, reads, bytes)


def bytes_of(node: Node) -> int:
    """How many bytes the results of a node take, open sizes counting as their hints."""
    types = (node.type,) if isinstance(node.type, TensorType) else node.type.items
    total = 0
    for type in types:
        count = type.dtype.itemsize
        for n in type.shape:
            count *= estimate(n)
        total += count
    return total


def in_short_order(graph: Graph, waits: Mapping[Node, Sequence[Node]] | None = None) -> Sequence[Node]:
    """The nodes of a graph, where what ends the lives of as many bytes as it takes comes as soon as it can.

    Otherwise they come in the order that the graph has; where it has none, operands that are made in few steps come
    after those that are made in twice as many, so that they need not wait for them.  A node is looked at once for each
    value that it reads, so all is linear.

    waits   what some nodes come after, if that is more than their operands
    """
    waits = waits or {}
    nodes = graph.nodes
    if not graph.order:
        nodes = tuple(topological((*graph.roots, *graph.demanded), _short_last(nodes, waits)))
    values = Values.of(nodes, graph.outputs)
    return _Order(nodes, values, set(graph.updates.values()), waits).run()


def _short_last(nodes: Sequence[Node], waits: Mapping[Node, Sequence[Node]]) -> Mapping[Node, Sequence[Node]]:
    """What nodes come after, that last which is made in few steps."""
    steps: dict[Node, int] = {}
    found: dict[Node, Sequence[Node]] = {}
    for node in nodes:
        steps[node] = max([steps[x] for x in node.inputs], default=-1) + 1
    for node in nodes:
        needed = waits.get(node, node.inputs)
        half = max([steps[x] for x in needed], default=0) / 2
        found[node] = [*(x for x in needed if steps[x] >= half), *(x for x in needed if steps[x] < half)]
    return found


@dataclass(eq=False)
class _Order:
    nodes: Sequence[Node]
    values: Values
    kept: set[Node]  # values that live to the end
    waits: Mapping[Node, Sequence[Node]]
    users: dict[Node, list[Node]] = field(default_factory=dict)
    missing: dict[Node, int] = field(default_factory=dict)  # node -> how many operands are not there yet
    readers: dict[Node, set[Node]] = field(default_factory=dict)  # value -> who is still to read it
    found: dict[Node, None] = field(default_factory=dict)

    def run(self) -> Sequence[Node]:
        for node in self.nodes:
            operands = dict.fromkeys(self.waits.get(node, node.inputs))
            self.missing[node] = len(operands)
            for x in operands:
                self.users.setdefault(x, []).append(node)
            for value in self.values.reads[node]:
                self.readers.setdefault(value, set()).add(node)
        leaves = [node for node in self.nodes if isinstance(node.op, Leaf)]  # which are there from the beginning
        for node in (*leaves, *self.nodes):
            if node not in self.found:
                self._take(node)
        return list(self.found)

    def _take(self, node: Node) -> None:
        """Put a node next, and then all that has become worth it."""
        pending = [node]
        while pending:
            node = pending.pop()
            if node in self.found:
                continue
            self.found[node] = None
            ready: dict[Node, None] = {}
            for user in self.users.get(node, ()):
                self.missing[user] -= 1
                ready[user] = None
            for value in self.values.reads[node]:
                left = self.readers[value]
                left.discard(node)
                if len(left) == 1:
                    ready |= dict.fromkeys(left)
            pending += [x for x in reversed(ready) if not self.missing[x] and x not in self.found and self._gains(x)]

    def _gains(self, node: Node) -> bool:
        """Whether no more bytes live when this node, or the one node that reads it, has been computed.

        A view costs nothing.
        """
        if self.values.owner[node] is not node:
            return True
        ended, bytes = self._ended(node), self.values.bytes[node]
        if ended >= bytes:
            return True
        readers = self.readers.get(node, ())
        if len(readers) != 1 or len(self.users[node]) != 1:
            return False
        (reader,) = readers
        return self.missing[reader] == 1 and ended + self._ended(reader) >= bytes + self.values.bytes[reader]

    def _ended(self, node: Node) -> int:
        """How many bytes nothing reads any more when a node has been computed."""
        reads = self.values.reads[node]
        return sum(self.values.bytes[x] for x in reads if len(self.readers[x]) == 1 and x not in self.kept)
