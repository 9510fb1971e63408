"""Leading axes: the axes of a step along which every array that it has there has them first.

At each point of such axes a step does the same on rows of its own.  Axes of one element in front of them are none.
"""

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import TypeAlias, final

from graphc.dataclass import dataclass
from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.contractions import axes_of
from graphc.kernel.indices import affine_of, behind
from graphc.kernel.roles import roles_of
from graphc.kernel.scalar import Axis, AxisIndex, Call, Let, Load
from graphc.kernel.steps import Contract, Kernel, Stage, Step, Store, targets
from graphc.kernel.summing import is_in_blocks
from graphc.sizes import Size, equal
from graphc.types import DType, Shape

__all__ = ["AxisOf", "Reading", "Readings", "numbers_of", "ones_before", "readings_of", "rounds_alone"]

AxisOf: TypeAlias = Hashable  # an axis of a step: a number of a contraction, or what a kernel has


@final
@dataclass(frozen=True)
class Reading:
    """An array that a step reads or writes.

    places     the axis that each part of the index is, or None for what is no axis; parts in front of which all axes
               have one element are left out
    mentioned  all axes in each part
    """

    buffer: Buffer
    places: tuple[AxisOf | None, ...]
    mentioned: tuple[frozenset[AxisOf], ...]
    is_written: bool

    @property
    def shape(self) -> Shape:
        """That of the buffer, but for the axes that are none."""
        return self.buffer.shape[ones_before(self.buffer) :]

    def has(self, axes: frozenset[AxisOf]) -> bool:
        """Whether the index moves along one of these."""
        return any(part & axes for part in self.mentioned)


@final
@dataclass(frozen=True, eq=False)
class Readings:
    """All that a step reads and writes.

    used     axes whose values it computes with
    extents  of the axes that it may be walked along point by point
    """

    all: tuple[Reading, ...]
    used: frozenset[AxisOf]
    extents: Mapping[AxisOf, Size]

    def leading(self, axes: Sequence[AxisOf | None]) -> int:
        """How many of these axes, from the first on, all arrays have first, or have not."""
        depth = 0
        while depth < len(axes) and self._lead(axes[: depth + 1]):
            depth += 1
        return depth

    def _lead(self, axes: Sequence[AxisOf | None]) -> bool:
        several = frozenset(axes)
        if len(several) < len(axes) or several & self.used or not several <= self.extents.keys():
            return False
        rows = [x for x in self.all if x.has(several)]
        whole = [x for x in self.all if not x.has(several)]
        if any(x.is_written for x in whole) or {x.buffer for x in rows} & {x.buffer for x in whole}:
            return False
        return all(self._is_row(x, axes) for x in rows)

    def _is_row(self, reading: Reading, axes: Sequence[AxisOf | None]) -> bool:
        depth = len(axes)
        if list(reading.places[:depth]) != list(axes) or any(x & set(axes) for x in reading.mentioned[depth:]):
            return False
        return all(equal(self.extents[x], n) for x, n in zip(axes, reading.shape[:depth], strict=True))


def readings_of(step: Step) -> Readings | None:
    """What a step reads and writes; None where its points are not independent, or places are data."""
    match step:
        case Kernel():
            return _of_kernel(step, {axis: axis for axis in step.outer})
        case Contract():
            return _of_contract(step)
    return None


def ones_before(buffer: Buffer) -> int:
    """How many axes of one element stand before all others."""
    return len(list(takewhile(lambda extent: extent == 1, buffer.shape)))


def rounds_alone(step: Step, tiled: Collection[DType]) -> bool:
    """Whether the order in which an element is added up is the same whichever others are made with it.

    It is for products in tiles, which are those of these dtypes.
    """
    match step:
        case Kernel(outer=outer, stages=stages):
            return not any(is_in_blocks(effect, outer, stage.inner) for stage in stages for effect in stage.effects)
        case Contract(out=out, then=then):
            is_tiled = {out.dtype, step.left.dtype, step.right.dtype} <= {out.dtype} & {*tiled}
            return is_tiled and roles_of(step) is not None and (then is None or rounds_alone(then, tiled))
    return False


def numbers_of(contract: Contract) -> Mapping[Axis, AxisOf]:
    """The axes of an epilogue as those of the contraction, where they are."""
    return {axis: axis if number < 0 else number for axis, number in axes_of(contract)}


def _of_contract(contract: Contract) -> Readings | None:
    then = None if contract.then is None else _of_kernel(contract.then, numbers_of(contract))
    if contract.then is not None and then is None:
        return None
    found = [
        _of_affine(contract.left, contract.left_index, is_written=False),
        _of_affine(contract.right, contract.right_index, is_written=False),
        _of_affine(contract.out, contract.out_index, is_written=True),
    ]
    extents: dict[AxisOf, Size] = dict(enumerate(contract.extents))
    return Readings((*found, *(then.all if then else ())), then.used if then else frozenset(), extents)


def _of_affine(buffer: Buffer, index: Sequence[AffineIndex], *, is_written: bool) -> Reading:
    index = index[ones_before(buffer) :]
    places = [part.terms[0][0] if part.offset == 0 and _is_axis(part) else None for part in index]
    mentioned = [frozenset[AxisOf](axis for axis, _ in part.terms) for part in index]
    return Reading(buffer, tuple(places), tuple(mentioned), is_written)


def _is_axis(part: AffineIndex) -> bool:
    return len(part.terms) == 1 and part.terms[0][1] == 1


def _of_kernel(kernel: Kernel, known: Mapping[Axis, AxisOf]) -> Readings | None:
    if kernel.totals or any(stage.is_last for stage in kernel.stages) or any(x.extent == 1 for x in kernel.outer):
        return None
    found: list[Reading] = []
    used: set[AxisOf] = set()
    for stage in kernel.stages:
        affine = affine_of(stage.lets)
        behind_lets = _behind_lets(stage.lets, known)
        for buffer, index, is_written in _accesses(stage):
            if any(affine[number] is None for number in index):
                return None
            index = index if buffer.role is Role.LOCAL else index[ones_before(buffer) :]
            mentioned = tuple([behind_lets[number] for number in index])
            if buffer.role is Role.LOCAL:
                used.update(*mentioned)
            else:
                places = tuple([_axis_of(stage.lets[number], known) for number in index])
                found.append(Reading(buffer, places, mentioned, is_written))
        found += _folded(kernel, stage, known)
        for number in behind(stage, affine, lambda call, _: call.args):
            used |= {axis for axis in [_axis_of(stage.lets[number], known)] if axis is not None}
    return Readings(tuple(found), frozenset(used), {known[axis]: axis.extent for axis in kernel.outer})


def _accesses(stage: Stage) -> Iterator[tuple[Buffer, Sequence[int], bool]]:
    """What is read or written at an index."""
    for let in stage.lets:
        if isinstance(let, Load):
            yield let.buffer, let.index, False
    for effect in stage.effects:
        if isinstance(effect, Store):
            yield effect.buffer, effect.index, True


def _folded(kernel: Kernel, stage: Stage, known: Mapping[Axis, AxisOf]) -> Iterator[Reading]:
    """Arrays that folds leave an element in for each row, or a prefix a row."""
    rows: list[AxisOf | None] = [known[axis] for axis in kernel.outer]
    for effect in stage.effects:
        if isinstance(effect, Store):
            continue
        for buffer in targets(effect):
            if buffer.role is not Role.LOCAL:
                places = [*rows, *([None] * (len(buffer.shape) - len(rows)))]
                yield Reading(buffer, tuple(places), tuple([frozenset({x} - {None}) for x in places]), is_written=True)


def _axis_of(let: Let, known: Mapping[Axis, AxisOf]) -> AxisOf | None:
    return known.get(let.axis) if isinstance(let, AxisIndex) else None


def _behind_lets(lets: Sequence[Let], known: Mapping[Axis, AxisOf]) -> list[frozenset[AxisOf]]:
    """The axes of rows that each let is computed from."""
    found: list[frozenset[AxisOf]] = []
    for let in lets:
        match let:
            case AxisIndex(axis=axis) if axis in known:
                found.append(frozenset({known[axis]}))
            case Call(args=args):
                found.append(frozenset[AxisOf]().union(*[found[number] for number in args]))
            case _:
                found.append(frozenset())
    return found
