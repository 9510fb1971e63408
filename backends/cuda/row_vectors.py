"""Stages of rows whose threads move 16 bytes at a time: which of them can, and the loop over whole vectors."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import final

from graphc.backends.cuda.dtypes import in_memory
from graphc.backends.cuda.function_text import enclosed
from graphc.backends.cuda.lets import Home, Scope
from graphc.backends.cuda.teams import KernelPlan, Shared, Team
from graphc.dataclass import dataclass
from graphc.kernel.accesses import Access
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.scalar import Axis, Load
from graphc.kernel.stages import StagePlan
from graphc.kernel.steps import Prefix, Store, Total
from graphc.sizes import Size, equal

__all__ = ["Owner", "Vectors", "divides", "element_of", "is_wide", "row_width", "vectors_of"]

BYTES = 16
Owner = Callable[[Buffer], Buffer]


def row_width(plan: KernelPlan, owner: Owner) -> int:
    """How many elements side by side a thread takes of each row: so many that most arrays are moved by vectors."""
    moved = dict.fromkeys((1, 8, 4, 2), 0)
    for shared in plan.stages if plan.team.threads > 1 else ():
        for width in moved:
            if is_wide(shared, plan.team, width):
                moved[width] += len(vectors_of(shared.plan, shared.free[0], width, owner))
    return max(moved, key=lambda width: moved[width])


def is_wide(shared: Shared, team: Team, width: int) -> bool:
    """Whether a team walks a stage in vectors: there are enough for half of its threads, and nothing is left over.

    Of an open extent, when it runs: see `Vectors.whole`.
    """
    if width == 1 or shared.serial or len(shared.free) != 1:
        return False
    if any(isinstance(effect, Prefix) for effect in shared.plan.stage.effects):
        return False
    extent = shared.free[0].extent
    return not isinstance(extent, int) or (extent % width == 0 and 2 * extent >= width * team.threads)


def vectors_of(stage: StagePlan, axis: Axis, width: int, owner: Owner) -> Sequence[Access]:
    """The places where a stage reads or writes whole vectors along an axis: one for each array.

    An array that is read at several places, or is combined with what is there, is walked by single elements.
    """
    single = {let.buffer for let in stage.stage.lets if isinstance(let, Load) and let.guard is not None}
    single |= {x.buffer for x in stage.stage.effects if isinstance(x, Store) and x.combine is not None}
    single |= {x.result for x in stage.stage.effects if isinstance(x, Total)}
    found: dict[Buffer, list[Access]] = {}
    for access in stage.accesses:
        found.setdefault(owner(access.buffer), []).append(access)
    written = {owner(access.buffer) for places in stage.places for access in places}
    vectors: dict[Buffer, Access] = {}
    for root, accesses in found.items():
        alone = all(dict(x.terms) == dict(accesses[0].terms) and x.offset == accesses[0].offset for x in accesses)
        for buffer in {access.buffer: None for access in accesses}:
            own = [access for access in accesses if access.buffer is buffer]
            if buffer in single or (not alone and (root in written or len(own) > 1)):
                continue
            if _is_aligned(own[0], axis, width):
                vectors[buffer] = own[0]
    return list(vectors.values())


def _is_aligned(access: Access, axis: Axis, width: int) -> bool:
    """Whether vectors along an axis begin at multiples of their size, wherever the others are."""
    buffer = access.buffer
    if access.data or buffer.root.role is Role.ROW or access.step(axis) != 1:
        return False
    if buffer.role is Role.LOCAL and isinstance(buffer.size, int):
        return False  # in registers or in shared memory; others are in scratch
    is_open = not isinstance(axis.extent, int)
    sides = _sides(access, axis)
    return width * buffer.dtype.itemsize <= BYTES and all(
        divides(width, x) or (is_open and _may(width, x)) for x in sides
    )


def _sides(access: Access, axis: Axis) -> Sequence[Size]:
    """What must be a multiple of the width of vectors for all of them to begin at one."""
    own = [access.buffer.size] if access.buffer.role is Role.LOCAL else []  # each team has its own, side by side
    return [*(step for other, step in access.terms.items() if other is not axis), access.offset, *own]


def _may(width: int, size: Size) -> bool:
    """Whether a size may be a multiple of a number."""
    return not isinstance(size, int) and equal(size % width, 0) is not False


def divides(width: int, size: Size) -> bool:
    """Whether a size is known to be a multiple of a number."""
    return equal(size % width, 0) is True


def element_of(threads: int, width: int) -> str:
    """The number in a row of element `e` of what a thread keeps."""
    return f"member + e * {threads}" if width == 1 else f"(member + e / {width} * {threads}) * {width} + e % {width}"


@final
@dataclass(frozen=True)
class Vectors:
    """The loop over the vectors that a thread takes of a row.

    each  elements that the thread keeps in registers; 0 where it keeps none of them
    """

    team: Team
    width: int
    each: int

    def whole(self, scope: Scope, shared: Shared) -> str:
        """How many elements of a row are in vectors: the text of its extent, where all are, or else one of sizes."""
        (axis,) = shared.free
        end, width = scope.parameters.size(axis.extent), self.width
        sides = [
            x for access in vectors_of(shared.plan, axis, width, scope.parameters.owner) for x in _sides(access, axis)
        ]
        unsure = dict.fromkeys(scope.parameters.size(x) for x in sides if not divides(width, x))
        if not unsure and divides(width, axis.extent):
            return end
        most = end if end in unsure or divides(width, axis.extent) else f"{enclosed(end)} / {width} * {width}"
        return f"{' && '.join(f'{enclosed(x)} % {width} == 0' for x in unsure)} ? {most} : 0" if unsure else most

    def loop(self, scope: Scope, shared: Shared, loops: ExitStack, whole: str) -> tuple[Scope, Mapping[Buffer, Home]]:
        """Open it, up to element `whole`; the scope of an element, and where elements go that are written."""
        lines, index, width, threads = scope.lines, scope.index, self.width, self.team.threads
        (axis,) = shared.free
        accesses = vectors_of(shared.plan, axis, width, scope.parameters.owner)
        if self.each:
            lines.line("#pragma unroll")
            loops.enter_context(lines.braces(f"for (int q = 0; q < {self.each // width}; ++q)"))
            first, is_whole = f"(member + q * {threads}) * {width}", axis.extent == self.each * threads
            if accesses or not is_whole:  # else nothing may mention it
                first = lines.let(index, first, "first")
            if not is_whole:
                loops.enter_context(lines.braces(f"if ({first} < {axis.extent})"))
        else:
            first, step = lines.fresh("first"), threads * width
            head = f"for ({index} {first} = member * {width}; {first} < {whole}; {first} += {step})"
            loops.enter_context(lines.braces(head))
        at_first = scope.inside({axis: first})
        read = dict(self._read(at_first, shared.plan, accesses))
        written = dict(self._written(at_first, shared.plan, accesses, loops))
        lines.line("#pragma unroll")
        loops.enter_context(lines.braces(f"for (int c = 0; c < {width}; ++c)"))
        if self.each:
            lines.line(f"const int e = q * {width} + c;")
        inside = scope.inside({axis: f"({first} + c)"})
        inside.homes = {**scope.homes, **read}
        return inside, {**scope.homes, **written}

    def _read(self, scope: Scope, stage: StagePlan, accesses: Sequence[Access]) -> Iterator[tuple[Buffer, Home]]:
        loaded = {access.buffer for access in stage.loads.values()}
        for access in accesses:
            if access.buffer in loaded:
                name, vector = scope.lines.fresh("in"), self._vector(scope, access.buffer)
                scope.lines.line(f"const {vector} {name} = load_vector<{self.width}>(&{scope.at_memory(access)});")
                yield access.buffer, _at(name)

    def _written(
        self, scope: Scope, stage: StagePlan, accesses: Sequence[Access], loops: ExitStack
    ) -> Iterator[tuple[Buffer, Home]]:
        """Declare what is written, and store it when the loop over its elements is closed."""
        stored = {access.buffer for places in stage.places for access in places}
        for access in accesses:
            if access.buffer in stored:
                name, vector = scope.lines.fresh("out"), self._vector(scope, access.buffer)
                scope.lines.line(f"{vector} {name};")
                loops.callback(scope.lines.line, f"store_vector(&{scope.at_memory(access)}, {name});")
                yield access.buffer, _at(name)

    def _vector(self, scope: Scope, buffer: Buffer) -> str:
        scope.library.need("vectors")
        return f"Vector<{in_memory(buffer.dtype)}, {self.width}>"


def _at(name: str) -> Home:
    return lambda at: f"{name}.at[c]"
