"""Arrays as callers have them: every second element of others, backwards, read-only, at odd addresses, overlapping."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from graphc.types import BFLOAT16

__all__ = ["LAYOUTS", "laid_out", "memory_of"]

Array: TypeAlias = npt.NDArray[Any]  # Any: of every dtype

POISON = 0xFF  # bytes between elements and around them: nan, and -1


def laid_out(arrays: Sequence[Array], layouts: Sequence[str]) -> list[Array]:
    """Arrays of the same shapes and dtypes in other places of memory, each as its layout says.

    The same elements, but where these are in one place: a layout that is repeated or overlapping gives some of them
    values of others.  To lay out what this gives once more changes no value.
    """
    arrays = [np.asarray(array) for array in arrays]  # NumPy makes numbers where no axes are
    found = [LAYOUTS[layout](array) for array, layout in zip(arrays, layouts, strict=True)]
    for place, layout in enumerate(layouts):
        partner = _partner(arrays, layouts, place)
        if layout in OVERLAPS and partner is not None:
            found[partner], found[place] = _overlapping(arrays[partner], arrays[place], OVERLAPS[layout])
    return found


def memory_of(array: Array) -> Array:
    """All of the memory that an array is a part of, its surroundings as well."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _room(shape: Sequence[int], dtype: np.dtype[Any]) -> Array:
    """An array filled with what no result may depend on."""
    return np.full(int(np.prod(shape)) * dtype.itemsize, POISON, np.uint8).view(dtype).reshape(shape)


def _placed(array: Array, view: Callable[[Array], Array], shape: Sequence[int]) -> Array:
    """The array in the part of some room that is viewed."""
    place = view(_room(shape, array.dtype))
    place[...] = array.reshape(place.shape)
    return place.reshape(array.shape)


def _second(array: Array) -> Array:
    """Every second element along every axis of a larger array."""
    shape = array.shape or (1,)
    return _placed(array, lambda room: room[(slice(None, None, 2),) * room.ndim], [2 * n for n in shape])


def _inside(array: Array) -> Array:
    """A part of a larger array: each row lies together, and rows lie apart."""
    shape = array.shape or (1,)
    return _placed(array, lambda room: room[tuple([slice(1, 1 + n) for n in shape])], [n + 3 for n in shape])


def _reversed(array: Array) -> Array:
    """Backwards along every axis."""
    shape = array.shape or (1,)
    return _placed(array, lambda room: room[(slice(None, None, -1),) * room.ndim], shape)


def _transposed(array: Array) -> Array:
    """The first axis is the one that lies together, as in Fortran."""
    return _placed(array, np.transpose, array.shape[::-1])


def _repeated(array: Array) -> Array:
    """All rows lie in one place, and are the first."""
    return np.broadcast_to(array[:1].copy(), array.shape) if array.size and array.ndim else array.copy()


def _unaligned(array: Array) -> Array:
    """One byte behind an address that suits the dtype."""
    room = np.full(array.nbytes + 1, POISON, np.uint8)
    place = np.ndarray(array.shape, array.dtype, room, 1)
    place[...] = array
    return place


def _read_only(array: Array) -> Array:
    """An array that nobody may write to."""
    array = array.copy()
    array.flags.writeable = False
    return array


def _byte_swapped(array: Array) -> Array:
    """The bytes of each element the other way round."""
    return array.copy() if array.dtype == BFLOAT16 else array.astype(array.dtype.newbyteorder())


def _partner(arrays: Sequence[Array], layouts: Sequence[str], place: int) -> int | None:
    """The first array before one that it may lie with: of its dtype, and laid out plainly."""
    for other, array in enumerate(arrays[:place]):
        if array.dtype == arrays[place].dtype and layouts[other] == "contiguous":
            return other
    return None


def _overlapping(one: Array, other: Array, offset: int) -> tuple[Array, Array]:
    """Two arrays in one place, the second begins `offset` elements behind the first, which counts where both lie."""
    room = _room([max(one.size, offset + other.size)], one.dtype)
    places = room[: one.size].reshape(one.shape), room[offset : offset + other.size].reshape(other.shape)
    places[1][...] = other
    places[0][...] = one
    return places


#: elements by which one array begins behind the other
OVERLAPS: Mapping[str, int] = {"overlapping": 1, "together": 0}

LAYOUTS: Mapping[str, Callable[[Array], Array]] = {
    "contiguous": np.copy,
    "every second": _second,
    "inside": _inside,
    "reversed": _reversed,
    "transposed": _transposed,
    "repeated": _repeated,
    "unaligned": _unaligned,
    "read-only": _read_only,
    "byte-swapped": _byte_swapped,
    **dict.fromkeys(OVERLAPS, np.copy),
}
