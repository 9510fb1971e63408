"""Where boxes and edges of a small picture lie: in layers, with few crossings and straight lines."""

from bisect import bisect, insort
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeAlias, final

from graphc.dataclass import dataclass

__all__ = ["Layout", "laid_out"]

Terms: TypeAlias = dict[int, float]  # a sum of unknowns: number -> coefficient

_SORTINGS = 12  # of all rows by their neighbours
_THREAD = 14.0  # width of an edge that passes a layer
_GAP = 22.0  # between neighbours of a layer
_STRAIGHT = (2.0, 1.0, 4.0)  # how much a sideways step costs: between boxes, into a passage, inside one
_CENTRED = 0.6  # how much it costs a box to be beside the middle of its neighbours


@final
@dataclass(frozen=True)
class Layout:
    """The layer and the centre of each box, and for each edge where it passes the layers between."""

    layer: tuple[int, ...]
    centre: tuple[float, ...]
    passes: tuple[tuple[float, ...], ...]
    width: float


def laid_out(widths: Sequence[float], edges: Sequence[tuple[int, int]]) -> Layout:
    """A layout of boxes of these widths.  Every edge goes from a lower to a higher number.

    Sugiyama, Tagawa, Toda: Methods for Visual Understanding of Hierarchical System Structures, 1981.  Edges
    from one box to many share their way.
    """
    layer = _layers(len(widths), edges)
    # A vertex for every layer that an edge passes, so that longer edges are rows of short ones.
    vertex_widths = list(widths)
    vertex_layer = list(layer)
    passing: dict[tuple[int, int], int] = {}
    short: dict[tuple[int, int], None] = {}
    for source, target in edges:
        before = source
        for level in range(layer[source] + 1, layer[target]):
            vertex = passing.setdefault((source, level), len(vertex_widths))
            if vertex == len(vertex_widths):
                vertex_widths.append(_THREAD)
                vertex_layer.append(level)
            short[before, vertex] = None
            before = vertex
        short[before, target] = None
    above: list[list[int]] = [[] for _ in vertex_widths]
    below: list[list[int]] = [[] for _ in vertex_widths]
    for source, target in short:
        below[source].append(target)
        above[target].append(source)
    rows: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
    for vertex, level in enumerate(vertex_layer):
        rows[level].append(vertex)
    rows = _ordered(rows, above, below)
    x = _centres(rows, vertex_widths, list(_wishes(above, below, len(widths))))
    left = min((x[v] - vertex_widths[v] / 2 for v in range(len(x))), default=0.0)
    right = max((x[v] + vertex_widths[v] / 2 for v in range(len(x))), default=0.0)
    return Layout(
        tuple(layer),
        tuple(x[v] - left for v in range(len(widths))),
        tuple(
            tuple(x[passing[source, level]] - left for level in range(layer[source] + 1, layer[target]))
            for source, target in edges
        ),
        right - left,
    )


def _layers(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The longest way to each box; but inputs, and what is made of one alone, lie just above a reader."""
    operands: list[list[int]] = [[] for _ in range(count)]
    readers: list[list[int]] = [[] for _ in range(count)]
    for source, target in edges:
        operands[target].append(source)
        readers[source].append(target)
    layer: list[int] = []
    movable: list[bool] = []
    for near in operands:
        layer.append(max((layer[operand] + 1 for operand in near), default=0))
        movable.append(not near or (len(near) == 1 and movable[near[0]]))
    for vertex in reversed(range(count)):
        if movable[vertex] and readers[vertex]:
            layer[vertex] = min(layer[reader] for reader in readers[vertex]) - 1
    return layer


def _ordered(rows: list[list[int]], above: list[list[int]], below: list[list[int]]) -> list[list[int]]:
    """The best rows seen while each is sorted by the mean place of its neighbours, down and up in turn."""
    best, fewest = rows, _crossings(rows, below)
    place = {vertex: i for row in rows for i, vertex in enumerate(row)}
    for sweep in range(_SORTINGS):
        downwards = sweep % 2 == 0
        neighbours = above if downwards else below

        def mean_place(vertex: int, neighbours: list[list[int]] = neighbours) -> float:
            near = neighbours[vertex]
            return sum(place[other] for other in near) / len(near) if near else place[vertex]

        changed: list[list[int]] = []
        for row in rows if downwards else reversed(rows):
            changed.append(sorted(row, key=mean_place))
            place.update((vertex, i) for i, vertex in enumerate(changed[-1]))
        rows = changed if downwards else changed[::-1]
        crossings = _crossings(rows, below)
        if crossings < fewest:
            best, fewest = rows, crossings
    return best


def _crossings(rows: Sequence[Sequence[int]], below: Sequence[Sequence[int]]) -> int:
    """How many pairs of edges cross between neighbouring rows."""
    place = {vertex: i for row in rows for i, vertex in enumerate(row)}
    count = 0
    for row in rows:
        seen: list[int] = []
        for vertex in row:
            ends = sorted(place[target] for target in below[vertex])
            count += sum(len(seen) - bisect(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return count


def _wishes(
    above: Sequence[Sequence[int]], below: Sequence[Sequence[int]], boxes: int
) -> Iterator[tuple[float, Terms]]:
    """What should be near 0, with a weight: how far edges go sideways, and boxes are from between others."""
    for source, targets in enumerate(below):
        for target in targets:
            yield _STRAIGHT[(source >= boxes) + (target >= boxes)], {source: 1.0, target: -1.0}
    for box in range(boxes):
        for near in (above[box], below[box]):
            if len(near) > 1:
                yield _CENTRED, {box: 1.0} | {other: -1.0 / len(near) for other in near}


def _centres(
    rows: Sequence[Sequence[int]], widths: Sequence[float], wishes: Sequence[tuple[float, Terms]]
) -> list[float]:
    """The centre of each vertex, in the order of its row and without overlap, that leaves least of `wishes`.

    Least is a sum of distances, not of squares: one bend in an edge is better than many small ones.  So it is
    a linear program, in which each distance is an unknown that is not below the terms or their negative.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    count = len(widths)
    limited: list[tuple[Terms, float]] = []  # terms, and what they are at most
    for distance, (_, terms) in enumerate(wishes, count):
        limited.append((terms | {distance: -1.0}, 0.0))
        limited.append(({vertex: -by for vertex, by in terms.items()} | {distance: -1.0}, 0.0))
    for row in rows:
        for left, right in pairwise(row):
            limited.append(({left: 1.0, right: -1.0}, -(widths[left] + widths[right]) / 2 - _GAP))
    if not limited:
        return [0.0] * count
    entries = [(by, number, column) for number, (terms, _) in enumerate(limited) for column, by in terms.items()]
    by, numbers, columns = zip(*entries, strict=True)
    matrix = csr_array((by, (numbers, columns)), shape=(len(limited), count + len(wishes)))
    found = linprog(  # type: ignore[call-overload]  # its stub knows no sparse matrices
        [0.0] * count + [weight for weight, _ in wishes],
        A_ub=matrix,
        b_ub=[limit for _, limit in limited],
        bounds=[(None, None)] * count + [(0.0, None)] * len(wishes),
    )
    assert found.success, found.message
    return [float(x) for x in found.x[:count]]
