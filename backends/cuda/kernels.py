"""A kernel as a function of C++ for its rows, and as kernels for what is left when all are done."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import field, replace
from typing import final

from graphc.backends.cuda.bodies import Body, Function, Made, home_kind
from graphc.backends.cuda.crosswise import Crosswise, crosswise, write_squares
from graphc.backends.cuda.effects import Held, held_of
from graphc.backends.cuda.function_text import enclosed
from graphc.backends.cuda.kept import with_loads_kept
from graphc.backends.cuda.lets import Library, Scope
from graphc.backends.cuda.owned import owned_locals
from graphc.backends.cuda.row_vectors import row_width
from graphc.backends.cuda.rows import unflattened
from graphc.backends.cuda.shares import shares_of
from graphc.backends.cuda.teams import BLOCK, KernelPlan, Team, planned
from graphc.backends.cuda.totals import after_rows, are_shared
from graphc.backends.cuda.vectors import vector_width, write_vectors
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.scalar import Axis
from graphc.kernel.steps import Effect, Kernel, Total, targets
from graphc.sizes import Size, maximum, minimum
from graphc.types import accumulator

__all__ = ["MOST_BLOCKS", "Native"]

MOST_BLOCKS = 1 << 14  # of one launch: more rows than they have threads are made by turns
PARTS = 512  # blocks, at most, that leave a part of a total of one element each
PARTS_OF_MANY = 256  # and of totals of several elements
WITH_SCRATCH = 256  # blocks, at most, that have scratch of their own in global memory


@final
@dataclass
class Native:
    """The function of one kernel.

    width  points that a thread makes side by side
    squares  how it is made where some accesses go across the others
    shares  threads among which the elements of a row are shared
    after  kernels that combine totals and make the last stages
    rooms  buffers that these read, beside those of the program
    """

    kernel: Kernel
    symbols: Mapping[str, str]
    owner: Callable[[Buffer], Buffer]
    library: Library
    made: Made = field(init=False)
    width: int = field(init=False)
    squares: Crosswise | None = field(init=False)
    shares: int = field(init=False)
    after: Sequence[Kernel] = ()
    rooms: Sequence[Buffer] = ()

    def __post_init__(self) -> None:
        self.kernel = self._with_loads_kept()
        plan, totals = planned(self.kernel), self.kernel.totals
        self.squares, self.shares = crosswise(plan), shares_of(plan)
        self.width = 1 if self.squares is not None else vector_width(plan, self.owner)
        indexed = [total for total in totals if total.index]
        is_serial = bool(indexed) and (plan.team.threads == 1 or not are_shared(plan))
        plan = replace(plan, team=Team(1)) if is_serial else plan
        width = row_width(plan, self.owner)
        owned = {} if is_serial else owned_locals(plan, width)
        blocks: Size = 1 if is_serial else self._blocks(plan, owned)
        parts: dict[Buffer, Buffer] = {}
        for total in totals:
            count = 1 if is_serial else blocks * plan.team.rows if total.index else blocks
            shape = (count, *total.result.shape)
            parts[total.result] = Buffer(Role.TEMPORARY, accumulator(total.result.dtype), shape)
        self.made = Made(plan, self.symbols, self.owner, self.library, owned, width, blocks, is_serial, parts)
        if totals:
            wholes = {x.result: Buffer(Role.TEMPORARY, x.result.dtype, x.result.shape) for x in indexed}
            self.after = tuple(after_rows(self.kernel, parts, wholes))
            self.rooms = (*parts.values(), *wholes.values())

    def _with_loads_kept(self) -> Kernel:
        """The kernel with what rows read again in registers, where there is room for all of it."""
        kept = with_loads_kept(self.kernel, self.owner)
        fresh = set(kept.locals).difference(self.kernel.locals)
        plan = planned(kept)
        return kept if fresh and fresh <= owned_locals(plan, row_width(plan, self.owner)).keys() else self.kernel

    def _blocks(self, plan: KernelPlan, owned: Mapping[Buffer, int]) -> Size:
        """How many blocks make the rows; the sizes alone say so."""
        if self.squares is not None:
            return minimum(self.squares.squares, MOST_BLOCKS)
        rows = plan.team.rows * self.width
        blocks = (plan.rows * self.shares + (rows - 1)) // rows
        if self.kernel.totals:
            most = PARTS_OF_MANY if any(total.index for total in self.kernel.totals) else PARTS
            return minimum(maximum(blocks, 1), most)
        locals = [local for local in self._locals_of_rows() if local not in owned]
        has_scratch = bool(locals) and home_kind(locals, plan.team) == "scratch"
        return minimum(blocks, WITH_SCRATCH if has_scratch else MOST_BLOCKS)

    def _locals_of_rows(self) -> Sequence[Buffer]:
        """Locals of several elements that rows have."""
        last = {target for stage in self.kernel.stages if stage.is_last for target in _results(stage.effects)}
        kept = {total.result for total in self.kernel.totals} | last
        return [local for local in self.kernel.locals if local.shape and local not in kept]

    def function(self) -> Function:
        """The rows; the totals of each team."""
        body, totals = Body(self.made), self.kernel.totals
        with body.lines.braces(""):
            body.homes(self._locals_of_rows())
            held: dict[Total, Held] = {}
            for total in totals:
                if total.index:
                    body.start_total(total)
                else:
                    held[total] = held_of(total, total.result.dtype, body.scope, "total")
            body.rows.totals = {total.result: one for total, one in held.items()}
            if self.made.is_serial:
                self._serially(body)
            else:
                self._in_turn(body)
            for total in totals:
                if total.index:
                    body.leave_total(total)
                elif self.made.is_serial:
                    body.lines.line(
                        f"{body.parameters.pointer(self.made.parts[total.result])}[0] = {held[total].name};"
                    )
                else:
                    body.leave_part(total, held[total])
        return body.function()

    def _in_turn(self, body: Body) -> None:
        """All rows, by the teams in turn."""
        if self.width > 1:
            write_vectors(body, self.width)
            return
        if self.squares is not None:
            write_squares(body, self.squares)
            return
        plan, team, index, rows = self.made.plan, self.made.plan.team, body.scope.index, body.rows
        if not plan.outer and team.threads == BLOCK:
            for shared in plan.stages:
                rows.stage(body.scope, shared)
            return
        is_single = len(plan.outer) == 1 and self.shares == 1
        name = "" if is_single else body.lines.fresh("row" if team.threads > 1 else "point")
        name = name or body.lines.fresh(body.letters[plan.outer[0].number])
        first = f"{index}(blockIdx.x)" if team.rows == 1 else f"{index}(blockIdx.x) * {team.rows} + {team.number}"
        step = f"{index}(gridDim.x)" if team.rows == 1 else f"{index}(gridDim.x) * {team.rows}"
        count = body.parameters.size(plan.rows * self.shares)
        with body.lines.braces(f"for ({index} {name} = {first}; {name} < {count}; {name} += {step})"):
            if self.shares > 1:
                name = self._shared(body, name)
            counters = unflattened(body.scope, plan.outer, name, body.letters) if plan.outer else {}
            scope = body.scope.inside(counters)
            scope.locals = {}
            for shared in plan.stages:
                rows.stage(scope, shared)
            if team.threads > 1 and not body.scope.homes.keys() <= self.made.owned.keys():
                rows.barrier(scope)

    def _shared(self, body: Body, point: str) -> str:
        """Declare the share and the row of a thread; the name of the row."""
        rows, index = self.made.plan.rows, body.scope.index
        if rows == 1:
            body.rows.share = point
            return "0"
        each = enclosed(body.parameters.size(rows))
        body.rows.share = body.lines.let(index, f"{point} / {each}", "share")
        return body.lines.let(index, f"{point} % {each}", "row")

    def _serially(self, body: Body) -> None:
        """All rows by one thread."""
        scope = body.scope
        with ExitStack() as loops:
            for axis in self.made.plan.outer:
                scope = self._loop(body, scope, axis, loops)
            scope = scope.inside()
            scope.locals = {}
            for shared in self.made.plan.stages:
                body.rows.stage(scope, shared)

    def _loop(self, body: Body, scope: Scope, axis: Axis, loops: ExitStack) -> Scope:
        name, end = body.lines.fresh(body.letters[axis.number]), body.parameters.size(axis.extent)
        loops.enter_context(body.lines.braces(f"for ({scope.index} {name} = 0; {name} < {end}; ++{name})"))
        return scope.inside({axis: name})


def _results(effects: Sequence[Effect]) -> Sequence[Buffer]:
    return [target for effect in effects for target in targets(effect)]
