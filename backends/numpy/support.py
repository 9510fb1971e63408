"""What generated NumPy source calls besides NumPy.  Every program may import it; none needs all of it."""

from collections.abc import Callable, Sequence
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

from graphc.types import as_dtype

__all__ = ["array", "arrays", "blocks", "in_range", "positions", "select", "span", "taps", "wide", "windows"]

Array = npt.NDArray[Any]
bfloat16 = ml_dtypes.bfloat16


def array(memory: Array, offset: int, shape: Sequence[int], dtype: str) -> Array:
    """The bytes of the arena from `offset` on, as an array."""
    kind = as_dtype(dtype)
    count = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    return memory[offset : offset + count].view(kind).reshape(shape)


def arrays(memory: Array, at: Sequence[int], places: Sequence[int], shape: Sequence[int], dtype: str) -> list[Array]:
    """One array for each of some places in the plan, all of one type."""
    return [array(memory, at[place], shape, dtype) for place in places]


def span(start: int, step: int, count: int) -> slice:
    """`count` elements from `start` on, `step` apart, also backwards."""
    stop = start + step * count
    return slice(start, None if stop < 0 else stop, step)


def windows(x: Array, start: Sequence[int], shape: Sequence[int], steps: Sequence[Sequence[int]]) -> Array:
    """A view of `x`: one step along axis k of it moves by `steps[k]` in the axes of `x`."""
    if 0 in shape:
        return np.empty(shape, x.dtype)
    origin = x[tuple(slice(s, None) for s in start)]
    strides = [sum(c * s for c, s in zip(step, x.strides, strict=True)) for step in steps]
    return np.lib.stride_tricks.as_strided(origin, shape, strides)


def positions(extent: int, axis: int, rank: int) -> Array:
    """0, 1 ... extent - 1 along `axis` of `rank` axes."""
    return np.arange(extent).reshape([extent if a == axis else 1 for a in range(rank)])


def blocks(extent: int, rows: int) -> list[tuple[int, int]]:
    """The first and the past-the-last row of every block of at most `rows` rows."""
    return [(first, min(first + rows, extent)) for first in range(0, extent, rows)]


def taps(*extents: int) -> list[tuple[int, ...]]:
    """All index tuples of a small box, in row-major order."""
    return list(np.ndindex(*extents))


def in_range(index: Array, extent: int, low: int) -> bool:
    """Whether all elements lie in low .. extent - 1."""
    return index.size == 0 or bool(index.min() >= low and index.max() < extent)


SMALL = 512  # elements: below, one call costs less than several without branches

_BITS = {1: np.dtype(np.int8), 2: np.dtype(np.int16), 4: np.dtype(np.int32), 8: np.dtype(np.int64)}


def select(condition: Array, taken: Array | float, other: Array | float, *, out: Array, mask: Array) -> None:
    """`taken` where the condition holds, else `other`, bit for bit; `mask` is scratch.

    Without branches: NumPy's masked copies take a dozen times longer where the condition is not predictable.
    `out` may be one of the operands.
    """
    if out.size <= SMALL:
        out[...] = np.where(condition, taken, other)
        return
    kind: Any = _BITS[out.dtype.itemsize]  # Any: NumPy's stubs know no dtype that is chosen by its width
    result, bits = out.view(kind), mask.view(kind)
    a = (taken if isinstance(taken, np.ndarray) else np.asarray(taken, out.dtype)).view(kind)
    b = (other if isinstance(other, np.ndarray) else np.asarray(other, out.dtype)).view(kind)
    truth = condition.view(np.int8)
    if b.ndim == 0 and b == 0:
        np.negative(truth, out=bits, dtype=kind)
        np.bitwise_and(a, bits, out=result)
    elif isinstance(other, np.ndarray) and np.may_share_memory(out, other):
        np.subtract(truth, 1, out=bits, dtype=kind)
        np.bitwise_xor(a, b, out=result)
        np.bitwise_and(result, bits, out=result)
        np.bitwise_xor(result, a, out=result)
    else:
        np.negative(truth, out=bits, dtype=kind)
        np.bitwise_xor(a, b, out=result)
        np.bitwise_and(result, bits, out=result)
        np.bitwise_xor(result, b, out=result)


def wide(function: Callable[..., Array], *operands: Array | float, out: Array) -> Array:
    """A function that knows no narrow floats, computed in float32."""
    widened = [x.astype(np.float32) if isinstance(x, np.ndarray) else x for x in operands]
    np.copyto(out, function(*widened), casting="unsafe")
    return out
