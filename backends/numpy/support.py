"""What generated NumPy source calls besides NumPy.  Every program may import it; none needs all of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count as counting
from itertools import cycle, islice, product
from typing import Any, TypeAlias

import ml_dtypes
import numpy as np
import numpy.typing as npt

from graphc.kernel.meaning import whole_numbers
from graphc.types import as_dtype

__all__ = [
    "Stack", "array", "arrays", "best_place", "blocks", "counting", "cycle", "in_range", "later_taps", "numbers",
    "positions", "select", "span", "taps", "to_integers", "turned", "windows",
]  # fmt: skip

Array = npt.NDArray[Any]
Block: TypeAlias = Callable[[int, int], tuple[Any, ...]]
bfloat16 = ml_dtypes.bfloat16

KEPT_BLOCKS = 16  # whose views are kept between calls


def array(memory: Array, offset: int, shape: Sequence[int], dtype: str) -> Array:
    """The bytes of the arena from `offset` on, as an array."""
    kind = as_dtype(dtype)
    count = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    return memory[offset : offset + count].view(kind).reshape(shape)


def arrays(memory: Array, offsets: Sequence[int], shape: Sequence[int], dtype: str) -> list[Array]:
    """One array from each of some offsets on, all of one type."""
    return [array(memory, offset, shape, dtype) for offset in offsets]


def numbers(x: Array) -> Iterator[Array]:
    """The elements of an array of one axis, as arrays that can be written to."""
    return (x[place, ...] for place in range(len(x)))


class Stack(list[Array]):
    """Rows of one type, as many as were asked for: they are made in blocks, each as large as all before it."""

    def __init__(self, shape: Sequence[int], dtype: str) -> None:
        super().__init__()
        self._shape, self._dtype = tuple(shape), as_dtype(dtype)

    def first(self, count: int) -> list[Array]:
        """So many rows."""
        if count:
            self.row(count - 1)
        return self[:count]

    def row(self, place: int) -> Array:
        """The row at a place, with all before it."""
        while place >= len(self):
            self += numbers(np.empty((max(len(self), 8), *self._shape), self._dtype))
        return self[place]


def turned(rows: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Two rows in both orders: what a step of a loop reads and writes, by turns."""
    first, second = rows[0, ...], rows[1, ...]
    return (first, second), (second, first)


def span(start: int, step: int, count: int) -> slice:
    """`count` elements from `start` on, `step` apart, also backwards.  For none `start` means nothing."""
    if count == 0:
        return slice(0, 0)
    stop = start + step * count
    return slice(start, None if stop < 0 else stop, step)


def windows(x: Array, start: Sequence[int], shape: Sequence[int], steps: Sequence[Sequence[int]]) -> Array:
    """A view of `x`: one step along axis k of it moves by `steps[k]` in the axes of `x`."""
    if 0 in shape or not x.size:
        return np.empty(shape, x.dtype)
    origin = x[tuple(slice(s, None) for s in start)]
    strides = [sum(c * s for c, s in zip(step, x.strides, strict=True)) for step in steps]
    return np.lib.stride_tricks.as_strided(origin, shape, strides)


def positions(memory: Array, offset: int, extent: int, step: int) -> Array:
    """0, step, 2 step ..., `extent` of them, written into the arena from `offset` on."""
    table = array(memory, offset, (extent,), "int64")
    table.fill(step)
    table[:1] = 0
    return np.add.accumulate(table, out=table)


class Blocks:
    """`block` of the first and the past-the-last row of every block, made anew each time they are walked."""

    def __init__(self, block: Block, extent: int, rows: int) -> None:
        self.block, self.extent, self.rows = block, extent, rows

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        block, extent, rows = self.block, self.extent, self.rows
        for first in range(0, extent, rows):
            yield block(first, min(first + rows, extent))


def blocks(block: Block, extent: int, rows: int) -> Iterable[tuple[Any, ...]]:
    """`block` of every block of at most `rows` rows: kept where there are few, as views of many take room too."""
    made = Blocks(block, extent, rows)
    return list(made) if extent <= KEPT_BLOCKS * rows else made


def taps(*extents: int) -> Iterator[tuple[int, ...]]:
    """All index tuples of a small box, in row-major order."""
    return product(*map(range, extents))


def later_taps(*extents: int) -> Iterator[tuple[int, ...]]:
    """All but the first."""
    return islice(taps(*extents), 1, None)


def in_range(index: Array, extent: int, low: int) -> bool:
    """Whether all elements lie in low .. extent - 1."""
    return index.size == 0 or bool(index.min() >= low and index.max() < extent)


def to_integers(x: Array, *, out: Array) -> None:
    """Floats without their fractions: the nearest limit of 64 bits where one does not fit, 0 for nan."""
    limits = np.iinfo(out.dtype)
    if x.size == 0 or (float(x.min()) >= limits.min and float(x.max()) < limits.max // 2):
        np.copyto(out, x, casting="unsafe")
        return
    pieces = np.nditer(
        (x, out), ("external_loop", "buffered", "zerosize_ok"), (("readonly",), ("writeonly",)), buffersize=SMALL
    )
    with pieces:
        for some, result in pieces:
            result[...] = whole_numbers(some, out.dtype)


SMALL = 512  # elements: below, one call costs less than several without branches

_BITS = {1: np.dtype(np.int8), 2: np.dtype(np.int16), 4: np.dtype(np.int32), 8: np.dtype(np.int64)}


def select(condition: Array, taken: Array | float, other: Array | float, *, out: Array, mask: Array) -> None:
    """`taken` where the condition holds, else `other`, bit for bit; `mask` is scratch.

    Without branches: NumPy's masked copies take a dozen times longer where the condition is not predictable.
    `out` may be one of the operands, or both.
    """
    if out.size <= SMALL:
        out[...] = np.where(condition, taken, other)
        return
    if out.dtype.itemsize not in _BITS:  # complex128: no integer is as wide
        for part in ("real", "imag"):
            a, b, to, room = (getattr(np.asarray(x), part) for x in (taken, other, out, mask))
            select(condition, a, b, out=to, mask=room)
        return
    kind: Any = _BITS[out.dtype.itemsize]  # Any: NumPy's stubs know no dtype that is chosen by its width
    result, bits = out.view(kind), mask.view(kind)
    a = (taken if isinstance(taken, np.ndarray) else np.asarray(taken, out.dtype)).view(kind)
    b = (other if isinstance(other, np.ndarray) else np.asarray(other, out.dtype)).view(kind)
    truth = condition.view(np.int8)
    np.copyto(bits, truth)  # before the ufunc: one that casts allocates buffers, and takes longer
    if b.ndim == 0 and b == 0:
        np.negative(bits, out=bits)
        np.bitwise_and(a, bits, out=result)
    elif not np.may_share_memory(result, b):
        np.negative(bits, out=bits)
        np.bitwise_xor(a, b, out=result)
        np.bitwise_and(result, bits, out=result)
        np.bitwise_xor(result, b, out=result)
    elif not np.may_share_memory(result, a):
        np.subtract(bits, 1, out=bits)
        np.bitwise_xor(a, b, out=result)
        np.bitwise_and(result, bits, out=result)
        np.bitwise_xor(result, a, out=result)
    else:  # a difference in `out` would lose both operands
        np.copyto(result, a, where=condition)


def best_place(find: Callable[..., Array], x: Array, axis: int, *, out: Array, scratch: Array) -> None:
    """np.argmax or np.argmin along an axis, of a copy in `scratch` that has this axis last.

    NumPy would make that copy itself wherever the elements along the axis do not lie side by side.
    """
    turned = np.moveaxis(x, axis, -1)
    ordered = scratch.reshape(turned.shape)
    np.copyto(ordered, turned)
    find(ordered, axis=-1, out=out.reshape(turned.shape[:-1]))
