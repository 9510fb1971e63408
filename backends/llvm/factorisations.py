"""Triangular and orthogonal factors of matrices, and triangular systems, by the LAPACK and BLAS that SciPy carries.

Rows of ours are columns of Fortran's: a lower triangle is an upper one there.
"""

from graphc.backends.llvm.matrices import Elements, Matrices, wide
from graphc.backends.llvm.module import Module
from graphc.backends.llvm.native_routine import NativeRoutine
from graphc.backends.llvm.registers import parts_of
from graphc.kernel.routines import TRIANGLE
from graphc.kernel.steps import Extern
from graphc.sizes import Size, maximum, product
from graphc.types import DTYPES, NARROW, DType

__all__ = ["cholesky", "complement", "lu", "qr", "triangular_solve"]

FLOAT64 = DTYPES["float64"]
NAN = float("nan")
ABREAST = 64  # columns that LAPACK takes together, at most


def _known(dtype: DType) -> DType:
    """What is computed in: LAPACK knows no floats of 16 bits."""
    return FLOAT64 if dtype in NARROW else dtype


def cholesky(step: Extern, module: Module) -> NativeRoutine:
    """The lower factor, zero above the diagonal; nan throughout where there is none.  Computed where it goes."""
    (a,), (factor,) = step.reads, step.writes
    matrices = Matrices(step, _known(a.dtype))
    on, library, n = matrices.on, matrices.library, matrices.rows
    elements = on.mul(n, n)
    apart = matrices.numbers(elements) if a.dtype in NARROW else None
    with on.members(matrices.count, matrices.per_chunk) as member:
        lower = matrices.of(factor, member, 2)
        work = apart or lower
        matrices.copied(work, matrices.of(a, member, 2), elements)
        library.lapack("potrf", library.letter("U"), library.integer(n), work.base, library.leading(n))
        matrices.clear_above(work.base, n)
        with on.text.when(library.has_failed()):
            matrices.filled(work, elements, NAN)
        if apart is not None:
            matrices.copied(lower, apart, elements)
    extent = a.shape[-1]
    return matrices.routine(FLOAT64.itemsize * extent * extent if a.dtype in NARROW else 0, extent)


def triangular_solve(step: Extern, module: Module) -> NativeRoutine:
    """x with t x = b, where t is a triangle of `a` or that transposed; nan where its diagonal has a zero.

    Solved where x is, as x^T t^T = b^T.
    """
    (a, b), (x,) = step.reads, step.writes
    options = {**TRIANGLE, **dict(step.options)}
    matrices = Matrices(step, _known(b.dtype))
    on, library, n = matrices.on, matrices.library, matrices.rows
    k = on.size(b.shape[-1])
    squares, elements = on.mul(n, n), on.mul(n, k)
    apart = (matrices.numbers(squares), matrices.numbers(elements)) if b.dtype in NARROW else None
    with on.members(matrices.count, matrices.per_chunk) as member:
        triangle, solution = matrices.of(a, member, 2), matrices.of(x, member, 2)
        work = solution
        if apart is not None:
            matrices.copied(apart[0], triangle, squares)
            triangle, work = apart
        matrices.copied(work, matrices.of(b, member, 2), elements)
        library.blas(
            "trsm", library.letter("R"), library.letter("U" if options["lower"] else "L"),
            library.letter("T" if options["transposed"] else "N"),
            library.letter("U" if options["unit_diagonal"] else "N"),
            library.integer(k), library.integer(n), library.number(1.0),
            triangle.base, library.leading(n), work.base, library.leading(k),
        )  # fmt: skip
        if not options["unit_diagonal"]:
            with on.text.when(_has_zero(matrices, triangle, n)):
                matrices.filled(work, elements, NAN)
        if apart is not None:
            matrices.copied(solution, work, elements)
    allocated = FLOAT64.itemsize * (product(a.shape[-2:]) + product(b.shape[-2:])) if apart is not None else 0
    return matrices.routine(allocated, maximum(*b.shape[-2:]))


def _has_zero(matrices: Matrices, triangle: Elements, n: str) -> str:
    """Whether a number on the diagonal is zero."""
    on, real, parts = matrices.on, matrices.library.real, parts_of(triangle.dtype)
    found = on.text.room("i1", "false")
    with on.text.loop("0", n) as i:
        first = on.mul(on.mul(i, on.add(n, "1")), str(parts))
        is_zero = "true"
        for part in range(parts):
            number = on.load(real, triangle.base, on.add(first, str(part)))
            is_zero = on.op("and", is_zero, on.op("fcmp oeq", number, "0.0", real), "i1")
        on.store("i1", on.op("or", on.load("i1", found), is_zero, "i1"), found)
    return on.load("i1", found)


def lu(step: Extern, module: Module) -> NativeRoutine:
    """l u in one matrix, the order of the rows, and the sign of that permutation."""
    (a,), (packed, order, sign) = step.reads, step.writes
    matrices = Matrices(step, a.dtype)
    on, library, n, m = matrices.on, matrices.library, matrices.rows, matrices.columns
    work, exchanged = matrices.numbers(on.mul(n, m)), library.integers(m)
    with on.members(matrices.count, matrices.per_chunk) as member:
        matrices.turned(work, matrices.of(a, member, 2), n, m)
        library.lapack("getrf", library.integer(n), library.integer(m), work.base, library.leading(n), exchanged)
        matrices.turned(matrices.of(packed, member, 2), work, m, n)
        places, determinant = matrices.of(order, member, 1).base, matrices.of(sign, member, 0)
        with on.text.loop("0", n) as i:
            on.store("i64", i, places, i)
        matrices.filled(determinant, "1", 1.0)
        with on.text.loop("0", m) as i:
            j = on.sub(on.cast("sext", on.load("i32", exchanged, i), "i32", "i64"), "1")
            with on.text.when(on.op("icmp ne", i, j)):
                first, second = on.load("i64", places, i), on.load("i64", places, j)
                on.store("i64", second, places, i)
                on.store("i64", first, places, j)
                for part in range(parts_of(a.dtype)):
                    number = on.load(library.real, determinant.base, str(part))
                    opposite = on.text.value(f"fneg {library.real} {number}")
                    on.store(library.real, opposite, determinant.base, str(part))
    rows, columns = a.shape[-2:]
    return matrices.routine(a.dtype.itemsize * rows * columns + 4 * columns, maximum(rows, columns))


def qr(step: Extern, module: Module) -> NativeRoutine:
    """Orthonormal columns q and an upper triangle r; n >= m."""
    (a,), (q, r) = step.reads, step.writes
    matrices = Matrices(step, wide(a.dtype))
    on, n, m = matrices.on, matrices.rows, matrices.columns
    reflected = _Reflections(matrices, m)
    work = reflected.work
    with on.members(matrices.count, matrices.per_chunk) as member:
        matrices.turned(work, matrices.of(a, member, 2), n, m)
        reflected.reduce()
        triangle = matrices.of(r, member, 2)
        on.clear(triangle.base, on.mul(on.mul(m, m), str(a.dtype.itemsize)))
        with on.text.loop("0", m) as i, on.text.loop(i, m) as j:
            matrices.move(triangle, on.add(on.mul(i, m), j), work, on.add(on.mul(j, n), i))
        reflected.expand()
        matrices.turned(matrices.of(q, member, 2), work, m, n)
    rows, columns = a.shape[-2:]
    return matrices.routine(_orthogonal_bytes(matrices.dtype, rows, columns), maximum(rows, ABREAST * columns))


def complement(step: Extern, module: Module) -> NativeRoutine:
    """The columns with which the orthonormal ones of q are a basis."""
    (q,), (rest,) = step.reads, step.writes
    matrices = Matrices(step, wide(q.dtype))
    on, n, k = matrices.on, matrices.rows, matrices.columns
    reflected = _Reflections(matrices, n)
    with on.members(matrices.count, matrices.per_chunk) as member:
        matrices.turned(reflected.work, matrices.of(q, member, 2), n, k)
        reflected.reduce()
        reflected.expand()
        behind = on.at("i8", reflected.work.base, on.mul(on.mul(n, k), str(matrices.dtype.itemsize)))
        matrices.turned(matrices.of(rest, member, 2), Elements(behind, matrices.dtype), on.sub(n, k), n)
    rows = q.shape[-2]
    return matrices.routine(_orthogonal_bytes(matrices.dtype, rows, rows), ABREAST * rows)


class _Reflections:
    """The reflections that make the columns of a matrix a triangle, and the first `wanted` columns of their product."""

    def __init__(self, matrices: Matrices, wanted: str) -> None:
        self.matrices, self.wanted = matrices, wanted
        on, library, n, m = matrices.on, matrices.library, matrices.rows, matrices.columns
        self.n, self.m, self.apart = library.integer(n), library.integer(m), library.leading(n)
        self.work, self.factors = matrices.numbers(on.mul(n, wanted)), library.numbers(m)
        self.reducing = library.room_for(self._reduce)
        self.expanding = library.room_for(self._expand)

    def reduce(self) -> None:
        """The triangle at and above the diagonal, reflections below."""
        self._reduce(*self.reducing)

    def expand(self) -> None:
        """Columns in place of reflections."""
        self._expand(*self.expanding)

    def _reduce(self, room: str, length: str) -> None:
        self.matrices.library.lapack("geqrf", self.n, self.m, self.work.base, self.apart, self.factors, room, length)

    def _expand(self, room: str, length: str) -> None:
        library = self.matrices.library
        name = "ungqr" if library.is_complex else "orgqr"
        wanted = library.integer(self.wanted)
        library.lapack(name, self.n, wanted, self.m, self.work.base, self.apart, self.factors, room, length)


def _orthogonal_bytes(dtype: DType, rows: Size, columns: Size) -> Size:
    """A matrix, its factors, and room to work in, twice."""
    return dtype.itemsize * (rows * columns + (2 * ABREAST + 1) * columns + 4)
