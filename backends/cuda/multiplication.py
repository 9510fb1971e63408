"""What a library that multiplies matrices is asked for, with numbers for sizes."""

from abc import ABC, abstractmethod
from typing import final

from graphc.dataclass import dataclass

__all__ = ["Matrices", "Multiplication", "Multiplier"]


@final
@dataclass(frozen=True)
class Matrices:
    """`count` products of a matrix [rows, sums] and one [sums, columns], by columns.

    Of left, right and result: `leading` elements from a column to the next, and `steps` from a matrix to the next.
    dtype, result  of what is multiplied, and of what comes out
    are_turned     of left and right, whether their transposes lie there
    """

    dtype: str
    result: str
    rows: int
    columns: int
    sums: int
    count: int
    leading: tuple[int, int, int]
    steps: tuple[int, int, int]
    are_turned: tuple[bool, bool]


class Multiplication(ABC):
    """A way of a library to make a product: the same one gives the same bits."""

    @property
    @abstractmethod
    def kept(self) -> bytes:
        """What `Multiplier.again` makes the same way of, in another process too."""

    @abstractmethod
    def run(self, left: int, right: int, out: int) -> None:
        """Make it, after all that was begun before; the addresses of the first elements."""


class Multiplier(ABC):
    """A library on a device.  Methods raise DriverError."""

    @property
    @abstractmethod
    def version(self) -> str:
        """What a way that was kept depends on."""

    @abstractmethod
    def planned(self, matrices: Matrices) -> Multiplication | None:
        """The way that the library thinks best; None where it has none."""

    @abstractmethod
    def again(self, matrices: Matrices, kept: bytes) -> Multiplication | None:
        """The way that was kept; None where that is none."""
