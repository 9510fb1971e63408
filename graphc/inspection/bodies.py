"""The bodies of loops and branches, as readers see them: whose they are, and what their inputs stand for."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, final

from graphc.dataclass import dataclass
from graphc.inspection.listing import Listing
from graphc.ir.control import Chosen, Repeated
from graphc.ir.node import Node
from graphc.types import BOOL

__all__ = ["Body", "bodies_of"]


class Standing(NamedTuple):
    """What an input of a body stands for: an operand of the loop or branch, or what that begins or has as rows."""

    role: str
    operand: Node


@final
@dataclass(frozen=True, eq=False)
class Body:
    """One body.

    title    `body of %3`
    owner    the loop or branch
    listing  its graph, numbered by itself
    stands   input -> what it stands for
    results  what its results are for -> which they are
    """

    title: str
    owner: Node
    listing: Listing
    stands: Mapping[Node, Standing]
    results: Mapping[str, Sequence[Node]]


def bodies_of(listing: Listing) -> Iterator[Body]:
    """The bodies of all loops and branches of a listing, in its order."""
    for node in listing.nodes:
        match node.op:
            case Repeated():
                yield from _of_loop(listing.reference(node), node, node.op)
            case Chosen():
                yield from _of_choice(listing.reference(node), node, node.op)


def _of_loop(reference: str, node: Node, op: Repeated) -> Iterator[Body]:
    given, inner = op.parts(node.inputs), op.inner()
    carries = [Standing("carry, at first ", x) for x in given.carries]
    rows = [Standing("row of ", x) for x in given.sequences]
    shared = [Standing("", x) for x in given.shared]
    stands = dict(zip(inner.all, (*carries, *rows, *shared), strict=True))
    yield Body(f"body of {reference}", node, Listing(op.body), stands, {"next": op.next, "row": op.outputs})
    if op.condition is not None:
        stands = dict(zip(op.condition.inputs, (*carries, *shared), strict=True))
        yield Body(f"condition of {reference}", node, Listing(op.condition), stands, {"return": op.condition.outputs})


def _of_choice(reference: str, node: Node, op: Chosen) -> Iterator[Body]:
    index, *operands = node.inputs
    names = ("false", "true") if index.dtype == BOOL else range(len(op.bodies))
    for name, body in zip(names, op.bodies, strict=True):
        stands = {x: Standing("", operand) for x, operand in zip(body.inputs, operands, strict=True)}
        yield Body(f"branch of {reference} for {name}", node, Listing(body), stands, {"return": body.outputs})
