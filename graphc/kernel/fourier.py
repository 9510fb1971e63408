"""The references of the discrete Fourier transforms, along one axis: sums of products, as they are defined."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["fft", "irfft", "rfft"]

Array: TypeAlias = npt.NDArray[Any]  # Any: the dtype is the program's
Options: TypeAlias = Mapping[str, int | bool | str]


def fft(operands: Sequence[Array], results: Sequence[Array], options: Options) -> None:
    """y[k] = Σ x[j] e^(∓2πi jk/n) for x [n] and y [n]: minus, and plus where it is the inverse.

    Divided `roots` times by √n.
    """
    (x,), (y,) = operands, results
    turns = _turns(len(x), y.dtype)
    turns = turns if options["inverse"] else turns.conj()
    for k in range(len(y)):
        y[k] = np.sum(x * turns[np.arange(len(x)) * k % len(x)])
    y /= _scale(len(x), options, y)


def rfft(operands: Sequence[Array], results: Sequence[Array], options: Options) -> None:
    """The first half of what `fft` gives for real numbers: x [n] real, y [n // 2 + 1]."""
    (x,), (y,) = operands, results
    turns = _turns(len(x), y.dtype).conj()
    for k in range(len(y)):
        y[k] = np.sum(x * turns[np.arange(len(x)) * k % len(x)])
        if 2 * k in (0, len(x)):
            y[k] = y[k].real
    y /= _scale(len(x), options, y)


def irfft(operands: Sequence[Array], results: Sequence[Array], options: Options) -> None:
    """The inverse `fft` of z [n // 2 + 1] and of the conjugates that belong to it: x [n] real.

    The imaginary parts of z[0], and of z[n / 2] for an even n, have no meaning and are not read.
    """
    (z,), (x,) = operands, results
    n = len(x)
    turns = _turns(n, z.dtype)
    for j in range(n):
        x[j] = z[0].real
        for k in range(1, len(z)):
            term = z[k] * turns[j * k % n]
            x[j] += z[k].real * turns[j * k % n].real if 2 * k == n else 2 * term.real
    x /= _scale(n, options, x)


def _turns(n: int, dtype: np.dtype[Any]) -> Array:
    """e^(2πi j/n) for j from 0 to n - 1."""
    turns: Array = np.exp(2j * np.pi * np.arange(n) / n)
    return turns.astype(dtype)


def _scale(n: int, options: Options, result: Array) -> Any:  # Any: a number of the dtype of the program
    return result.dtype.type(np.sqrt(n) if options["roots"] == 1 else n if options["roots"] == 2 else 1)
