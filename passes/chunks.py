"""Chunks: steps that hand large arrays on are made one after the other for a few rows of these, while they are near."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import field, replace
from itertools import takewhile
from typing import final

from graphc.dataclass import dataclass
from graphc.kernel.affine import axes_in
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.carries import Rows
from graphc.kernel.program import Program
from graphc.kernel.steps import Contract, Kernel, Loop, Step, unique
from graphc.kernel.target import Target
from graphc.passes.leading import AxisOf, Readings, readings_of, rounds_alone
from graphc.passes.pipeline import Log
from graphc.passes.step_lists import are_same, changed, touched
from graphc.passes.turned import Turn
from graphc.sizes import Size, equal, estimate, product
from graphc.types import DType

__all__ = ["in_chunks"]

FAR = 4  # times the bytes of a chunk: smaller arrays are near enough as they are
CHUNKS = 16  # at least, so that several threads have some
ROWS = 64  # or columns, of products in a chunk, at least


def in_chunks(program: Program, target: Target, log: Log) -> Program:
    """Walk products, and rows between them, together: chunk by chunk of some bytes of what they hand on.

    The arrays in between are then as large as a chunk.  Every element is computed as before.
    """
    pure, last = program.steps[: program.commit], program.steps[program.commit :]
    bytes = target.chunk_bytes
    chunking, wanted = _Chunking(bytes, target.tiled, log), _Wanted(bytes * FAR, CHUNKS)
    first = changed(pure, touched(last), lambda steps, outside: chunking.steps(steps, outside, wanted))
    if are_same(first, pure):
        return program
    return replace(program, steps=(*first, *last), commit=len(first))


@final
@dataclass(frozen=True)
class _Wanted:
    """Arrays of more than so many bytes are worth a loop, which has at least so many chunks where there can be."""

    large: int
    chunks: int


@final
@dataclass(frozen=True)
class _Member:
    """A step of a group: `axes` are those of its own that the group may be walked along."""

    number: int
    step: Kernel | Contract
    readings: Readings
    axes: Sequence[AxisOf | None]


@final
@dataclass
class _Group:
    """Steps that are walked together, as far as is known.

    extents  of the axes along which they can be
    written  what they write, and under which shape
    between  the numbers of steps that stand between them and have nothing to do with them
    """

    extents: Sequence[Size]
    members: list[_Member] = field(default_factory=list)
    written: dict[Buffer, Buffer] = field(default_factory=dict)
    touched: set[Buffer] = field(default_factory=set)
    between: list[int] = field(default_factory=list)

    def add(self, member: _Member) -> None:
        self.members.append(member)
        self.extents = self.extents[: len(member.axes)]
        self.written |= {x.buffer.root: x.buffer for x in member.readings.all if x.is_written}
        self.touched |= {x.buffer.root for x in member.readings.all}

    def with_one(self, member: _Member) -> "_Group":
        """A copy of this group to which one more is added."""
        found = _Group(self.extents, [*self.members], {**self.written}, {*self.touched}, [*self.between])
        found.add(member)
        return found

    def is_apart(self, step: Step) -> bool:
        """Whether a step may be made before all of these."""
        return not any(x.root in self.written for x in step.reads) and not any(
            x.root in self.touched for x in step.writes
        )


@final
@dataclass(frozen=True)
class _Walk:
    """How a group is walked: `count` chunks, each of a point of `depth` axes, or of `left` points of the last one."""

    count: Size
    depth: int
    left: "Size | None"


@final
@dataclass(frozen=True)
class _Chunking:
    bytes: int
    tiled: Collection[DType]
    log: Log

    def steps(self, steps: Sequence[Step], outside: Collection[Buffer], wanted: _Wanted) -> list[Step]:
        """The steps of a list, those of groups in loops."""
        large = wanted.large
        if not any(isinstance(step, Contract) for step in steps) or not any(isinstance(x, Kernel) for x in steps):
            return list(steps)
        if not any(_is_large(buffer, large) for step in steps for buffer in step.writes):
            return list(steps)
        users = _users(steps, outside)
        found: list[Step] = []
        group: _Group | None = None
        for number, step in enumerate(steps):
            if group is not None:
                member = self._joined(group, number, step, large)
                if member is not None and not self._hinders(member, group, wanted.chunks):
                    group.add(member)
                    continue
                if group.is_apart(step):
                    group.between.append(number)
                    continue
                found += self._made(group, steps, users, wanted)
            group = self._begun(number, step, large)
            if group is None:
                found.append(step)
        return found if group is None else [*found, *self._made(group, steps, users, wanted)]

    # Groups.

    def _begun(self, number: int, step: Step, large: int) -> _Group | None:
        """A group that begins with a step that makes a large array."""
        if not isinstance(step, Kernel | Contract) or not any(_is_large(x, large) for x in step.writes):
            return None
        if not rounds_alone(step, self.tiled):
            return None
        readings = readings_of(step)
        if readings is None:
            return None
        for reading in readings.all:
            if reading.is_written and _is_large(reading.buffer, large):
                axes = self._axes(step, readings, reading.places)
                if axes:
                    group = _Group([readings.extents[axis] for axis in axes])
                    group.add(_Member(number, step, readings, axes))
                    return group
        return None

    def _joined(self, group: _Group, number: int, step: Step, large: int) -> _Member | None:
        """A step as a member, where it reads what the group makes, or makes a large array along the same axes."""
        if not isinstance(step, Kernel | Contract):
            return None
        is_reader = any(x.root in group.written for x in step.reads)
        if not is_reader and not any(_is_large(x, large) for x in step.writes):
            return None
        if any(x.root in group.touched for x in step.writes) or not rounds_alone(step, self.tiled):
            return None
        readings = readings_of(step)
        if readings is None:
            return None
        linked = [x for x in readings.all if group.written.get(x.buffer.root) is not None]
        if any(group.written[x.buffer.root] is not x.buffer for x in linked):
            return None
        made = [x for x in readings.all if x.is_written and _is_large(x.buffer, large)]
        for reading in linked or made:
            axes = self._axes(step, readings, reading.places[: len(group.extents)])
            extents = [readings.extents[axis] for axis in axes]
            alike = list(takewhile(lambda pair: equal(*pair), zip(extents, group.extents, strict=False)))
            axes = axes[: len(alike)]
            if axes and all(x.has(frozenset(axes)) for x in linked):
                return _Member(number, step, readings, axes)
        return None

    def _hinders(self, member: _Member, group: _Group, chunks: int) -> bool:
        """Whether a group that chunks are small enough for would have none such, or fewer, with one more member."""
        return self._chunks(group.with_one(member), chunks) < min(self._chunks(group, chunks), chunks)

    def _chunks(self, group: _Group, chunks: int) -> int:
        """How many chunks a group is walked in; 0 for none that are small enough."""
        handed = self._handed(group)
        walk = self._walk(group, handed, chunks)
        count = 0 if walk is None else estimate(walk.count)
        return count if handed <= self.bytes * FAR * count else 0

    def _axes(
        self, step: Kernel | Contract, readings: Readings, places: Sequence[AxisOf | None]
    ) -> Sequence[AxisOf | None]:
        """The axes that a step may be walked along, of those: what a product reads whole is no larger than a chunk."""
        axes = places[: readings.leading(places)]
        if isinstance(step, Contract):
            while axes and any(
                estimate(x.bytes) > self.bytes and not _has(readings, x, axes) for x in (step.left, step.right)
            ):
                axes = axes[:-1]
        return axes

    # Loops.

    def _made(
        self, group: _Group, steps: Sequence[Step], users: Mapping[Buffer, Set[int]], wanted: _Wanted
    ) -> Iterator[Step]:
        """The steps of a group and those between: the group as a loop, where that pays."""
        numbers = [member.number for member in group.members]
        handed = self._handed(group)
        walk = self._walk(group, handed, wanted.chunks) if handed else None
        own = {root for root in group.written if root.role is Role.TEMPORARY and users[root] <= {*numbers}}
        loop = None if walk is None else self._loop(group, walk, own, handed, wanted.chunks)
        if loop is None:
            yield from (steps[number] for number in sorted([*numbers, *group.between]))
            return
        yield from (steps[number] for number in group.between)
        yield loop

    def _handed(self, group: _Group) -> int:
        """The bytes of the largest array that is handed on inside; 0 where no product and kernel do so."""
        steps = [member.step for member in group.members]
        if not any(isinstance(step, Contract) for step in steps) or not any(isinstance(x, Kernel) for x in steps):
            return 0
        read = {buffer.root for step in steps for buffer in step.reads}
        return max([estimate(root.bytes) for root in group.written if root in read], default=0)

    def _walk(self, group: _Group, handed: int, chunks: int) -> _Walk | None:
        """As few chunks as are small enough and many enough; else as many as there can be."""
        if handed <= self.bytes:
            return None
        wanted = max(-(-handed // self.bytes), chunks)
        most: _Walk | None = None
        for walk in self._walks(group):
            most = walk
            if estimate(walk.count) >= wanted:
                break
        return None if most is None or estimate(most.count) < 2 else most

    def _walks(self, group: _Group) -> Iterator[_Walk]:
        """The ways to walk a group, from few chunks to many."""
        count: Size = 1
        for depth, extent in enumerate(group.extents, start=1):
            if isinstance(extent, int):
                least = -(-ROWS // min(_rows_inside(member, depth) for member in group.members))
                for left in range(extent // 2, least, -1):
                    if extent % left == 0:
                        yield _Walk(count * (extent // left), depth, left)
                if least > 1:
                    return
            elif any(_rows_inside(member, depth) < ROWS for member in group.members):
                return
            count = count * extent
            yield _Walk(count, depth, None)

    def _loop(self, group: _Group, walk: _Walk, own: Collection[Buffer], handed: int, chunks: int) -> Loop | None:
        """None where a step would round otherwise, or what is handed on in a turn would still be far."""
        first = () if walk.left is None else (walk.left,)
        rows: dict[Buffer, Buffer] = {}
        seen: dict[bool, dict[Buffer, Rows]] = {True: {}, False: {}}
        whole: list[Buffer] = []
        inside: list[Step] = []
        for member in group.members:
            axes = member.axes[: walk.depth]
            for reading in member.readings.all:
                buffer = reading.buffer
                if not reading.has(frozenset(axes)):
                    whole.append(buffer)
                elif buffer not in rows:
                    is_own = buffer.root in own and buffer.base is None
                    shape = (*first, *reading.shape[walk.depth :])
                    rows[buffer] = Buffer(Role.TEMPORARY if is_own else Role.ROW, buffer.dtype, shape)
                    if not is_own:
                        view = Buffer(buffer.role, buffer.dtype, (walk.count, *shape), buffer.slot, buffer.root)
                        seen[reading.is_written][buffer] = Rows(rows[buffer], view)
            shown = {buffer: row for buffer, row in rows.items() if _has(member.readings, buffer, axes)}
            inside.append(Turn(axes, walk.left, shown).of(member.step))
            if not rounds_alone(inside[-1], self.tiled):
                return None
        origins = tuple(dict.fromkeys(origin for member in group.members for origin in member.step.origins))
        chunk = -(-handed // max(estimate(walk.count), 1))
        if chunk > self.bytes:
            inside = self.steps(inside, (), _Wanted(self.bytes, -(-chunks // max(estimate(walk.count), 1))))
        is_one = not any(isinstance(step, Loop) for step in inside)
        if is_one and chunk > self.bytes * FAR:
            return None
        if is_one and origins:
            self.log.note(f"{len(inside)} steps are made chunk by chunk, of {chunk:,} bytes", origins[0])
        outputs, sequences = (tuple(seen[is_written].values()) for is_written in (True, False))
        return Loop(walk.count, False, (), sequences, outputs, tuple(inside), unique(whole), origins)


def _users(steps: Sequence[Step], outside: Iterable[Buffer]) -> Mapping[Buffer, Set[int]]:
    """The numbers of the steps that read or write each array; -1 for what others outside do."""
    found: dict[Buffer, set[int]] = {buffer.root: {-1} for buffer in outside}
    for number, step in enumerate(steps):
        for buffer in (*step.reads, *step.writes):
            found.setdefault(buffer.root, set()).add(number)
    return found


def _is_large(buffer: Buffer, bytes: int) -> bool:
    return buffer.role is Role.TEMPORARY and buffer.dtype.kind == "f" and estimate(buffer.bytes) > bytes


def _has(readings: Readings, buffer: Buffer, axes: Sequence[AxisOf | None]) -> bool:
    """Whether an array of a step has rows along these axes."""
    return any(x.buffer is buffer and x.has(frozenset(axes)) for x in readings.all)


def _rows_inside(member: _Member, depth: int) -> int:
    """How many rows, or columns, a product has at each point of the last of so many axes; of others enough."""
    step, axis = member.step, member.axes[depth - 1]
    if not isinstance(step, Contract):
        return ROWS
    left, right, out = map(axes_in, (step.left_index, step.right_index, step.out_index))
    if axis in left & right:  # it is made of other operands there
        return ROWS
    mine, other = (left, right) if axis in left else (right, left)
    inside = (mine & out) - other - {*member.axes[:depth]}
    return max(estimate(product(step.extents[x] for x in inside)), 1)
