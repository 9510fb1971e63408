"""Places where a program keeps arrays."""

from enum import Enum, unique

from graphc.dataclass import dataclass
from graphc.sizes import Size, product
from graphc.types import DType, Shape

__all__ = ["Buffer", "Role"]


@unique
class Role(Enum):
    """Who owns the bytes of a buffer, and for how long."""

    INPUT = "input"  # the caller's; never written
    VARIABLE = "variable"  # a parameter or state; written only after every check
    CONSTANT = "constant"  # part of the program
    TEMPORARY = "temporary"  # the plan's; alive between its first writer and its last reader
    OUTPUT = "output"  # fresh for each call
    STACK = "stack"  # the backend's; gets a row for each step of a loop of which nobody knows how many it makes
    ROW = "row"  # what one step of a loop sees of an array: another row at each
    LOCAL = "local"  # one per point of a kernel's outer axes; alive inside the kernel

    __hash__ = object.__hash__  # each is one object; to hash the name takes three times as long


@dataclass(frozen=True, eq=False, slots=True)
class Buffer:
    """An array in row-major order.  Known by identity; named when a program is printed or emitted.

    `base`: the buffer whose bytes this one shows under another shape, or none.
    `slot`: which input, variable, constant or output of the program this is.
    """

    role: Role
    dtype: DType
    shape: Shape
    slot: int = -1
    base: "Buffer | None" = None

    @property
    def root(self) -> "Buffer":
        """The buffer that owns the bytes."""
        return self if self.base is None else self.base

    @property
    def is_passing(self) -> bool:
        """Whether it lies elsewhere from call to call, or from step to step of a loop."""
        return self.root.role in (Role.INPUT, Role.OUTPUT, Role.ROW)

    @property
    def size(self) -> Size:
        """The number of elements."""
        return product(self.shape)

    @property
    def bytes(self) -> Size:
        """The number of bytes."""
        return self.size * self.dtype.itemsize
