"""The values of a kernel as NumPy sees them: numbers, views, and arrays that need a home."""

from collections.abc import Callable

from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.scalar import Axis
from graphc.sizes import Size
from graphc.types import DType

__all__ = ["Instruction", "Value", "View"]


@dataclass(eq=False, slots=True)
class View:
    """A view that is defined before it is used.

    text         how it is made
    late         whether it shows an input or output, which differ from call to call
    is_solid     whether its elements lie in order and without gaps
    is_shared    whether it is defined once for all steps of a part that show the same
    is_of_block  whether it is made of what a block of rows sees, where the step walks blocks
    """

    name: str
    text: str
    late: bool
    axes: frozenset[Axis]
    beginning: str = ""  # of its name
    is_solid: bool = False
    is_shared: bool = False
    is_of_block: bool = False


@dataclass(eq=False, slots=True)
class Value:
    """What a let, a fold or a prefix is.

    name    how it is written; empty while an array has no home
    axes    the axes along which it varies; it has extent 1 along the others
    view    what the name stands for, where that is a view
    loaded  the buffer it shows, for a view of one
    is_windowed  whether it shows elements more than once, or out of line
    is_solid     whether its home must have no gaps: NumPy's functions that are no ufuncs copy what has some
    extent       of scratch that is a stretch of so many elements, whatever the axes
    dims         all axes of the array, those included along which it does not vary; None until its stage is written
    """

    axes: frozenset[Axis]
    dtype: DType
    name: str = ""
    is_number: bool = False
    is_zero: bool = False
    is_windowed: bool = False
    is_solid: bool = False
    extent: Size = 0
    view: View | None = None
    loaded: Buffer | None = None
    dims: tuple[Axis, ...] | None = None
    defined: int = -1
    last_use: int = -1


@dataclass(eq=False, slots=True)
class Instruction:
    """One line or a few: reads values, writes one (or the buffer behind a store)."""

    write: Callable[[], list[str]]
    reads: tuple[Value, ...]
    result: Value | None = None
    stored: Buffer | None = None
    scratch: tuple[Value, ...] = ()  # room that it needs while it runs
    combines: bool = False  # whether it changes what is stored already
    in_place: bool = False  # whether the result may take the place of an operand
