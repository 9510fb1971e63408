"""Repeats: what is read at several points for each of its elements is computed there, once for all of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product as all_of

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.pattern import Pattern, formed, on_buffers, pattern_of_two
from graphc.kernel.program import Program
from graphc.kernel.scalar import Axis, AxisIndex, Formula, Load
from graphc.kernel.steps import Effect, Kernel, Stage, Step, Store
from graphc.kernel.target import Target
from graphc.passes.pipeline import Log
from graphc.passes.places import walked
from graphc.passes.step_lists import over_lists
from graphc.sizes import Size, equal, estimate, product

__all__ = ["join_repeats"]

FEW = 8  # points for each element: each has a formula of its own
LARGEST = 256  # lets of all these formulas
LONG = 32  # points for each element: they are a row
ROWS = 64  # so many keep the threads of a large kernel at work
SMALL = 1 << 14  # points of a kernel that one thread does


def join_repeats(program: Program, target: Target, log: Log) -> Program:
    """Let a kernel that reads each element of an array at several points compute it, where it is the only reader.

    So a tile of something computed is one kernel, and the array is not kept.  No element is computed twice.
    """

    def joined(steps: Sequence[Step], outside: Collection[Buffer]) -> Sequence[Step]:
        return _Joining.of(steps, outside, target).run(log)

    return over_lists(program, joined)


@dataclass(frozen=True)
class _Joining:
    """Steps in order, and what touches each array.

    outside   arrays that steps elsewhere read or write
    touching  owner of bytes -> the steps that read or write it, in order
    writing   owner of bytes -> the steps that write it
    found     what was found for two kernels, by their pattern
    """

    steps: Sequence[Step]
    outside: Collection[Buffer]
    target: Target
    touching: Mapping[Buffer, Sequence[int]]
    writing: Mapping[Buffer, Sequence[int]]
    found: "dict[Pattern, tuple[Sequence[Buffer], Kernel | None]]" = field(default_factory=dict)

    @staticmethod
    def of(steps: Sequence[Step], outside: Collection[Buffer], target: Target) -> "_Joining":
        touching: dict[Buffer, list[int]] = {}
        writing: dict[Buffer, list[int]] = {}
        for number, step in enumerate(steps):
            for buffer in (*step.reads, *step.writes):
                numbers = touching.setdefault(buffer.root, [])
                if not numbers or numbers[-1] != number:
                    numbers.append(number)
            for buffer in step.writes:
                writing.setdefault(buffer.root, []).append(number)
        return _Joining(steps, outside, target, touching, writing)

    def run(self, log: Log) -> Sequence[Step]:
        """The steps, with those kernels joined that can be."""
        changed: dict[int, Kernel | None] = {}
        for number, step in enumerate(self.steps):
            if not isinstance(step, Kernel):
                continue
            for array in step.reads:
                at = self._maker(array, number)
                maker = None if at is None or at in changed else self.steps[at]
                if not isinstance(maker, Kernel) or len(maker.outer) >= len(step.outer):
                    continue
                both = self._joined(maker, step, array) if self._may_wait(maker, at, number, array) else None
                if both is not None:
                    assert at is not None
                    changed[at], changed[number] = None, both
                    log.note("computed where it is repeated", maker.origins[0])
                    break
        steps = [changed.get(number, step) for number, step in enumerate(self.steps)] if changed else self.steps
        return [step for step in steps if step is not None]

    def _maker(self, array: Buffer, number: int) -> int | None:
        """The step that makes an array for this one alone; None where there is no such."""
        if array.role is not Role.TEMPORARY or array.base is not None or array in self.outside:
            return None
        match self.touching[array]:
            case [at, last] if last == number and self.writing.get(array) == [at]:
                return at
        return None

    def _may_wait(self, maker: Kernel, at: int | None, number: int, array: Buffer) -> bool:
        """Whether a kernel can be run as late as its reader, and no more bytes live until then."""
        assert at is not None
        ended: Size = 0
        for buffer in {x.root for x in maker.reads}:
            if any(at < step <= number for step in self.writing.get(buffer, ())):
                return False
            if buffer.role is Role.TEMPORARY and self.touching[buffer][-1] == at and buffer not in self.outside:
                ended = ended + buffer.bytes
        return estimate(ended) <= estimate(array.bytes)

    def _joined(self, maker: Kernel, reader: Kernel, array: Buffer) -> Kernel | None:
        """Two kernels as one; None where that cannot be, or does not pay."""
        pattern, touched = pattern_of_two(maker, reader)
        if pattern not in self.found:
            pair = _Pair.of(maker, reader, array)
            both = None if pair is None else pair.joined(self.target)
            self.found[pattern] = touched, None if both is None else formed(Kernel(*both, maker.origins))
        buffers, model = self.found[pattern]
        if model is None:
            return None
        origins = tuple(dict.fromkeys((*maker.origins, *reader.origins)))
        return on_buffers(model, dict(zip(buffers, touched, strict=True)), origins)


@dataclass(frozen=True)
class _Pair:
    """The stage that makes an array, and the one that reads each element of it at several points.

    axes     the axes of the first -> those of the second that they are
    outer    all axes of the second, in order
    loads    the lets of the second that read the array
    """

    first: Stage
    made: int
    second: Stage
    loads: Collection[int]
    axes: Mapping[Axis, Axis]
    outer: Sequence[Axis]

    @staticmethod
    def of(maker: Kernel, reader: Kernel, array: Buffer) -> "_Pair | None":
        """Two kernels, if the one stores one element at each point, and the other reads one at each point."""
        if not all(len(kernel.stages) == 1 and _only_stores(kernel.stages[0]) for kernel in (maker, reader)):
            return None
        (first,), (second,) = maker.stages, reader.stages
        loads = {number: let for number, let in enumerate(second.lets) if isinstance(let, Load) and let.buffer is array}
        places = {walked(second.lets, let.index) for let in loads.values()}
        if len(first.effects) > 1 or len(places) > 1 or any(let.guard is not None for let in loads.values()):
            return None
        (store,), (read,) = first.effects, places
        assert isinstance(store, Store), store
        axes = _paired(walked(first.lets, store.index), read)
        if axes is None or set(axes) != set(maker.outer):
            return None
        return _Pair(first, store.value, second, loads.keys(), axes, reader.outer)

    @property
    def rows(self) -> tuple[Axis, ...]:
        """The axes along which elements are made."""
        return tuple([axis for axis in self.outer if axis in self.axes.values()])

    @property
    def repeats(self) -> tuple[Axis, ...]:
        """The axes along which each of them is read again."""
        return tuple([axis for axis in self.outer if axis not in self.axes.values()])

    def joined(self, target: Target) -> tuple[tuple[Axis, ...], tuple[Stage, ...]] | None:
        """The axes and stages of one kernel that does both; None where two are quicker."""
        count = product([axis.extent for axis in self.repeats])
        if len(self.first.lets) + len(self.second.lets) > LARGEST:
            return None
        if target.let:
            return self.rows, self._by_rows()
        is_short = self.outer[-1] in self.rows or self.outer[-1].extent == 2
        if isinstance(count, int) and count <= FEW and count * len(self.second.lets) <= LARGEST and is_short:
            return self.rows, self._written_out()
        rows, points = estimate(product([axis.extent for axis in self.rows])), estimate(count)
        is_of_rows = self.outer == (*self.rows, *self.repeats) and points >= LONG
        if is_of_rows and (rows >= ROWS or rows * points <= SMALL):
            return self.rows, self._by_rows()
        return None

    def _by_rows(self) -> tuple[Stage, Stage]:
        """A value for each row, and what is made of it along the row."""
        dtype = self.first.lets[self.made].dtype
        local = Buffer(Role.LOCAL, dtype, ())
        formula = Formula()
        value = self._element(formula)
        first = Stage((), tuple(formula.lets), (Store(local, (), value),))
        formula = Formula()
        effects = self._points(formula, formula.add(Load(local, (), dtype)), {})
        return first, Stage(self.repeats, tuple(formula.lets), tuple(effects))

    def _written_out(self) -> tuple[Stage]:
        """A value, and what is made of it at each point where it is read."""
        formula = Formula()
        value = self._element(formula)
        effects: list[Effect] = []
        for place in all_of(*[range(estimate(axis.extent)) for axis in self.repeats]):
            at = dict(zip(self.repeats, map(formula.size, place), strict=True))
            effects += self._points(formula, value, at)
        return (Stage((), tuple(formula.lets), tuple(effects)),)

    def _element(self, formula: Formula) -> int:
        """The number of an element of the array."""
        numbers: list[int] = []
        for let in self.first.lets:
            is_axis = isinstance(let, AxisIndex)
            numbers.append(formula.axis(self.axes[let.axis]) if is_axis else formula.copied(let, numbers))
        return numbers[self.made]

    def _points(self, formula: Formula, value: int, at: Mapping[Axis, int]) -> list[Effect]:
        """What is done with an element where axes have the values of these lets."""
        numbers: list[int] = []
        for number, let in enumerate(self.second.lets):
            if number in self.loads:
                numbers.append(value)
            elif isinstance(let, AxisIndex) and let.axis in at:
                numbers.append(at[let.axis])
            else:
                numbers.append(formula.copied(let, numbers))
        stores = [effect for effect in self.second.effects if isinstance(effect, Store)]
        return [Store(x.buffer, tuple([numbers[part] for part in x.index]), numbers[x.value]) for x in stores]


def _only_stores(stage: Stage) -> bool:
    return not stage.inner and all(isinstance(effect, Store) and effect.combine is None for effect in stage.effects)


def _paired(made: Sequence[Axis | int] | None, read: Sequence[Axis | int] | None) -> Mapping[Axis, Axis] | None:
    """Which axis of what reads an array each axis of what makes it is; None where places are not told by axes alone."""
    if made is None or read is None:
        return None
    found: dict[Axis, Axis] = {}
    for one, other in zip(made, read, strict=True):
        if isinstance(one, Axis) and isinstance(other, Axis) and one not in found and equal(one.extent, other.extent):
            found[one] = other
        elif one != 0 or other != 0:
            return None
    return found if len(set(found.values())) == len(found) else None
