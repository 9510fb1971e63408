"""What must run before what, kept in a valid order while vertices are merged."""

from collections.abc import Iterable
from dataclasses import field
from itertools import pairwise
from typing import NamedTuple

from graphc.dataclass import dataclass

__all__ = ["LOOKED_AT", "Order", "Vertex"]

LOOKED_AT = 24  # vertices, at most, to find out whether one must run between two


@dataclass(eq=False, slots=True, kw_only=True)
class Vertex:
    """Something that runs after some others and before some, which have lower and higher positions."""

    position: float = 0.0
    before: "dict[Vertex, None]" = field(default_factory=dict)
    behind: "dict[Vertex, None]" = field(default_factory=dict)
    is_gone: bool = False


@dataclass
class Order:
    """Vertices in an order in which they can run.

    Two become one by moving few others: those that must run before the later one to before the earlier one, or those
    that must run after the earlier one to after the later one.
    """

    all: list[Vertex] = field(default_factory=list)

    @property
    def vertices(self) -> list[Vertex]:
        """All that are left, in order."""
        return sorted((vertex for vertex in self.all if not vertex.is_gone), key=_position)

    def add(self, vertex: Vertex) -> None:
        """A vertex that runs after all others."""
        vertex.position = float(len(self.all))
        self.all.append(vertex)

    def connect(self, first: Vertex, second: Vertex) -> None:
        """`first` runs before `second`, and stands before it already."""
        first.behind[second] = None
        second.before[first] = None

    def are_free(self, one: Vertex, other: Vertex) -> bool:
        """Whether no third vertex must run between two; false, too, where that takes long to find out."""
        return _meeting(*sorted((one, other), key=_position)) is not None

    def merge(self, first: Vertex, second: Vertex) -> None:
        """Let `first` stand for both, which are free."""
        meeting = _meeting(*sorted((first, second), key=_position))
        assert meeting is not None, (first, second)
        for vertex, position in meeting.moved.items():
            vertex.position = position
        first.position = meeting.position
        second.is_gone = True
        for vertex in second.before:
            del vertex.behind[second]
            if vertex is not first:
                self.connect(vertex, first)
        for vertex in second.behind:
            del vertex.before[second]
            if vertex is not first:
                self.connect(first, vertex)


class _Meeting(NamedTuple):
    """Where two vertices become one, and where others go for that."""

    position: float
    moved: dict[Vertex, float]


def _meeting(early: Vertex, late: Vertex) -> _Meeting | None:
    ahead = _reached(early, late, is_forward=False)
    if ahead is not None:
        low = max((x.position for v in (*ahead, late) for x in v.before if x.position < early.position), default=-1.0)
        return _spread(early.position, ahead, low, early.position)
    after = _reached(early, late, is_forward=True)
    if after is None:
        return None
    end = late.position + 2.0 * len(after) + 2.0
    high = min((x.position for v in (*after, early) for x in v.behind if x.position > late.position), default=end)
    return _spread(late.position, after, late.position, high)


def _spread(position: float, moved: Iterable[Vertex], low: float, high: float) -> _Meeting | None:
    """The vertices in their order, between two positions; None where there is no room left."""
    vertices = sorted(moved, key=_position)
    step = (high - low) / (len(vertices) + 1)
    positions = [low + step * (number + 1) for number in range(len(vertices))]
    if any(not a < b for a, b in pairwise((low, *positions, high))):
        return None
    return _Meeting(position, dict(zip(vertices, positions, strict=True)))


def _reached(early: Vertex, late: Vertex, *, is_forward: bool) -> dict[Vertex, None] | None:
    """What stands between two vertices and must run after the early one, or else before the late one.

    None where something must do both, or where there is much.
    """
    found: dict[Vertex, None] = {}  # in an order: some may have one position
    stack = [early if is_forward else late]
    while stack:
        vertex = stack.pop()
        for near in vertex.behind if is_forward else vertex.before:
            if near in found or near in (early, late) or not early.position <= near.position <= late.position:
                continue
            if (late in near.behind) if is_forward else (early in near.before):
                return None
            found[near] = None
            stack.append(near)
            if len(found) > LOOKED_AT:
                return None
    return found


def _position(vertex: Vertex) -> float:
    return vertex.position
