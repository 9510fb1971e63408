"""Eigenvalues and singular values of matrices, by the LAPACK that SciPy carries, in float64.

A matrix that is not finite gives nan, and so does one for which LAPACK does not converge.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from graphc.backends.llvm.matrices import Elements, Matrices, wide
from graphc.backends.llvm.module import Module
from graphc.backends.llvm.native_routine import NativeRoutine
from graphc.backends.llvm.registers import in_register, parts_of
from graphc.kernel.steps import Extern
from graphc.sizes import Size, maximum, minimum
from graphc.types import is_complex, real_of

__all__ = ["eig", "eigh", "svd"]

NAN = float("nan")
ABREAST = 64  # columns that LAPACK takes together, at most

#: elements and how many there are
Several = tuple[Elements, str]


@contextmanager
def _where(matrices: Matrices, is_finite: str, results: Sequence[Several]) -> Iterator[None]:
    """What stands inside is done for a finite matrix; where LAPACK then has failed, and else, results are nan."""
    text, library = matrices.on.text, matrices.library
    matrices.on.store("i32", "1", library.status)
    with text.when(is_finite):
        yield
    with text.when(library.has_failed()):
        for elements, count in results:
            matrices.filled(elements, count, NAN)


def eigh(step: Extern, module: Module) -> NativeRoutine:
    """w ascending and orthonormal v of the lower triangle, by divide and conquer."""
    (a,), (values, vectors) = step.reads, step.writes
    matrices = Matrices(step, wide(a.dtype))
    on, library, n = matrices.on, matrices.library, matrices.rows
    squares = on.mul(n, n)
    lower, work = Elements(library.numbers(squares), matrices.dtype), matrices.numbers(squares)
    found = Elements(library.reals(n), wide(values.dtype))
    many = on.add(on.mul(n, "5"), "3")
    places, reals = library.integers(many), on.add(on.mul(squares, "2"), on.add(on.mul(n, "5"), "1"))
    real_room = (library.reals(reals), library.integer(reals)) if library.is_complex else ()

    def solve(room: str, length: str) -> None:
        library.lapack(
            "heevd" if library.is_complex else "syevd", library.letter("V"), library.letter("L"), library.integer(n),
            work.base, library.leading(n), found.base, room, length, *real_room, places, library.integer(many),
        )  # fmt: skip

    room = library.room_for(solve)
    with on.members(matrices.count, matrices.per_chunk) as member:
        w, v = matrices.of(values, member, 1), matrices.of(vectors, member, 2)
        matrices.copied(lower, matrices.of(a, member, 2), squares)
        matrices.clear_above(lower.base, n)
        with _where(matrices, matrices.is_finite(lower, squares), [(w, n), (v, squares)]):
            matrices.turned(work, lower, n, n)
            solve(*room)
            matrices.copied(w, found, n)
            matrices.turned(v, work, n, n)
    extent = a.shape[-1]
    most = (3 if is_complex(a.dtype) else 2) * extent * extent + (ABREAST + 6) * extent + 8
    return matrices.routine(matrices.dtype.itemsize * (2 * extent * extent + most + 8 * extent), most)


def eig(step: Extern, module: Module) -> NativeRoutine:
    """Complex w, and the columns of v, of length 1."""
    (a,), (values, vectors) = step.reads, step.writes
    matrices = Matrices(step, wide(a.dtype))
    on, library, n = matrices.on, matrices.library, matrices.rows
    squares = on.mul(n, n)
    work, right = matrices.numbers(squares), matrices.numbers(squares)
    w = [Elements(library.numbers(n), matrices.dtype) for _ in range(1 if library.is_complex else 2)]
    real_room = [library.reals(on.mul(n, "2"))] if library.is_complex else []

    def solve(room: str, length: str) -> None:
        library.lapack(
            "geev", library.letter("N"), library.letter("V"), library.integer(n), work.base, library.leading(n),
            *(part.base for part in w), right.base, library.leading(n), right.base, library.leading(n),
            room, length, *real_room,
        )  # fmt: skip

    room = library.room_for(solve)
    with on.members(matrices.count, matrices.per_chunk) as member:
        of, eigenvalues, v = matrices.of(a, member, 2), matrices.of(values, member, 1), matrices.of(vectors, member, 2)
        with _where(matrices, matrices.is_finite(of, squares), [(eigenvalues, n), (v, squares)]):
            matrices.turned(work, of, n, n)
            solve(*room)
            if library.is_complex:
                matrices.copied(eigenvalues, w[0], n)
                matrices.turned(v, right, n, n)
            else:
                _pair(matrices, w, right, eigenvalues, v)
    extent = a.shape[-1]
    most = extent * extent + 4 * ABREAST * extent
    return matrices.routine(matrices.dtype.itemsize * (2 * extent * extent + most + 4 * extent), most)


def _pair(matrices: Matrices, w: Sequence[Elements], right: Elements, values: Elements, v: Elements) -> None:
    """Complex numbers of real matrices: of two that are conjugates, the columns are the parts of the first vector."""
    on, n, library = matrices.on, matrices.rows, matrices.library
    w_parts, v_parts = (_parts(matrices, x) for x in (values, v))
    second = on.text.room("i1", "false")
    with on.text.loop("0", n) as j:
        imaginary = on.load(library.real, w[1].base, j)
        for part in (0, 1):
            place = on.add(on.mul(j, "2"), str(part))
            matrices.move(w_parts, place, w[part], j)
        is_real = on.op("fcmp oeq", imaginary, "0.0", library.real)
        is_second = on.load("i1", second)
        first = on.chosen(is_second, on.sub(j, "1"), j)
        with on.text.loop("0", n) as i:
            at = on.add(on.mul(first, n), i)
            real = on.load(library.real, right.base, at)
            with on.either(is_real) as choice:
                _store_parts(matrices, v_parts, on.add(on.mul(i, n), j), real, "0.0")
                choice.otherwise()
                next = on.load(library.real, right.base, on.add(at, n))
                opposite = on.text.value(f"fneg {library.real} {next}")
                turned = on.chosen(is_second, opposite, next, library.real)
                _store_parts(matrices, v_parts, on.add(on.mul(i, n), j), real, turned)
        is_first = on.op("and", on.op("xor", is_real, "true", "i1"), on.op("xor", is_second, "true", "i1"), "i1")
        on.store("i1", is_first, second)


def _parts(matrices: Matrices, elements: Elements) -> Elements:
    """Complex numbers as twice as many real ones."""
    assert parts_of(elements.dtype) == 2, elements
    return Elements(elements.base, real_of(elements.dtype))


def _store_parts(matrices: Matrices, parts: Elements, place: str, real: str, imaginary: str) -> None:
    on, type = matrices.on, in_register(parts.dtype)
    for n, part in enumerate((real, imaginary)):
        number = on.cast("fptrunc", part, matrices.library.real, type)
        on.store(type, number, parts.base, on.add(on.mul(place, "2"), str(n)))


def svd(step: Extern, module: Module) -> NativeRoutine:
    """u, s descending, and the rows of v, by divide and conquer."""
    (a,), (left, singular, right) = step.reads, step.writes
    matrices = Matrices(step, wide(a.dtype))
    on, library, n, m = matrices.on, matrices.library, matrices.rows, matrices.columns
    k = on.least(n, m)
    elements = on.mul(n, m)
    work, found = matrices.numbers(elements), Elements(library.reals(k), wide(singular.dtype))
    u, v = matrices.numbers(on.mul(n, k)), matrices.numbers(on.mul(k, m))
    places = library.integers(on.mul(k, "8"))
    most = on.most(n, m)
    reals = on.add(on.mul(k, on.add(on.mul(k, "5"), "7")), on.mul(on.mul(most, "2"), k))
    real_room = [library.reals(reals)] if library.is_complex else []

    def solve(room: str, length: str) -> None:
        library.lapack(
            "gesdd", library.letter("S"), library.integer(n), library.integer(m), work.base, library.leading(n),
            found.base, u.base, library.leading(n), v.base, library.leading(k), room, length, *real_room, places,
        )  # fmt: skip

    room = library.room_for(solve)
    with on.members(matrices.count, matrices.per_chunk) as member:
        of, s = matrices.of(a, member, 2), matrices.of(singular, member, 1)
        results = [matrices.of(left, member, 2), matrices.of(right, member, 2)]
        counts = [on.mul(n, k), on.mul(k, m)]
        is_finite = matrices.is_finite(of, elements)
        with _where(matrices, is_finite, [(s, k), *zip(results, counts, strict=True)]):
            matrices.turned(work, of, n, m)
            solve(*room)
            matrices.copied(s, found, k)
            matrices.turned(results[0], u, k, n)
            matrices.turned(results[1], v, m, k)
    return matrices.routine(*_svd_sizes(matrices, *a.shape[-2:]))


def _svd_sizes(matrices: Matrices, n: Size, m: Size) -> tuple[Size, Size]:
    """The bytes that are allocated, and the largest number given to LAPACK, both at most."""
    k, most = minimum(n, m), maximum(n, m)
    room = 5 * k * k + 2 * most * k + ABREAST * (n + m) + 8 * k + 64
    return matrices.dtype.itemsize * (n * m + k * (n + m) + room + 12 * k), maximum(room, most)
