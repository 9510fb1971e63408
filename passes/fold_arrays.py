"""Folding arrays: what is computed from small arrays of constants is an array of constants."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

import numpy.typing as npt

from graphc.dataclass import dataclass
from graphc.ir.graph import Graph, exchanged, topological
from graphc.ir.kinds import Leaf, Movement, Product, Reshaped, Routine
from graphc.ir.leaves import ConstantValue, constant_array
from graphc.ir.node import IndexBound, Node
from graphc.kernel.reference import interpret
from graphc.origin import Origin, merged
from graphc.passes.fuse import separate
from graphc.passes.lower import lower
from graphc.passes.pipeline import Log, Pass
from graphc.types import TensorType

__all__ = ["FoldArrays"]


@final
@dataclass(frozen=True)
class FoldArrays(Pass[Graph, Graph]):
    """Evaluate what is computed from small arrays of constants, by the reference interpreter.

    Afterwards no other node reads a node that constants decide, within the bounds.  Movements of constants stay:
    they cost nothing.

    limit    elements of a folded array, or products behind it: a larger one costs more to carry than to compute
    budget   elements evaluated in one graph, and so the time that it takes: the interpreter needs microseconds for each
    largest  bytes of a folded array
    """

    limit: int = 4096
    budget: int = 16384
    largest: int = 1 << 15
    name: ClassVar[str] = "fold arrays"

    def run(self, form: Graph, log: Log) -> Graph:
        wanted = self._wanted(form)
        if not wanted:
            return form
        arrays = dict(zip(wanted, _evaluated(wanted), strict=True))
        origins = _origins(wanted)
        new: dict[Node, Node] = {}
        for node in form.nodes:
            if node in arrays:
                log.note(f"{node.op.name} of constants", node.origin)
                constant = constant_array(arrays[node])
                new[node] = Node(constant.op, (), constant.type, origins[node])
                log.replaced(f"{node.op.name} of constants", node, new[node], exact=False)
            else:
                found = exchanged(node, new)
                if found is not node:
                    new[node] = found
        return form.exchanged(new)

    def _wanted(self, graph: Graph) -> list[Node]:
        """The nodes to fold: those that constants decide, and that the rest of the graph reads."""
        decided: dict[Node, bool] = {}  # by constants; whether it is computed
        read: dict[Node, None] = {}
        spent = 0.0
        for node in graph.nodes:
            if isinstance(node.op, ConstantValue):
                decided[node] = False
                continue
            if decided.keys().isdisjoint(node.inputs):
                continue
            if all(x in decided for x in node.inputs) and _may_fold(node):
                work = _work(node)
                if work <= self.limit and spent + work <= self.budget and work * node.dtype.itemsize <= self.largest:
                    spent += work
                    decided[node] = True
                    continue
            read |= dict.fromkeys(x for x in node.inputs if x in decided)
        read |= dict.fromkeys(root for root in (*graph.roots, *graph.demanded) if root in decided)
        return [node for node in dict.fromkeys(map(_under, read)) if decided[node]]


def _origins(nodes: Sequence[Node]) -> Mapping[Node, Origin]:
    """The origin of each of these nodes and of what it is computed from: all the lines that went into it."""
    found: dict[Node, Origin] = {}
    for node in topological(nodes):
        if node.inputs:
            found[node] = merged(node.origin, [found[x] for x in node.inputs if x in found])
    return found


def _may_fold(node: Node) -> bool:
    """Whether an array of numbers can stand for a node: no routine, and nothing that a call could find wrong."""
    if not isinstance(node.type, TensorType) or node.type.weak or isinstance(node.op, Leaf | Routine):
        return False
    needs = node.op.requirements(*(operand.tensor for operand in node.inputs))
    return not any(isinstance(need, IndexBound) for need in needs)


def _work(node: Node) -> float:
    """How many elements are read, multiplied or written for a node; infinite while sizes are open."""
    if isinstance(node.op, Movement | Reshaped):
        return 0
    shapes = [node.shape, *(x.shape for x in node.inputs)]
    if isinstance(node.op, Product):
        shapes.append(node.op.extents)
    if not all(isinstance(n, int) for shape in shapes for n in shape):
        return math.inf
    return max(math.prod(shape) for shape in shapes)  # type: ignore[return-value]  # numbers, all of them


def _under(node: Node) -> Node:
    """What a chain of movements shows."""
    while isinstance(node.op, Movement | Reshaped):
        node = node.inputs[0]
    return node


def _evaluated(nodes: Sequence[Node]) -> list[npt.NDArray[Any]]:
    """The values of nodes that constants decide."""
    lowered = lower(separate(Graph((), tuple(nodes))))
    return interpret(lowered.program, (), (), {}, lowered.constants)[0]
