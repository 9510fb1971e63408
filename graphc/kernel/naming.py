"""Names for the buffers and axes of a finished program, for printing and for emitted code.

x0 inputs   w0 variables   c0 constants   t0 temporaries   y0 outputs   g0 stacks   r0 rows that steps of a loop see
l0 locals, from zero in each kernel
t0v0: the first view of t0's bytes under another shape   i, j, k ... axes   v0 lets
"""

from collections.abc import Iterator, Mapping

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.program import Program
from graphc.kernel.scalar import Axis, Load
from graphc.kernel.steps import Kernel, Loop, buffers_of

__all__ = ["axis_names", "let_name", "names"]

LETTERS = "ijkmnopqrsuz"  # l, t, v, w, x, y name other things


def names(program: Program) -> Mapping[Buffer, str]:
    """A name for every buffer of the program: what owns bytes, then what shows them under another shape.

    The same program gets the same names, however its buffers were made.
    """
    named: dict[Buffer, str] = {}
    for letter, owners in (("x", program.inputs), ("w", program.variables), ("y", program.outputs)):
        _count(named, letter, owners)
    touched = tuple(dict.fromkeys(_touched(program)))
    roots = tuple(dict.fromkeys(buffer.root for buffer in touched))
    _count(named, "c", (*program.constants, *(root for root in roots if root.role is Role.CONSTANT)))
    _count(named, "t", (*program.temporaries, *(root for root in roots if root.role is Role.TEMPORARY)))
    _count(named, "g", tuple(root for root in roots if root.role is Role.STACK))
    rows = tuple(row for step in program.timeline if isinstance(step, Loop) for row in step.rows)
    _count(named, "r", (*rows, *(root for root in roots if root.role is Role.ROW)))
    for step in program.timeline:
        if isinstance(step, Kernel):
            read = tuple(load.buffer for load in _loads(step) if load.buffer.role is Role.LOCAL)
            _count(named, "l", (*step.locals, *read))
    views: dict[Buffer, int] = {}
    for buffer in touched:
        if buffer not in named and buffer.base in named:
            number = views[buffer.base] = views.get(buffer.base, -1) + 1
            named[buffer] = f"{named[buffer.base]}v{number}"
    return named


def axis_names(kernel: Kernel) -> Mapping[Axis, str]:
    """A letter for every axis, in memory order.  Axes of one number, each in its stage, share a letter."""
    axes = dict.fromkeys((*kernel.outer, *(axis for stage in kernel.stages for axis in stage.inner)))
    numbers = sorted({axis.number for axis in axes})
    return {axis: _letter(numbers.index(axis.number)) for axis in axes}


def let_name(number: int) -> str:
    """The name of let `number` of a stage."""
    return f"v{number}"


def _letter(place: int) -> str:
    return LETTERS[place] if place < len(LETTERS) else f"i{place}"


def _count(named: dict[Buffer, str], letter: str, buffers: tuple[Buffer, ...]) -> None:
    """Name the buffers that own their bytes and have no name yet by their places, counting from zero."""
    for number, buffer in enumerate(dict.fromkeys(buffers)):
        if buffer.base is None:
            named.setdefault(buffer, f"{letter}{number}")


def _loads(kernel: Kernel) -> Iterator[Load]:
    return (let for stage in kernel.stages for let in stage.lets if isinstance(let, Load))


def _touched(program: Program) -> Iterator[Buffer]:
    """Every buffer that a step reads or writes or that the program returns, in order."""
    for step in program.timeline:
        yield from buffers_of(step)
        if isinstance(step, Kernel):
            yield from step.locals
            yield from (load.buffer for load in _loads(step))
    yield from program.outputs
    yield from (buffer for pair in program.aliases.items() for buffer in pair)
