"""The arrays behind the buffers of one call, for the reference interpreter."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.meaning import Value, converted
from graphc.kernel.program import Program
from graphc.sizes import Size, evaluate
from graphc.types import BOOL, DType, is_differentiable

__all__ = ["Array", "Arrays", "Point"]

Array: TypeAlias = npt.NDArray[Any]  # Any: the dtype is the buffer's
Point: TypeAlias = tuple[int, ...]


class Arrays:
    """The arrays behind the buffers of one call.

    What nothing has been written to yet is nan, or an integer that no program means, so that it shows.
    A temporary that is written over another has the other's array.  No point of a kernel's outer axes may
    touch an element that another point writes: that is an error of the program, and found here.
    """

    def __init__(self, program: Program, sizes: Mapping[str, int]) -> None:
        self._sizes = sizes
        self._aliases = {over.root: under.root for over, under in program.aliases.items()}
        self._arrays: dict[Buffer, Array] = {}
        self._numbers: dict[Size, int] = {}
        self._point: Point = ()
        self._touched: dict[int, tuple[Point | None, bool]] = {}  # address -> who, None for several; and written

    def number(self, size: Size) -> int:
        """The value of a size."""
        if size not in self._numbers:
            self._numbers[size] = evaluate(size, self._sizes)
        return self._numbers[size]

    def shape(self, extents: Sequence[Size]) -> tuple[int, ...]:
        """The values of sizes."""
        return tuple(map(self.number, extents))

    def put(self, buffer: Buffer, given: Array) -> None:
        """Let `buffer` hold a copy of `given`, which nothing writes to unless it is a variable."""
        shape = self.shape(buffer.shape)
        assert given.shape == shape, f"an array of shape {given.shape} is given for {shape}"
        assert given.dtype == buffer.dtype, f"an array of {given.dtype} is given for {buffer.dtype}"
        array = self._arrays[buffer] = np.array(given, order="C")
        array.flags.writeable = buffer.role is Role.VARIABLE

    def whole(self, buffer: Buffer) -> Array:
        """The array of a buffer; a view's shows the same elements in its own shape."""
        if buffer not in self._arrays:
            under = buffer.base or self._aliases.get(buffer)
            shape = self.shape(buffer.shape)
            if under is None:
                self._arrays[buffer] = _unset(shape, buffer.dtype)
            else:
                self._arrays[buffer] = self.whole(under).reshape(-1).view(buffer.dtype).reshape(shape)
        return self._arrays[buffer]

    def show(self, row: Buffer, of: Buffer, place: int) -> None:
        """Let `row`, and what shows its bytes under another shape, be a row of an array."""
        for buffer in [view for view in self._arrays if view.base is row]:
            del self._arrays[buffer]
        self._arrays[row] = self.whole(of)[place, ...]

    def start_kernel(self) -> None:
        """What was touched before is settled."""
        self._touched.clear()
        self._point = ()

    def start_point(self, point: Point, local: Sequence[Buffer]) -> None:
        """The next point of a kernel's outer axes, with new locals."""
        self._point = point
        for buffer in local:
            self._arrays.pop(buffer, None)

    def is_outside(self, buffer: Buffer, index: Point) -> bool:
        """Whether a buffer has no element at an index."""
        return not all(0 <= i < n for i, n in zip(index, self.whole(buffer).shape, strict=True))

    def load(self, buffer: Buffer, index: Point) -> Value:
        """One element."""
        return self._touch(buffer, index, write=False)[index]

    def store(self, buffer: Buffer, index: Point, value: Value) -> None:
        """Set one element, converted to the dtype of the buffer."""
        self._touch(buffer, index, write=True)[index] = converted(value, buffer.dtype)

    def _touch(self, buffer: Buffer, index: Point, write: bool) -> Array:
        """The array, once it is sure that the present point may touch its element at `index`."""
        array = self.whole(buffer)
        inside = len(index) == array.ndim and not self.is_outside(buffer, index)
        assert inside, f"index {index} of an array of shape {array.shape}"
        if buffer.role is not Role.LOCAL:
            start = array.__array_interface__["data"][0]
            address = start + sum(i * stride for i, stride in zip(index, array.strides, strict=True))
            point, written = self._touched.get(address, (self._point, False))
            assert point == self._point or not (written or write), (
                f"points {point} and {self._point} meet at index {index} of an array of shape {array.shape}"
            )
            self._touched[address] = (self._point if point == self._point else None, written or write)
        return array


def _unset(shape: Point, dtype: DType) -> Array:
    """An array of something that shows when it is read."""
    array = np.empty(shape, dtype)
    if is_differentiable(dtype):
        array.fill(np.nan)
    else:
        array.fill(True if dtype == BOOL else np.frombuffer(b"\xa5" * dtype.itemsize, dtype)[0])
    return array
