"""What is shown of a graph, and the number of each node: the same in every view."""

from collections.abc import Mapping, Sequence
from enum import Enum, unique
from functools import cached_property
from typing import Protocol, TypeAlias, final, runtime_checkable

from graphc.dataclass import dataclass
from graphc.errors import ArgumentError
from graphc.inspection.wording import number_text, place_text, type_text
from graphc.ir.graph import Graph, topological
from graphc.ir.kinds import Leaf
from graphc.ir.leaves import ConstantValue, Input, SizeOf, Variable
from graphc.ir.node import Node, Op
from graphc.origin import RULES_SHOWN, Derivation
from graphc.printable import a_thing, printable
from graphc.types import TensorType

__all__ = ["HasGraph", "Kind", "Listing", "Showable", "listing_of"]


@runtime_checkable
class HasGraph(Protocol):
    """Something made of a graph, such as a compiled function."""

    @property
    def graph(self) -> Graph: ...


Showable: TypeAlias = "Node | Graph | HasGraph | Sequence[Showable] | Mapping[str, Showable] | None"


@unique
class Kind(Enum):
    """What a node is to a reader."""

    INPUT = "input"
    VARIABLE = "variable"
    CONSTANT = "constant"
    FORWARD = "forward"
    DERIVED = "derived"

    @staticmethod
    def of(node: Node) -> "Kind":
        """The kind of `node`.  Derived: made by a rule from a node that a user wrote, and written by no user too."""
        match node.op:
            case Input():
                return Kind.INPUT
            case Variable():
                return Kind.VARIABLE
            case Leaf():
                return Kind.CONSTANT
        return Kind.DERIVED if all(origin.derived_from for origin in node.origin.behind()) else Kind.FORWARD


@final
@dataclass(frozen=True, eq=False)
class Listing:
    """A graph in the order it is read: inputs, then what outputs need, then what updates need.

    Constants that are one number, and sizes, are written where they are read; they are numbered last.
    """

    graph: Graph

    @cached_property
    def _order(self) -> tuple[Node, ...]:
        graph = self.graph
        return tuple(topological((*graph.inputs, *graph.outputs, *graph.updates.values(), *graph.updates)))

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes that have a place of their own, operands before users."""
        kept = {*self.graph.inputs, *self.graph.outputs, *self.graph.updates.values()}
        return tuple(node for node in self._order if node in kept or not _is_number(node))

    @cached_property
    def numbers(self) -> Mapping[Node, int]:
        """The number of every node: those of `nodes` first, in order."""
        return {node: number for number, node in enumerate(dict.fromkeys((*self.nodes, *self._order)))}

    def is_placed(self, node: Node) -> bool:
        """Whether the node has a place of its own."""
        return self.numbers[node] < len(self.nodes)

    def reference(self, node: Node) -> str:
        """`%4`."""
        return f"%{self.numbers[node]}"

    def operand(self, operand: Node, reader: Node) -> str:
        """An operand as its reader shows it: `%4`, or `0.5`, with the type where the shape is another."""
        if self.is_placed(operand):
            return self.reference(operand)
        number = number_text(operand)
        same = isinstance(reader.type, TensorType) and reader.type.shape == operand.shape
        return number if same else f"{number}:{type_text(operand)}"

    @cached_property
    def _images(self) -> Mapping[tuple[int, Op], Node]:
        """What the listed nodes were made of that a user wrote: passes make new nodes, and keep origins."""
        return {
            (id(origin), node.op): node
            for node in self._order
            for origin in node.origin.behind()
            if not origin.derived_from  # nodes that one rule makes have one origin
        }

    def listed(self, node: object) -> Node | None:
        """The node that is listed for `node`: itself, or what passes have made of it."""
        if not isinstance(node, Node):
            return None
        return node if node in self.numbers else self._images.get((id(node.origin), node.op))

    def reason(self, derivation: Derivation) -> str:
        """Why a derived node exists: `grad of tanh %4`, or `... at digits.py:20` where that is not listed.

        What a rule made of something that is not listed leads on: `tangent of mul from grad of tanh %4`.
        """
        rules, forward = [derivation.rule], derivation.forward
        while self.listed(forward) is None and forward.origin.derived_from and len(rules) < RULES_SHOWN:
            rules.append(forward.origin.derived_from[0].rule)
            forward = forward.origin.derived_from[0].forward
        what = " from ".join(printable(rule, 60) for rule in rules)
        listed = self.listed(forward)
        return (
            f"{what} at {place_text(forward.origin.place())}" if listed is None else f"{what} {self.reference(listed)}"
        )


def listing_of(shown: Showable) -> Listing:
    """The listing of a node, of nodes in lists, tuples or mappings, of a graph, or of what is made of one."""
    match shown:
        case Graph():
            return Listing(shown)
        case HasGraph(graph=Graph() as graph):
            return Listing(graph)
    return Listing(Graph((), tuple(_nodes_in(shown))))


def _nodes_in(shown: object) -> list[Node]:
    """The nodes of a nested structure, in order."""
    found: list[Node] = []
    pending = [shown]
    while pending:
        part = pending.pop()
        if isinstance(part, Node):
            found.append(part)
        elif isinstance(part, Mapping):
            pending.extend(reversed(list(part.values())))
        elif isinstance(part, list | tuple):
            pending.extend(reversed(part))
        elif part is not None:
            raise ArgumentError(
                f"{a_thing(part)} has no graph",
                hint="give a node, several nodes, a graph or a compiled function",
            )
    return found


def _is_number(node: Node) -> bool:
    op = node.op
    return isinstance(op, SizeOf) or (isinstance(op, ConstantValue) and op.is_uniform)
