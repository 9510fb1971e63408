"""Noise: numbers moved about as far as roundings move them, to learn how much that matters."""

from enum import IntEnum

import ml_dtypes
import numpy as np

from graphc.kernel.arrays import Array
from graphc.types import DType, is_complex, is_differentiable, real_of

__all__ = ["Freedom", "drawn", "epsilon", "freed", "moved", "shaken", "signed"]


class Freedom(IntEnum):
    """What is drawn of computed values, each beside what stands above it."""

    NAN = 0  # the signs of nan
    ZERO = 1  # those of zeros which were rounded
    RANGE = 2  # a number for what was rounded and is none


def epsilon(dtype: DType) -> float:
    """The distance from 1 to the next number of a dtype of floats or complex numbers."""
    return float(ml_dtypes.finfo(real_of(dtype)).eps)  # type: ignore[no-untyped-call]  # NumPy's knows no bfloat16


def moved(x: Array, dtype: DType, noise: np.random.Generator | None) -> Array:
    """`x`, every element moved by about a rounding of `dtype`; as it is without noise, or for what is not rounded.

    A denormal has fewer digits: all are rounded alike.
    """
    if not is_differentiable(dtype) or noise is None:
        return x
    by = noise.uniform(0.5, 1.0, x.shape) * noise.choice((-1.0, 1.0), x.shape)
    limits = ml_dtypes.finfo(real_of(dtype))  # type: ignore[no-untyped-call]
    with np.errstate(all="ignore"):
        is_denormal = (np.abs(x) < float(limits.tiny)) & (x != 0)
        found = np.asarray(x * (1 + epsilon(dtype) * by))
        return np.where(is_denormal, x + float(limits.smallest_subnormal) * by, found) if is_denormal.any() else found


def shaken(x: Array, dtype: DType, noise: np.random.Generator | None) -> Array:
    """`x`, every element moved as far as the largest is rounded, zeros too: as routines round."""
    if not is_differentiable(dtype) or noise is None:
        return x
    largest = np.abs(x[np.isfinite(x)]).max(initial=0.0)
    by = noise.uniform(-1.0, 1.0, x.shape)
    away = by + 1j * noise.uniform(-1.0, 1.0, x.shape) if is_complex(dtype) else by
    return np.asarray(moved(x, dtype, noise) + epsilon(dtype) * largest * away)


def signed(x: Array, noise: np.random.Generator | None) -> Array:
    """`x`, the sign of every nan drawn: IEEE 754 leaves that of a computed one open; as it is without noise."""
    if noise is None or not is_differentiable(x.dtype) or is_complex(x.dtype):
        return x
    is_nan = np.isnan(x)
    return np.where(is_nan & (noise.random(x.shape) < 0.5), -x, x) if is_nan.any() else x


def drawn(x: Array, noise: np.random.Generator | None) -> Array:
    """`x`, both parts of complex numbers drawn that are not finite: no standard says which part of a product is nan."""
    is_open = ~np.isfinite(x) if noise is not None and is_complex(x.dtype) else np.zeros(x.shape, np.bool_)
    if noise is None or not is_open.any():
        return x
    found = np.array(x)
    for part in (found.real, found.imag):
        part[is_open & (noise.random(x.shape) < noise.random())] = noise.choice((np.nan, np.inf, -np.inf, 0.0))
    return found


def freed(x: Array, noise: np.random.Generator | None, freedom: Freedom) -> Array:
    """`x`, which was rounded, with some of the signs of its zeros, and numbers in place of some that are none."""
    if noise is None or freedom == Freedom.NAN or not is_differentiable(x.dtype):
        return x
    found = np.array(x)
    for part in (found.real, found.imag) if is_complex(x.dtype) else (found,):
        is_drawn = noise.random(x.shape) < 0.5
        part[...] = np.where((part == 0) & is_drawn, -part, part)
        if freedom == Freedom.RANGE:
            numbers = noise.choice((-2.0, -1.0, 0.0, 0.5, 1.0, 2.0), x.shape).astype(part.dtype)
            part[...] = np.where(~np.isfinite(part) & is_drawn, numbers, part)
    return found
