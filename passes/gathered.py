"""Windows that are laid down: products read what meets in each element, where it would be added to several times."""

from typing import ClassVar, final

from graphc.dataclass import dataclass
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.ops.contraction import Contraction
from graphc.origin import standing_for
from graphc.passes.pipeline import Log, Pass, Spill
from graphc.passes.rules.windows import read_instead

__all__ = ["GatherWindows"]

MORE = 2.0  # times as many products of elements, at most: that is less than to add to each element several times


@final
@dataclass(frozen=True)
class GatherWindows(Pass[Graph, Graph]):
    """Let products read through windows what they would lay down with stride 1, as if zeros were around it.

    out[m + p] += x[m] w[p] is out[l] += x[l - p] w[p]: the adjoint of a convolution is one with the flipped kernel.
    """

    name: ClassVar[str] = "gather"

    def run(self, form: Graph, log: Log) -> Graph:
        return form.map(lambda node: self._changed(node, log)) if form.has(Contraction) else form

    def _changed(self, node: Node, log: Log) -> Node:
        if not isinstance(node.op, Contraction):
            return node
        with standing_for(node):
            found = read_instead(node, (0,) * node.ndim, node.shape, MORE)
        if found is None:
            return node
        log.note(f"{node.op.name} reads what it would lay down", node.origin)
        log.replaced("conv_transpose(x, w) = conv(pad(x), flip(w))", node, found, exact=False, spill=Spill.ELSEWHERE)
        return found
