"""Products by cuBLASLt, a library of NVIDIA, where it is installed: called by its C functions.

Sums are never parted among blocks that meet in memory, so results have the same bits every time; no room is asked for.
"""

import ctypes
import weakref
from collections.abc import Callable, Sequence
from ctypes import POINTER, byref, c_double, c_float, c_int, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, final

from graphc.backends.cuda.device import DriverError
from graphc.backends.cuda.multiplication import Matrices, Multiplication, Multiplier
from graphc.dataclass import dataclass

__all__ = ["SIGNATURES", "CublasLt", "library"]

NOT_INITIALIZED, NOT_SUPPORTED = 1, 15
ALIGNMENT = 16  # bytes, of the first element of each matrix
_DESC_TRANSA, _DESC_TRANSB = 3, 4
_LAYOUT_BATCH_COUNT, _LAYOUT_STRIDED_BATCH_OFFSET = 5, 6
_PREF_MAX_WORKSPACE_BYTES, _PREF_REDUCTION_SCHEME_MASK, _PREF_MIN_ALIGNMENT = 1, 3, (5, 6, 7, 8)
_NO_REDUCTION = 0
_TURNED = 1  # CUBLAS_OP_T
#: dtype -> its type in CUDA, how sums are made (float32 stays float32: no TF32), and the type of factors
_KINDS = {
    "float32": (0, 68, 0),
    "float64": (1, 70, 1),
    "float16": (2, 68, 0),
    "bfloat16": (14, 68, 0),
}


class Algorithm(ctypes.Structure):
    _fields_ = (("data", c_uint64 * 8),)


class Heuristic(ctypes.Structure):
    _fields_ = (
        ("algorithm", Algorithm),
        ("workspace", c_size_t),
        ("state", c_int),
        ("waves", c_float),
        ("reserved", c_int * 4),
    )


_SET = (c_void_p, c_int, c_void_p, c_size_t)
#: what each function takes, in order
SIGNATURES: dict[str, tuple[Any, ...]] = {
    "cublasLtGetVersion": (),
    "cublasLtCreate": (POINTER(c_void_p),),
    "cublasLtMatmulDescCreate": (POINTER(c_void_p), c_int, c_int),
    "cublasLtMatmulDescSetAttribute": _SET,
    "cublasLtMatmulDescDestroy": (c_void_p,),
    "cublasLtMatrixLayoutCreate": (POINTER(c_void_p), c_int, c_uint64, c_uint64, c_int64),
    "cublasLtMatrixLayoutSetAttribute": _SET,
    "cublasLtMatrixLayoutDestroy": (c_void_p,),
    "cublasLtMatmulPreferenceCreate": (POINTER(c_void_p),),
    "cublasLtMatmulPreferenceSetAttribute": _SET,
    "cublasLtMatmulPreferenceDestroy": (c_void_p,),
    "cublasLtMatmulAlgoGetHeuristic": (*(c_void_p,) * 7, c_int, POINTER(Heuristic), POINTER(c_int)),
    "cublasLtMatmul": (*(c_void_p,) * 12, POINTER(Algorithm), c_void_p, c_size_t, c_void_p),
}


def library() -> Any | None:
    """The library with its functions declared; None where it is not installed."""
    try:
        from cuda.pathfinder import load_nvidia_dynamic_lib

        found = ctypes.CDLL(load_nvidia_dynamic_lib("cublasLt").abs_path)
        for name, taken in SIGNATURES.items():
            function = getattr(found, name)
            function.argtypes = taken
            function.restype = c_size_t if name == "cublasLtGetVersion" else c_int
    except (ImportError, RuntimeError, OSError, AttributeError):  # of another version, or none
        return None
    return found


@final
@dataclass(frozen=True, eq=False)
class CublasLt(Multiplier):
    """The library on one device.

    stream   what products go to at the moment of a call
    note     told the addresses of a product that is recorded
    """

    functions: Any
    handle: Any
    stream: Callable[[], int]
    note: Callable[[Sequence[int]], None]

    @classmethod
    def of(cls, functions: Any, stream: Callable[[], int], note: Callable[[Sequence[int]], None]) -> "CublasLt | None":
        """One for the device of this thread; None where the library does not run with the driver.

        Raises DriverError.
        """
        handle = c_void_p()
        status = functions.cublasLtCreate(byref(handle))
        if status == NOT_INITIALIZED:
            return None
        _done("cublasLtCreate", status)
        return cls(functions, handle, stream, note)

    @property
    def version(self) -> str:
        return f"cublasLt {self.functions.cublasLtGetVersion()}"

    def planned(self, matrices: Matrices) -> "Multiplied | None":
        made = self._made(matrices, Algorithm())
        wanted = c_void_p()
        self._call("MatmulPreferenceCreate", byref(wanted))
        try:
            self._set("MatmulPreference", wanted, _PREF_MAX_WORKSPACE_BYTES, c_uint64(0))
            self._set("MatmulPreference", wanted, _PREF_REDUCTION_SCHEME_MASK, c_uint32(_NO_REDUCTION))
            for attribute in _PREF_MIN_ALIGNMENT:
                self._set("MatmulPreference", wanted, attribute, c_uint32(ALIGNMENT))
            found, count = Heuristic(), c_int()
            status = self.functions.cublasLtMatmulAlgoGetHeuristic(
                self.handle, made.description, *made.layouts, made.layouts[2], wanted, 1, byref(found), byref(count)
            )
        finally:
            self._call("MatmulPreferenceDestroy", wanted)
        if status == NOT_SUPPORTED:
            return None
        _done("cublasLtMatmulAlgoGetHeuristic", status)
        if not count.value or found.state:
            return None
        made.algorithm.data[:] = found.algorithm.data[:]
        return made

    def again(self, matrices: Matrices, kept: bytes) -> "Multiplied | None":
        if len(kept) != ctypes.sizeof(Algorithm):
            return None
        return self._made(matrices, Algorithm.from_buffer_copy(kept))

    def _made(self, matrices: Matrices, algorithm: Algorithm) -> "Multiplied":
        description, layouts = self._described(matrices)
        made = Multiplied(self, matrices, description, layouts, algorithm)
        weakref.finalize(made, _destroy, self.functions, description, layouts).atexit = False
        return made

    def _described(self, matrices: Matrices) -> tuple[Any, tuple[Any, Any, Any]]:
        """The product, and its matrices."""
        kind, sums, factor = _KINDS[matrices.dtype]
        kinds = (kind, kind, _KINDS[matrices.result][0])
        description, layouts = c_void_p(), (c_void_p(), c_void_p(), c_void_p())
        try:
            self._call("MatmulDescCreate", byref(description), sums, factor)
            for attribute, is_turned in zip((_DESC_TRANSA, _DESC_TRANSB), matrices.are_turned, strict=True):
                self._set("MatmulDesc", description, attribute, c_int32(_TURNED if is_turned else 0))
            rows, columns, terms = matrices.rows, matrices.columns, matrices.sums
            sides = ((rows, terms), (terms, columns), (rows, columns))
            turned = (*matrices.are_turned, False)
            for number, (layout, shape) in enumerate(zip(layouts, sides, strict=True)):
                down, across = reversed(shape) if turned[number] else shape
                self._call("MatrixLayoutCreate", byref(layout), kinds[number], down, across, matrices.leading[number])
                if matrices.count > 1:
                    self._set("MatrixLayout", layout, _LAYOUT_BATCH_COUNT, c_int32(matrices.count))
                    step = c_int64(matrices.steps[number])
                    self._set("MatrixLayout", layout, _LAYOUT_STRIDED_BATCH_OFFSET, step)
        except DriverError:
            _destroy(self.functions, description, layouts)
            raise
        return description, layouts

    def _call(self, name: str, *given: object) -> None:
        _done(f"cublasLt{name}", getattr(self.functions, f"cublasLt{name}")(*given))

    def _set(self, what: str, of: Any, attribute: int, value: Any) -> None:
        self._call(f"{what}SetAttribute", of, attribute, byref(value), ctypes.sizeof(value))


@final
@dataclass(frozen=True, eq=False)
class Multiplied(Multiplication):
    """A product that is described to the library."""

    by: CublasLt
    matrices: Matrices
    description: Any
    layouts: tuple[Any, Any, Any]
    algorithm: Algorithm

    @property
    def kept(self) -> bytes:
        return bytes(self.algorithm)

    def run(self, left: int, right: int, out: int) -> None:
        factor = c_double if self.matrices.dtype == "float64" else c_float
        one, none = factor(1), factor(0)
        a, b, c = self.layouts
        self.by._call(
            "Matmul",
            *(self.by.handle, self.description, byref(one), left, a, right, b, byref(none), out, c, out, c),
            *(byref(self.algorithm), None, 0, self.by.stream()),
        )
        self.by.note((left, right, out))


def _destroy(functions: Any, description: Any, layouts: Sequence[Any]) -> None:
    """Let descriptions go, those that were made."""
    if description:
        functions.cublasLtMatmulDescDestroy(description)
    for layout in layouts:
        if layout:
            functions.cublasLtMatrixLayoutDestroy(layout)


def _done(name: str, status: int) -> None:
    """Raise DriverError where a function of the library failed."""
    if status:
        raise DriverError(f"{name} of cuBLASLt gave status {status}")
