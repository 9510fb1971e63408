"""Arrays to start from: drawn so that values and gradients keep their scale from layer to layer."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from graphc.errors import ArgumentError
from graphc.ir.given import LARGEST, is_whole
from graphc.origin import of_call
from graphc.printable import described
from graphc.types import as_dtype

__all__ = ["Initialiser", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform"]

Array: TypeAlias = npt.NDArray[Any]  # Any: the dtype is an argument


class Initialiser(Protocol):
    """The type of an initialiser: (generator, shape) -> the array that a param starts from.

    Those of `gx.nn` are, and so is any function of the same form.  Shapes are [inputs, outputs] for matrices and
    [outputs, inputs, ...] for kernels of convolutions.
    """

    @abstractmethod
    def __call__(self, rng: np.random.Generator, shape: Sequence[int], /) -> Array:
        """An array of that shape, drawn from `rng`."""


def glorot_uniform(rng: np.random.Generator, shape: Sequence[int], *, dtype: object = "float32") -> Array:
    """Uniform, variance 2 / (inputs + outputs): for tanh, sigmoid and linear layers.

    Glorot, Bengio: Understanding the difficulty of training deep feedforward neural networks, 2010, eq. 16.
    """
    inputs, outputs = fans(shape)
    return _uniform(rng, shape, _over(2, inputs + outputs), dtype)


def glorot_normal(rng: np.random.Generator, shape: Sequence[int], *, dtype: object = "float32") -> Array:
    """Normal, variance 2 / (inputs + outputs): see `glorot_uniform`.  Glorot, Bengio, 2010, eq. 12."""
    inputs, outputs = fans(shape)
    return _normal(rng, shape, _over(2, inputs + outputs), dtype)


def he_uniform(rng: np.random.Generator, shape: Sequence[int], *, dtype: object = "float32") -> Array:
    """Uniform, variance 2 / inputs: for relu, which drops half of what it gets.

    He, Zhang, Ren, Sun: Delving deep into rectifiers, 2015, eq. 10.
    """
    return _uniform(rng, shape, _over(2, fans(shape)[0]), dtype)


def he_normal(rng: np.random.Generator, shape: Sequence[int], *, dtype: object = "float32") -> Array:
    """Normal, variance 2 / inputs: see `he_uniform`.  He, Zhang, Ren, Sun, 2015, eq. 10."""
    return _normal(rng, shape, _over(2, fans(shape)[0]), dtype)


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """How many inputs one output sums over, and how many outputs one input reaches.

    Matrices are [inputs, outputs], kernels of convolutions [outputs, inputs, ...].
    """
    _check_shape(shape)
    if len(shape) < 2:
        raise ArgumentError(
            of_call(f"an initialiser needs a matrix or a kernel, not a shape of rank {len(shape)}"),
            hint="biases and gains start from zeros and ones",
        )
    if len(shape) == 2:
        return shape[0], shape[1]
    taps = math.prod(shape[2:])
    return shape[1] * taps, shape[0] * taps


def _check_shape(shape: object) -> None:
    """Raise where what is given is no shape, or one that no array has."""
    if not isinstance(shape, list | tuple):
        raise ArgumentError(of_call(f"the shape of a layer is a tuple, not {described(shape)}"))
    for extent in shape:
        if not is_whole(extent) or extent < 0:
            raise ArgumentError(of_call(f"an extent of a layer is a number, not {described(extent)}"))
    if math.prod(map(int, shape)) > LARGEST // 8:
        raise ArgumentError(of_call(f"no array has {math.prod(map(int, shape))} elements"))


def _check(rng: object) -> None:
    """Raise where what is given is no generator."""
    if not isinstance(rng, np.random.Generator):
        problem = of_call(f"rng is no generator: {described(rng)}")
        raise ArgumentError(problem, hint="rng=numpy.random.default_rng(seed)")


def _over(number: float, count: int) -> float:
    """number / count; of an empty layer, whatever it is: there is nothing to draw."""
    return number / max(count, 1)


def _uniform(rng: np.random.Generator, shape: Sequence[int], variance: float, dtype: object) -> Array:
    _check(rng)
    limit = math.sqrt(3 * variance)  # the variance of a uniform draw from [-a, a] is a^2 / 3
    return rng.uniform(-limit, limit, tuple(shape)).astype(as_dtype(dtype))


def _normal(rng: np.random.Generator, shape: Sequence[int], variance: float, dtype: object) -> Array:
    _check(rng)
    return rng.normal(0, math.sqrt(variance), tuple(shape)).astype(as_dtype(dtype))
