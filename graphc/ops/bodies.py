"""Bodies of loops and branches: closed graphs, made of what a user's function gives."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

from graphc.errors import ArgumentError
from graphc.ir.declare import Carried
from graphc.ir.graph import Graph, topological
from graphc.ir.kinds import Counting
from graphc.ir.leaves import Input, SizeOf, Variable, uniform
from graphc.ir.node import Node, made_at, made_meanwhile
from graphc.ir.operands import cast
from graphc.origin import called, here, place_of
from graphc.types import TensorType

__all__ = ["closed", "dependent", "made_inside", "refuse_updates", "stand_in", "strong", "used_by"]


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


def used_by(outputs: Sequence[Node], inside: Collection[Node]) -> dict[Node, None]:
    """What the nodes of a body, and its outputs, read that is none of it.  It has its own numbers, counts and sizes."""
    read = [x for node in topological(outputs) if node in inside for x in node.inputs]
    return dict.fromkeys(
        x
        for x in (*read, *outputs)
        if x not in inside and not isinstance(x.op, SizeOf | Counting) and uniform(x) is None
    )


def closed(own: Sequence[Node], outputs: Sequence[Node], shared: Iterable[Node], within: str) -> Graph:
    """The body with the inputs `own`, and further ones that stand for the nodes of `shared`."""
    exchange = {node: stand_in(node.name or "shared", node.tensor, within) for node in shared}
    return Graph((*own, *exchange.values()), Graph((), tuple(outputs)).replace(exchange).outputs)


def refuse_updates(what: str, made: Iterable[Node], hint: str) -> None:
    """Raise where a body sets a variable: among the nodes that were made in it."""
    for node in made:
        if isinstance(node.op, Carried):
            problem = f"{what}: a body sets {node.op.variable.name!r}, and a variable is set once in a call"
            lines = *place_of(here()), *made_at("set", node), *made_at("of", node.op.variable)
            raise ArgumentError(problem, hint=hint).located(lines, called())
