"""The rows of a kernel: loops over its axes, and in them its stages."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from typing import TypeAlias, final

from graphc.backends.llvm.arguments import Arguments
from graphc.backends.llvm.effects import Held, combine_into, combined, folded, held_along, held_of, leave, step
from graphc.backends.llvm.looks import Looks
from graphc.backends.llvm.plans import Plan, is_plain, vectors_of
from graphc.backends.llvm.scope import Scope
from graphc.backends.llvm.text import Text
from graphc.backends.llvm.values import Value
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.scalar import Axis, Call, Load
from graphc.kernel.stages import StagePlan
from graphc.kernel.steps import Fold, Prefix, Store, Total
from graphc.sizes import Size, product, total
from graphc.types import BOOL, DTYPES, INT64, DType

__all__ = ["Range", "Rows"]

Body: TypeAlias = Callable[[Scope, "Value | None"], None]
Owner: TypeAlias = Callable[[Buffer], Buffer]
Totals: TypeAlias = Mapping[tuple[StagePlan, int], Held]
Holding: TypeAlias = Callable[[Fold | Prefix | Total, DType, Scope, int], Held]
Range: TypeAlias = tuple[str, str]  # the first place along an axis, and the one behind the last

INT32 = DTYPES["int32"]


@final
@dataclass
class Rows:
    """Writes the loops of a kernel.

    width   lanes
    owner   the buffer whose bytes another has
    ranges  the part of outer axes that is walked, where it is not all
    looks   what makes loops that may be long; None where none is
    strict  whether nothing outside of these parts is touched: it may not be there yet
    """

    plan: Plan
    text: Text
    arguments: Arguments
    width: int
    owner: Owner
    ranges: Mapping[Axis, Range]
    looks: Looks | None = None
    strict: bool = False

    # Levels: how many loops a let stands in.

    def _hoisted(self) -> Mapping[int, Sequence[tuple[StagePlan, int]]]:
        """Lets that are computed outside the rows, by how many of the outer loops they stand in."""
        found: dict[int, list[tuple[StagePlan, int]]] = {}
        places = {axis: depth for depth, axis in enumerate(self.plan.outer, start=1)}
        row = len(self.plan.outer)
        for stage in self.plan.stages:
            for number, level in self._levels(stage, places, row).items():
                if level < row:
                    found.setdefault(level, []).append((stage, number))
        return found

    def _levels(self, stage: StagePlan, places: Mapping[Axis, int], row: int) -> Mapping[int, int]:
        """For each needed let the loop that it stands in; those that must follow an earlier stage stand in the row."""
        inner = {axis: row + depth for depth, axis in enumerate(stage.inner, start=1)}
        depths = {**places, **inner}
        levels: dict[int, int] = {}
        for number in sorted(stage.needed):
            affine, let = stage.affine[number], stage.stage.lets[number]
            if affine is not None:
                levels[number] = max((depths[axis] for axis, _ in affine.terms), default=0)
                continue
            match let:
                case Load(guard=guard, otherwise=otherwise):
                    access = stage.loads[number]
                    others = [n for n in (guard, otherwise) if n is not None] + [n for n, _ in access.data]
                    level = max((levels[n] for n in others), default=0)
                    level = max([level, *(depths[axis] for axis in access.terms)])
                    is_own = let.buffer.role is Role.LOCAL or let.buffer.root in self.plan.written
                    levels[number] = max(level, row) if is_own or access.data else level
                case Call(args=args):
                    levels[number] = max((levels[n] for n in args), default=0)
                case _:
                    levels[number] = 0
        return levels

    # Loops.

    def write(self, scope: Scope) -> None:
        """All rows."""
        plan = self.plan
        hoisted = self._hoisted()
        plain = plan.outer if plan.lane is None else plan.outer[:-1]
        with ExitStack() as loops:
            self._compute(scope, hoisted.get(0, ()))
            for depth, axis in enumerate(plain, start=1):
                inside = product(other.extent for other in plan.outer[depth:]) * self._row_points
                counter = loops.enter_context(self._loop(axis, *self._range(axis), inside=inside))
                scope = scope.at(axis, counter)
                self._compute(scope, hoisted.get(depth, ()))
            if plan.lane is None:
                self._row(scope, None)
            else:
                totals = self._totals_along(scope, plan.lane)
                rows = lambda inside, mask: self._row(inside, mask, totals)  # noqa: E731
                self._along(scope, plan.lane, plan.stages, rows, self._row_points)
                self._finish(scope, totals)

    @property
    def _row_points(self) -> Size:
        """How many points a row has."""
        return total(product(axis.extent for axis in stage.inner) for stage in self.plan.stages)

    def _loop(self, axis: Axis, first: str, last: str, step: int = 1, inside: Size = 1) -> AbstractContextManager[str]:
        """A loop along an axis, of which each point has `inside` others."""
        if self.looks is None or (axis in self.ranges and not self.plan.kernel.totals):  # a chunk has few points
            return self.text.loop(first, last, step)
        return self.looks.loop(first, last, step, axis.extent, inside)

    def _compute(self, scope: Scope, lets: Sequence[tuple[StagePlan, int]]) -> None:
        for stage, number in lets:
            scope.compute(stage, [number])

    def _along(self, scope: Scope, axis: Axis, stages: Sequence[StagePlan], body: Body, points: Size) -> None:
        """Walk an axis in lanes: as many vectors side by side as stages want, and what is left in single ones."""
        text, width = self.text, self._width_along(axis, stages)
        first, last = self._range(axis)
        if width > self.width and all(map(is_plain, stages)):
            first = self._whole(scope, axis, (first, last), width, body, points)
            if isinstance(axis.extent, int) and axis.extent % width == 0 and not self._is_part(axis):
                return
            width = self.width
        if width == 1:
            with self._loop(axis, first, last, inside=points) as counter:
                body(scope.along(axis, counter, 1), None)
        elif isinstance(axis.extent, int) and axis.extent % width == 0 and not self._is_part(axis):
            self._whole(scope, axis, (first, last), width, body, points)  # as every chunk of it
        elif self._overwrites(stages):
            whole = self._whole(scope, axis, (first, last), width, body, points)
            with text.loop(whole, last) as counter:
                body(scope.along(axis, counter, 1), None)
        elif isinstance(axis.extent, int) and axis not in self.ranges:
            self._overlapping(scope, axis, (first, last), width, stages, body, points)
        else:
            wide, narrow, after = text.label("wide"), text.label("narrow"), text.label("after")
            room = text.value(f"sub i64 {last}, {self._range(axis)[0]}") if self._is_part(axis) else last
            text.go_if(text.value(f"icmp sge i64 {room}, {width}"), wide, narrow)
            text.begin(wide)
            self._overlapping(scope, axis, (first, last), width, stages, body, points)
            text.go(after)
            text.begin(narrow)
            with text.loop(first, last) as counter:  # few points
                body(scope.along(axis, counter, 1), None)
            text.go(after)
            text.begin(after)

    def _is_part(self, axis: Axis) -> bool:
        """Whether what lies before and behind the part that is walked may not be touched."""
        return self.strict and axis in self.ranges

    def _whole(self, scope: Scope, axis: Axis, range: Range, width: int, body: Body, points: Size) -> str:
        """As many points as fill all lanes; the first one that is left."""
        first, last = range
        if not (isinstance(axis.extent, int) and axis.extent % width == 0 and not self._is_part(axis)):
            length = self.text.value(f"and i64 {self.text.value(f'sub i64 {last}, {first}')}, {-width}")
            last = self.text.value(f"add i64 {first}, {length}")
        with self._loop(axis, first, last, width, points) as counter:
            body(scope.along(axis, counter, width), None)
        return last

    def _range(self, axis: Axis) -> Range:
        return self.ranges.get(axis, ("0", self.arguments.number(axis.extent)))

    def _width_along(self, axis: Axis, stages: Sequence[StagePlan]) -> int:
        """How many lanes there are along an axis that may be short."""
        along_rows = axis is self.plan.lane
        width = self.width * (self.plan.vectors if along_rows else min(vectors_of(stage, axis) for stage in stages))
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
        with self._loop(axis, first, last, width, points) as counter:
            is_over = text.value(f"icmp sgt i64 {counter}, {most}")
            at = text.value(f"select i1 {is_over}, i64 {most}, i64 {counter}")
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
        """Whether stages write over what they read."""
        read = {self.owner(access.buffer) for stage in stages for access in stage.loads.values()}
        written = {self.owner(access.buffer) for stage in stages for places in stage.places for access in places}
        return any(buffer.role is not Role.LOCAL for buffer in read & written)

    # Rows and stages.

    def _row(self, scope: Scope, mask: Value | None, totals: "Totals | None" = None) -> None:
        """The stages at one row, or at rows side by side."""
        row = scope.row()
        for stage in self.plan.stages:
            self.stage(row, stage, totals or {}, mask)

    def stage(self, scope: Scope, stage: StagePlan, totals: Totals, mask: Value | None = None) -> None:
        """One stage.  What holds values from point to point starts and ends here."""
        outer = dict.fromkeys(self.plan.outer, 0)
        levels = self._levels(stage, outer, 0)
        scope = replace(scope, known=dict(scope.known))
        scope.compute(stage, [n for n, level in levels.items() if level == 0])
        if not stage.has_lanes:
            self._plain_stage(scope, stage, levels, totals, mask)
            return
        *plain, lane = stage.inner
        width = self._width_along(lane, [stage])
        held = self._held(scope, stage, width, held_along)
        single = self._held(scope, stage, 1, held_along) if width > 1 else held
        inside = scope
        with ExitStack() as loops:
            for depth, axis in enumerate(plain, start=1):
                points = product(other.extent for other in stage.inner[depth:])
                counter = loops.enter_context(self._loop(axis, *self._range(axis), inside=points))
                inside = inside.at(axis, counter)
                inside.compute(stage, [n for n, level in levels.items() if level == depth])
            along = self._totals_of(inside, [stage], lane)

            def point(at: Scope, new: Value | None) -> None:
                at.ask_for(self.plan.following.get(stage))
                at.compute(stage, [n for n, level in levels.items() if level == len(stage.inner)])
                numbers = range(len(stage.stage.effects))
                self._effects(at, stage, held if at.width == width else single, along, new, numbers)

            self._along(inside, lane, [stage], point, 1)
            self._finish(inside, along)
        for number, effect in enumerate(stage.stage.effects):
            if isinstance(effect, Fold):
                self._leave_fold(scope, stage, number, effect, held[number], single[number])

    def _plain_stage(
        self,
        scope: Scope,
        stage: StagePlan,
        levels: Mapping[int, int],
        totals: Totals,
        mask: Value | None,
    ) -> None:
        """A stage whose lanes, if any, are rows side by side."""
        held = self._held(scope, stage, scope.width, held_of)
        effects = stage.stage.effects
        backwards = [n for n, effect in enumerate(effects) if isinstance(effect, Prefix) and effect.reverse]
        forwards = [n for n in range(len(effects)) if n not in backwards]
        for reverse, numbers in ((False, forwards), (True, backwards)):
            inside = scope
            with ExitStack() as loops:
                for depth, axis in enumerate(stage.inner if numbers else (), start=1):
                    extent = self.arguments.number(axis.extent)
                    points = product(other.extent for other in stage.inner[depth:])
                    counter = loops.enter_context(self._loop(axis, "0", extent, inside=points))
                    if reverse:
                        end = self.text.value(f"sub i64 {extent}, 1")
                        counter = self.text.value(f"sub i64 {end}, {counter}")
                    inside = inside.at(axis, counter)
                    if axis is stage.inner[-1]:
                        inside.ask_for(self.plan.following.get(stage))
                    inside.compute(stage, [n for n, level in levels.items() if level == depth])
                self._effects(inside, stage, held, totals, mask, numbers)
        for number, effect in enumerate(stage.stage.effects):
            if isinstance(effect, Fold):
                found = held[number]
                values = [found.value.read(scope.lanes)] if found.index is None else _best(found, effect, scope)
                leave(scope, stage, number, values)

    def _held(self, scope: Scope, stage: StagePlan, lanes: int, holding: Holding) -> Mapping[int, Held]:
        return {
            number: holding(effect, stage.stage.lets[effect.value].dtype, scope, lanes)
            for number, effect in enumerate(stage.stage.effects)
            if isinstance(effect, Fold | Prefix)
        }

    def _leave_fold(self, scope: Scope, stage: StagePlan, number: int, effect: Fold, many: Held, one: Held) -> None:
        """The lanes as one, and what was taken in one by one."""
        lanes = scope.lanes
        assert many.index is None, effect
        value = folded(many, scope)
        if many is not one:
            value = combined(lanes, effect.monoid, value, one.value.read(lanes))
        leave(scope, stage, number, [value])

    def _effects(
        self,
        scope: Scope,
        stage: StagePlan,
        held: Mapping[int, Held],
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
                case Total(monoid=monoid):
                    kept = totals.get((stage, number))
                    if kept is not None and kept.value.lanes == scope.width:
                        step(kept, value, value, scope, mask)
                    else:
                        combine_into(scope, stage, number, monoid, value, mask)
                case Fold():
                    new = mask if stage.has_lanes else None  # rows side by side are each a fold of its own
                    place = Value(INT64, (scope.counters[stage.inner[-1]] if stage.inner else "0",))
                    step(held[number], value, place, scope, new)
                case Prefix():
                    leave(scope, stage, number, [step(held[number], value, value, scope, None)])

    # Totals that all lanes of a loop meet in.

    def _totals_along(self, scope: Scope, lane: Axis) -> Totals:
        return self._totals_of(scope, [stage for stage in self.plan.stages if not stage.inner], lane)

    def _totals_of(self, scope: Scope, stages: Sequence[StagePlan], lane: Axis) -> Totals:
        found = {}
        for stage in stages:
            for number, effect in enumerate(stage.stage.effects):
                if isinstance(effect, Total) and lane not in stage.places[number][0].terms:
                    dtype = stage.stage.lets[effect.value].dtype
                    found[stage, number] = held_along(effect, dtype, scope, self._width_along(lane, stages))
        return found

    def _finish(self, scope: Scope, totals: Totals) -> None:
        for (stage, number), held in totals.items():
            combine_into(scope, stage, number, held.monoid, folded(held, scope), None)


def _combines(stages: Sequence[StagePlan]) -> bool:
    """Whether a point that is made twice would count twice."""
    return any(
        not isinstance(effect, Store) or effect.combine is not None
        for stage in stages
        for effect in stage.stage.effects
    )


def _best(held: Held, effect: Fold, scope: Scope) -> list[Value]:
    """The best value and its place, or the place alone."""
    assert held.index is not None, effect
    index = held.index.read(scope.lanes)
    return [index] if len(effect.results) == 1 else [held.value.read(scope.lanes), index]
