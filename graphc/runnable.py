"""What a compiled function runs: code, and all that a call needs to know of it."""

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from graphc.backends.backend import Loaded
from graphc.dataclass import dataclass
from graphc.ir.node import Node
from graphc.kernel.outline import Outline
from graphc.kernel.room import Room
from graphc.passes.memory import Layout
from graphc.passes.precision import Narrow
from graphc.sizes import Size

__all__ = ["Options", "Runnable"]


@dataclass(frozen=True)
class Options:
    """How a graph is compiled.

    level   of the passes
    narrow  what operands of float32 products are rounded to, if to anything
    room    how many bytes the arena may take, if that is limited
    """

    level: int = 2
    narrow: Narrow | None = None
    room: int | None = None


@dataclass(frozen=True, eq=False)
class Runnable:
    """Code with what a call needs to know.

    variables  of the program, in its order
    constants  the arrays behind its constants
    layout     of the arena
    rooms      what the code uses of the arena beside the temporaries
    library    bytes that a library allocates by itself while a step runs
    work       bytes and operations of a call where sizes have the values of their hints; None: not counted yet
    """

    outline: Outline
    variables: tuple[Node, ...]
    constants: tuple[npt.NDArray[Any], ...]
    layout: Layout
    rooms: Sequence[Room]
    library: tuple[Size, ...]
    loaded: Loaded
    work: float | None = None
