"""Types of nodes: a shape of sizes and a dtype; and the one rule by which dtypes combine."""

from typing import Any, TypeAlias

import ml_dtypes
import numpy as np

from graphc.dataclass import dataclass
from graphc.errors import DTypeError
from graphc.origin import of_call
from graphc.printable import described
from graphc.sizes import Size, product

__all__ = [
    "DTYPES",
    "NARROW",
    "DType",
    "NodeType",
    "Shape",
    "TensorType",
    "TupleType",
    "accumulator",
    "as_dtype",
    "as_floating",
    "as_summed",
    "complex_of",
    "is_complex",
    "is_differentiable",
    "is_floating",
    "is_integer",
    "name_of",
    "promote",
    "real_of",
    "short_name",
]

DType: TypeAlias = np.dtype[Any]  # Any: NumPy's parameter is the scalar class, which we never use
Shape: TypeAlias = tuple[Size, ...]

BOOL = np.dtype(np.bool_)
BFLOAT16: DType = np.dtype(ml_dtypes.bfloat16)
FLOAT32 = np.dtype(np.float32)
INT64 = np.dtype(np.int64)
COMPLEX64 = np.dtype(np.complex64)
COMPLEX128 = np.dtype(np.complex128)

DTYPES: dict[str, DType] = {
    name: np.dtype(name)
    for name in (
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
        "float16", "float32", "float64",
    )
} | {"bfloat16": BFLOAT16, "complex64": COMPLEX64, "complex128": COMPLEX128}  # fmt: skip

_KNOWN = {dtype: name for name, dtype in DTYPES.items()}
_PLAIN: dict[type, DType] = {bool: BOOL, int: INT64, float: FLOAT32, complex: COMPLEX64}
_FLOATS = frozenset(DTYPES[name] for name in ("float16", "bfloat16", "float32", "float64"))
_COMPLEX = frozenset({COMPLEX64, COMPLEX128})
#: floats of 16 bits: stored, but computed and summed in float32
NARROW = frozenset({DTYPES["float16"], BFLOAT16})
_INTEGERS = frozenset(dtype for dtype in _KNOWN if dtype.kind in "iu")
_SHORT = {"bool": "bool", "bfloat16": "bf16"} | {
    name: name.replace("uint", "u").replace("int", "i").replace("float", "f").replace("complex", "c")
    for name in DTYPES
    if name not in ("bool", "bfloat16")
}


def as_dtype(wanted: object) -> DType:
    """The dtype that `wanted` names: a NumPy dtype or scalar class, a name, or Python's bool, int, float, complex.

    Python's float is float32, as everywhere in graphc, and its complex is complex64.  Raises DTypeError for any other.
    """
    if isinstance(wanted, type) and wanted in _PLAIN:
        return _PLAIN[wanted]
    if isinstance(wanted, str) and wanted in DTYPES:
        return DTYPES[wanted]
    dtype: DType | None
    if isinstance(wanted, np.dtype) and wanted in _KNOWN:
        return wanted
    if isinstance(wanted, np.dtype | type | str):  # NumPy takes None for float64, and reads lists as structures
        try:
            dtype = np.dtype(wanted).newbyteorder("=")
        except TypeError:
            dtype = None
        if dtype in _KNOWN:
            return dtype
    is_extent = isinstance(wanted, int) and not isinstance(wanted, bool)
    hint = "a shape is one tuple, as in zeros((2, 3))" if is_extent else f"one of {', '.join(DTYPES)}"
    raise DTypeError(of_call(f"unknown dtype {described(wanted)}"), hint=hint)


def is_floating(dtype: DType) -> bool:
    """Whether values of this dtype are real numbers, rounded; complex ones are none."""
    return dtype in _FLOATS


def is_complex(dtype: DType) -> bool:
    """Whether values of this dtype are pairs of real numbers, rounded."""
    return dtype in _COMPLEX


def is_differentiable(dtype: DType) -> bool:
    """Whether derivatives flow through values of this dtype: real or complex numbers."""
    return dtype in _FLOATS or dtype in _COMPLEX


def real_of(dtype: DType) -> DType:
    """The dtype of the real part: float32 for complex64, float64 for complex128, and real dtypes themselves."""
    return {COMPLEX64: FLOAT32, COMPLEX128: DTYPES["float64"]}.get(dtype, dtype)


def complex_of(dtype: DType) -> DType:
    """The least complex dtype that has all values of a dtype; integers and bool count as float32."""
    return COMPLEX128 if dtype in (DTYPES["float64"], COMPLEX128) else COMPLEX64


def is_integer(dtype: DType) -> bool:
    """Whether the dtype is a signed or unsigned integer; bool is not."""
    return dtype in _INTEGERS


def as_floating(dtype: DType) -> DType:
    """The dtype of `exp(x)` or `mean(x)`: floats and complex stay, everything else becomes float32."""
    return dtype if is_differentiable(dtype) else FLOAT32


def accumulator(dtype: DType) -> DType:
    """The dtype that values are computed in, sums and products of many above all: 16 bits of a float are too few."""
    return FLOAT32 if dtype in NARROW else dtype


def as_summed(dtype: DType) -> DType:
    """The dtype of sums and products of many: unsigned integers become uint64, signed ones and bool int64."""
    if is_differentiable(dtype):
        return dtype
    return DTYPES["uint64"] if dtype.kind == "u" else INT64


def name_of(dtype: DType) -> str:
    """`float32`: its name, without NumPy's way to it, which takes microseconds."""
    return _KNOWN[dtype]


def short_name(dtype: DType) -> str:
    """`f32`, `i64`, `bf16`: as types are printed."""
    return _SHORT[_KNOWN[dtype]]


@dataclass(frozen=True, slots=True)
class TensorType:
    """A shape and a dtype.  `weak`: came from a Python number, and adopts the dtype it meets."""

    shape: Shape
    dtype: DType
    weak: bool = False

    def __hash__(self) -> int:
        return hash(self.shape)  # few types differ in no more than the rest, which takes twice as long

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> Size:
        """The number of elements."""
        return product(self.shape)

    def __str__(self) -> str:
        return f"{short_name(self.dtype)}[{','.join(map(str, self.shape))}]"


@dataclass(frozen=True, slots=True)
class TupleType:
    """The type of a node with several results."""

    items: tuple[TensorType, ...]

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.items))})"


NodeType: TypeAlias = TensorType | TupleType


def _rank(dtype: DType) -> int:
    """bool < integers < floats < complex."""
    return 0 if dtype == BOOL else 1 if dtype in _INTEGERS else 2 if dtype in _FLOATS else 3


def _wider(left: DType, right: DType) -> DType:
    """The wider of two dtypes of the same kind; float16 with bfloat16 is float32, as neither holds the other."""
    if left == right:
        return left
    if BFLOAT16 in (left, right):
        other = right if left == BFLOAT16 else left
        return FLOAT32 if other == DTYPES["float16"] else other
    return np.promote_types(left, right)


def promote(left: TensorType, right: TensorType) -> DType:
    """The dtype in which two operands meet.

    Same kind: the wider.  Integer with float or complex: that.  Float with complex: the complex dtype that has
    both.  bool with anything: the other.  A weak operand adopts the other's dtype unless its kind is higher; then
    it takes the default of its kind (float32, complex64), and a complex one that of the float it meets.
    Signed with unsigned follows NumPy (int8 with uint8 is int16; int64 with uint64 is float64).
    """
    a, b = left.dtype, right.dtype
    if a == b:
        return a
    ranks = _rank(a), _rank(b)
    if left.weak != right.weak:
        weak_rank, strong_rank = ranks if left.weak else ranks[::-1]
        weak, strong = (a, b) if left.weak else (b, a)
        if weak_rank <= strong_rank:
            return strong
        return complex_of(strong) if weak_rank == 3 else weak
    if ranks[0] != ranks[1]:
        higher, lower = (a, b) if ranks[0] > ranks[1] else (b, a)
        return _wider(higher, complex_of(lower)) if higher in _COMPLEX else higher
    return _wider(a, b)
