"""Places along one axis of an array, and where two of them meet."""

from collections.abc import Mapping
from math import gcd

from graphc.dataclass import dataclass
from graphc.kernel.indices import Affine
from graphc.kernel.scalar import Axis
from graphc.sizes import Size, estimate

__all__ = ["Place", "Walk", "along", "met", "substituted"]


@dataclass(frozen=True)
class Place:
    """Where elements of an array lie along one of its axes: start + step * axis; no axis where it is one place."""

    axis: Axis | None
    step: int
    start: Size

    @staticmethod
    def of(part: Affine | None) -> "Place | None":
        """A part of an index; None where it moves along several axes.  One of a single point is none."""
        if part is None:
            return None
        match [(axis, step) for axis, step in part.terms if axis.extent != 1]:
            case []:
                return Place(None, 1, part.offset)
            case [(axis, int(step))] if step != 0:
                return Place(axis, step, part.offset)
        return None

    @property
    def count(self) -> Size:
        return 1 if self.axis is None else self.axis.extent


@dataclass(frozen=True)
class Walk:
    """`count` points, each `step` after the one before."""

    count: int
    step: int
    start: int


def met(one: Place, other: Place) -> tuple[Walk, Walk] | None:
    """The points of either axis where two places are the same; None where that is not known."""
    numbers = (one.start, one.count, other.start, other.count)
    if not all(isinstance(number, int) for number in numbers):
        return None
    n, m, apart = estimate(one.count), estimate(other.count), estimate(other.start) - estimate(one.start)
    a, b = one.step, other.step  # a x = b y + apart
    common = gcd(a, b)
    if apart % common:
        return Walk(0, 1, 0), Walk(0, 1, 0)
    every = abs(b) // common
    x = apart // common * pow(a // common, -1, every) % every if every > 1 else 0
    y, step = (a * x - apart) // b, a * every // b
    low = -(-(-y if step > 0 else y - (m - 1)) // abs(step))  # so many are before both begin
    high = ((m - 1 - y) if step > 0 else y) // abs(step)
    low, high = max(low, 0), min(high, (n - 1 - x) // every)
    count = max(high - low + 1, 0)
    return Walk(count, every, x + every * low), Walk(count, step, y + step * low)


def along(there: Affine, place: Place) -> Affine:
    """The axis of a place, from what that is: (there - start) / step."""
    terms = tuple([(axis, factor * place.step) for axis, factor in there.terms])
    return Affine(terms, (there.offset - place.start) * place.step)


def substituted(part: Affine, axes: Mapping[Axis, Affine]) -> Affine:
    """An affine index, with affine indices for some of its axes."""
    terms: dict[Axis, Size] = {}
    offset = part.offset
    for axis, factor in part.terms:
        its = axes.get(axis, Affine(((axis, 1),)))
        offset = offset + its.offset * factor
        for inner, step in its.terms:
            terms[inner] = terms.get(inner, 0) + step * factor
    return Affine(tuple(terms.items()), offset)
