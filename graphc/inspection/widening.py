"""Which input, parameter or constant made a graph compute in a wider float than it was declared in."""

from typing import final

from graphc.dataclass import dataclass
from graphc.ir.arithmetic import Cast
from graphc.ir.kinds import Leaf
from graphc.ir.node import Node
from graphc.types import DType, TensorType, is_floating

__all__ = ["Widening", "widenings"]


@final
@dataclass(frozen=True)
class Widening:
    """Operands of `node`, the first of its kind, were cast to the dtype of `cause` to meet it."""

    cause: Node
    narrow: DType
    node: Node


def widenings(nodes: tuple[Node, ...]) -> list[Widening]:
    """One widening per leaf that causes some, in order of `nodes`, which has operands before users.

    A value has the dtype of the first leaf it comes from that has it; a cast starts anew.
    """
    causes: dict[Node, Node] = {}
    found: dict[Node, Widening] = {}
    for node in nodes:
        if not isinstance(node.type, TensorType) or not is_floating(node.dtype) or node.tensor.weak:
            continue
        if isinstance(node.op, Leaf):
            causes[node] = node
        elif not isinstance(node.op, Cast):
            same = [causes[x] for x in node.inputs if x in causes and causes[x].dtype == node.dtype]
            if not same:
                continue
            causes[node] = same[0]
            narrow = [x.inputs[0].dtype for x in node.inputs if _is_widening(x)]
            if narrow and not node.origin.derived_from:
                found.setdefault(same[0], Widening(same[0], narrow[0], node))
    return list(found.values())


def _is_widening(x: Node) -> bool:
    """Whether `x` is a float, strong and narrower, cast to its dtype."""
    if not isinstance(x.op, Cast):
        return False
    source = x.inputs[0].tensor
    return is_floating(source.dtype) and not source.weak and source.dtype.itemsize < x.dtype.itemsize
