"""Where the buffers of a program are in the memory of a device, for some sizes."""

from collections.abc import Sequence
from dataclasses import field
from typing import TypeAlias, final

import numpy as np

from graphc.backends.cuda.arrays import DeviceArray, allocated
from graphc.backends.cuda.device import Array, Device, Memory, number_at
from graphc.backends.cuda.function_text import Scratch
from graphc.backends.cuda.module import Module
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.sizes import Size, compiled, product

__all__ = ["Places"]

ALIGNMENT = 16  # bytes, which elementwise kernels move at once
Kept: TypeAlias = "Buffer | Scratch"


@final
@dataclass(eq=False)
class Places:
    """Addresses.

    at      of each buffer that owns its bytes, now
    own     memory that was allocated for it, and stays its own
    """

    module: Module
    device: Device
    sizes: tuple[int, ...]
    at: dict[Kept, int] = field(default_factory=dict)
    own: dict[Kept, Memory] = field(default_factory=dict)
    _known: dict[Size, int] = field(default_factory=dict)

    def number(self, size: Size) -> int:
        """The value of a size."""
        if isinstance(size, int):
            return size
        if size not in self._known:
            self._known[size] = compiled([size], self.module.program.symbols)(self.sizes)[0]
        return self._known[size]

    def plan(self, arena: Memory, offsets: Sequence[int]) -> None:
        """Let temporaries and rooms lie in an arena."""
        temporaries = self.module.program.temporaries
        for buffer, offset in zip(temporaries, offsets[: len(temporaries)], strict=True):
            self.at[self._owner(buffer)] = arena.address + offset
        rooms = offsets[len(temporaries) :]
        self.at |= {wanted: arena.address + rooms[number] for wanted, number in self.module.scratch.items()}

    def address(self, what: Kept) -> int:
        """Where the bytes of a buffer are; it gets memory of its own if it has none."""
        owner = self._owner(what)
        return self.at[owner] if owner in self.at else self.home(owner)

    def home(self, what: Kept) -> int:
        """The same, in memory of its own."""
        owner = self._owner(what)
        if owner not in self.own:
            assert isinstance(owner, Scratch) or owner.role is not Role.ROW, owner
            bytes = self.number(owner.size) * owner.dtype.itemsize
            self.own[owner] = allocated(self.device, bytes, "an array of this call")
        self.at[owner] = self.own[owner].address
        return self.at[owner]

    def give(self, buffer: Buffer, array: DeviceArray) -> int | None:
        """Let a buffer be an array of a caller, and say where; None if kernels cannot read it there."""
        if array.address % ALIGNMENT:
            return None
        self.at[self._owner(buffer)] = array.address
        return array.address

    def show(self, row: Buffer, of: Buffer, place: int) -> None:
        """Let a row be one of an array."""
        bytes = self.number(product(of.shape[1:])) * of.dtype.itemsize
        self.at[self._owner(row)] = self.address(of) + place * bytes

    def copy(self, to: Buffer, of: Buffer) -> None:
        """Copy a buffer."""
        self.device.copy(self.address(to), self.address(of), self.number(of.bytes))

    def ensure(self, stack: Buffer, rows: int) -> None:
        """Room for so many rows: twice as many as there were, where there is not enough."""
        row = self.number(product(stack.shape[1:])) * stack.dtype.itemsize
        old = self.own.get(stack)
        if old is None or old.bytes < rows * row:
            fresh = allocated(self.device, max(8, 2 * rows) * row, "what a loop keeps of its steps")
            if old is not None:
                self.device.copy(fresh.address, old.address, old.bytes)
            self.own[stack], self.at[stack] = fresh, fresh.address

    def array(self, buffer: Buffer) -> Array:
        """What a buffer holds."""
        found = np.empty([self.number(extent) for extent in buffer.shape], buffer.dtype)
        self.device.download(found, self.address(buffer))
        return found

    def value(self, buffer: Buffer) -> int:
        """The integer or bool in a buffer."""
        return number_at(self.device, self.address(buffer), buffer.dtype)

    def _owner(self, what: Kept) -> Kept:
        return what if isinstance(what, Scratch) or what in self.module.scratch else self.module.owner(what)
