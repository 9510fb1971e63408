"""Arrays that libraries share without a copy: capsules of DLPack, read and made.

The layout is that of DLPack 0.8, which all of them understand.
"""

import ctypes
import weakref
from collections.abc import Mapping
from math import prod
from typing import Any, final

import numpy as np

from graphc.dataclass import dataclass
from graphc.errors import ArgumentError
from graphc.printable import a_thing
from graphc.types import BFLOAT16, BOOL, DTYPES

__all__ = ["CUDA", "Shared", "exported", "imported"]

CUDA = 2  # the kind of place that a GPU of NVIDIA is

NAME, USED = b"dltensor", b"used_dltensor"
_CODES: Mapping[str, int] = {"i": 0, "u": 1, "f": 2, "c": 5}
_BFLOAT, _BOOL = 4, 6


class _Device(ctypes.Structure):
    _fields_ = (("kind", ctypes.c_int32), ("number", ctypes.c_int32))


class _Type(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16))


class _Tensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device", _Device),
        ("rank", ctypes.c_int32),
        ("type", _Type),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("offset", ctypes.c_uint64),
    )


class _Managed(ctypes.Structure):
    _fields_ = (("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p))


_Deleter = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_Destructor = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)
_new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(
    ("PyCapsule_New", ctypes.pythonapi)
)
_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
_rename = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_char_p)(("PyCapsule_SetName", ctypes.pythonapi))
_is_valid = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_char_p)(("PyCapsule_IsValid", ctypes.pythonapi))
# Of a capsule that ends nobody may hold a reference: these take its address.
_is_fresh = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)(("PyCapsule_IsValid", ctypes.pythonapi))
_inside = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
_hold = ctypes.PYFUNCTYPE(None, ctypes.py_object)(("Py_IncRef", ctypes.pythonapi))
_let_go = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(("Py_DecRef", ctypes.pythonapi))


class _Export:
    """What lives as long as somebody uses an array of ours; its own structure holds the last reference."""

    def __init__(self, managed: _Managed, parts: tuple[object, ...]) -> None:
        self.managed = managed
        self.parts = parts


def _delete(address: int) -> None:
    """Called by who used an array, from any thread."""
    _let_go(_Managed.from_address(address).context)


def _destroy(capsule: int) -> None:
    """Called when a capsule ends: nobody used it if its name is still the first."""
    if _is_fresh(capsule, NAME):
        _let_go(_Managed.from_address(_inside(capsule, NAME)).context)


_deleted, _destroyed = _Deleter(_delete), _Destructor(_destroy)


def exported(
    address: int, shape: tuple[int, ...], dtype: np.dtype[Any], place: tuple[int, int], owner: object
) -> object:
    """A capsule for elements side by side; `owner` lives as long as somebody uses it."""
    extents = (ctypes.c_int64 * max(len(shape), 1))(*shape)
    kind = _Device(*place)
    tensor = _Tensor(address, kind, len(shape), _type_of(dtype), extents, None, 0)
    export = _Export(_Managed(tensor, None, ctypes.cast(_deleted, ctypes.c_void_p)), (extents, owner))
    export.managed.context = id(export)
    _hold(export)
    capsule: object = _new(ctypes.addressof(export.managed), NAME, ctypes.cast(_destroyed, ctypes.c_void_p))
    return capsule


@final
@dataclass(frozen=True, eq=False)
class Shared:
    """Elements side by side that another library owns: it is told when nobody holds this any more."""

    address: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def imported(capsule: object) -> Shared:
    """What a capsule holds, which is then used.

    Raises ArgumentError for elements that do not stand side by side in row-major order, and for what is no such
    capsule, or no more.
    """
    if not _is_valid(capsule, NAME):
        is_used = bool(_is_valid(capsule, USED))
        why = "a capsule of DLPack that was used before" if is_used else f"{a_thing(capsule)}, no capsule of DLPack"
        raise ArgumentError(f"an array on the device is shown by {why}", hint="x.__dlpack__() makes one for each use")
    address = _pointer(capsule, NAME)
    managed = _Managed.from_address(address)
    tensor = managed.tensor
    shape = tuple(tensor.shape[: tensor.rank])
    found = Shared((tensor.data or 0) + tensor.offset, shape, _dtype_of(tensor.type))
    is_whole = not tensor.strides or _is_row_major(shape, tuple(tensor.strides[: tensor.rank]))
    if not is_whole:
        raise ArgumentError("an array on the device has strides", hint="array.contiguous(), or a copy in another way")
    _rename(capsule, USED)
    if managed.deleter:
        weakref.finalize(found, _Deleter(managed.deleter), address).atexit = False
    return found


def _is_row_major(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    if not prod(shape):
        return True
    wanted = 1
    for extent, stride in zip(reversed(shape), reversed(strides), strict=True):
        if extent > 1 and stride != wanted:
            return False
        wanted *= extent
    return True


def _type_of(dtype: np.dtype[Any]) -> _Type:
    bits = 8 * dtype.itemsize
    if dtype == BOOL:
        return _Type(_BOOL, bits, 1)
    if dtype == BFLOAT16:
        return _Type(_BFLOAT, bits, 1)
    return _Type(_CODES[dtype.kind], bits, 1)


def _dtype_of(type: _Type) -> np.dtype[Any]:
    """The dtype that DLPack describes."""
    for dtype in DTYPES.values():
        wanted = _type_of(dtype)
        if (wanted.code, wanted.bits, wanted.lanes) == (type.code, type.bits, type.lanes):
            return dtype
    raise ArgumentError(f"an array on the device has elements of {type.bits} bits that graphc has no dtype for")
