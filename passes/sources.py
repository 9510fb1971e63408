"""Seeing through movements: where the elements that a node reads really lie."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from graphc.ir.graph import Graph
from graphc.ir.kinds import IndexMap, Leaf, Lookup, Movement, Scatter
from graphc.ir.node import Node
from graphc.kernel.affine import AffineIndex
from graphc.passes.reshapes import reshape_map
from graphc.sizes import Size

__all__ = [
    "Source",
    "composed",
    "composed_index",
    "index_places",
    "is_of_rows",
    "is_view",
    "row_places",
    "row_source",
    "shows_all",
    "sources",
    "under",
]


class Source(NamedTuple):
    """A node that is no movement, and where elements lie in it; `map` None means at the same index."""

    node: Node
    map: IndexMap | None


def composed_index(part: AffineIndex, by: Sequence[AffineIndex] | Mapping[int, AffineIndex]) -> AffineIndex:
    """`part` with each axis replaced by the index that `by` gives for it."""
    if not part.terms:
        return part
    if len(part.terms) == 1 and part.terms[0][1] == 1 and part.offset == 0:
        return by[part.terms[0][0]]
    terms: dict[int, Size] = {}
    offset = part.offset
    for axis, coefficient in part.terms:
        inner = by[axis]
        offset = offset + inner.offset * coefficient
        for under, factor in inner.terms:
            terms[under] = terms.get(under, 0) + factor * coefficient
    return AffineIndex(tuple((axis, c) for axis, c in sorted(terms.items()) if c != 0), offset)


def composed(inner: IndexMap | None, outer: IndexMap | None) -> IndexMap | None:
    """Where `inner` says, at the index that `outer` says."""
    if inner is None or outer is None:
        return outer if inner is None else inner
    if not inner.digits:
        return IndexMap(tuple(composed_index(part, outer.parts) for part in inner.parts), outer.digits)
    by = dict(enumerate(outer.parts))
    digits = [*outer.digits]
    for number, digit in enumerate(inner.digits, 1):
        digits.append(replace(digit, of=composed_index(digit.of, by)))
        by[-number] = AffineIndex(((-len(digits), 1),))
    return IndexMap(tuple(composed_index(part, by) for part in inner.parts), tuple(digits))


def sources(graph: Graph, through: Collection[Node] = ()) -> Mapping[Node, Source]:
    """For each movement of the graph, and each reshape of those in `through`, what it really reads."""
    found: dict[Node, Source] = {}
    for node in graph.nodes:
        if isinstance(node.op, Movement) or node in through:
            operand = node.inputs[0]
            step = node.op.source(operand.shape) if isinstance(node.op, Movement) else reshape_map(node)
            under = found.get(operand)
            found[node] = Source(operand, step) if under is None else Source(under.node, composed(under.map, step))
    return found


def under(node: Node, known: Mapping[Node, Source]) -> Node:
    """The node whose elements `node` shows: itself, for what is no movement."""
    source = known.get(node)
    return node if source is None else source.node


def is_view(node: Node, known: Mapping[Node, Source]) -> bool:
    """Whether a node only adds axes of extent 1 to what is computed, or drops some: the order of elements stays."""
    source = known.get(node)
    if source is None or isinstance(source.node.op, Leaf):
        return False
    if source.map is None:
        return True
    shown = [axis for axis, extent in enumerate(node.shape) if extent != 1]
    read = [part for part, extent in zip(source.map.parts, source.node.shape, strict=True) if extent != 1]
    return (
        not source.map.digits
        and read == [AffineIndex(((axis, 1),)) for axis in shown]
        and [n for n in source.node.shape if n != 1] == [node.shape[axis] for axis in shown]
    )


def row_source(node: Node, known: Mapping[Node, Source]) -> tuple[Node, int] | None:
    """The node of which `node` shows whole rows, one for each of its own, and the number of the first; else None."""
    source = known.get(node)
    if source is None or source.map is None or source.node.ndim != node.ndim:
        return None
    if source.map.digits:
        return None
    first, *others = source.map.parts
    is_row = first.terms == ((0, 1),) and isinstance(first.offset, int) and first.offset >= 0
    is_whole = all(
        part.terms == ((axis, 1),) and part.offset == 0 and source.node.shape[axis] == node.shape[axis]
        for axis, part in enumerate(others, 1)
    )
    return (source.node, first.offset) if is_row and is_whole and isinstance(first.offset, int) else None


def index_places(op: Lookup | Scatter, index_rank: int) -> IndexMap | None:
    """At which axes of what is looked up (or scattered) the indices are read; None: at the same ones."""
    if op.paired:
        return None
    shift = op.axis - op.leading
    return IndexMap(
        tuple(AffineIndex(((axis if axis < op.leading else axis + shift, 1),)) for axis in range(index_rank))
    )


def row_places(op: Scatter, rank: int) -> IndexMap:
    """At which axes of what is written one index per row, and what is written there, are read."""
    return IndexMap(tuple([AffineIndex(() if axis == op.axis else ((axis, 1),)) for axis in range(rank)]))


def is_of_rows(node: Node) -> bool:
    """Whether a scatter writes one element per row, so that no two of them meet."""
    op = node.op
    assert isinstance(op, Scatter), node
    return op.paired and node.inputs[1].shape[op.axis] == 1 and node.shape[op.axis] != 1


def shows_all(node: Node, known: Mapping[Node, Source]) -> bool:
    """Whether a movement shows every element of what it reads: to check one is to check the other."""
    source = known.get(node)
    if source is None or source.map is None:
        return source is not None
    return not source.map.digits and all(
        (not part.terms and part.offset == 0 and extent == 1)
        or (
            len(part.terms) == 1
            and part.offset == 0
            and part.terms[0][1] == 1
            and node.shape[part.terms[0][0]] == extent
        )
        for part, extent in zip(source.map.parts, source.node.shape, strict=True)
    )
