"""Loops along an axis: point by point, or in lanes."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import field
from typing import TypeAlias, final

from graphc.backends.llvm.arguments import Arguments
from graphc.backends.llvm.looks import Looks
from graphc.backends.llvm.plans import Plan, is_plain, run_of, vectors_of
from graphc.backends.llvm.registers import part_bytes
from graphc.backends.llvm.scope import Scope
from graphc.backends.llvm.sums import Accumulators, is_aligned
from graphc.backends.llvm.text import Range, Text
from graphc.backends.llvm.values import Value
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.scalar import Axis
from graphc.kernel.stages import StagePlan
from graphc.kernel.steps import Fold, Store, Total
from graphc.kernel.summing import accumulators, is_ordered
from graphc.sizes import Size
from graphc.types import BOOL, DTYPES, accumulator

__all__ = ["Along", "Body", "Owner"]

Body: TypeAlias = Callable[[Scope, "Value | None"], None]
Owner: TypeAlias = Callable[[Buffer], Buffer]

INT32 = DTYPES["int32"]
SHORT = 32  # lets of a stage that may be written out twice


@final
@dataclass(frozen=True)
class Along:
    """Writes loops along the axes of a kernel.

    width   lanes
    bytes   of a vector
    owner   the buffer whose bytes another has
    ranges  the part of axes that is walked, where it is not all
    rows    that such a part has at most
    looks   what makes loops that may be long; None where none is
    terms   addresses of those of totals that are added up at the end
    strict  whether nothing outside of these parts is touched: it may not be there yet
    """

    plan: Plan
    text: Text
    arguments: Arguments
    width: int
    bytes: int
    owner: Owner
    ranges: Mapping[Axis, Range]
    rows: Size = 0
    looks: Looks | None = None
    terms: Mapping[Buffer, str] = field(default_factory=dict)
    strict: bool = False

    def loop(self, axis: Axis, first: str, last: str, step: int = 1, inside: Size = 1) -> AbstractContextManager[str]:
        """A loop along an axis, of which each point has `inside` others."""
        if self.looks is None:
            return self.text.loop(first, last, step)
        return self.looks.loop(first, last, step, self.rows if axis in self.ranges else axis.extent, inside)

    def along(
        self,
        scope: Scope,
        axis: Axis,
        stages: Sequence[StagePlan],
        body: Body,
        points: Size,
        sums: Sequence[Accumulators] = (),
    ) -> None:
        """Walk an axis in lanes: as many vectors side by side as stages want, and what is left in single ones.

        `sums` are those whose run goes along the axis.
        """
        text, width = self.text, self.width_along(axis, stages)
        first, last = self.range(axis)
        if width > self.width and all(map(is_plain, stages)):
            first = self._vectors(scope, axis, (first, last), width, body, points)
            if self._is_whole(axis, width):
                return
            width = self.width
        if width == 1:
            with self.loop(axis, first, last, inside=points) as counter:
                body(scope.along(axis, counter, 1), None)
            return
        is_short = self._is_whole(axis, width) or _is_short(stages)
        if sums and is_short and all(one.count == width and one.is_aligned(axis) for one in sums):
            self._in_registers(scope, axis, stages, width, body, points, sums)
            return
        if self._is_whole(axis, width):
            self._vectors(scope, axis, (first, last), width, body, points)
            return
        if self._overwrites(stages):
            whole = self._vectors(scope, axis, (first, last), width, body, points)
            with text.loop(whole, last) as counter:
                body(scope.along(axis, counter, 1), None)
            return

        def overlapping() -> None:
            self._overlapping(scope, axis, (first, last), width, stages, body, points)
            for one in sums:
                one.settle(scope, width)

        self._if_wide(scope, axis, width, overlapping, body, first)

    def has_registers(self, stage: StagePlan) -> bool:
        """Whether what folds along the lanes of a stage is in registers from beginning to end."""
        axis = stage.inner[-1]
        if not isinstance(axis.extent, int) or axis in self.ranges:
            return False
        width = self.width_along(axis, [stage])
        is_whole = axis.extent % width == 0
        if width == 1 or not (is_whole or (_is_short([stage]) and not self._overwrites([stage]))):
            return False
        folds = [effect for effect in stage.stage.effects if isinstance(effect, Fold)]
        runs = [(effect, run) for effect in folds if (run := self.run(stage, effect))]
        counts = [(run, count) for effect, run in runs if (count := self.count(effect, run)) > 1]
        return all(count == width and is_aligned(run, count, axis) for run, count in counts)

    def _if_wide(
        self, scope: Scope, axis: Axis, width: int, vectors: Callable[[], None], body: Body, narrow: str
    ) -> None:
        """Vectors where the axis has room for one, else the points since `narrow` one by one."""
        text = self.text
        first, last = self.range(axis)
        if isinstance(axis.extent, int) and axis not in self.ranges:
            vectors()
            return
        wide, few, after = text.label("wide"), text.label("narrow"), text.label("after")
        room = text.value(f"sub i64 {last}, {first}") if self._is_part(axis) else last
        text.go_if(text.value(f"icmp sge i64 {room}, {width}"), wide, few)
        text.begin(wide)
        vectors()
        text.go(after)
        text.begin(few)
        with text.loop(narrow, last) as counter:  # few points
            body(scope.along(axis, counter, 1), None)
        text.go(after)
        text.begin(after)

    def _in_registers(
        self,
        scope: Scope,
        axis: Axis,
        stages: Sequence[StagePlan],
        width: int,
        body: Body,
        points: Size,
        sums: Sequence[Accumulators],
    ) -> None:
        """Whole vectors, whose sums are in registers, and then the rest."""
        text, last = self.text, self.range(axis)[1]
        is_kept = not any(one.address for one in sums)
        for one in sums:
            one.begin_mirror(scope)
        whole = self._vectors(scope, axis, self.range(axis), width, body, points)
        for one in sums:
            one.end_mirror(scope)
        if self._is_whole(axis, width):
            return
        if is_kept:
            assert isinstance(axis.extent, int), axis
            inside = scope.along(axis, str(axis.extent - width), width)
            for one in sums:
                one.turned = axis.extent % width
            body(inside, self._new_lanes(inside, whole, str(axis.extent - width)))
            for one in sums:
                one.turned = 0
            return

        def rest() -> None:
            at = text.value(f"sub i64 {last}, {width}")
            inside = scope.along(axis, at, width)
            body(inside, self._new_lanes(inside, whole, at))
            for one in sums:
                one.settle(scope, width)

        with text.when(text.value(f"icmp slt i64 {whole}, {last}")):
            if self._overwrites(stages):
                with text.loop(whole, last) as counter:
                    body(scope.along(axis, counter, 1), None)
            else:
                self._if_wide(scope, axis, width, rest, body, whole)

    def _is_part(self, axis: Axis) -> bool:
        """Whether what lies before and behind the part that is walked may not be touched."""
        return self.strict and axis in self.ranges

    def _is_whole(self, axis: Axis, width: int) -> bool:
        """Whether an axis, and so every chunk of it, fills all lanes."""
        return isinstance(axis.extent, int) and axis.extent % width == 0 and not self._is_part(axis)

    def _vectors(self, scope: Scope, axis: Axis, range: Range, width: int, body: Body, points: Size) -> str:
        """As many points as fill all lanes; the first one that is left."""
        first, last = range
        if not self._is_whole(axis, width):
            length = self.text.value(f"and i64 {self.text.value(f'sub i64 {last}, {first}')}, {-width}")
            last = self.text.value(f"add i64 {first}, {length}")
        with self.loop(axis, first, last, width, points) as counter:
            body(scope.along(axis, counter, width), None)
        return last

    def range(self, axis: Axis) -> Range:
        return self.ranges.get(axis, ("0", self.arguments.number(axis.extent)))

    def width_along(self, axis: Axis, stages: Sequence[StagePlan]) -> int:
        """How many lanes there are along an axis that may be short: never more than a run has accumulators."""
        width = self.width * (
            self.plan.vectors if axis is self.plan.lane else min(vectors_of(stage, axis) for stage in stages)
        )
        for stage in stages:
            for effect in stage.stage.effects:
                if isinstance(effect, Fold | Total) and axis in (run := self.run(stage, effect)):
                    width = min(width, self.count(effect, run))
        while isinstance(axis.extent, int) and width > max(axis.extent, 1):
            width //= 2
        return width

    def _overlapping(
        self,
        scope: Scope,
        axis: Axis,
        range: Range,
        width: int,
        stages: Sequence[StagePlan],
        body: Body,
        points: Size,
    ) -> None:
        """The last vector starts where it ends with the axis: some points are made twice; no fold counts them again.

        Not where what is read is written over.
        """
        text = self.text
        first, last = range
        most = text.value(f"sub i64 {last}, {width}")
        with self.loop(axis, first, last, width, points) as counter:
            at = text.least(counter, most)
            inside = scope.along(axis, at, width)
            mask = self._new_lanes(inside, counter, at) if _combines(stages) else None
            body(inside, mask)

    def _new_lanes(self, scope: Scope, counter: str, at: str) -> Value:
        """Which lanes were not made before."""
        lanes = scope.lanes
        text = self.text
        made = text.value(f"trunc i64 {text.value(f'sub i64 {counter}, {at}')} to i32")
        each = f"<{', '.join(f'i32 {n}' for n in range(scope.width))}>"
        first = lanes.spread(Value(INT32, (made,)), scope.width)
        return lanes.made(BOOL, scope.width, f"icmp sge {first.type} {each}, {first.one}")

    def _overwrites(self, stages: Sequence[StagePlan]) -> bool:
        """Whether stages write over what they read, or over what they combine something into."""
        read = {self.owner(access.buffer) for stage in stages for access in stage.loads.values()}
        written, combined = set[Buffer](), set[Buffer]()
        for stage in stages:
            for effect, places in zip(stage.stage.effects, stage.places, strict=True):
                is_combined = isinstance(effect, Store) and effect.combine is not None
                (combined if is_combined else written).update(self.owner(access.buffer) for access in places)
        return any(buffer.role is not Role.LOCAL for buffer in (read & (written | combined)) | (written & combined))

    # Sums whose order shows.

    def run(self, stage: StagePlan, effect: Fold | Total) -> tuple[Axis, ...]:
        """The axes of a run, in order; none where the order does not show."""
        result = effect.result if isinstance(effect, Total) else effect.results[0]
        if not effect.run or not is_ordered(effect.monoid, result.dtype):
            return ()
        if isinstance(effect, Fold):
            return run_of(stage, effect)
        return tuple(sorted(self.plan.outer, key=lambda axis: axis.number))

    def count(self, effect: Fold | Total, run: Sequence[Axis]) -> int:
        """How many accumulators there are."""
        result = effect.result if isinstance(effect, Total) else effect.results[0]
        return accumulators(run, part_bytes(accumulator(result.dtype)), self.bytes)


def _is_short(stages: Sequence[StagePlan]) -> bool:
    """Whether stages may be written out twice."""
    return all(len(stage.needed) <= SHORT for stage in stages)


def _combines(stages: Sequence[StagePlan]) -> bool:
    """Whether a point that is made twice would count twice."""
    return any(
        not isinstance(effect, Store) or effect.combine is not None
        for stage in stages
        for effect in stage.stage.effects
    )
