"""Values from outside as arrays of a wanted dtype: cast where nothing is lost, refused where something would be."""

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from graphc.errors import DTypeError, GraphError, ShapeError
from graphc.types import BOOL, DType, is_complex, is_floating, is_integer

__all__ = ["Array", "as_numbers", "converted", "fits", "has_plain_strides"]

Array = npt.NDArray[Any]  # Any: any dtype


def as_numbers(value: object, what: str) -> Array:
    """`value` as an array.  Raises DTypeError or ShapeError, which name it as `what`, if it holds no numbers."""
    masked = sys.modules.get("numpy.ma")  # it loads late, and where it is not there no array is of it
    if masked is not None and isinstance(value, masked.MaskedArray):
        raise DTypeError(f"{what} is a masked array, and the mask would be lost", hint="array.filled(...)")
    try:
        array = np.asarray(value)
    except GraphError:
        raise  # a node, which says itself that it is no array
    except (TypeError, ValueError) as error:
        if "inhomogeneous" in str(error):
            raise ShapeError(f"{what} is no array: its rows differ in length", hint="fill them to one length") from None
        raise ShapeError(f"{what} is no array: {error}") from None
    if array.dtype.kind in "OSUMmT" or array.dtype.type is np.void:
        raise DTypeError(f"{what} is no array of numbers: it holds {type(value).__name__} {array.dtype}")
    return array


def fits(array: Array, dtype: DType) -> bool:
    """Whether every number of `array` has a meaning in `dtype`: floats may be rounded, nothing else changes."""
    if array.size == 0 or array.dtype == dtype:
        return True
    if is_integer(dtype):
        limits = np.iinfo(dtype)
        is_whole = array.dtype.kind in "biu"
        return is_whole and limits.min <= int(array.min()) and int(array.max()) <= limits.max
    if dtype == BOOL:
        return array.dtype == BOOL
    if not (array.dtype.kind in "biu" or is_floating(array.dtype) or (is_complex(dtype) and array.dtype.kind == "c")):
        return False
    with np.errstate(all="ignore"):
        return bool((np.isfinite(array.astype(dtype)) | ~np.isfinite(array)).all())


def holds(dtype: DType, number: int) -> bool:
    """Whether a whole number has a meaning in `dtype`: all but bool hold the small ones."""
    return (0 <= number <= 127 and dtype != BOOL) or fits(np.asarray(number), dtype)


def converted(value: object, dtype: DType, what: str) -> Array:
    """`value` as an array of `dtype`, row-major and aligned; itself where it is one.

    Python numbers and lists of them adopt the dtype if they fit into it; arrays are cast where no value of their
    dtype would be lost.  Raises DTypeError or ShapeError, which name the value as `what`.
    """
    array = as_numbers(value, what)
    if isinstance(value, bool | int | float | complex | list | tuple):
        if not fits(array, dtype):
            shown = repr(value) if isinstance(value, bool | int | float | complex) else f"a list of {array.dtype}"
            raise DTypeError(f"{what} is {dtype}; {shown} does not fit into it")
    elif not np.can_cast(array.dtype, dtype, "safe"):
        raise DTypeError(
            f"{what} is {dtype}; {array.dtype.newbyteorder('=')} would be narrowed",
            hint=f'array.astype("{dtype}")',
        )
    with np.errstate(all="ignore"):
        array = np.require(array, dtype, ["C", "ALIGNED", "ENSUREARRAY"])
    return array if has_plain_strides(array) else array.reshape(-1).reshape(array.shape)


def has_plain_strides(array: Array) -> bool:
    """Whether a row-major array has the strides of a fresh one, along axes of one too.

    NumPy's flags do not look at those, but its loops do: cosh of an array of one that was reversed is another number.
    """
    shape, strides, step = array.shape, array.strides, array.itemsize
    for axis in range(len(shape) - 1, -1, -1):
        if strides[axis] != step:
            return False
        step *= shape[axis]
    return True
