"""Strangers: values that one form of a computation has, and that another has nowhere."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar

import numpy as np

from graphc.types import is_differentiable
from graphc.verification.programs import Array

__all__ = ["first_stranger", "is_roughly"]

Maker = TypeVar("Maker")

ROUGHLY = 1e-3  # of the largest element: more than rounding, less than a mistake


def first_stranger(
    found: Iterable[tuple[Maker, Sequence[Array]]],
    known: Iterable[Sequence[Array]],
    likely: Collection[object] = (),
    kind: Callable[[Maker], object] | None = None,
    *,
    exactly: bool = True,
) -> Maker | None:
    """What made the first value that is not known, in whatever shape; of a kind that is likely, if one is.

    A value is known if another has its elements, but for rounding; or, where none is a stranger by that and it is
    asked for, to the bit.
    """
    bag: dict[object, list[Array]] = {}
    for arrays in known:
        for array in arrays:
            bag.setdefault((array.dtype, array.size), []).append(array.reshape(-1))
    made = list(found)
    for is_alike in (is_roughly, _exactly) if exactly else (is_roughly,):
        strangers = [maker for maker, arrays in made if not all(_is_known(array, bag, is_alike) for array in arrays)]
        expected = [maker for maker in strangers if kind is not None and kind(maker) in likely]
        if strangers:
            return (expected or strangers)[0]
    return None


def _is_known(array: Array, bag: dict[object, list[Array]], is_alike: Callable[[Array, Array], bool]) -> bool:
    flat = array.reshape(-1)
    return any(is_alike(flat, other) for other in bag.get((array.dtype, array.size), ()))


def _exactly(one: Array, other: Array) -> bool:
    return one.tobytes() == other.tobytes()


def is_roughly(one: Array, other: Array) -> bool:
    """Whether two arrays of a type and shape differ by no more than roundings do."""
    if not is_differentiable(one.dtype):
        return bool(np.array_equal(one, other))
    wide = np.complex128 if one.dtype.kind == "c" else np.float64
    first, second = one.astype(wide), other.astype(wide)
    finite = np.abs(second[np.isfinite(second)])
    largest = float(finite.max(initial=0.0))
    return bool(np.allclose(first, second, rtol=ROUGHLY, atol=ROUGHLY * largest, equal_nan=True))
