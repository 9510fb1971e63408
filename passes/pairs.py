"""Pairs of kernels, of which one makes an array for the other alone, as one kernel where that can be."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field, replace
from typing import TypeAlias

from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.pattern import Pattern, formed, on_buffers, pattern_of_two
from graphc.kernel.program import Program
from graphc.kernel.scalar import Axis
from graphc.kernel.steps import Kernel, Stage, Step
from graphc.kernel.target import Target
from graphc.passes.kernel_costs import time_of, walked_by_loads, walked_by_values
from graphc.passes.kernels import by_rows
from graphc.passes.pipeline import Log
from graphc.passes.stages import LARGEST, joined_stages
from graphc.passes.step_lists import numbers_of, over_lists
from graphc.sizes import Size, estimate

__all__ = ["Both", "Joiner", "in_place_of", "join_pairs"]

Both: TypeAlias = tuple[tuple[Axis, ...], tuple[Stage, ...]]  # the axes and stages of a kernel that does what two do

Joiner: TypeAlias = Callable[[Kernel, Kernel], Both | None]  # of a maker, and of what alone reads all that it makes

MOST = 8  # kernels that touch an array
STAGES = 32  # of a kernel that does what two do
TRIED = 64  # stages that are written again for makers in vain
CALL = 2_000.0  # what one kernel less is worth, in bytes


def join_pairs(program: Program, both: Joiner, note: str, log: Log) -> Program:
    """The program with kernels joined, of which one alone reads what the other makes, where `both` finds how."""

    def joined(steps: Sequence[Step], outside: Collection[Buffer]) -> Sequence[Step]:
        return _Joining.of(steps, outside, both, note).run(log)

    return over_lists(program, joined)


def in_place_of(first: Kernel, second: Kernel, target: Target, *ways: Sequence[Stage]) -> Both | None:
    """The axes and stages of a kernel that does what these do: the quickest of some, given by stages over all axes.

    None where it is too large, or takes longer than two kernels.  What one stage alone computes at some points, and
    stores at others, is computed once for all of these, where that takes less.
    """
    best: Both | None = None
    least = time_of(first, target) + time_of(second, target) + CALL
    for way in ways:
        stages = way if target.let else joined_stages(way)
        if len(stages) > STAGES or sum(len(stage.lets) for stage in stages) > LARGEST:
            continue
        both = _apart(stages[0], target) if len(stages) == 1 else by_rows(stages)
        time = time_of(Kernel(*both, first.origins), target)
        if time < least or (time == least and best is None):
            best, least = both, time
    return best


def _apart(stage: Stage, target: Target) -> Both:
    """The axes and the stage of a kernel of one: inside of each element those along which it is only stored."""
    along = walked_by_values(stage) | walked_by_loads(stage)
    outer = tuple([axis for axis in stage.inner if axis in along])
    inner = tuple([axis for axis in stage.inner if axis not in along])
    apart: Both = outer, (replace(stage, inner=inner),)
    at_once: Both = stage.inner, (replace(stage, inner=()),)
    if outer and inner and time_of(Kernel(*apart, ()), target) < time_of(Kernel(*at_once, ()), target):
        return apart
    return at_once


@dataclass(frozen=True)
class _Joining:
    """Steps in order, and what touches each array.

    outside   arrays that steps elsewhere read or write
    touching  owner of bytes -> the steps that read or write it, in order
    writing   owner of bytes -> the steps that write it
    found     what was found for two kernels, by their pattern
    joined    steps that do also what others did
    into      these others -> which steps do it now
    """

    steps: Sequence[Step]
    outside: Collection[Buffer]
    both: Joiner
    note: str
    touching: Mapping[Buffer, Sequence[int]]
    writing: Mapping[Buffer, Sequence[int]]
    found: "dict[Pattern, tuple[Sequence[Buffer], Kernel | None]]" = field(default_factory=dict)
    joined: dict[int, Kernel] = field(default_factory=dict)
    into: dict[int, int] = field(default_factory=dict)

    @staticmethod
    def of(steps: Sequence[Step], outside: Collection[Buffer], both: Joiner, note: str) -> "_Joining":
        return _Joining(steps, outside, both, note, *numbers_of(steps))

    def run(self, log: Log) -> Sequence[Step]:
        """The steps, with those kernels joined that can be."""
        for number, step in enumerate(self.steps):
            while isinstance(step, Kernel):
                found = self._with_maker(number, step, log)
                if found is None:
                    break
                step = self.joined[number] = found
        if not self.joined:
            return self.steps
        return [self.joined.get(number, step) for number, step in enumerate(self.steps) if number not in self.into]

    def _with_maker(self, number: int, reader: Kernel, log: Log) -> Kernel | None:
        """A kernel joined with one that makes something for it; None where there is no such."""
        if len(reader.stages) > STAGES:  # they do not become fewer
            return None
        tried: set[int] = set()
        for array in reader.reads:
            at = self._maker(array, number)
            maker = None if at is None or at in tried else self.joined.get(at, self.steps[at])
            if at is None or not isinstance(maker, Kernel):
                continue
            if len(tried) * len(reader.stages) > TRIED:
                return None
            tried.add(at)
            both = self._joined(maker, reader) if self._may_wait(maker, at, reader, number) else None
            if both is not None:
                self.into[at] = number
                log.note(self.note, maker.origins[0])
                return both
        return None

    def _maker(self, array: Buffer, number: int) -> int | None:
        """The step that makes an array for this one alone; None where there is no such."""
        array = array.root
        touching = self.touching[array]
        if array.role is not Role.TEMPORARY or array in self.outside or len(touching) > MOST:
            return None
        if self.writing.get(array) != [touching[0]]:
            return None
        at = self._now(touching[0])
        return at if at != number and all(self._now(other) == number for other in touching[1:]) else None

    def _now(self, number: int) -> int:
        """The step that does now what a step did."""
        while number in self.into:
            number = self.into[number]
        return number

    def _may_wait(self, maker: Kernel, at: int, reader: Kernel, number: int) -> bool:
        """Whether a kernel may be run as late as what alone reads all that it makes, and keeps no more bytes alive."""
        if any(self._maker(array, number) != at for array in maker.writes):
            return False
        ended: Size = 0
        for buffer in {x.root for x in maker.reads}:
            if any(at < step <= number for step in self.writing.get(buffer, ())):
                return False
            if buffer.role is Role.TEMPORARY and self.touching[buffer][-1] <= at and buffer not in self.outside:
                ended = ended + buffer.bytes
        made, written = (sum(estimate(x.bytes) for x in {y.root for y in each.writes}) for each in (maker, reader))
        return estimate(ended) <= made or (written <= made and not self._is_between(at, number))

    def _is_between(self, at: int, number: int) -> bool:
        """Whether any step runs between two."""
        return any(step not in self.into for step in range(at + 1, number))

    def _joined(self, maker: Kernel, reader: Kernel) -> Kernel | None:
        """Two kernels as one; None where that cannot be, or does not pay."""
        pattern, touched = pattern_of_two(maker, reader)
        if pattern not in self.found:
            both = self.both(maker, reader)
            self.found[pattern] = touched, None if both is None else formed(Kernel(*both, maker.origins))
        buffers, model = self.found[pattern]
        if model is None:
            return None
        origins = tuple(dict.fromkeys((*maker.origins, *reader.origins)))
        return on_buffers(model, dict(zip(buffers, touched, strict=True)), origins)
