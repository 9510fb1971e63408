"""The exponential of matrices, by products and systems of the BLAS and LAPACK that SciPy carries, in float64."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import final

from graphc.backends.llvm.matrices import Elements, Matrices, wide
from graphc.backends.llvm.module import Module
from graphc.backends.llvm.native_routine import NativeRoutine
from graphc.backends.llvm.registers import constant, parts_of
from graphc.dataclass import dataclass
from graphc.kernel.factorisations import PADE, RADIUS
from graphc.kernel.steps import Extern
from graphc.types import DTYPES

__all__ = ["expm"]

NAN = float("nan")
FLOAT64 = DTYPES["float64"]
ROOMS = 7  # matrices that are kept at once


def expm(step: Extern, module: Module) -> NativeRoutine:
    """e^a by Padé's approximant of degree 13, with scaling and squaring as each matrix needs it.

    Higham: The scaling and squaring method for the matrix exponential revisited, 2005, algorithm 2.3.
    """
    (a,), (result,) = step.reads, step.writes
    matrices = Matrices(step, wide(a.dtype))
    on, library, n = matrices.on, matrices.library, matrices.rows
    count = on.mul(n, n)
    rooms = [matrices.numbers(count) for _ in range(ROOMS)]
    exponential = _Exponential(matrices, n, count, library.integers(n))
    with on.members(matrices.count, matrices.per_chunk) as member:
        of, to = matrices.of(a, member, 2), matrices.of(result, member, 2)
        matrices.copied(rooms[0], of, count)
        norm = exponential.norm(rooms[0])
        is_finite = on.op("fcmp olt", norm, _number(float("inf")), "double")
        with on.either(is_finite) as choice:
            squarings = exponential.squarings(norm)
            exponential.scale(rooms[0], squarings)
            exponential.approximate(rooms)
            with on.text.loop("0", squarings):
                exponential.product(rooms[1], rooms[0], rooms[0])
                on.copy(rooms[0].base, rooms[1].base, on.mul(count, str(matrices.dtype.itemsize)))
            matrices.copied(to, rooms[0], count)
            choice.otherwise()
            matrices.filled(to, count, NAN)
    extent = a.shape[-1]
    return matrices.routine(matrices.dtype.itemsize * ROOMS * extent * extent + 4 * extent, extent)


@final
@dataclass
class _Exponential:
    """Writes the steps of it."""

    matrices: Matrices
    n: str
    count: str
    exchanged: str

    def norm(self, x: Elements) -> str:
        """The largest sum of a column's sizes."""
        on, parts = self.matrices.on, parts_of(x.dtype)
        most, total = on.text.room("double", _number(0.0)), on.text.room("double")
        with on.text.loop("0", self.n) as j:
            on.store("double", _number(0.0), total)
            with on.text.loop("0", self.n) as i:
                place = on.mul(on.add(on.mul(i, self.n), j), str(parts))
                number = on.load("double", x.base, place)
                if parts == 2:
                    size = on.called("hypot", "double", number, on.load("double", x.base, on.add(place, "1")))
                else:
                    size = on.called("llvm.fabs.f64", "double", number)
                on.store("double", on.op("fadd", on.load("double", total), size, "double"), total)
            so_far, new = on.load("double", most), on.load("double", total)
            is_kept = on.op("fcmp oge", so_far, new, "double")  # nan is taken, and kept
            is_nan = on.op("fcmp uno", so_far, so_far, "double")
            on.store("double", on.chosen(on.op("or", is_kept, is_nan, "i1"), so_far, new, "double"), most)
        return on.load("double", most)

    def squarings(self, norm: str) -> str:
        """How often the approximant is squared."""
        on = self.matrices.on
        ratio = on.op("fdiv", norm, _number(RADIUS), "double")
        needed = on.called("llvm.ceil.f64", "double", on.called("log2", "double", ratio))
        is_large = on.op("fcmp ogt", norm, _number(RADIUS), "double")
        return on.text.value(f"fptosi double {on.chosen(is_large, needed, _number(0.0), 'double')} to i64")

    def scale(self, x: Elements, squarings: str) -> None:
        """Divide by that power of 2, an exponent of which is made."""
        on = self.matrices.on
        factor = on.cast("bitcast", on.op("shl", on.sub("1023", squarings), "52"), "i64", "double")
        with self.numbers() as i:
            on.store("double", on.op("fmul", on.load("double", x.base, i), factor, "double"), x.base, i)

    def numbers(self) -> AbstractContextManager[str]:
        """What stands inside is done for each part of each element."""
        on = self.matrices.on
        return on.text.loop("0", on.mul(self.count, str(parts_of(self.matrices.dtype))))

    def product(self, to: Elements, left: Elements, right: Elements) -> None:
        """left right, of rows."""
        library, n = self.matrices.library, self.matrices.library.leading(self.n)
        order, plain = library.integer(self.n), library.letter("N")
        library.blas(
            "gemm", plain, plain, order, order, order, library.number(1.0), right.base, n, left.base, n,
            library.number(0.0), to.base, n,
        )  # fmt: skip

    def combine(self, to: Elements, terms: Sequence[tuple[float, Elements]], of_one: float, *, adds: bool) -> None:
        """A sum of multiples, and a multiple of the unit matrix; `adds`: to what there is."""
        on, parts = self.matrices.on, parts_of(self.matrices.dtype)
        with self.numbers() as i:
            sum = on.load("double", to.base, i) if adds else ""
            for factor, term in terms:
                part = on.op("fmul", on.load("double", term.base, i), _number(factor), "double")
                sum = on.op("fadd", sum, part, "double") if sum else part
            on.store("double", sum, to.base, i)
        if of_one:
            with on.text.loop("0", self.n) as i:
                place = on.mul(on.mul(i, on.add(self.n, "1")), str(parts))
                one = on.op("fadd", on.load("double", to.base, place), _number(of_one), "double")
                on.store("double", one, to.base, place)

    def approximate(self, rooms: Sequence[Elements]) -> None:
        """The approximant of the first room, there.  Both sides of its system commute: rows or columns are the same."""
        b = [float(number) for number in PADE]
        x, x2, x4, x6, part, odd, even = rooms
        self.product(x2, x, x)
        self.product(x4, x2, x2)
        self.product(x6, x4, x2)
        self.combine(part, [(b[13], x6), (b[11], x4), (b[9], x2)], 0.0, adds=False)
        self.product(odd, x6, part)
        self.combine(odd, [(b[7], x6), (b[5], x4), (b[3], x2)], b[1], adds=True)
        self.combine(part, [(b[12], x6), (b[10], x4), (b[8], x2)], 0.0, adds=False)
        self.product(even, x6, part)
        self.combine(even, [(b[6], x6), (b[4], x4), (b[2], x2)], b[0], adds=True)
        self.product(part, x, odd)
        self.combine(odd, [(1.0, even), (-1.0, part)], 0.0, adds=False)
        self.combine(even, [(1.0, part)], 0.0, adds=True)
        library, n = self.matrices.library, self.matrices.library.leading(self.n)
        order = library.integer(self.n)
        library.lapack("gesv", order, order, odd.base, n, self.exchanged, even.base, n)
        self.matrices.copied(x, even, self.count)


def _number(value: float) -> str:
    return constant(value, FLOAT64)[0]
