"""Parts along one axis, put in order."""

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import TypeAlias, TypeGuard

from graphc.ir.node import Node
from graphc.sizes import Size

__all__ = ["Interval", "Known", "are_known", "in_layers", "in_line"]

Interval: TypeAlias = tuple[Size, Size, Node]  # from, to, and what lies there
Known: TypeAlias = tuple[int, int, Node]


def are_known(part: Interval) -> TypeGuard[Known]:
    """Whether both ends of a part are numbers."""
    start, end, _ = part
    return isinstance(start, int) and isinstance(end, int)


def in_line(parts: Sequence[Interval], extent: Size) -> Sequence[Interval] | None:
    """Parts in order, where each begins as the one before it ends, and all fill the extent; None for others."""
    waiting = {part[0]: part for part in parts}
    if len(waiting) < len(parts):
        return None
    found: list[Interval] = []
    end: Size = 0
    while end in waiting:
        found.append(waiting.pop(end))
        end = found[-1][1]
    return found if not waiting and end == extent else None


def in_layers(parts: Sequence[Known]) -> Sequence[Sequence[Known]]:
    """Parts in order, in as few layers as none has two that lie over each other."""
    layers: list[list[Known]] = []
    ends: list[tuple[int, int]] = []  # where each layer ends
    for part in sorted(parts, key=lambda part: part[:2]):
        if ends and ends[0][0] <= part[0]:
            number = heappop(ends)[1]
        else:
            number = len(layers)
            layers.append([])
        layers[number].append(part)
        heappush(ends, (part[1], number))
    return layers
