"""What a call takes in memory: known before it runs, and looked at in debug mode."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from pathlib import Path
from typing import final

from graphc.dataclass import dataclass
from graphc.errors import ArgumentError, ShapeError
from graphc.inspection.memory_plot import Content, Stretch, memory_picture
from graphc.inspection.picture import Picture
from graphc.kernel.buffer import Buffer
from graphc.kernel.naming import names
from graphc.kernel.plan import Place, Plan
from graphc.kernel.program import Program
from graphc.kernel.provenance import lines_behind
from graphc.kernel.room import Room
from graphc.kernel.steps import Step
from graphc.passes.memory import Layout, Placement
from graphc.printable import described
from graphc.signatures import public
from graphc.types import TensorType

__all__ = ["CALL_OBJECTS", "STEP_OBJECTS", "ArenaUse", "MemoryReport", "drawn_plan", "plan_of"]

CALL_OBJECTS = 1 << 16  # bytes for lists, closures and what NumPy keeps of few elements: see MemoryReport
STEP_OBJECTS = 1 << 11  # bytes for the views that one step of the program looks through


@final
@dataclass(frozen=True)
class MemoryReport:
    """What one call takes, in bytes, known before it runs.

    peak_bytes     the arena: every temporary, every scratch of a step and the tables of indices, by the plan
    total_bytes    the same side by side, without a plan
    bound_bytes    the largest set of them alive together: no plan can be smaller
    table_bytes    of all these, the tables of indices: they are written when an arena is made, and stay
    library_bytes  what a routine of NumPy allocates by itself, beside the arena: the most that one step does
    output_bytes   fresh arrays that the caller gets
    kept_bytes     of the arena, what loops keep of all their steps, for their outputs and for derivatives: the most
                   at one time
    step_bytes     beside all these, what loops that end by a condition keep for each step that they make: there is
                   room for 8 steps at first, and for as many again whenever it is full

    On a device, where the arena lies too, a function has beside it:

    copied_bytes    arrays of NumPy that callers give and get, which are copied; less where they lie there already
    variable_bytes  params and states, which all functions of the device share
    constant_bytes  constants, once for all sizes

    A call allocates at most `call_bytes`, the sum of arena, library, outputs and what is on a device; one that finds
    an arena from an earlier call, at most library and outputs.  Not counted: Python's own objects, which are at most
    64 KiB and 2 KiB for each step of the program whatever the sizes are; arrays that a caller gives in another dtype
    or layout, which are copied first; room that BLAS and the allocator keep for a whole process.
    """

    peak_bytes: int
    total_bytes: int
    bound_bytes: int
    table_bytes: int
    library_bytes: int
    output_bytes: int
    kept_bytes: int = 0
    step_bytes: int = 0
    copied_bytes: int = 0
    variable_bytes: int = 0
    constant_bytes: int = 0
    _draw: Callable[[], Picture] | None = field(default=None, repr=False, compare=False)

    @public
    def plot(self, path: "str | Path | None" = None) -> Picture:
        """The plan as SVG: steps from left to right, the bytes of the arena from its bottom to its top.

        Each array is a box with the user's lines behind it as its tooltip.  A notebook shows it as a picture, and
        `f.memory().plot("plan.svg")` saves it.  Raises ArgumentError for a path that ends in anything else.
        """
        picture = memory_picture((), 0, 0, 0) if self._draw is None else self._draw()
        if path is not None:
            _svg_file(path).write_text(picture, encoding="utf-8")
        return picture

    @property
    def call_bytes(self) -> int:
        """What a first call allocates."""
        apart = self.copied_bytes + self.variable_bytes + self.constant_bytes
        return self.peak_bytes + self.library_bytes + self.output_bytes + apart

    def __str__(self) -> str:
        rows = {
            "arena": (self.peak_bytes, f"lower bound {self.bound_bytes:,}, side by side {self.total_bytes:,}"),
            "tables": (self.table_bytes, "in the arena"),
            "kept": (self.kept_bytes, "in the arena, by loops, of all their steps"),
            "stacks": (self.step_bytes, "beside the arena, for each step of loops that end by a condition"),
            "libraries": (self.library_bytes, "at most, allocated beside the arena"),
            "copied": (self.copied_bytes, "on the device, arrays of NumPy that callers give and get"),
            "variables": (self.variable_bytes, "on the device, params and states"),
            "constants": (self.constant_bytes, "on the device"),
            "outputs": (self.output_bytes, "fresh arrays"),
        }
        shown = {name: row for name, row in rows.items() if row[0] or name in ("arena", "outputs")}
        width = max(len(f"{count:,}") for count, _ in shown.values())
        return "\n".join(f"{name:9} {count:>{width},} bytes  ({what})" for name, (count, what) in shown.items())


def _svg_file(path: object) -> Path:
    if isinstance(path, str | Path) and Path(path).suffix.lower() == ".svg":
        return Path(path)
    hint = f'plot("{Path(path).stem}.svg")' if isinstance(path, str | Path) else None
    raise ArgumentError(f"plot: the path of a picture ends in .svg, not {described(path)}", hint=hint)


@final
@dataclass(frozen=True)
class ArenaUse:
    """What a call in debug mode did to its arena, in bytes from the start.

    planned_bytes  the size of the arena, by the plan
    touched_bytes  up to the last byte that was written
    """

    planned_bytes: int
    touched_bytes: int

    def __str__(self) -> str:
        return f"arena written up to byte {self.touched_bytes:,} of {self.planned_bytes:,}"


def plan_of(program: Program, layout: Layout, sizes: Sequence[int]) -> Plan | None:
    """The plan for these values of the symbols, as plain data; None where they give no array its bytes."""
    try:
        placement = layout.place(sizes)
    except ShapeError:  # a divisor is 0
        return None
    if min(placement.bytes, default=0) < 0:
        return None
    named = names(program)
    holding: dict[int, list[str]] = {}
    for buffer in program.temporaries:
        holding.setdefault(layout.storage[buffer], []).append(named[buffer])
    places = [
        Place(" ".join(holding.get(number, ["scratch"])), offset, bytes, interval.first, interval.last)
        for number, (interval, offset, bytes) in enumerate(
            zip(layout.intervals, placement.offsets, placement.bytes, strict=True)
        )
    ]
    return Plan(tuple(sizes), placement.peak_bytes, tuple(places))


def drawn_plan(program: Program, layout: Layout, placement: Placement, rooms: Sequence[Room]) -> Picture:
    """The picture of a plan.  Steps are numbered as `gx.show` numbers them, those inside a step right after it."""
    stretches = [*_arrays(program, layout, placement), *_rooms(program, layout, placement, rooms)]
    visible = [stretch for stretch in stretches if stretch.bytes]
    return memory_picture(visible, len(program.timeline), placement.peak_bytes, placement.bound_bytes)


def _arrays(program: Program, layout: Layout, placement: Placement) -> Iterator[Stretch]:
    """What holds temporaries, one after the other where they are written over each other."""
    named = names(program)
    writers: dict[Buffer, Step] = {}
    for step in program.timeline:
        for buffer in step.writes:
            writers.setdefault(buffer.root, step)
    sharing: dict[int, list[Buffer]] = {}
    for buffer in program.temporaries:
        sharing.setdefault(layout.storage[buffer], []).append(buffer)
    for number, buffers in sharing.items():
        interval = layout.intervals[number]
        lines = [_span(placement.bytes[number], interval.first, interval.last)]
        for buffer in buffers:
            lines += [f"{named[buffer]}: {TensorType(buffer.shape, buffer.dtype)}"]
            lines += [f"  {line}" for line in lines_behind(writers[buffer].origins)]
        content = Content.KEPT if number in layout.kept else Content.TEMPORARY
        name = " ".join(named[buffer] for buffer in buffers)
        yield _stretch(content, number, layout, placement, name, lines)


def _rooms(program: Program, layout: Layout, placement: Placement, rooms: Sequence[Room]) -> Iterator[Stretch]:
    """Scratch of single steps, and tables that all steps may read."""
    for number, room in zip(layout.rooms, rooms, strict=True):
        interval = layout.intervals[number]
        lines = [_span(placement.bytes[number], interval.first, interval.last)]
        if room.step is None:
            yield _stretch(Content.TABLE, number, layout, placement, "table", ["table of indices", *lines])
        else:
            lines += [f"  {line}" for line in lines_behind(program.timeline[room.step].origins)]
            yield _stretch(Content.SCRATCH, number, layout, placement, "scratch", ["scratch", *lines])


def _stretch(
    content: Content, number: int, layout: Layout, placement: Placement, name: str, lines: Sequence[str]
) -> Stretch:
    interval = layout.intervals[number]
    offset, bytes = placement.offsets[number], placement.bytes[number]
    return Stretch(content, interval.first, interval.last, offset, bytes, name, "\n".join(lines))


def _span(bytes: int, first: int, last: int) -> str:
    steps = f"step {first}" if first == last else f"steps {first} to {last}"
    return f"{bytes:,} bytes, {steps}"
