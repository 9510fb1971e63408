"""The stages of a kernel: their points, what holds values from point to point, and what they leave."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TypeAlias, final

from graphc.backends.llvm.along import Along
from graphc.backends.llvm.effects import Held, combine_into, combined, folded, held_along, held_of, leave, step
from graphc.backends.llvm.levels import levels_of
from graphc.backends.llvm.scope import Scope
from graphc.backends.llvm.sums import Accumulators, Terms
from graphc.backends.llvm.values import Value
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.monoids import start_of
from graphc.kernel.scalar import Axis
from graphc.kernel.stages import StagePlan
from graphc.kernel.steps import Effect, Fold, Prefix, Store, Total
from graphc.kernel.summing import is_in_blocks, rows_of_block
from graphc.sizes import Size, lower_bound, product
from graphc.types import INT64, accumulator

__all__ = ["Stages", "Totals"]

Kept: TypeAlias = Held | Accumulators
Totals: TypeAlias = Mapping[tuple[StagePlan, int], Kept]


@final
@dataclass(frozen=True)
class Stages:
    """Writes the stages of a row, or of rows side by side."""

    walk: Along

    def write(self, scope: Scope, stage: StagePlan, totals: Totals, mask: Value | None = None) -> None:
        """One stage.  What holds values from point to point starts and ends here."""
        levels = levels_of(self.walk.plan, stage, dict.fromkeys(self.walk.plan.outer, 0), 0)
        scope = replace(scope, known=dict(scope.known))
        scope.compute(stage, [n for n, level in levels.items() if level == 0])
        width = self.walk.width_along(stage.inner[-1], [stage]) if stage.has_lanes else scope.width
        held = self._held(scope, stage, width)
        single = self._held(scope, stage, 1, held) if stage.has_lanes and width > 1 else held
        points = _Points(stage, levels, held, single, totals, mask)
        blocked = {n: kept for n, kept in held.items() if self._is_blocked(stage, stage.stage.effects[n])}
        if blocked:
            self._in_blocks(scope, points, blocked)
        else:
            self._points(scope, points)
        for number, effect in enumerate(stage.stage.effects):
            if isinstance(effect, Fold):
                leave(scope, stage, number, self._left(scope, effect, held[number], single[number]))

    def _points(self, scope: Scope, of: "_Points") -> None:
        """All points of a stage."""
        if of.stage.has_lanes:
            self._points_in_lanes(scope, of)
        else:
            self._points_in_order(scope, of)

    def _points_in_lanes(self, scope: Scope, of: "_Points") -> None:
        """The points of a stage, those along the last axis side by side."""
        stage = of.stage
        *plain, lane = stage.inner
        inside = scope
        with ExitStack() as loops:
            for depth, axis in enumerate(plain, start=1):
                points = product(other.extent for other in stage.inner[depth:])
                counter = loops.enter_context(self.walk.loop(axis, *self.walk.range(axis), inside=points))
                inside = inside.at(axis, counter)
                inside.compute(stage, [n for n, level in of.levels.items() if level == depth])
            along = self._totals_of(inside, [stage], lane)

            def point(at: Scope, new: Value | None) -> None:
                at.ask_for(self.walk.plan.following.get(stage))
                at.compute(stage, [n for n, level in of.levels.items() if level == len(stage.inner)])
                numbers = range(len(stage.stage.effects))
                self._effects(at, stage, of.single if at.width == 1 else of.held, along, new, numbers)

            sums = [kept for kept in of.held.values() if isinstance(kept, Accumulators)]
            self.walk.along(inside, lane, [stage], point, 1, sums)
            self.finish(inside, along)

    def _points_in_order(self, scope: Scope, of: "_Points") -> None:
        """The points of a stage whose lanes, if any, are rows side by side."""
        stage, effects = of.stage, of.stage.stage.effects
        backwards = [n for n, effect in enumerate(effects) if isinstance(effect, Prefix) and effect.reverse]
        forwards = [n for n in range(len(effects)) if n not in backwards]
        for reverse, numbers in ((False, forwards), (True, backwards)):
            if not numbers:
                continue
            inside = scope
            with ExitStack() as loops:
                for depth, axis in enumerate(stage.inner, start=1):
                    points = product(other.extent for other in stage.inner[depth:])
                    first, last = self.walk.range(axis)
                    counter = loops.enter_context(self.walk.loop(axis, first, last, inside=points))
                    if reverse:
                        end = self.walk.text.value(f"sub i64 {last}, 1")
                        counter = self.walk.text.value(f"sub i64 {end}, {counter}")
                    inside = inside.at(axis, counter)
                    if axis is stage.inner[-1]:
                        inside.ask_for(self.walk.plan.following.get(stage))
                    inside.compute(stage, [n for n, level in of.levels.items() if level == depth])
                if not stage.inner and inside.width > 1:
                    inside.ask_for(self.walk.plan.following.get(stage))
                self._effects(inside, stage, of.held, of.totals, of.mask, numbers)

    def _effects(
        self,
        scope: Scope,
        stage: StagePlan,
        held: Mapping[int, Kept],
        totals: Totals,
        mask: Value | None,
        numbers: Sequence[int],
    ) -> None:
        """Some of the effects at a point."""
        for number in numbers:
            effect = stage.stage.effects[number]
            value = scope.value(stage, effect.value)
            match effect:
                case Store(combine=None):
                    leave(scope, stage, number, [value])
                case Store(combine=monoid):
                    assert monoid is not None
                    combine_into(scope, stage, number, monoid, value, mask)
                case Total(monoid=monoid, result=result) if result in self.walk.terms:
                    self._terms(stage, result).take(scope, value)
                case Total(monoid=monoid):
                    kept = totals.get((stage, number))
                    if isinstance(kept, Accumulators):
                        kept.take(scope, value, mask)
                    elif kept is not None and kept.value.lanes == scope.width:
                        step(kept, value, value, scope, mask)
                    else:
                        combine_into(scope, stage, number, monoid, value, mask)
                case Fold():
                    new = mask if stage.has_lanes else None  # rows side by side are each a fold of its own
                    place = Value(INT64, (scope.counters[stage.inner[-1]] if stage.inner else "0",))
                    kept = held[number]
                    if isinstance(kept, Accumulators):
                        kept.take(scope, value, new)
                    else:
                        step(kept, value, place, scope, new)
                case Prefix():
                    kept = held[number]
                    assert isinstance(kept, Held), effect
                    leave(scope, stage, number, [step(kept, value, value, scope, None)])

    # Totals that all lanes of a loop meet in.

    def totals_along(self, scope: Scope, lane: Axis) -> Totals:
        return self._totals_of(scope, [stage for stage in self.walk.plan.stages if not stage.inner], lane)

    def _totals_of(self, scope: Scope, stages: Sequence[StagePlan], lane: Axis) -> Totals:
        found = {}
        for stage in stages:
            for number, effect in enumerate(stage.stage.effects):
                if (
                    isinstance(effect, Total)
                    and not self.walk.run(stage, effect)
                    and lane not in stage.places[number][0].terms
                ):
                    dtype = stage.stage.lets[effect.value].dtype
                    found[stage, number] = held_along(effect, dtype, scope, self.walk.width_along(lane, stages))
        return found

    def totals_of_runs(self, scope: Scope) -> Mapping[tuple[StagePlan, int], Accumulators]:
        """Totals of everything, which have accumulators where they are kept."""
        found = {}
        for stage in self.walk.plan.stages:
            for number, effect in enumerate(stage.stage.effects):
                if not isinstance(effect, Total) or effect.result in self.walk.terms:
                    continue
                if run := self.walk.run(stage, effect):
                    home, dtype, count = (
                        scope.homes[effect.result].address,
                        effect.result.dtype,
                        self.walk.count(effect, run),
                    )
                    found[stage, number] = Accumulators(effect.monoid, dtype, run, count, 1, home)
        return found

    def _terms(self, stage: StagePlan, result: Buffer) -> Terms:
        axes = sorted((*self.walk.plan.outer, *stage.inner), key=lambda axis: axis.number)
        return Terms(result.dtype, tuple(axes), self.walk.terms[result])

    def finish(self, scope: Scope, totals: Totals) -> None:
        for (stage, number), held in totals.items():
            if isinstance(held, Accumulators):
                continue
            combine_into(scope, stage, number, held.monoid, folded(held, scope), None)

    # Sums whose order shows.

    def _is_blocked(self, stage: StagePlan, effect: Effect) -> bool:
        """Whether a fold is made in blocks, of which there may be more than one."""
        if not is_in_blocks(effect, self.walk.plan.kernel.outer, stage.stage.inner):
            return False
        first, rows = self._block(stage)
        return not isinstance(first.extent, int) or first.extent > (lower_bound(rows) or 1)

    def _block(self, stage: StagePlan) -> tuple[Axis, Size]:
        """The first folded axis of a stage, and the rows along it that a block has."""
        first, *others = sorted(stage.stage.inner, key=lambda axis: axis.number)
        return first, rows_of_block(first, [*self.walk.plan.kernel.outer, *others])

    def _in_blocks(self, scope: Scope, of: "_Points", blocked: Mapping[int, Kept]) -> None:
        """The points of a stage, block by block: each starts again, and is added to those before."""
        stage, text = of.stage, self.walk.text
        totals = self._held(scope, stage, scope.width)
        first, rows = self._block(stage)
        walked = min(stage.inner, key=lambda axis: axis.number)
        inside = [axis for axis in stage.stage.inner if first.number < axis.number <= walked.number]
        step, extent = self.walk.arguments.number(product([rows, *(axis.extent for axis in inside)])), walked.extent
        last = self.walk.arguments.number(extent)
        with text.loop("0", last, step) as start:
            end = text.least(text.value(f"add nsw i64 {start}, {step}"), last)
            ranges = {**self.walk.ranges, walked: (start, end)}
            Stages(replace(self.walk, ranges=ranges))._points(scope, of)
            for number, kept in blocked.items():
                _add(scope, totals[number], kept)
        for number, kept in blocked.items():
            _add(scope, kept, totals[number])

    def _held(
        self, scope: Scope, stage: StagePlan, lanes: int, others: "Mapping[int, Kept] | None" = None
    ) -> Mapping[int, Kept]:
        """What effects hold from point to point; those of `others` that hold each lane apart."""
        found: dict[int, Kept] = {}
        for number, effect in enumerate(stage.stage.effects):
            if not isinstance(effect, Fold | Prefix):
                continue
            kept = None if others is None else others[number]
            run = self.walk.run(stage, effect) if isinstance(effect, Fold) else ()
            count = self.walk.count(effect, run) if isinstance(effect, Fold) else 1
            if isinstance(kept, Accumulators):
                found[number] = kept
            elif isinstance(effect, Fold) and count > 1:
                rows = 1 if stage.has_lanes else lanes
                dtype = accumulator(effect.results[0].dtype)
                if stage.has_lanes and not self._is_blocked(stage, effect) and self.walk.has_registers(stage):
                    found[number] = Accumulators.in_register(scope, effect.monoid, dtype, run, count)
                    continue
                found[number] = Accumulators.of(scope, effect.monoid, dtype, run, count, rows)
            else:
                holding = held_along if stage.has_lanes else held_of
                found[number] = holding(effect, stage.stage.lets[effect.value].dtype, scope, lanes)
        return found

    def _left(self, scope: Scope, effect: Fold, many: Kept, one: Kept) -> list[Value]:
        """What a fold leaves: the lanes as one, and what was taken in one by one."""
        if isinstance(many, Accumulators):
            return [many.joined(scope)]
        assert isinstance(one, Held), effect
        if many.index is not None:
            return _best(many, effect, scope)
        if many is one:
            return [many.value.read(scope.lanes)]
        return [combined(scope.lanes, effect.monoid, folded(many, scope), one.value.read(scope.lanes))]


@final
@dataclass(frozen=True)
class _Points:
    """What is made at the points of a stage, and what holds values there: `single` where points are made one by one."""

    stage: StagePlan
    levels: Mapping[int, int]
    held: Mapping[int, Kept]
    single: Mapping[int, Kept]
    totals: Totals
    mask: Value | None


def _add(scope: Scope, total: Kept, block: Kept) -> None:
    """A block to those before it; it starts again."""
    if isinstance(total, Accumulators):
        assert isinstance(block, Accumulators), block
        total.add(scope, block)
        return
    assert isinstance(block, Held), block
    lanes, value = scope.lanes, block.value
    total.value.write(lanes, combined(lanes, total.monoid, total.value.read(lanes), value.read(lanes)))
    value.write(lanes, lanes.number(start_of(total.monoid, value.dtype), value.dtype))


def _best(held: Held, effect: Fold, scope: Scope) -> list[Value]:
    """The best value and its place, or the place alone."""
    assert held.index is not None, effect
    index = held.index.read(scope.lanes)
    return [index] if len(effect.results) == 1 else [held.value.read(scope.lanes), index]
