"""Bodies of loops and branches: closed graphs, made of what a user's function gives."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from graphc.dataclass import dataclass
from graphc.errors import ArgumentError
from graphc.ir.declare import Carried
from graphc.ir.graph import Graph, exchanged, topological
from graphc.ir.kinds import Counting
from graphc.ir.leaves import Input, SizeOf, Variable, uniform
from graphc.ir.node import Node, made_at, made_meanwhile
from graphc.ir.operands import cast
from graphc.origin import called, here, place_of
from graphc.types import TensorType

__all__ = ["Inner", "dependent", "made_inside", "refuse_updates", "stand_in", "strong"]


def stand_in(label: str, type: TensorType, within: str) -> Node:
    """What stands for a value inside a body: an input that has one value for each time the body runs.

    `within`: what the body is of, where that is not the function that the user has called.
    """
    return Node(Input(label, type, called() or within), (), type, here())


def strong(x: Node) -> Node:
    """A node that has its dtype for good, as a number that Python gave has not."""
    return cast(x, x.dtype)


def dependent(outputs: Iterable[Node], on: Iterable[Node]) -> set[Node]:
    """`on`, and all nodes that `outputs` need and that depend on it."""
    found = set(on)
    for node in topological(outputs):
        if not found.isdisjoint(node.inputs):
            found.add(node)
    return found


@contextmanager
def made_inside() -> Iterator[dict[Node, None]]:
    """The nodes that are made while this is open, filled in when it ends; variables and inputs are none of them."""
    inside: dict[Node, None] = {}
    with made_meanwhile() as made:
        yield inside
    inside.update(dict.fromkeys(node for node in made if not isinstance(node.op, Input | Variable)))


@dataclass(frozen=True)
class Inner:
    """What a body computes: its nodes, operands first, and what it gives.

    Only nodes that were made meanwhile are looked at: a body costs nothing by the size of the graph around it.
    """

    nodes: Sequence[Node]
    outputs: Sequence[Node]
    own: Sequence[Node] = ()

    @staticmethod
    def of(outputs: Sequence[Node], made: Iterable[Node], own: Sequence[Node] = ()) -> "Inner":
        """What `outputs` need of the nodes that were made in a body."""
        needed = set(outputs)
        found: list[Node] = []
        for node in reversed(list(made)):
            if node in needed:
                needed.update(node.inputs)
                found.append(node)
        return Inner(found[::-1], outputs, own)

    @staticmethod
    def of_steps(outputs: Sequence[Node], made: Iterable[Node], own: Sequence[Node]) -> "Inner":
        """The same, without what does not depend on `own`: that is the same in every step."""
        moving = set(own)
        for node in made:
            if not moving.isdisjoint(node.inputs):
                moving.add(node)
        return Inner.of(outputs, [node for node in made if node in moving], own)

    @property
    def shared(self) -> dict[Node, None]:
        """What is read that is no part of the body, which has its own numbers, counts and sizes."""
        inside = {*self.nodes, *self.own}
        read = (*(x for node in self.nodes for x in node.inputs), *self.outputs)
        return dict.fromkeys(x for x in read if x not in inside and not _is_written(x))

    def closed(self, shared: Iterable[Node], within: str) -> Graph:
        """The body with its own inputs, and further ones that stand for the nodes of `shared`."""
        exchange = {x: stand_in(x.name or "shared", x.tensor, within) for x in shared}
        new = dict(exchange)
        for node in self.nodes:
            new[node] = exchanged(node, new)
        return Graph((*self.own, *exchange.values()), tuple([new.get(y, y) for y in self.outputs]))


def _is_written(node: Node) -> bool:
    """Whether a body writes a node down, and is not given it."""
    return isinstance(node.op, SizeOf | Counting) or uniform(node) is not None


def refuse_updates(what: str, made: Iterable[Node], hint: str) -> None:
    """Raise where a body sets a variable: among the nodes that were made in it."""
    for node in made:
        if isinstance(node.op, Carried):
            problem = f"{what}: a body sets {node.op.variable.name!r}, and a variable is set once in a call"
            lines = *place_of(here()), *made_at("set", node), *made_at("of", node.op.variable)
            raise ArgumentError(problem, hint=hint).located(lines, called())
