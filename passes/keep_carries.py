"""Keeping: the values of a carry before and after every step are rows of one array."""

from dataclasses import replace
from typing import ClassVar, final

from graphc.dataclass import dataclass
from graphc.ir.control import Repeated
from graphc.ir.graph import Graph, exchanged
from graphc.ir.leaves import Item, item
from graphc.ir.node import Node
from graphc.ops.movement import part
from graphc.origin import standing_for
from graphc.passes.pipeline import Log, Pass

__all__ = ["KeepCarries"]


@final
@dataclass(frozen=True)
class KeepCarries(Pass[Graph, Graph]):
    """Let a loop keep a carry of which every value is an output, and read it where steps have left it.

    Afterwards no output of a loop is one of its carries, before or after a step, as long as rows can be counted.
    """

    name: ClassVar[str] = "keep carries"
    exact: ClassVar[bool] = True

    def run(self, form: Graph, log: Log) -> Graph:
        new: dict[Node, Node] = {}
        places: dict[Node, dict[int, int]] = {}  # an output of a loop that stays -> its place now
        histories: dict[Node, dict[int, tuple[int, int]]] = {}  # an output that is a carry -> that, and the first row
        for node in form.nodes:
            op = node.op
            if isinstance(op, Item) and node.inputs[0] in histories:
                new[node] = _read(node, op.index, new[node.inputs[0]], places, histories)
                continue
            same = exchanged(node, new)
            if isinstance(op, Repeated) and op.length is not None and (found := _carried(op)):
                log.note(f"{len(found)} outputs are carries", node.origin)
                stay = [place for place in range(op.carries, len(op.body.outputs)) if place not in found]
                kept = tuple(sorted({carry for carry, _ in found.values()}))
                body = replace(op.body, outputs=(*op.next, *(op.body.outputs[place] for place in stay)))
                changed = replace(op, bodies=(body, *op.bodies[1:]), kept=kept)
                histories[node] = found
                places[node] = {place: op.carries + number for number, place in enumerate(stay)}
                types = [x.tensor for x in same.inputs]
                same = Node(changed, same.inputs, changed.infer(*types), node.origin)
            new[node] = same
        return form.exchanged(new)


def _carried(op: Repeated) -> dict[int, tuple[int, int]]:
    """Which outputs are a carry before or after a step: that, and in which row of all its values they begin."""
    before = {x: (carry, int(op.reverse)) for carry, x in enumerate(op.inner().carries)}
    after = {y: (carry, int(not op.reverse)) for carry, y in reversed(list(enumerate(op.next)))}
    found = {place: before.get(y, after.get(y)) for place, y in enumerate(op.outputs, op.carries)}
    return {place: where for place, where in found.items() if where is not None}


def _read(
    node: Node,
    index: int,
    loop: Node,
    places: dict[Node, dict[int, int]],
    histories: dict[Node, dict[int, tuple[int, int]]],
) -> Node:
    """A result of a loop that keeps carries."""
    old, op = node.inputs[0], loop.op
    assert isinstance(op, Repeated), op
    assert isinstance(old.op, Repeated), old
    where = histories[old].get(index)
    with standing_for(node):
        if where is not None:
            carry, first = where
            assert op.length is not None
            return part(item(loop, op.place_of(carry)), 0, first, op.length)
        if index < op.carries:
            return item(loop, index)
        if index < len(old.op.body.outputs):
            return item(loop, places[old][index])
        return item(loop, len(op.body.outputs) + len(op.kept))
