"""Kernels of few long rows, as norms over batches and images are: parts of rows are rows of kernels of their own.

A block for each row would leave most of a device idle.  So what a stage folds is folded over parts of rows first, and
the parts by another kernel, which goes on with what there is one of in each row.  The sizes alone say how.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import final

from graphc.dataclass import dataclass
from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.monoids import BETTER
from graphc.kernel.renumbering import renumbered
from graphc.kernel.scalar import Axis, AxisIndex, Formula, Let, Load
from graphc.kernel.steps import Effect, Fold, Kernel, Stage, Store
from graphc.sizes import Size, estimate, product

__all__ = ["Parted", "in_parts"]

ROWS = 128  # at most: there are more multiprocessors than that
LONG = 1 << 16  # points of a row, at least
EACH = 512  # points of a part, at least
PARTS = 1024  # of all rows: enough for a device, if there are so many


@final
@dataclass(frozen=True, eq=False)
class Parted:
    """Kernels that do one after the other what one did, and the rooms of what they hand on."""

    kernels: Sequence[Kernel]
    rooms: Sequence[Buffer]


def in_parts(kernel: Kernel, owner: Callable[[Buffer], Buffer]) -> Parted | None:
    """A kernel of few long rows in parts; None for any other, and where rows do not fall into parts."""
    rows = product(axis.extent for axis in kernel.outer)
    inner = next((stage.inner for stage in kernel.stages if stage.inner), ())
    if not kernel.outer or not inner or not isinstance(rows, int) or not 0 < rows <= ROWS:
        return None
    if estimate(product(axis.extent for axis in inner)) < LONG or not all(_is_parted(x, inner) for x in kernel.stages):
        return None
    if not any(isinstance(effect, Fold) for stage in kernel.stages for effect in stage.effects):
        return None
    axes = _axes(kernel.outer, inner, rows)
    return None if axes is None else _Parting(kernel, owner, axes).run()


def _is_parted(stage: Stage, inner: Sequence[Axis]) -> bool:
    """Whether a stage walks rows or their points, and does nothing with them that goes by turns."""
    if stage.is_last or (stage.inner and stage.inner != inner):
        return False
    for effect in stage.effects:
        match effect:
            case Store(buffer=buffer, combine=None):
                if buffer.role is Role.LOCAL and bool(buffer.shape) != bool(stage.inner):
                    return False
            case Fold(monoid=monoid, results=(result,)):
                if monoid in BETTER or result.role is not Role.LOCAL or not stage.inner:
                    return False
            case _:
                return False
    return True


@final
@dataclass(frozen=True)
class _Axes:
    """The axes of a kernel, and those of its parts.

    outer, parts, inner   of rows, of the parts of a row, of the points of a part
    of                    an old axis -> the new ones that it is, the last one counting single elements
    """

    outer: tuple[Axis, ...]
    parts: tuple[Axis, ...]
    inner: tuple[Axis, ...]
    of: Mapping[Axis, tuple[Axis, ...]]

    @property
    def rows(self) -> tuple[Axis, ...]:
        """Those of rows that are parts of rows."""
        return (*self.outer, *self.parts)


def _axes(outer: Sequence[Axis], inner: Sequence[Axis], rows: int) -> _Axes | None:
    """Which inner axes count the parts of a row: the first ones, or else a part of the only one."""
    of: dict[Axis, tuple[Axis, ...]] = {axis: (Axis(2 * axis.number, axis.extent),) for axis in (*outer, *inner)}
    count: Size = rows
    taken = 0
    while taken < len(inner) - 1 and estimate(count) < PARTS:
        if estimate(product(axis.extent for axis in inner[taken + 1 :])) < EACH:
            break
        count, taken = count * inner[taken].extent, taken + 1
    parts, rest = [of[axis][0] for axis in inner[:taken]], [of[axis][0] for axis in inner[taken:]]
    if not parts:
        (axis,) = inner[:1]
        if len(inner) > 1 or not isinstance(axis.extent, int):
            return None
        number = next((n for n in range(PARTS // rows, 1, -1) if axis.extent % (n * 16) == 0), 1)
        if number == 1 or axis.extent // number < EACH:
            return None
        of[axis] = Axis(2 * axis.number, number), Axis(2 * axis.number + 1, axis.extent // number)
        parts, rest = [of[axis][0]], [of[axis][1]]
    return _Axes(tuple([of[axis][0] for axis in outer]), tuple(parts), tuple(rest), of)


@final
@dataclass
class _Parting:
    """Kernels are made stage by stage.

    rows      stages of the kernel of rows that comes next, and the locals that these write
    kept      locals of rows -> where kernels before have left them
    formulas  locals of points -> the lets that compute them, and which one they are
    changed   owners of what was written
    """

    kernel: Kernel
    owner: Callable[[Buffer], Buffer]
    axes: _Axes
    kernels: list[Kernel] = field(default_factory=list)
    rooms: list[Buffer] = field(default_factory=list)
    rows: list[Stage] = field(default_factory=list)
    written: list[Buffer] = field(default_factory=list)
    kept: dict[Buffer, Buffer] = field(default_factory=dict)
    formulas: dict[Buffer, tuple[Sequence[Let], int]] = field(default_factory=dict)
    changed: set[Buffer] = field(default_factory=set)

    def run(self) -> Parted | None:
        """All of it; None where a value of points cannot be computed again where it is read."""
        for place, stage in enumerate(self.kernel.stages):
            if stage.inner:
                self._flush(self.kernel.stages[place:])
            formula, numbers = Formula(), list[int]()
            for let in stage.lets:
                number = self._let(formula, let, numbers)
                if number is None:
                    return None
                numbers.append(number)
            if not stage.inner:
                effects = tuple([renumbered(effect, numbers) for effect in stage.effects])
                self.rows.append(Stage((), tuple(formula.lets), effects))
                self.written += [
                    x.buffer for x in stage.effects if isinstance(x, Store) and x.buffer.role is Role.LOCAL
                ]
            elif not self._points(stage, formula, numbers):
                return None
            self.changed |= {self.owner(x.buffer) for x in stage.effects if isinstance(x, Store)}
        self._flush(())
        return Parted(self.kernels, self.rooms)

    def _let(self, formula: Formula, let: Let, numbers: Sequence[int]) -> int | None:
        """A let of a stage as one of a kernel; None where what it reads has been written over."""
        match let:
            case AxisIndex(axis=axis):
                new = self.axes.of[axis]
                steps = tuple([(n, product(x.extent for x in new[n + 1 :])) for n in range(len(new))])
                return formula.affine(AffineIndex(steps), [formula.axis(x) for x in new])
            case Load(buffer=buffer) if buffer in self.kept:
                return formula.add(Load(self.kept[buffer], _places(formula, self.axes.outer), let.dtype))
            case Load(buffer=buffer) if buffer in self.formulas:
                lets, value = self.formulas[buffer]
                if any(isinstance(x, Load) and self.owner(x.buffer) in self.changed for x in lets):
                    return None
                again: list[int] = []
                for other in lets:
                    again.append(formula.copied(other, again))
                return again[value]
        return formula.copied(let, numbers)

    def _points(self, stage: Stage, formula: Formula, numbers: Sequence[int]) -> bool:
        """A stage of points: a kernel of the parts of rows; whether all values of points are found again."""
        axes, effects, stores = self.axes, list[Effect](), list[Effect]()
        adding, added, parts = Formula(), list[Effect](), Formula()
        for effect in stage.effects:
            match effect:
                case Fold(results=(result,)):
                    local = Buffer(Role.LOCAL, result.dtype, ())
                    part = self._room(result, axes.rows)
                    effects.append(Fold(effect.monoid, numbers[effect.value], (local,)))
                    value = parts.add(Load(local, (), local.dtype))
                    stores.append(Store(part, _places(parts, axes.rows), value))
                    found = adding.add(Load(part, _places(adding, axes.rows), part.dtype))
                    added.append(Fold(effect.monoid, found, (result,)))
                    self.written.append(result)
                case Store(buffer=buffer) if buffer.role is Role.LOCAL:
                    if not _is_plain(stage, effect.index):
                        return False
                    self.formulas[buffer] = tuple(formula.lets), numbers[effect.value]
                case _:
                    effects.append(renumbered(effect, numbers))
        origins = self.kernel.origins
        if added:
            first = Stage(axes.inner, tuple(formula.lets), tuple(effects))
            self.kernels.append(Kernel(axes.rows, (first, Stage((), tuple(parts.lets), tuple(stores))), origins))
            self.rows.append(Stage(axes.parts, tuple(adding.lets), tuple(added)))
        elif effects:
            points = Stage((), tuple(formula.lets), tuple(effects))
            self.kernels.append(Kernel((*axes.rows, *axes.inner), (points,), origins))
        return True

    def _flush(self, later: Sequence[Stage]) -> None:
        """The kernel of rows, which leaves what later stages read."""
        read = {let.buffer for stage in later for let in stage.lets if isinstance(let, Load)}
        formula, stores = Formula(), list[Effect]()
        for local in self.written:
            if local in read and local not in self.kept:
                self.kept[local] = self._room(local, self.axes.outer)
                value = formula.add(Load(local, (), local.dtype))
                stores.append(Store(self.kept[local], _places(formula, self.axes.outer), value))
        leaving = [Stage((), tuple(formula.lets), tuple(stores))] if stores else []
        if self.rows:
            self.kernels.append(Kernel(self.axes.outer, (*self.rows, *leaving), self.kernel.origins))
        self.rows, self.written = [], []

    def _room(self, local: Buffer, axes: Sequence[Axis]) -> Buffer:
        """An array that has an element for each row."""
        self.rooms.append(Buffer(Role.TEMPORARY, local.dtype, tuple([axis.extent for axis in axes])))
        return self.rooms[-1]


def _places(formula: Formula, axes: Sequence[Axis]) -> tuple[int, ...]:
    return tuple([formula.axis(axis) for axis in axes])


def _is_plain(stage: Stage, index: Sequence[int]) -> bool:
    """Whether an index is the place along each inner axis."""
    lets = [stage.lets[number] for number in index]
    return lets == [AxisIndex(axis) for axis in stage.inner]
