"""One kernel as lines of NumPy: a ufunc per let, views for loads, scratch for what has no home of its own."""

from collections.abc import Sequence
from functools import cached_property

from graphc.backends.numpy.approximations import ERFC_SCRATCH
from graphc.backends.numpy.draft import Draft
from graphc.backends.numpy.effects import axes_of_total, start_totals, write_effects
from graphc.backends.numpy.homes import Slot, Wish, grant, note_dims, place
from graphc.backends.numpy.lets import values_of
from graphc.backends.numpy.lines import Lines, Piece, pieces_of
from graphc.backends.numpy.naming import Fresh, Name, Naming
from graphc.backends.numpy.runs import looped
from graphc.backends.numpy.tables import TARGET
from graphc.backends.numpy.values import Instruction, View
from graphc.dataclass import dataclass
from graphc.kernel.indices import affine_of
from graphc.kernel.scalar import Axis, Call, Fn, Let
from graphc.kernel.steps import Fold, Kernel, Total
from graphc.sizes import Size, maximum, minimum, product, total
from graphc.types import DTYPES, INT64, DType

__all__ = ["KernelText", "aligned", "buffer_bytes", "kernel_text"]

BUFFERS = 3  # one for each operand of a ufunc
BUFFERED_ELEMENTS = 8192  # np.getbufsize(), in elements of at most 8 bytes
BLOCK_ELEMENTS = 1 << 16  # 256 KiB of float32: several such arrays stay in a core's L2

LONG_BLOCK_ELEMENTS = 1 << 18  # of blocks of long rows, for each of which something is computed besides
LEAST_ROWS = 24  # of these, where they are no longer than that: a call for each block takes as long as some rows
ROW_CALLS = 4  # so many calls are worth it


@dataclass
class KernelText:
    """The lines of a step, with names left open.

    buffers   how many buffers there are: their names are the first
    names     what the other names stand for
    views     definitions, in order
    slots     scratch: (name, shape, dtype), in the workspace one after another
    body      the lines that run, in blocks for each block
    before    lines that run before all blocks
    after     lines that run after all blocks
    blocked   the axis that is walked in blocks, with the rows of a block; or None
    library   bytes that NumPy may allocate while the lines run
    """

    buffers: int
    names: list[Name]
    views: list[View]
    slots: list[Slot]
    body: list[str]
    blocked: tuple[Axis, Size] | None
    library: Size = 0
    before: Sequence[str] = ()
    after: Sequence[str] = ()

    @cached_property
    def workspace(self) -> Size:
        """The bytes of all scratch."""
        return total(aligned(shape, dtype) for _, shape, dtype in self.slots)

    @cached_property
    def pieces(self) -> Sequence[Piece]:
        """The body, in one piece where it is not long."""
        slots = {name for name, _, _ in self.slots}
        own = [
            number
            for number, name in enumerate(self.names, self.buffers)
            if isinstance(name, Fresh) and f"{{{number}}}" not in slots
        ]
        return pieces_of(Lines(self.body, own))


def aligned(shape: Sequence[Size], dtype: DType) -> Size:
    """The bytes of an array, up to where the next one may start."""
    align = TARGET.alignment
    return (product(shape) * dtype.itemsize + (align - 1)) // align * align


def kernel_text(kernel: Kernel, naming: Naming) -> KernelText:
    """Write one kernel."""
    draft = Draft(naming, _blocks(kernel))
    has_locals = bool(kernel.locals)
    if draft.blocked is not None:
        start_totals(kernel, draft)
    note_dims(draft.instructions, kernel.axes)
    parts: list[list[Instruction]] = [draft.instructions]  # before all blocks, in each, after all
    wishes: list[list[Wish]] = [draft.wishes]
    for is_last in (False, True):
        draft.instructions, draft.wishes = [], []
        parts.append(draft.instructions)
        wishes.append(draft.wishes)
        for stage in kernel.stages:
            if stage.is_last != is_last:
                continue
            draft.dims = kernel.axes
            if not has_locals:
                draft.dims = tuple(sorted((*kernel.outer, *stage.inner), key=lambda axis: axis.number))
            affine = affine_of(stage.lets)
            written = len(draft.instructions)
            write_effects(stage, values_of(stage, affine, draft), affine, kernel, draft)
            note_dims(draft.instructions[written:], draft.dims)
    homes = grant(parts, wishes, naming.storage.__getitem__)
    instructions = [instruction for part in parts for instruction in part]
    slots = place(instructions, homes, draft.shape, naming.fresh)
    before, body, after = (looped([line for instruction in part for line in instruction.write()]) for part in parts)
    views = list(draft.views.values())
    library = buffer_bytes(kernel.axes) + draft.library
    if draft.blocked is None:
        before, body, after = [], [*before, *body, *after], []
    return KernelText(len(naming.buffers), naming.names, views, slots, body, draft.blocked, library, before, after)


def buffer_bytes(axes: Sequence[Axis]) -> Size:
    """What a ufunc over these axes takes for buffers: it has some wherever its operands are not all one stretch."""
    return BUFFERS * minimum(BUFFERED_ELEMENTS, product([axis.extent for axis in axes])) * INT64.itemsize


def _blocks(kernel: Kernel) -> tuple[Axis, Size] | None:
    """The leading axis and the rows of a block, where walking it in blocks keeps scratch in cache."""
    works = sum(_work(let) for stage in kernel.stages for let in stage.lets) + sum(
        isinstance(effect, Fold | Total) for stage in kernel.stages for effect in stage.effects
    )
    axes = kernel.axes
    if not axes or axes[0] not in kernel.outer or works < 2:
        return None
    if any(axes[0] in axes_of_total(stage, effect) for stage in kernel.stages for effect in stage.effects):
        return None  # such a total would be as long as the walk
    extents = [axis.extent for axis in axes]
    total = product(extents)
    if isinstance(total, int) and total <= BLOCK_ELEMENTS:
        return None
    row = maximum(product(extents[1:]), 1)
    rows = maximum(BLOCK_ELEMENTS // row, 1)
    by_row = sum(_work(let) for stage in kernel.stages if not stage.inner for let in stage.lets)
    if by_row >= ROW_CALLS and any(stage.inner for stage in kernel.stages):
        rows = maximum(rows, minimum(LEAST_ROWS, LONG_BLOCK_ELEMENTS // row))
    return axes[0], minimum(rows, maximum(extents[0], 1))


def _work(let: Let) -> int:
    """How many arrays are written for a let, at the least."""
    if not isinstance(let, Call) or let.dtype == INT64:
        return 0
    return 1 + (ERFC_SCRATCH if let.fn is Fn.ERFC and let.dtype == DTYPES["float64"] else 0)
