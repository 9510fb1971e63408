"""Whether two values are the same: to the bit, or as far as a value is known at all."""

from collections.abc import Sequence

import ml_dtypes
import numpy as np
import numpy.typing as npt

from graphc.dataclass import dataclass
from graphc.passes.pipeline import Spill
from graphc.types import DType, is_complex, is_differentiable, real_of
from graphc.verification.noise import epsilon
from graphc.verification.programs import Array

__all__ = ["Mask", "Reference", "differing", "unequal"]

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

LENIENCY = 64.0  # times what roundings did to the value


@dataclass(frozen=True, eq=False)
class Reference:
    """What a value may be.

    found       in the declared dtypes
    exact       in float64; None where that is unknown
    moved       in float64, where every rounded result was moved by about a rounding of its declared dtype
    overflowed  whether something finite became infinite on the way, in float64 too: then a number is as good
    spill       whether the new way leaves the range of floats less: then what is not finite here says nothing; or
                elsewhere: then what is not finite there says nothing either
    around      the new way in float64, and with its roundings moved, where each element is rounded like the largest
    """

    found: Array
    exact: Array | None = None
    moved: Sequence[Array] = ()
    overflowed: bool = False
    spill: Spill = Spill.AS_BEFORE
    around: Sequence[Array] = ()


def unequal(one: Array, other: Array) -> Mask:
    """Where two arrays of a type differ in any bit; all nan are equal."""
    first, second = np.asarray(one), np.asarray(other)
    if is_complex(first.dtype):
        return np.asarray(unequal(first.real, second.real) | unequal(first.imag, second.imag))
    if not is_differentiable(first.dtype):
        return np.asarray(first != second)
    same = ((first == second) & (np.signbit(first) == np.signbit(second))) | (_isnan(first) & _isnan(second))
    return np.asarray(~same)


def differing(new: Array, reference: Reference) -> Mask:
    """Where a value is none that rounding explains.

    A number may be away from the exact one as far as roundings moved it, some times over, or as far as what was found.
    Where nothing finite was found, it is compared with the exact one; where there is none, it is as it was found,
    unless something overflowed.
    """
    found = reference.found
    if not unequal(new, found).any():
        return np.zeros(found.shape, bool)
    samples = [found] if reference.exact is None else [found, reference.exact, *reference.moved]
    if not is_differentiable(found.dtype):
        agree = np.any([new == sample for sample in samples], axis=0)
        steady = np.all([sample == found for sample in samples], axis=0)
        return np.asarray(~agree & steady)
    far = (_differing_pairs if is_complex(found.dtype) else _differing_numbers)(new, samples, reference, found.dtype)
    return far & np.isfinite(new) if reference.spill >= Spill.ELSEWHERE else far


def _differing_numbers(new: Array, samples: Sequence[Array], reference: Reference, dtype: DType) -> Mask:
    """Of real numbers."""
    wide = [np.asarray(sample, np.float64) for sample in samples]
    bound = _bound(wide, dtype) + _moved_around([np.asarray(sample, np.float64) for sample in reference.around])
    far = _far(np.asarray(new, np.float64), wide, bound, _largest(dtype), reference.overflowed)
    if reference.spill != Spill.AS_BEFORE:
        far &= _is_in_range(new, wide[0], wide[min(1, len(wide) - 1)], dtype)
    return far


def _differing_pairs(new: Array, samples: Sequence[Array], reference: Reference, dtype: DType) -> Mask:
    """Of complex numbers: each part, as far as both are known together."""
    parts = [(np.asarray(x.real, np.float64), np.asarray(x.imag, np.float64)) for x in (new, *samples)]
    real, imag = [x for x, _ in parts], [y for _, y in parts]
    bound = np.fmax(_bound(real[1:], dtype), _bound(imag[1:], dtype))
    far = [_far(part[0], part[1:], bound, _largest(dtype), reference.overflowed) for part in (real, imag)]
    # a product of complex numbers has four terms: an infinite part makes the other one nan, or not
    unsteady = ~np.all([np.isfinite(x) & np.isfinite(y) for x, y in parts[1:]], axis=0)
    return np.asarray((far[0] | far[1]) & ~unsteady)


def _bound(samples: Sequence[Floats], dtype: DType) -> Floats:
    """How far from the last sample but those moved a number may be.

    Where no roundings were moved, as in a loop that then does not end, half of the digits are asked for.
    """
    exact = samples[min(1, len(samples) - 1)]
    with np.errstate(all="ignore"):
        away = [np.abs(sample - exact) for sample in samples]
        spread = np.max([np.where(np.isfinite(x), x, 0) for x in away], axis=0)
        least = float(ml_dtypes.finfo(real_of(dtype)).tiny)  # type: ignore[no-untyped-call]
        size = np.where(np.isfinite(exact), np.abs(exact), 0)
        known = epsilon(dtype) if len(samples) > 2 else epsilon(dtype) ** 0.5 / LENIENCY
        return np.asarray(LENIENCY * (spread + known * (size + least)))


def _moved_around(samples: Sequence[Floats]) -> float:
    """How far roundings move any element of what is rounded like the largest; nowhere, where there are no samples."""
    with np.errstate(all="ignore"):
        away = [np.abs(sample - samples[0]) for sample in samples]
    return LENIENCY * max([float(np.max(x, initial=0.0, where=np.isfinite(x))) for x in away], default=0.0)


def _far(new: Floats, samples: Sequence[Floats], bound: Floats, largest: float, overflowed: bool) -> Mask:
    exact = samples[min(1, len(samples) - 1)]
    with np.errstate(all="ignore"):
        near = np.abs(new - exact) <= bound
        is_lost = np.isinf(new) & (np.sign(new) == np.sign(exact)) | ~np.isfinite(new) & ~np.isfinite(samples[0])
        beyond = (np.abs(exact) > largest) & is_lost
    alike = np.any([(new == sample) | (np.isnan(new) & np.isnan(sample)) for sample in samples], axis=0)
    unknown = np.any([~np.isfinite(sample) for sample in samples[1:]], axis=0) & np.any(
        [np.isfinite(sample) for sample in samples[1:]], axis=0
    )
    fine = near | alike | unknown | beyond
    if overflowed:
        fine |= np.isfinite(new) & ~np.isfinite(exact)
    return np.asarray(~fine)


def _is_in_range(new: Array, found: Floats, exact: Floats, dtype: DType) -> Mask:
    """Whether a value is known: neither infinite nor nan, nor so small that a factor of it may have been 0.

    Where nothing finite was found, a factor of it may have been so small that it had only a few digits; and what is not
    finite either, or 0 by what is infinite, is no worse.
    """
    limits = ml_dtypes.finfo(real_of(dtype))  # type: ignore[no-untyped-call]
    least = float(limits.tiny) / float(limits.eps)
    wide = np.asarray(new, np.float64)
    size = np.fmax(np.abs(wide), np.abs(exact))
    with np.errstate(all="ignore"):
        is_close = np.abs(wide - exact) <= np.abs(exact) / 16
    is_no_worse = ~np.isfinite(found) & (is_close | ~np.isfinite(wide) | (wide == 0))
    return np.asarray((np.abs(exact) <= float(limits.max)) & (size >= least) & ~is_no_worse)


def _largest(dtype: DType) -> float:
    """The largest number that a dtype, or the parts of one, have."""
    return float(ml_dtypes.finfo(real_of(dtype)).max)  # type: ignore[no-untyped-call]


def _isnan(x: Array) -> Mask:
    return np.asarray(np.isnan(x))
