"""In which order to contract more than two operands: the one with the fewest products of elements."""

from collections.abc import Mapping, Sequence, Set
from itertools import combinations

__all__ = ["cheapest_path"]

EXACT = 8  # operands up to which all orders are compared; 3^n of them

Path = list[tuple[int, int]]


def cheapest_path(operands: Sequence[Set[str]], out: Set[str], extents: Mapping[str, int]) -> Path:
    """Which two operands to contract, again and again; the result goes to the end of those that are left.

    `operands` and `out` are labels of axes.  A contraction costs the product of the extents of all its labels.
    Up to eight operands the path is the cheapest of all; beyond, each step is the one that costs least then.
    """
    labels = {label: 1 << number for number, label in enumerate(extents)}
    masks = [sum(labels[label] for label in operand) for operand in operands]
    sizes = {labels[label]: max(extent, 1) for label, extent in extents.items()}
    wanted = sum(labels[label] for label in out)
    costs = _Costs(sizes)
    return _all_orders(masks, wanted, costs) if len(masks) <= EXACT else _greedy(masks, wanted, costs)


class _Costs:
    """The number of elements of a set of labels, as a mask; each computed once."""

    def __init__(self, sizes: Mapping[int, int]) -> None:
        self.sizes = sizes
        self.known = {0: 1}

    def of(self, mask: int) -> int:
        """The product of the extents of the labels in `mask`."""
        found = self.known.get(mask)
        if found is None:
            found = 1
            for label, size in self.sizes.items():
                if mask & label:
                    found *= size
            self.known[mask] = found
        return found


def _all_orders(masks: Sequence[int], wanted: int, costs: _Costs) -> Path:
    """For every set of operands, smaller ones first, the cheapest way to split it in two."""
    count = len(masks)
    whole = (1 << count) - 1
    held = [0] * (whole + 1)  # the labels of all operands of a set
    for subset in range(1, whole + 1):
        low = subset & -subset
        held[subset] = held[subset ^ low] | masks[low.bit_length() - 1]
    kept = [held[subset] & (held[whole ^ subset] | wanted) for subset in range(whole + 1)]
    for place in range(count):
        kept[1 << place] = masks[place]
    cheapest = [0] * (whole + 1)
    split = [0] * (whole + 1)
    for subset in range(1, whole + 1):
        if subset & (subset - 1) == 0:
            continue
        best: int | None = None
        part = (subset - 1) & subset
        while part > subset ^ part:  # each pair once
            other = subset ^ part
            cost = cheapest[part] + cheapest[other] + costs.of(kept[part] | kept[other])
            if best is None or cost < best:
                best, split[subset] = cost, part
            part = (part - 1) & subset
        cheapest[subset] = best or 0
    return _steps(split, count)


def _steps(split: Sequence[int], count: int) -> Path:
    """The path of a tree of splits, from its leaves to its root."""
    order: list[int] = []
    left = [(1 << count) - 1]
    while left:
        subset = left.pop()
        if subset & (subset - 1):
            order.append(subset)
            left += [split[subset], subset ^ split[subset]]
    present = [1 << place for place in range(count)]
    path: Path = []
    for subset in reversed(order):
        first, second = sorted(present.index(part) for part in (split[subset], subset ^ split[subset]))
        path.append((first, second))
        present = [part for place, part in enumerate(present) if place not in (first, second)] + [subset]
    return path


def _greedy(masks: Sequence[int], wanted: int, costs: _Costs) -> Path:
    """Each time the pair whose product outgrows the two least; of those the cheapest."""
    present, path = list(masks), []
    while len(present) > 1:
        _, _, pair, joined = min(
            (_growth(present, pair, wanted, costs) for pair in combinations(range(len(present)), 2)),
        )
        path.append(pair)
        present = [mask for place, mask in enumerate(present) if place not in pair] + [joined]
    return path


def _growth(
    present: Sequence[int], pair: tuple[int, int], wanted: int, costs: _Costs
) -> tuple[int, int, tuple[int, int], int]:
    """By how many elements the product of a pair exceeds the two, and its cost; the pair, and what it leaves."""
    first, second = (present[place] for place in pair)
    needed = wanted
    for place, mask in enumerate(present):
        if place not in pair:
            needed |= mask
    joined = (first | second) & needed
    return costs.of(joined) - costs.of(first) - costs.of(second), costs.of(first | second), pair, joined
