"""Reshapes that are read through: the digits of a place among all elements."""

from collections.abc import Sequence

from graphc.ir.kinds import Digit, IndexMap
from graphc.ir.node import Node
from graphc.kernel.affine import AffineIndex
from graphc.sizes import Size, product

__all__ = ["reshape_map"]


def reshape_map(node: Node) -> IndexMap:
    """Where the elements of a reshape lie in its operand: digits of their places, group by group of axes."""
    old, new = node.inputs[0].shape, node.shape
    before, after = _wide(old), _wide(new)
    found: dict[int, AffineIndex] = {}
    digits: list[Digit] = []
    start = end = 0
    for stop, last in _boundaries([old[a] for a in before], [new[a] for a in after]):
        axes, group = before[start:stop], after[end:last]
        start, end = stop, last
        place = AffineIndex(tuple((a, product(new[b] for b in group if b > a)) for a in group))
        if len(axes) == 1:
            found[axes[0]] = place
            continue
        for position, axis in enumerate(axes):
            modulus = old[axis] if position else None
            digits.append(Digit(place, product(old[b] for b in axes[position + 1 :]), modulus))
            found[axis] = AffineIndex(((-len(digits), 1),))
    return IndexMap(tuple(found.get(axis, AffineIndex(())) for axis in range(len(old))), tuple(digits))


def _wide(shape: Sequence[Size]) -> list[int]:
    return [axis for axis, extent in enumerate(shape) if extent != 1]


def _boundaries(old: Sequence[Size], new: Sequence[Size]) -> list[tuple[int, int]]:
    """How many axes of each end where as many elements do: what lies between is reshaped by itself."""
    found: list[tuple[int, int]] = []
    if 0 not in (*old, *new):
        ends = {product(new[:count]): count for count in range(1, len(new))}
        found = [(n, ends[size]) for n in range(1, len(old)) if (size := product(old[:n])) in ends]
    return [*found, (len(old), len(new))]
