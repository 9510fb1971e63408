"""Demands: what a call must find, collected before anything is rewritten."""

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, final

import numpy as np

from graphc.dataclass import dataclass
from graphc.ir.arithmetic import Cast
from graphc.ir.graph import Demand, Graph
from graphc.ir.kinds import Elementwise
from graphc.ir.leaves import Input, Item, Variable
from graphc.ir.node import IndexBound, Node, SameSize
from graphc.origin import Origin, merged
from graphc.passes.pipeline import Log, Pass
from graphc.passes.throughout import with_changed_bodies
from graphc.sizes import Size, equal, maximum
from graphc.types import TensorType, is_integer

__all__ = ["CollectDemands"]


@final
@dataclass(frozen=True)
class CollectDemands(Pass[Graph, Graph]):
    """Note what every node needs of a call.  Afterwards rules may drop a node: what it demands stays."""

    name: ClassVar[str] = "demands"
    exact: ClassVar[bool] = True

    def run(self, form: Graph, log: Log) -> Graph:
        return self._collected(form)

    def _collected(self, graph: Graph) -> Graph:
        """The graph with its demands.  Those of sizes that bodies have are its own; a body keeps those of indices."""
        inner: dict[object, Demand] = {}

        def collected(body: Graph) -> Graph:
            body = self._collected(body)
            inner.update(((d.need.left, d.need.right), d) for d in body.demands if isinstance(d.need, SameSize))
            return replace(body, demands=tuple([d for d in body.demands if d.index is not None]))

        form = with_changed_bodies(graph, collected)
        found: dict[object, Demand] = {}
        asking: dict[object, list[Origin]] = {}  # all who demand one thing of an index
        extents: set[Size] = set()  # that a call has, or that are demanded
        for node in form.nodes:
            if isinstance(node.op, Item):  # reads a tuple, and needs nothing of it
                continue
            if not node.inputs and isinstance(node.op, Input | Variable):
                extents.update(node.shape)
                continue
            if _is_plain(node):
                continue
            for need in node.op.requirements(*[x.tensor for x in node.inputs]):
                if isinstance(need, IndexBound):
                    index = _narrow(node.inputs[need.operand])
                    key = index, need.extent, need.negative
                    found.setdefault(key, Demand(need, index, _written(node), node.origin))
                    asking.setdefault(key, []).append(node.origin)
                elif not equal(need.left, need.right):
                    found.setdefault((need.left, need.right), Demand(need, None, _written(node), node.origin))
            for extent in _extents(node):
                if not isinstance(extent, int) and extent not in extents:
                    extents.add(extent)
                    need = SameSize(extent, maximum(extent, 0), f"the extent {extent} is negative")
                    if not equal(need.left, need.right):
                        found.setdefault(extent, Demand(need, None, _written(node), node.origin))
        for asked, origins in asking.items():
            found[asked] = replace(found[asked], origin=merged(origins[0], origins[1:]))
        return form.demanding(tuple((found | inner).values()))


def _narrow(index: Node) -> Node:
    """Integers before they were made wider, which keeps each: no wider array is needed to look at them."""
    while isinstance(index.op, Cast) and is_integer(index.dtype):
        (narrow,) = index.inputs
        if not is_integer(narrow.dtype) or not np.can_cast(narrow.dtype, index.dtype):
            break
        index = narrow
    return index


def _is_plain(node: Node) -> bool:
    """Whether a node is a function of each element of arrays of its shape, which were looked at: it asks nothing."""
    if node.op.__class__.requirements is not Elementwise.requirements or not node.inputs:
        return False
    shape = node.shape
    for x in node.inputs:  # noqa: SIM110  # every node comes here, and `all` takes twice as long
        if x.shape != shape:
            return False
    return True


def _extents(node: Node) -> Iterator[Size]:
    """The extents of the results of a node."""
    for tensor in (node.type,) if isinstance(node.type, TensorType) else node.type.items:
        yield from tensor.shape


def _written(node: Node) -> str:
    """The name of the function that the user called; of the rule, for the node of a derivative."""
    name, origin = node.origin.called or node.op.name, node.origin
    while origin.derived_from:
        (derivation, *_) = origin.derived_from
        name, origin = derivation.rule, derivation.forward.origin
    return name
