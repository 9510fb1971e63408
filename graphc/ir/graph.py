"""Graphs: roots and all that they need, in an order in which operands come first."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from operator import is_not

from graphc.dataclass import dataclass
from graphc.display import Displayed
from graphc.ir.leaves import Variable
from graphc.ir.node import IndexBound, Node, Op, SameSize
from graphc.once import once
from graphc.origin import Origin
from graphc.printable import counted

__all__ = ["Demand", "Graph", "exchanged", "rebuilt", "topological"]


def topological(roots: Iterable[Node], waits: Mapping[Node, Sequence[Node]] | None = None) -> list[Node]:
    """All nodes that `roots` need, operands before users, roots in the order given.  Depth first, no recursion.

    waits   what some nodes come after, if that is more than their operands; it must not lead in a circle
    """
    order: list[Node] = []
    seen: set[Node] = set()
    for root in roots:
        if root in seen:
            continue
        seen.add(root)
        node, left = root, iter(root.inputs if waits is None else waits.get(root, root.inputs))
        path: list[tuple[Node, Iterator[Node]]] = []  # to the node, each with what it needs that is still to be seen
        while True:
            for needed in left:
                if needed not in seen:
                    seen.add(needed)
                    needs = needed.inputs if waits is None else waits.get(needed, needed.inputs)
                    if needs:
                        path.append((node, left))
                        node, left = needed, iter(needs)
                        break
                    order.append(needed)
            else:
                order.append(node)
                if not path:
                    break
                node, left = path.pop()
    return order


def rebuilt(node: Node, inputs: Sequence[Node]) -> Node:
    """`node` on other inputs of the same types."""
    if any(map(is_not, node.inputs, inputs)):
        return Node(node.op, tuple(inputs), node.type, node.origin)
    return node


def exchanged(node: Node, new: Mapping[Node, Node]) -> Node:
    """`node` on what `new` has for its operands, if it has any."""
    if not new or new.keys().isdisjoint(node.inputs):
        return node
    return rebuilt(node, [new.get(x, x) for x in node.inputs])


@dataclass(frozen=True, eq=False, slots=True)
class Demand:
    """What a node as declared needs of a call: two equal sizes, or the elements of `index` in range.

    It stands beside the nodes, so that a call fails by what was written, whatever becomes of the node.
    """

    need: SameSize | IndexBound
    index: Node | None
    op: str
    origin: Origin


@dataclass(frozen=True, eq=False)
class Graph(Displayed):
    """A closed computation.

    inputs    what a call gives, in order; unused ones stay
    outputs   what a call gets
    updates   variable -> its next value; all read the values before the call
    demands   what a call must find; empty until a pass has collected it
    order     all nodes, in the order in which they are to be computed, where a pass has decided on one
    """

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    updates: Mapping[Node, Node] = field(default_factory=dict)
    demands: tuple[Demand, ...] = ()
    order: tuple[Node, ...] = ()

    def __repr__(self) -> str:
        counts = f"{len(self.nodes)} nodes, {len(self.inputs)} inputs, {len(self.outputs)} outputs"
        return f"<graph: {counts}, {len(self.updates)} updates>"

    @property
    def measure(self) -> str:
        return counted(len(self.nodes), "node")

    @property
    def roots(self) -> tuple[Node, ...]:
        """Next values first, then outputs, those of most axes first: what only small ones need comes last.

        So a row that is read for its loss and for its gradient can be read once.
        """
        outputs = sorted(self.outputs, key=lambda node: -node.ndim)
        return (*self.updates.values(), *outputs)

    @property
    def demanded(self) -> tuple[Node, ...]:
        """The indices that demands are about: computed even where nothing reads them any more."""
        return tuple(demand.index for demand in self.demands if demand.index is not None)

    @once
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, operands before users."""
        return self.order or tuple(topological((*self.roots, *self.demanded)))

    @once
    def computing(self) -> Mapping[tuple[Op, tuple[Node, ...]], Node]:
        """Its nodes by what they compute: an op, on operands."""
        return {(node.op, node.inputs): node for node in self.nodes}

    @once
    def users(self) -> Mapping[Node, tuple[Node, ...]]:
        """For each node the nodes that read it, in order, once per reading."""
        users: dict[Node, list[Node]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            for operand in node.inputs:
                users[operand].append(node)
        return {node: tuple(readers) for node, readers in users.items()}

    @once
    def kinds(self) -> frozenset[type[Op]]:
        """The classes of its ops."""
        return frozenset([node.op.__class__ for node in self.nodes])

    def has(self, kind: type) -> bool:
        """Whether a node has an op of this class."""
        return any(issubclass(each, kind) for each in self.kinds)

    @once
    def variables(self) -> tuple[Node, ...]:
        """The variables that are read or set, in order."""
        if not self.has(Variable):
            return tuple(self.updates)
        found = dict.fromkeys([node for node in self.nodes if isinstance(node.op, Variable)])
        return tuple(found | dict.fromkeys(self.updates))

    def map(self, change: Callable[[Node], Node]) -> "Graph":
        """The graph in which every node, rebuilt on changed operands, is replaced by `change` of it."""
        new: dict[Node, Node] = {}
        for node in self.nodes:
            found = change(exchanged(node, new))
            if found is not node:
                new[node] = found
        return self.exchanged(new)

    def replace(self, nodes: Mapping[Node, Node]) -> "Graph":
        """The same computation with nodes exchanged, all at once."""
        new = dict(nodes)
        for node in self.nodes:
            if node not in nodes:
                found = exchanged(node, new)
                if found is not node:
                    new[node] = found
        return self.exchanged(new)

    def exchanged(self, new: Mapping[Node, Node]) -> "Graph":
        """The graph whose outputs, next values and demanded indices are what `new` has for them, if it has any.

        This one, where they are the same.
        """
        if all(new.get(root, root) is root for root in (*self.roots, *self.demanded)):
            return self
        return Graph(
            self.inputs,
            tuple([new.get(node, node) for node in self.outputs]),
            {variable: new.get(node, node) for variable, node in self.updates.items()},
            tuple([d if d.index is None else replace(d, index=new.get(d.index, d.index)) for d in self.demands]),
        )

    def demanding(self, demands: tuple[Demand, ...]) -> "Graph":
        """The same graph, and what a call must find: of indices that are among its nodes."""
        found = replace(self, demands=demands)
        found.__dict__.update(nodes=self.nodes, kinds=self.kinds)
        return found

    def relabelled(self, new: Mapping[Node, Node]) -> "Graph":
        """`exchanged`, where nodes differ from those that they replace in nothing but origins: in the same order."""
        return self.exchanged_in(new, self.nodes)

    def exchanged_in(self, new: Mapping[Node, Node], order: Sequence[Node]) -> "Graph":
        """`exchanged`, where it is known in which order its nodes come: that of those that become them."""
        found = self.exchanged(new)
        if found is not self:
            found.__dict__["nodes"] = tuple([new.get(node, node) for node in order])
        return found

    def count(self, kind: type[Op]) -> int:
        """How many nodes have an op of this class."""
        return sum(isinstance(node.op, kind) for node in self.nodes)
