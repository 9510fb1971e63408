"""Where loads and stores of a kernel go: an affine part in its axes, and parts that are data."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.indices import Affine
from graphc.kernel.scalar import Axis
from graphc.sizes import Size, product

__all__ = ["Access", "access_of", "merged_axes", "place_of_row", "with_axes"]


@dataclass(frozen=True)
class Access:
    """The place of an element among those of a buffer: offset + sum of axis * step + sum of let * step.

    terms  axis -> how many elements one step along it goes; none of them is 0
    data   lets that are no affine indices, each with how many elements one of it goes
    """

    buffer: Buffer
    terms: Mapping[Axis, Size]
    offset: Size
    data: tuple[tuple[int, Size], ...] = ()

    def step(self, axis: Axis) -> Size:
        """How many elements one step along an axis goes."""
        return self.terms.get(axis, 0)


def access_of(buffer: Buffer, index: Sequence[int], affine: Sequence[Affine | None]) -> Access:
    """The access to a buffer at an index of lets."""
    terms: dict[Axis, Size] = {}
    offset: Size = 0
    data: list[tuple[int, Size]] = []
    stride: Size = 1
    for extent, number in zip(reversed(buffer.shape), reversed(index), strict=True):
        part = affine[number]
        if part is None:
            data.append((number, stride))
        else:
            for axis, factor in part.terms:
                terms[axis] = terms.get(axis, 0) + factor * stride
            offset = offset + part.offset * stride
        stride = stride * extent
    return Access(buffer, {axis: step for axis, step in terms.items() if step != 0}, offset, tuple(data))


def place_of_row(buffer: Buffer, outer: Sequence[Axis], inner: Sequence[Axis] = ()) -> Access:
    """Where a result for a row stands: a local belongs to the row, others have a place for each."""
    axes = [*(() if buffer.role is Role.LOCAL else outer), *inner]
    terms: dict[Axis, Size] = {}
    stride: Size = 1
    for extent, axis in zip(reversed(buffer.shape), reversed(axes), strict=True):
        terms[axis] = stride
        stride = stride * extent
    return Access(buffer, terms, 0)


def merged_axes(
    axes: Sequence[Axis], accesses: Iterable[Access], used: frozenset[Axis], apart: frozenset[Axis] = frozenset()
) -> tuple[list[Axis], Mapping[Axis, Axis | None]]:
    """Neighbouring axes as one wherever every access steps through both at once; and what each became.

    An axis of one element is none at all.  Those `used` are read as numbers, and stay as they are; those `apart` are
    not one with what stands before them.
    """
    listed = list(accesses)
    became: dict[Axis, Axis | None] = {}
    found: list[list[Axis]] = []
    for axis in axes:
        if axis.extent == 1 and axis not in used:
            became[axis] = None
            continue
        if found and axis not in used and axis not in apart and found[-1][-1] not in used:
            before = found[-1][-1]
            if all(access.step(before) == axis.extent * access.step(axis) for access in listed):
                found[-1].append(axis)
                continue
        found.append([axis])
    result = []
    for group in found:
        whole = group[0] if len(group) == 1 else Axis(group[-1].number, product(a.extent for a in group))
        result.append(whole)
        became.update(dict.fromkeys(group[:-1]))
        became[group[-1]] = whole
    return result, became


def with_axes(access: Access, became: Mapping[Axis, Axis | None]) -> Access:
    """The access by the axes that others became: along a group it steps as its last axis did."""
    terms = {became.get(axis, axis): step for axis, step in access.terms.items()}
    return replace(access, terms={axis: step for axis, step in terms.items() if axis is not None})
