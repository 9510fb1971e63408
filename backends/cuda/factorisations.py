"""Routines on matrices as functions that run them on a batch."""

from graphc.backends.cuda.bodies import Function
from graphc.backends.cuda.dtypes import in_memory
from graphc.backends.cuda.eigenvalues import EIGENVALUES, scratch_of_eig
from graphc.backends.cuda.exponential import EXPONENTIAL, SQUARES
from graphc.backends.cuda.function_text import Parameters, Scratch, enclosed
from graphc.backends.cuda.lets import Library
from graphc.backends.cuda.matrices import FACTORISATIONS
from graphc.backends.cuda.spectra import SPECTRA
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.steps import Extern
from graphc.sizes import Size, maximum, minimum, product
from graphc.types import INT64, DType, is_complex

__all__ = ["factorisation"]

THREADS = 128
MOST_BLOCKS = 1 << 12


@dataclass(frozen=True)
class _Arrays:
    """The arrays of a routine, at a member of the batch."""

    parameters: Parameters
    member: str

    def at(self, buffer: Buffer, axes: int) -> str:
        """Where the last axes of a buffer begin."""
        size = self.parameters.size(product(buffer.shape[len(buffer.shape) - axes :]))
        return f"{self.parameters.pointer(buffer)} + {self.member} * {enclosed(size)}"

    def scratch(self, dtype: DType, size: Size, blocks: Size, name: str) -> str:
        """Where scratch of a block begins."""
        pointer = self.parameters.scratch(Scratch(dtype, size * blocks), name)
        return f"{pointer} + i64(blockIdx.x) * {enclosed(self.parameters.size(size))}"


def factorisation(step: Extern, parameters: Parameters, library: Library) -> Function | None:
    """The function that runs a routine on every matrix of a batch; None where there is none."""
    piece = "householder" if step.routine in ("qr", "complement") else step.routine
    if not any(piece in pieces for pieces in (FACTORISATIONS, SPECTRA, EIGENVALUES, EXPONENTIAL)):
        return None
    library.need(piece)
    a = step.reads[0]
    if is_complex(a.dtype):
        library.need("complex parts")
        if piece in SPECTRA:
            library.need("complex sizes")
    batch = product(a.shape[:-2])
    n, m = a.shape[-2:]
    rows, columns = parameters.size(n), parameters.size(m)
    arrays, dtype = _Arrays(parameters, "member"), a.dtype
    if step.routine == "triangular_solve":
        return _by_columns(step, parameters, batch, rows)
    blocks = minimum(batch, MOST_BLOCKS)
    match step.routine:
        case "cholesky":
            call = f"cholesky({arrays.at(a, 2)}, {arrays.at(step.writes[0], 2)}, {rows})"
        case "lu":
            packed, order, sign = step.writes
            listed = f"{arrays.at(packed, 2)}, {arrays.at(order, 1)}, {arrays.at(sign, 0)}"
            call = f"lu({arrays.at(a, 2)}, {listed}, {rows}, {columns})"
        case "eigh":
            w, v = step.writes
            scratch = f"{arrays.scratch(dtype, n * n, blocks, 'work')}, {arrays.scratch(dtype, n * n, blocks, 'turns')}"
            call = f"eigh({arrays.at(a, 2)}, {arrays.at(w, 1)}, {arrays.at(v, 2)}, {scratch}, {rows})"
        case "eig":
            w, v = step.writes
            work = arrays.scratch(w.dtype, scratch_of_eig(n), blocks, "work")
            call = f"eig({arrays.at(a, 2)}, {arrays.at(w, 1)}, {arrays.at(v, 2)}, {work}, {rows})"
        case "expm":
            work = arrays.scratch(dtype, SQUARES * n * n + 1, blocks, "work")
            places = arrays.scratch(INT64, n, blocks, "order")
            call = f"expm({arrays.at(a, 2)}, {arrays.at(step.writes[0], 2)}, {work}, {places}, {rows})"
        case "svd":
            call = _svd(step, arrays, blocks)
        case _:
            results = ", ".join(arrays.at(buffer, 2) for buffer in step.writes)
            scratch = f"{arrays.scratch(dtype, n * m, blocks, 'full')}, {arrays.scratch(dtype, m, blocks, 'factors')}"
            call = f"{step.routine}({arrays.at(a, 2)}, {results}, {scratch}, {rows}, {columns})"
    loop = f"for (i64 member = blockIdx.x; member < {parameters.size(batch)}; member += gridDim.x)"
    text = f"{parameters.head(THREADS)}\n    {loop}\n        {call};\n}}\n"
    return Function(text, parameters, blocks, THREADS)


def _svd(step: Extern, arrays: _Arrays, blocks: Size) -> str:
    """The call of `svd`, with all the scratch that it takes."""
    (a,), (u, s, v) = step.reads, step.writes
    dtype, (n, m) = a.dtype, a.shape[-2:]
    k, size = s.shape[-1], arrays.parameters.size
    long, square = a.shape[-2] * a.shape[-1], k * k
    wanted = [(dtype, long, name) for name in ("work", "sorted", "full", "left")]
    wanted += [
        (dtype, square, "turns"),
        (dtype, square, "ranked"),
        (dtype, k, "factors"),
        (s.dtype, k, "lengths"),
    ]
    scratch = [arrays.scratch(of, extent, blocks, name) for of, extent, name in wanted]
    results = [arrays.at(u, 2), arrays.at(s, 1), arrays.at(v, 2)]
    listed = [arrays.at(a, 2), *results, *scratch, size(n), size(m), size(maximum(n, m)), size(k)]
    return f"svd({', '.join(listed)})"


def _by_columns(step: Extern, parameters: Parameters, batch: Size, rows: str) -> Function:
    """A thread for each column of each system."""
    (a, b), (x,) = step.reads, step.writes
    arrays, width = _Arrays(parameters, "(i / columns)"), parameters.size(b.shape[-1])
    options = {"lower": True, "transposed": False, "unit_diagonal": False, **dict(step.options)}
    chosen = ", ".join(str(bool(options[name])).lower() for name in ("lower", "transposed", "unit_diagonal"))
    columns = batch * b.shape[-1]
    places = f"{arrays.at(a, 2)}, {arrays.at(b, 2)} + i % columns, {arrays.at(x, 2)} + i % columns"
    count = parameters.size(columns)
    lines = [
        f"    const i64 columns = {width};",
        f"    for (i64 i = i64(blockIdx.x) * {THREADS} + threadIdx.x; i < {count}; i += i64(gridDim.x) * {THREADS})",
        f"        triangular_solve<{chosen}, {in_memory(a.dtype)}>({places}, {rows}, columns);",
    ]
    text = "\n".join((parameters.head(THREADS), *lines, "}", ""))
    return Function(text, parameters, minimum((columns + (THREADS - 1)) // THREADS, MOST_BLOCKS), THREADS)
