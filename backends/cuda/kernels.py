"""A kernel as functions of C++: one for its rows, and one for what is left when all are done."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import final

from graphc.backends.cuda.dtypes import in_memory
from graphc.backends.cuda.effects import Held, held_of, start_text, wide
from graphc.backends.cuda.function_text import Lines, Parameters, Scratch
from graphc.backends.cuda.lets import Home, Library, Scope
from graphc.backends.cuda.owned import owned_locals
from graphc.backends.cuda.rows import Rows, unflattened
from graphc.backends.cuda.teams import BLOCK, KernelPlan, Team, planned
from graphc.kernel.buffer import Buffer
from graphc.kernel.naming import LETTERS
from graphc.kernel.scalar import Axis
from graphc.kernel.steps import Kernel, Total
from graphc.sizes import Size, maximum, minimum

__all__ = ["Function", "Native"]

MOST_BLOCKS = 1 << 14  # of one launch: more rows than they have threads are made by turns
PARTS = 512  # blocks, at most, that leave a part of a total each
WITH_SCRATCH = 256  # blocks, at most, that have scratch of their own in global memory
SHARED_BYTES = 32 << 10  # of locals of rows in shared memory
ON_THREAD = 64  # elements of a local that a thread keeps for itself


@final
@dataclass(frozen=True)
class Function:
    """A function: its text, in which KERNEL stands for its name, and how it is launched."""

    text: str
    parameters: Parameters
    blocks: Size
    threads: int = BLOCK


@final
@dataclass
class Native:
    """The functions of one kernel."""

    kernel: Kernel
    symbols: Mapping[str, str]
    owner: Callable[[Buffer], Buffer]
    library: Library
    plan: KernelPlan = field(init=False)
    parts: Mapping[Buffer, Scratch] = field(init=False)
    owned: Mapping[Buffer, int] = field(init=False)

    def __post_init__(self) -> None:
        self.plan = planned(self.kernel)
        self.parts = {}
        self.owned = owned_locals(self.plan)
        if not self._is_serial:
            self.parts = {x.result: Scratch(wide(x.result.dtype), self.blocks) for x in self.kernel.totals}

    @property
    def _is_serial(self) -> bool:
        """Whether one thread makes all of it: where totals have several elements."""
        return any(total.index for total in self.kernel.totals)

    @property
    def blocks(self) -> Size:
        """How many blocks make the rows; the sizes alone say so."""
        if self._is_serial:
            return 1
        team = self.plan.team
        blocks = (self.plan.rows + (team.rows - 1)) // team.rows
        if self.kernel.totals:
            return minimum(maximum(blocks, 1), PARTS)
        return minimum(blocks, WITH_SCRATCH if self._scratch else MOST_BLOCKS)

    def functions(self) -> Iterator[Function]:
        """Those that make the kernel, in order."""
        yield self._rows()
        if self.plan.last and not self._is_serial:
            yield self._end()

    # The rows.

    def _rows(self) -> Function:
        body = _Body(self, self.plan.team)
        with body.lines.braces(""):
            body.homes(self._locals_of_rows())
            if self._is_serial:
                self._serially(body)
            else:
                totals = self._totals(body)
                self._in_turn(body, body.rows)
                for total, held in totals.items():
                    body.lines.line()
                    self._leave_part(body, total, held)
        threads = 1 if self._is_serial else BLOCK
        return body.function(self.blocks, threads)

    def _in_turn(self, body: "_Body", rows: Rows) -> None:
        """All rows, by the teams in turn."""
        plan, team, index = self.plan, self.plan.team, body.scope.index
        if not plan.outer and team.threads == BLOCK:
            for shared in plan.stages:
                rows.stage(body.scope, shared)
            return
        name = body.lines.fresh("row" if team.threads > 1 else "point") if len(plan.outer) != 1 else ""
        name = name or body.lines.fresh(body.letters[plan.outer[0].number])
        first = f"{index}(blockIdx.x)" if team.rows == 1 else f"{index}(blockIdx.x) * {team.rows} + {team.number}"
        step = f"{index}(gridDim.x)" if team.rows == 1 else f"{index}(gridDim.x) * {team.rows}"
        count = body.parameters.size(plan.rows)
        with body.lines.braces(f"for ({index} {name} = {first}; {name} < {count}; {name} += {step})"):
            counters = unflattened(body.scope, plan.outer, name, body.letters) if plan.outer else {}
            scope = body.scope.inside(counters)
            scope.locals = {}
            for shared in plan.stages:
                rows.stage(scope, shared)
            if team.threads > 1 and not body.scope.homes.keys() <= self.owned.keys():
                rows.barrier(scope)

    def _serially(self, body: "_Body") -> None:
        """All rows by one thread, and the last stages."""
        scope = body.scope
        for total in self.kernel.totals:
            self._cleared(body, total)
        held = {x.result: held_of(x, x.result.dtype, scope, "total") for x in self.kernel.totals if not x.index}
        body.rows.totals = held
        self._loops(body, scope, list(self.plan.outer))
        scope.locals.update({result: total.name for result, total in held.items()})
        for shared in self.plan.last:
            body.rows.stage(scope, shared)

    def _loops(self, body: "_Body", scope: Scope, axes: Sequence[Axis]) -> None:
        with ExitStack() as loops:
            for axis in axes:
                name, end = body.lines.fresh(body.letters[axis.number]), body.parameters.size(axis.extent)
                loops.enter_context(body.lines.braces(f"for ({scope.index} {name} = 0; {name} < {end}; ++{name})"))
                scope = scope.inside({axis: name})
            scope = scope.inside()
            scope.locals = dict(body.scope.locals)
            for shared in self.plan.stages:
                body.rows.stage(scope, shared)

    def _cleared(self, body: "_Body", total: Total) -> None:
        start = start_text(total.monoid, total.result.dtype, self.library.need)
        if not total.index:
            return
        home = body.scope.homes[total.result]
        size = body.parameters.size(total.result.size)
        with body.lines.braces(f"for (i64 e = 0; e < {size}; ++e)"):
            body.lines.line(f"{home('e')} = {start};")

    # Totals.

    def _totals(self, body: "_Body") -> Mapping[Buffer, Held]:
        found = {x.result: held_of(x, x.result.dtype, body.scope, "total") for x in self.kernel.totals}
        body.rows.totals = found
        return found

    def _leave_part(self, body: "_Body", total: Buffer, held: Held) -> None:
        """The part of a block."""
        whole = _of_block(body, held)
        name = body.parameters.scratch(self.parts[total], body.lines.fresh("part"))
        with body.lines.braces("if (threadIdx.x == 0)"):
            body.lines.line(f"{name}[blockIdx.x] = {whole.name};")

    def _end(self) -> Function:
        """The last stages, by one block, once all parts of totals are there."""
        body = _Body(self, Team(BLOCK))
        with body.lines.braces(""):
            body.homes([local for local in self.kernel.locals if local.shape and local not in self.parts])
            for total in self.kernel.totals:
                held = held_of(total, total.result.dtype, body.scope, "total")
                name = body.parameters.scratch(self.parts[total.result], body.lines.fresh("part"))
                count = body.parameters.size(self.blocks)
                with body.lines.braces(f"for (i64 k = threadIdx.x; k < {count}; k += {BLOCK})"):
                    body.lines.line(f"{held.name} = {held.fold}::of({held.name}, {name}[k]);")
                held.need(self.library.need)
                body.scope.locals[total.result] = _of_block(body, held).name
            for shared in self.plan.last:
                body.rows.stage(body.scope, shared)
        return body.function(1, BLOCK)

    # Locals.

    def _locals_of_rows(self) -> Sequence[Buffer]:
        """Locals of several elements that rows have, or where all are made by one thread, all."""
        totals = {total.result for total in self.kernel.totals}
        last = {access.buffer for shared in self.plan.last for x in shared.plan.places for access in x}
        kept = set() if self._is_serial else totals | last
        indexed = {total.result for total in self.kernel.totals if total.index}
        return [x for x in self.kernel.locals if (x.shape or x in indexed) and x not in kept]

    def home_kind(self, locals: Sequence[Buffer], team: Team) -> str:
        """Where locals of several elements lie: "thread", "shared" or "scratch"."""
        bytes = sum(x.size * x.dtype.itemsize if isinstance(x.size, int) else SHARED_BYTES + 1 for x in locals)
        if team.threads == 1:
            return "thread" if bytes <= ON_THREAD * 8 else "scratch"
        return "shared" if bytes * team.rows <= SHARED_BYTES else "scratch"

    @property
    def _scratch(self) -> bool:
        locals = [local for local in self._locals_of_rows() if local not in self.owned]
        return bool(locals) and self.home_kind(locals, self.plan.team) == "scratch"


@final
@dataclass
class _Body:
    """A function that is being written."""

    native: Native
    team: Team
    lines: Lines = field(default_factory=Lines)
    _first: list[str] = field(default_factory=list)
    _rooms: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        native = self.native
        written = frozenset(native.owner(buffer) for buffer in native.kernel.writes)
        self.parameters = Parameters(native.symbols, written, native.owner, native.library.need)
        self.scope = Scope(self.lines, self.parameters, native.library, native.plan.index)
        numbers = sorted({axis.number for axis in (*native.plan.outer, *self._inner)})
        self.letters = {n: LETTERS[place] if place < len(LETTERS) else f"i{place}_" for place, n in enumerate(numbers)}
        self.rows = Rows(self.team, self.letters, self.room, {}, native.owned)

    @property
    def _inner(self) -> Iterator[Axis]:
        for shared in (*self.native.plan.stages, *self.native.plan.last):
            yield from shared.plan.inner

    def room(self, type: str) -> str:
        """The shared memory in which the warps of a block leave values of a type."""
        if type not in self._rooms:
            self._rooms[type] = f"room{len(self._rooms)}"
            self._first.append(f"__shared__ {type} {self._rooms[type]}[{BLOCK // 32}];")
        return self._rooms[type]

    def homes(self, locals: Sequence[Buffer]) -> None:
        """Give locals of several elements a place."""
        homes: dict[Buffer, Home] = {}
        for local in [x for x in locals if x in self.native.owned]:
            name = self.lines.fresh("a")
            self._first.append(f"{in_memory(local.dtype)} {name}[{self.native.owned[local]}];")
            homes[local] = _at(name, "e")
        locals = [local for local in locals if local not in homes]
        kind = self.native.home_kind(locals, self.team)
        for local in locals:
            name, type, size = self.lines.fresh("a"), in_memory(local.dtype), self.parameters.size(local.size)
            if kind == "thread":
                self.lines.line(f"{type} {name}[{max(int(local.size), 1)}];")
                homes[local] = _at(name)
            elif kind == "shared" and self.team.rows == 1:
                self._first.append(f"__shared__ {type} {name}[{size}];")
                homes[local] = _at(name)
            elif kind == "shared":
                self._first.append(f"__shared__ {type} {name}[{self.team.rows}][{size}];")
                homes[local] = _at(f"{name}[{self.team.number}]")
            else:
                homes[local] = self._in_scratch(local, name, size)
        self.scope.homes = homes

    def _in_scratch(self, local: Buffer, name: str, size: str) -> Home:
        """A place in global memory: the elements of all threads side by side, or those of a team."""
        blocks = self.native.blocks
        threads = blocks * (BLOCK if self.team.threads == 1 and not self.native._is_serial else self.team.rows)
        if self.native._is_serial:
            threads = 1
        base = self.parameters.scratch(Scratch(local.dtype, local.size * threads), f"scratch_{name}")
        if self.native._is_serial:
            return _at(base)
        if self.team.threads == 1:
            self.lines.line(f"{in_memory(local.dtype)}* const {name} = {base} + blockIdx.x * {BLOCK} + threadIdx.x;")
            return lambda at: f"{name}[({at}) * (i64(gridDim.x) * {BLOCK})]"
        team = "blockIdx.x" if self.team.rows == 1 else f"(blockIdx.x * {self.team.rows} + {self.team.number})"
        self.lines.line(f"{in_memory(local.dtype)}* const {name} = {base} + i64({team}) * ({size});")
        return _at(name)

    def function(self, blocks: Size, threads: int) -> Function:
        """The whole function."""
        lines = str(self.lines.writer).splitlines()
        opening = [f"    {line}" for line in self._first]
        if self.team.threads > 1:
            opening.append(f"    const {self.scope.index} member = {self.team.member};")
        return Function(
            "\n".join([self.parameters.head(threads), *opening, *lines[1:], ""]), self.parameters, blocks, threads
        )


def _of_block(body: _Body, held: Held) -> Held:
    """The combination of what all threads of a block hold."""
    return Rows(Team(BLOCK), body.letters, body.room, {}).of_team(body.scope, held)


def _at(name: str, place: str = "") -> Home:
    return lambda at: f"{name}[{place or at}]"
