"""Complex numbers in vectors of real and imaginary parts, as Fourier transforms need them."""

from collections.abc import Sequence
from typing import TypeAlias, final

from graphc.backends.llvm.registers import constant, in_register, vector
from graphc.backends.llvm.writer import Writer
from graphc.dataclass import dataclass
from graphc.types import DType

__all__ = ["Wave", "Waves"]

Wave: TypeAlias = tuple[str, str]  # registers of the real and the imaginary parts


@final
@dataclass(frozen=True)
class Waves:
    """Instructions on `lanes` complex numbers at once."""

    on: Writer
    dtype: DType  # of a part
    lanes: int
    has_fma: bool

    @property
    def real(self) -> str:
        """The type of one part."""
        return in_register(self.dtype)

    @property
    def type(self) -> str:
        """The type of a register."""
        return vector(self.real, self.lanes)

    def load(self, base: str, place: str) -> str:
        return self.on.load(self.type, self.on.at(self.real, base, place), align=self.dtype.itemsize)

    def store(self, value: str, base: str, place: str) -> None:
        self.on.store(self.type, value, self.on.at(self.real, base, place), align=self.dtype.itemsize)

    def spread(self, base: str, place: str) -> str:
        """A number from memory, for every lane."""
        number = self.on.load(self.real, base, place)
        return number if self.lanes == 1 else self.on.spread(number, self.real, self.lanes)

    def number(self, value: float) -> str:
        """A constant for every lane."""
        (one,) = constant(value, self.dtype)
        return one if self.lanes == 1 else f"splat ({self.real} {one})"

    def op(self, instruction: str, x: str, y: str) -> str:
        return self.on.op(instruction, x, y, self.type)

    def fma(self, x: str, y: str, z: str) -> str:
        """x y + z, in one rounding where the machine has it."""
        if not self.has_fma:
            return self.op("fadd", self.op("fmul", x, y), z)
        suffix = ("f64" if self.real == "double" else "f32") if self.lanes == 1 else self._suffix
        return self.on.called(f"llvm.fma.{suffix}", self.type, x, y, z)

    @property
    def _suffix(self) -> str:
        return f"v{self.lanes}{'f64' if self.real == 'double' else 'f32'}"

    def opposite(self, x: str) -> str:
        return self.on.text.value(f"fneg {self.type} {x}")

    def add(self, x: Wave, y: Wave) -> Wave:
        return self.op("fadd", x[0], y[0]), self.op("fadd", x[1], y[1])

    def sub(self, x: Wave, y: Wave) -> Wave:
        return self.op("fsub", x[0], y[0]), self.op("fsub", x[1], y[1])

    def mul(self, x: Wave, y: Wave) -> Wave:
        real = self.fma(x[0], y[0], self.opposite(self.op("fmul", x[1], y[1])))
        return real, self.fma(x[0], y[1], self.op("fmul", x[1], y[0]))

    def conjugate(self, x: Wave) -> Wave:
        return x[0], self.opposite(x[1])

    def times(self, x: Wave, factor: str) -> Wave:
        """By a real number."""
        return self.op("fmul", x[0], factor), self.op("fmul", x[1], factor)

    def multiples(self, start: Wave, terms: Sequence[tuple[str, Wave]]) -> Wave:
        """`start` and real multiples of others."""
        real, imaginary = start
        for factor, term in terms:
            real, imaginary = self.fma(factor, term[0], real), self.fma(factor, term[1], imaginary)
        return real, imaginary

    def less_turned(self, x: Wave, y: Wave) -> Wave:
        """x - i y."""
        return self.op("fadd", x[0], y[1]), self.op("fsub", x[1], y[0])

    def more_turned(self, x: Wave, y: Wave) -> Wave:
        """x + i y."""
        return self.op("fsub", x[0], y[1]), self.op("fadd", x[1], y[0])

    def read(self, planes: "tuple[str, str]", place: str) -> Wave:
        """The numbers at a place of two planes."""
        return self.load(planes[0], place), self.load(planes[1], place)

    def write(self, x: Wave, planes: "tuple[str, str]", place: str) -> None:
        self.store(x[0], planes[0], place)
        self.store(x[1], planes[1], place)
