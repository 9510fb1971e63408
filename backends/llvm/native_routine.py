"""A routine as a function of chunks of its batch."""

from collections.abc import Callable
from typing import TypeAlias, final

from graphc.backends.llvm.chunked import Function
from graphc.backends.llvm.fourier_plans import Planner
from graphc.backends.llvm.module import Module
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.steps import Extern
from graphc.sizes import Size, maximum, product

__all__ = ["NativeRoutine", "Write", "batch_of", "chunked", "grouped"]


@final
@dataclass(frozen=True)
class NativeRoutine:
    """How a routine runs.

    chunks      how many the function is called for; the sizes alone say so, or a plan that is made of them
    allocated   bytes that each takes from malloc, and gives back
    counted     the largest number that it keeps in 32 bits
    """

    function: Function
    chunks: "Size | Planner"
    allocated: Size
    counted: Size


Write: TypeAlias = Callable[[Extern, Module], NativeRoutine]


def batch_of(buffer: Buffer, axes: int) -> Size:
    """How many members a batch has, before the last axes."""
    return product(buffer.shape[: len(buffer.shape) - axes])


def grouped(grain: int, each: Size) -> Size:
    """How many members of `each` elements make about `grain` of them, one at least."""
    return maximum(grain // max(each, 1) if isinstance(each, int) else grain // maximum(each, 1), 1)


def chunked(count: Size, per_chunk: Size) -> Size:
    """How many chunks there are."""
    return (count + per_chunk - 1) // per_chunk
