"""The stages of a kernel at one row, made by a team of threads."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import field, replace
from typing import TypeAlias, final

from graphc.backends.cuda.dtypes import in_register
from graphc.backends.cuda.effects import Held, combined, held_of, leave, start_text, taken_in
from graphc.backends.cuda.function_text import enclosed
from graphc.backends.cuda.functions import Operand, cast
from graphc.backends.cuda.lets import Home, Scope
from graphc.backends.cuda.row_vectors import Vectors, element_of, is_wide
from graphc.backends.cuda.shares import SHARES, lets_behind
from graphc.backends.cuda.teams import Shared, Team
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.scalar import Axis, Load
from graphc.kernel.stages import StagePlan
from graphc.kernel.steps import Fold, Prefix, Store, Total
from graphc.sizes import Size, product
from graphc.types import INT64

__all__ = ["Rows", "unflattened"]

Walk: TypeAlias = Callable[[ExitStack], tuple[Scope, Mapping[Buffer, Home]]]  # opens loops over points
Rooms: TypeAlias = Callable[[str], str]  # the shared memory in which values of a type meet


@final
@dataclass
class Rows:
    """Writes stages.

    letters  the name of each axis, by its number
    room     the shared memory in which the warps of a block leave their values
    totals   what totals have so far
    leader   the condition that a thread is the first of its team; "" where it is the only one
    owned    locals that threads keep in registers, and how many elements each of them has
    width    elements side by side that a thread takes of rows whose extent allows it
    share    the variable that says which elements of a scatter are this thread's; "" where all are
    wholes   how many elements of rows are in vectors -> the variable that says so
    written, read  what earlier stages of the row wrote and read since the last barrier
    """

    team: Team
    letters: Mapping[int, str]
    room: Rooms
    totals: Mapping[Buffer, Held]
    owned: Mapping[Buffer, int] = field(default_factory=dict)
    width: int = 1
    share: str = ""
    written: set[Buffer] = field(default_factory=set)
    read: set[Buffer] = field(default_factory=set)
    wholes: dict[str, str] = field(default_factory=dict)

    @property
    def leader(self) -> str:
        """The condition that a thread is the first of its team."""
        return "" if self.team.threads == 1 else "member == 0"

    def stage(self, scope: Scope, shared: Shared) -> None:
        """One stage."""
        self._wait_for(scope, shared.plan)
        if not shared.plan.inner:
            self._point(scope, shared.plan)
            return
        prefixes = [effect for effect in shared.plan.stage.effects if isinstance(effect, Prefix)]
        if prefixes and self.team.threads > 1:
            self._running(scope, shared)
        else:
            self._walk(scope, shared)

    def _wait_for(self, scope: Scope, stage: StagePlan) -> None:
        """A barrier, if the stage touches what the team wrote before, or writes what it read."""
        if self.team.threads == 1:
            return
        loaded, stored = self._loaded(scope, stage), self._stored(scope, stage)
        if (loaded | stored) & self.written or stored & self.read:
            self.barrier(scope)
        self.read |= loaded

    def _loaded(self, scope: Scope, stage: StagePlan) -> set[Buffer]:
        """The owners of what a stage reads that others may write."""
        loads = [let.buffer for let in stage.stage.lets if isinstance(let, Load)]
        return {scope.parameters.owner(buffer) for buffer in loads if self._meets(scope, buffer)}

    def _stored(self, scope: Scope, stage: StagePlan) -> set[Buffer]:
        """The owners of what it writes that others may read."""
        stored = [access.buffer for places in stage.places for access in places if access.buffer not in self.totals]
        return {scope.parameters.owner(buffer) for buffer in stored if self._meets(scope, buffer)}

    def barrier(self, scope: Scope) -> None:
        """Wait for all of the team."""
        scope.lines.line(self.team.barrier)
        self.written.clear()
        self.read.clear()

    def _meets(self, scope: Scope, buffer: Buffer) -> bool:
        """Whether a buffer is one that several threads see."""
        return buffer not in scope.locals and buffer not in self.owned and not self._is_single(scope, buffer)

    def _wrote(self, scope: Scope, buffer: Buffer) -> None:
        self.written.add(scope.parameters.owner(buffer))

    # Stages of one point.

    def _point(self, scope: Scope, stage: StagePlan) -> None:
        """A stage without inner axes: all of the team compute it, the first one stores."""
        scope.compute(stage)
        waiting: list[int] = []
        for number, effect in enumerate(stage.stage.effects):
            value = scope.operand(stage, effect.value)
            match effect:
                case Store(buffer=buffer, combine=None) if self._is_single(scope, buffer):
                    self._set_local(scope, buffer, value)
                case Fold(monoid=monoid):
                    held = held_of(effect, value.dtype, scope)
                    taken_in(scope, held, value, "0")
                    self._folded(scope, stage, number, held, monoid.name, is_alone=True)
                case Total(index=()):
                    waiting.append(number)
                case _:
                    waiting.append(number)
        if waiting:
            if self.leader and self._loaded(scope, stage) & self._stored(scope, stage):
                self.barrier(scope)  # all of the team have read what the first one writes over
            with self._if_leader(scope):
                for number in waiting:
                    self._effect(scope, stage, number)

    def _is_single(self, scope: Scope, buffer: Buffer) -> bool:
        return buffer.role is Role.LOCAL and not buffer.shape and buffer not in scope.homes

    def _set_local(self, scope: Scope, buffer: Buffer, value: Operand) -> None:
        text = cast(value, buffer.dtype, scope.library.need)
        old = scope.locals.get(buffer)
        if old is not None:
            scope.lines.line(f"{old} = {text};")
        else:
            scope.locals[buffer] = scope.lines.let(in_register(buffer.dtype), text, "l")

    @contextmanager
    def _if_leader(self, scope: Scope) -> Iterator[None]:
        if not self.leader:
            yield
            return
        with scope.lines.braces(f"if ({self.leader})"):
            yield

    # Stages along axes.

    def _walk(self, scope: Scope, shared: Shared) -> None:
        stage = shared.plan
        held: dict[int, Held] = {}
        self._declare_locals(scope, stage)
        for number, effect in enumerate(stage.stage.effects):
            if isinstance(effect, Fold | Prefix):
                held[number] = held_of(effect, stage.stage.lets[effect.value].dtype, scope)
        for walk in self._walks(scope, shared):
            with ExitStack() as loops:
                self._make_points(scope, stage, held, walk, loops)
        for number, effect in enumerate(stage.stage.effects):
            if isinstance(effect, Fold):
                self._folded(scope, stage, number, held[number], effect.monoid.name, is_alone=not self._shares(shared))

    def _make_points(
        self, scope: Scope, stage: StagePlan, held: Mapping[int, Held], walk: Walk, loops: ExitStack
    ) -> None:
        """The points of a walk."""
        inside, homes = walk(loops)
        if self.share:
            self._if_own(inside, stage, loops)
        inside.compute(stage)
        inside.homes = homes
        for number, effect in enumerate(stage.stage.effects):
            value = inside.operand(stage, effect.value)
            if number not in held:
                self._effect(inside, stage, number)
                continue
            taken_in(inside, held[number], value, self._place(inside, stage))
            if isinstance(effect, Prefix):
                leave(inside, stage, number, [Operand(held[number].name, held[number].dtype)])
                self._wrote(scope, effect.result)

    def _if_own(self, scope: Scope, stage: StagePlan, loops: ExitStack) -> None:
        """Go on only with points whose element belongs to the share of this thread."""
        numbers = [number for number, _ in stage.places[0][0].data]
        scope.compute(stage, lets_behind(stage, numbers))
        key = " + ".join(cast(scope.operand(stage, number), INT64, scope.library.need) for number in numbers)
        loops.enter_context(scope.lines.braces(f"if (u64({key}) % {SHARES} == u64({self.share}))"))

    def _shares(self, shared: Shared) -> bool:
        return self.team.threads > 1 and bool(shared.free)

    def _declare_locals(self, scope: Scope, stage: StagePlan) -> None:
        """Locals of one element that are set inside loops are variables outside of them."""
        for effect in stage.stage.effects:
            if not isinstance(effect, Store) or effect.buffer in scope.locals:
                continue
            if self._is_single(scope, effect.buffer):
                name = scope.locals[effect.buffer] = scope.lines.fresh("l")
                start = start_text(effect.combine, effect.buffer.dtype, scope.library.need)
                scope.lines.line(f"{in_register(effect.buffer.dtype)} {name} = {start};")

    def _place(self, scope: Scope, stage: StagePlan) -> str:
        """The position along the inner axis of a stage that has one."""
        return scope.counters[stage.inner[0]] if len(stage.inner) == 1 else "0"

    def _walks(self, scope: Scope, shared: Shared) -> Iterator[Walk]:
        """The ways along the inner axes, one after the other: in vectors as far as that goes, and for the rest."""
        if not self._shares(shared) or not is_wide(shared, self.team, self.width):
            yield lambda loops: self._loops(scope, shared, loops)
            return
        vectors = Vectors(self.team, self.width, self._kept(shared))
        end, whole = scope.parameters.size(shared.free[0].extent), vectors.whole(scope, shared)
        if whole != end and whole not in self.wholes:
            self.wholes[whole] = scope.lines.let(scope.index, whole, "whole")
        name = self.wholes.get(whole, whole)
        yield lambda loops: vectors.loop(scope, shared, loops, name)
        if whole != end:
            yield lambda loops: (self._shared_loop(scope, shared, loops, name), scope.homes)

    def _loops(self, scope: Scope, shared: Shared, loops: ExitStack) -> tuple[Scope, Mapping[Buffer, Home]]:
        """Loops over the inner axes, the free ones shared by the team; their inside, and homes of what is written."""
        plain = list(shared.plan.inner)
        reverse = any(isinstance(effect, Prefix) and effect.reverse for effect in shared.plan.stage.effects)
        if self._shares(shared):
            scope = self._shared_loop(scope, shared, loops)
            plain = list(shared.serial)
        for axis in plain:
            name, end = scope.lines.fresh(self.letters[axis.number]), scope.parameters.size(axis.extent)
            head = f"for ({scope.index} {name} = 0; {name} < {end}; ++{name})"
            if reverse:
                head = f"for ({scope.index} {name} = {end} - 1; {name} >= 0; --{name})"
            loops.enter_context(scope.lines.braces(head))
            scope = scope.inside({axis: name})
        return scope, scope.homes

    def _kept(self, shared: Shared) -> int:
        """How many elements of what a stage touches a thread keeps in registers."""
        return next((self.owned[x.buffer] for x in shared.plan.accesses if x.buffer in self.owned), 0)

    def _shared_loop(self, scope: Scope, shared: Shared, loops: ExitStack, start: str = "") -> Scope:
        """The loop over points that the team shares, behind those up to `start`."""
        axes = shared.free
        each = self._kept(shared)
        if each:
            return self._unrolled_loop(scope, axes[0], each, loops)
        end = scope.parameters.size(product(axis.extent for axis in axes))
        name = scope.lines.fresh(self.letters[axes[0].number] if len(axes) == 1 else "p")
        first = f"{start} + member" if start else "member"
        head = f"for ({scope.index} {name} = {first}; {name} < {end}; {name} += {self.team.threads})"
        loops.enter_context(scope.lines.braces(head))
        return scope.inside(unflattened(scope, axes, name, self.letters))

    def _unrolled_loop(self, scope: Scope, axis: Axis, each: int, loops: ExitStack) -> Scope:
        """The loop over elements that a thread keeps in registers."""
        lines, threads = scope.lines, self.team.threads
        lines.line("#pragma unroll")
        loops.enter_context(lines.braces(f"for (int e = 0; e < {each}; ++e)"))
        name = lines.let(scope.index, element_of(threads, 1), self.letters[axis.number])
        if axis.extent != each * threads:
            loops.enter_context(lines.braces(f"if ({name} < {axis.extent})"))
        return scope.inside({axis: name})

    def _effect(self, scope: Scope, stage: StagePlan, number: int) -> None:
        """A store or a total at one point."""
        effect = stage.stage.effects[number]
        value = scope.operand(stage, effect.value)
        if isinstance(effect, Total):
            if effect.index:
                leave(scope, stage, number, [value], effect.monoid)
            else:
                taken_in(scope, self.totals[effect.result], value, "0")
            return
        assert isinstance(effect, Store), effect
        if self._is_single(scope, effect.buffer):
            name = scope.locals[effect.buffer]
            new = cast(value, effect.buffer.dtype, scope.library.need)
            if effect.combine is not None:
                old = Operand(name, effect.buffer.dtype)
                new = combined(scope, effect.combine, old, Operand(new, effect.buffer.dtype))
            scope.lines.line(f"{name} = {new};")
            return
        leave(scope, stage, number, [value], effect.combine)
        self._wrote(scope, effect.buffer)

    def _folded(self, scope: Scope, stage: StagePlan, number: int, held: Held, name: str, *, is_alone: bool) -> None:
        """What a fold found, of all of the team."""
        if not is_alone and self.team.threads > 1:
            held = self.of_team(scope, held)
        effect = stage.stage.effects[number]
        assert isinstance(effect, Fold), effect
        results = held.results(len(effect.results))
        for access, result in zip(stage.places[number], results, strict=True):
            if self._is_single(scope, access.buffer):
                text = cast(result, access.buffer.dtype, scope.library.need)
                scope.locals[access.buffer] = (
                    text if text.isidentifier() else scope.lines.let(in_register(access.buffer.dtype), text, "l")
                )
        rest = [n for n, access in enumerate(stage.places[number]) if not self._is_single(scope, access.buffer)]
        if rest:
            with self._if_leader(scope):
                leave(scope, stage, number, results, only=rest)
            for n in rest:
                self._wrote(scope, stage.places[number][n].buffer)

    def of_team(self, scope: Scope, held: Held) -> Held:
        """The combination of what each of the team holds."""
        scope.library.need(f"{self.team.name} fold")
        held.need(scope.library.need)
        room = f", {self.room(held.type)}" if self.team.name == "block" else ""
        name = scope.lines.let(held.type, f"{self.team.name}_fold<{held.fold}>({held.name}{room})", "l")
        return replace(held, name=name)

    # Running combinations.

    def _running(self, scope: Scope, shared: Shared) -> None:
        """A stage with running combinations: the team goes on along the axis side by side."""
        stage, lines = shared.plan, scope.lines
        (axis,) = stage.inner
        effects = stage.stage.effects
        self._declare_locals(scope, stage)
        held = {
            number: held_of(effect, stage.stage.lets[effect.value].dtype, scope)
            for number, effect in enumerate(effects)
            if isinstance(effect, Fold | Prefix)
        }
        reverse = {effect.reverse for effect in effects if isinstance(effect, Prefix)}
        assert len(reverse) == 1, effects
        end, first = scope.parameters.size(axis.extent), lines.fresh("first")
        with lines.braces(f"for ({scope.index} {first} = 0; {first} < {end}; {first} += {self.team.threads})"):
            name = lines.fresh(self.letters[axis.number])
            at = f"{end} - 1 - ({first} + member)" if True in reverse else f"{first} + member"
            lines.line(f"const {scope.index} {name} = {at};")
            condition = f"{name} >= 0" if True in reverse else f"{name} < {end}"
            inputs = {}
            for number, effect in enumerate(effects):
                if isinstance(effect, Prefix):
                    inputs[number] = lines.fresh("s")
                    start = start_text(effect.monoid, held[number].dtype, scope.library.need)
                    lines.line(f"{held[number].type} {inputs[number]} = {start};")
            inside = scope.inside({axis: name})
            with lines.braces(f"if ({condition})"):
                inside.compute(stage)
                for number, effect in enumerate(effects):
                    value = inside.operand(stage, effect.value)
                    if number in inputs:
                        lines.line(f"{inputs[number]} = {cast(value, held[number].dtype, scope.library.need)};")
                    elif number in held:
                        taken_in(inside, held[number], value, name)
                    else:
                        self._effect(inside, stage, number)
            for number, given in inputs.items():
                scope.library.need(f"{self.team.name} scan")
                held[number].need(scope.library.need)
                room = f", {self.room(held[number].type)}" if self.team.name == "block" else ""
                call = f"{self.team.name}_scan<{held[number].fold}>({given}, {held[number].name}{room})"
                lines.line(f"{given} = {call};")
            with lines.braces(f"if ({condition})"):
                for number, given in inputs.items():
                    leave(inside, stage, number, [Operand(given, held[number].dtype)])
        for number, effect in enumerate(effects):
            if isinstance(effect, Prefix):
                self._wrote(scope, effect.result)
            elif isinstance(effect, Fold):
                self._folded(scope, stage, number, held[number], effect.monoid.name, is_alone=False)


def unflattened(scope: Scope, axes: Sequence[Axis], name: str, letters: Mapping[int, str]) -> dict[Axis, str]:
    """Declare the place along each of several axes that are counted as one."""
    if len(axes) == 1:
        return {axes[0]: name}
    found = {}
    behind: Size = 1
    for axis in reversed(axes):
        if 0 in (behind, axis.extent):  # there are no points, and nothing to divide by
            found[axis] = name
            continue
        text = name if behind == 1 else f"{name} / {enclosed(scope.parameters.size(behind))}"
        if axis is not axes[0]:
            text = f"{text} % {enclosed(scope.parameters.size(axis.extent))}"
        found[axis] = scope.lines.let(scope.index, text, letters[axis.number])
        behind = behind * axis.extent
    return found
