"""Calls of the libraries that SciPy carries, as Fortran does them: every argument is an address."""

import re
from collections.abc import Callable, Sequence
from dataclasses import field
from typing import final

from graphc.backends.llvm.registers import constant, in_register
from graphc.backends.llvm.symbols import BLAS, LAPACK
from graphc.backends.llvm.writer import Writer
from graphc.dataclass import dataclass
from graphc.types import COMPLEX64, COMPLEX128, DTYPES, FLOAT32, DType, is_complex, real_of

__all__ = ["Fortran", "declarations"]

LETTERS = {FLOAT32: "s", DTYPES["float64"]: "d", COMPLEX64: "c", COMPLEX128: "z"}


@final
@dataclass
class Fortran:
    """Calls for numbers of a dtype; `status` is where LAPACK says how it went."""

    on: Writer
    dtype: DType
    status: str = field(init=False)

    def __post_init__(self) -> None:
        self.status = self.on.text.room("i32")

    @property
    def is_complex(self) -> bool:
        return is_complex(self.dtype)

    @property
    def real(self) -> str:
        """The type of a part of a number."""
        return in_register(self.dtype)

    def letter(self, letter: str) -> str:
        """The place of an option."""
        return self.on.text.room("i8", str(ord(letter)))

    def integer(self, value: str) -> str:
        """The place of a number of 32 bits."""
        return self.on.text.room("i32", self.on.cast("trunc", value, "i64", "i32"))

    def leading(self, value: str) -> str:
        """The place of how far columns lie apart, which is never 0."""
        return self.integer(self.on.most(value, "1"))

    def number(self, value: float) -> str:
        """The place of a number of the dtype."""
        place = self.on.text.room(f"[{2 if self.is_complex else 1} x {self.real}]")
        for n, part in enumerate(constant(value, self.dtype)):
            self.on.store(self.real, part, place, str(n))
        return place

    def blas(self, name: str, *places: str) -> None:
        """Call a function of BLAS."""
        self._call(f"{BLAS}{LETTERS[self.dtype]}{name}", places)

    def lapack(self, name: str, *places: str) -> None:
        """Call a function of LAPACK, whose status comes last."""
        self._call(f"{LAPACK}{LETTERS[self.dtype]}{name}", (*places, self.status))

    def _call(self, name: str, places: Sequence[str]) -> None:
        self.on.text.do(f"call void @{name}({', '.join(f'ptr {place}' for place in places)})")

    def room_for(self, call: Callable[[str, str], None]) -> tuple[str, str]:
        """Room to work in, and the place of its length: as much as a call asks for that is given -1 elements.

        Not more either: LAPACK divides matrices by what there is.  Float32 would not hold every such number.
        """
        assert self.real == "double", self.dtype
        on = self.on
        answer = on.text.room(f"[2 x {self.real}]")
        call(answer, self.integer("-1"))
        count = on.most(on.text.value(f"fptosi {self.real} {on.load(self.real, answer)} to i64"), "1")
        return on.taken(on.mul(count, str(self.dtype.itemsize))), self.integer(count)

    def reals(self, count: str) -> str:
        """Room for so many real numbers."""
        return self.on.taken(self.on.mul(count, str(real_of(self.dtype).itemsize)))

    def numbers(self, count: str) -> str:
        """Room for so many numbers of the dtype."""
        return self.on.taken(self.on.mul(count, str(self.dtype.itemsize)))

    def integers(self, count: str) -> str:
        """Room for so many integers of the library."""
        return self.on.taken(self.on.mul(count, "4"))

    def has_failed(self) -> str:
        """Whether the last call of LAPACK has."""
        return self.on.op("icmp ne", self.on.load("i32", self.status), "0", "i32")


def declarations(text: str) -> list[str]:
    """What a module declares that calls the libraries."""
    found: dict[str, int] = {}
    for name, places in re.findall(rf"call void @((?:{BLAS}|{LAPACK})\w+)\(([^)]*)\)", text):
        found[name] = places.count("ptr ")
    return [f"declare void @{name}({', '.join(['ptr'] * count)})" for name, count in found.items()]
