"""The loop: one node, however many steps it makes; and its forward, reverse and batch rules."""

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.ir.control import Repeated
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.ops import loop_batch, loop_forward, loop_reverse
from graphc.sizes import Size

__all__ = ["Loop"]


@final
class Loop(Repeated):
    """A body that is run again and again: see `Repeated`.

    The reverse rule is a loop the other way, over what the steps give it: rows of what the derivative of a step reads.
    The forward rule is a loop that carries tangents beside the values.
    """

    bodies: tuple[Graph, ...]
    carries: int
    sequences: int
    length: "Size | None"
    reverse: bool = False
    counted: bool = False
    recomputes: bool = False
    kept: tuple[int, ...] = ()
    name: ClassVar[str] = "loop"

    def vjp(self, node: Node, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
        return loop_reverse.vjp(self, node, cotangents)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Sequence[Node | None]:
        return loop_forward.jvp(self, node, tangents)

    def batch(self, inputs: Sequence[Node], batched: Sequence[bool], extent: Size) -> Sequence[Node]:
        return loop_batch.batch(self, inputs, batched, extent)
