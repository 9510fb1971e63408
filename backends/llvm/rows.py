"""The rows of a kernel: loops over its axes, and in them its stages."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import final

from graphc.backends.llvm.along import Along
from graphc.backends.llvm.crosswise import Crosswise
from graphc.backends.llvm.levels import levels_of
from graphc.backends.llvm.scope import Scope
from graphc.backends.llvm.stages import Stages, Totals
from graphc.backends.llvm.values import Value
from graphc.dataclass import dataclass
from graphc.kernel.scalar import Axis
from graphc.kernel.stages import StagePlan
from graphc.sizes import Size, product, total

__all__ = ["Rows"]

STRIP = 256  # lanes of which blocks are walked before those that follow: each may be in another page


@final
@dataclass(frozen=True)
class Rows:
    """Writes the loops of a kernel, and in them its stages."""

    walk: Along

    # Levels: how many loops a let stands in.

    def _hoisted(self) -> Mapping[int, Sequence[tuple[StagePlan, int]]]:
        """Lets that are computed outside the rows, by how many of the outer loops they stand in."""
        found: dict[int, list[tuple[StagePlan, int]]] = {}
        places = {axis: depth for depth, axis in enumerate(self.walk.plan.outer, start=1)}
        row = len(self.walk.plan.outer)
        for stage in self.walk.plan.stages:
            for number, level in levels_of(self.walk.plan, stage, places, row).items():
                if level < row:
                    found.setdefault(level, []).append((stage, number))
        return found

    # Loops.

    def write(self, scope: Scope) -> None:
        """All rows."""
        plan = self.walk.plan
        hoisted, stages = self._hoisted(), Stages(self.walk)
        plain = [axis for axis in plan.outer if axis not in (plan.lane, plan.blocked)]
        with ExitStack() as loops:
            self._compute(scope, hoisted.get(0, ()))
            for depth, axis in enumerate(plain, start=1):
                inside = product(other.extent for other in plan.outer[depth:]) * self._row_points
                counter = loops.enter_context(self.walk.loop(axis, *self.walk.range(axis), inside=inside))
                scope = scope.at(axis, counter)
                self._compute(scope, hoisted.get(depth, ()))
            runs = stages.totals_of_runs(scope)
            if plan.lane is None:
                self._row(scope, None, runs)
            elif plan.blocked is not None:
                self._blocks(scope, plan.blocked, plan.lane)
            else:
                totals = {**stages.totals_along(scope, plan.lane), **runs}

                def rows(inside: Scope, mask: Value | None) -> None:
                    self._row(inside, mask, totals)

                self.walk.along(scope, plan.lane, plan.stages, rows, self._row_points, list(runs.values()))
                stages.finish(scope, totals)

    def _blocks(self, scope: Scope, axis: Axis, lane: Axis) -> None:
        """Rows in blocks: for each vector of lanes as many of them as a block has.  Stages do nothing but store.

        The lanes are walked in strips: all blocks of a chunk find the pages of a strip again.  What a whole block reads
        crosswise of a strip is turned over, and then its rows are made one after the other.
        """
        text, stages, block = self.walk.text, self.walk.plan.stages, self.walk.plan.block
        first, last = self.walk.range(axis)
        start, end = self.walk.range(lane)
        with text.loop(start, end, STRIP) as place, self.walk.loop(axis, first, last, block, STRIP) as row:
            behind = text.value(f"add i64 {row}, {block}")
            strip = (place, text.least(text.value(f"add i64 {place}, {STRIP}"), end))
            walk = replace(self.walk, ranges={**self.walk.ranges, lane: strip})
            crosswise = Crosswise(walk, row, place, STRIP)

            def whole() -> None:
                walk.along(scope.at(axis, row), lane, stages, crosswise.turn, block)
                with text.loop(row, behind) as counter:
                    walk.along(scope.at(axis, counter), lane, stages, point, 1)

            def point(inside: Scope, mask: Value | None) -> None:
                crosswise.read(inside)
                self._row(inside, mask)

            def in_vectors() -> None:
                walk.along(scope, lane, stages, rows, block)

            def rows(inside: Scope, mask: Value | None) -> None:
                with text.loop(row, text.least(behind, last)) as counter:
                    self._row(inside.at(axis, counter), mask)

            if not crosswise.rooms:
                in_vectors()
            elif isinstance(axis.extent, int) and axis.extent % block == 0:
                whole()
            else:
                with text.either(text.value(f"icmp sle i64 {behind}, {last}")) as otherwise:
                    whole()
                    otherwise()
                    in_vectors()

    @property
    def _row_points(self) -> Size:
        """How many points a row has."""
        return total(product(axis.extent for axis in stage.inner) for stage in self.walk.plan.stages)

    def _compute(self, scope: Scope, lets: Sequence[tuple[StagePlan, int]]) -> None:
        for stage, number in lets:
            scope.compute(stage, [number])

    # Rows and stages.

    def _row(self, scope: Scope, mask: Value | None, totals: "Totals | None" = None) -> None:
        """The stages at one row, or at rows side by side."""
        row = scope.row()
        for stage in self.walk.plan.stages:
            Stages(self.walk).write(row, stage, totals or {}, mask)
