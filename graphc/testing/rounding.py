"""How far rounding may move results: a program is interpreted again and again, each time rounded a little otherwise."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from graphc.dataclass import dataclass
from graphc.kernel.arrays import Arrays
from graphc.kernel.buffer import Buffer
from graphc.kernel.reference import Observer
from graphc.kernel.rounding import rounds
from graphc.kernel.steps import Contract, Extern, Step
from graphc.types import BOOL, NARROW, DType, is_complex, is_differentiable
from graphc.verification.noise import epsilon

__all__ = ["Array", "Overflows", "Spread", "epsilon_or_0"]

Array: TypeAlias = npt.NDArray[Any]  # Any: of every dtype

RUNS = 18
ULPS = 16  # by which results of a step, and what it reads, are moved at most
ULPS_OF_NARROW = 2
COARSE = 4  # times these, within which numbers may be called equal


def _floats(buffers: Sequence[Buffer], arrays: Arrays) -> list[Array]:
    """The arrays of floats and complex numbers behind buffers, each once."""
    roots = {buffer.root: buffer for buffer in buffers if is_differentiable(buffer.dtype)}
    return [arrays.whole(buffer) for buffer in roots.values()]


@dataclass
class _Reading(Observer):
    """Other values in what some steps read, while they run."""

    kept: list[tuple[Array, Array]] = field(default_factory=list)

    def change(self, step: Step, arrays: Arrays, value: Callable[[Array], Array]) -> None:
        """Change what a step reads, but for what it writes as well, until `restore`."""
        self.kept = []
        written = [arrays.whole(buffer) for buffer in step.writes]
        for array in _floats(step.reads, arrays):
            if not any(np.shares_memory(array, other) for other in written):
                self.kept.append((array, array.copy()))
                _set(array, value(array))

    def restore(self) -> None:
        for array, value in self.kept:
            _set(array, value)
        self.kept = []


@final
@dataclass
class _Coarsely(_Reading):
    """What is compared lies on a coarse grid: so what is equal but for rounding is, which no noise ever shows.

    So does what routines give: singular values that are equal but for rounding have no second derivatives.  What is 0
    there but for rounding is 0, by which something may be divided.

    start   where the grid begins, as a part of its step
    """

    start: float = 0.0

    def before(self, step: Step, arrays: Arrays) -> None:
        if all(buffer.dtype == BOOL for buffer in step.writes):
            self.change(step, arrays, self._on_grid)

    def after(self, step: Step, arrays: Arrays) -> None:
        self.restore()
        if isinstance(step, Extern) and rounds(step):
            for array in _floats(step.writes, arrays):
                _set(array, _without_noise(self._on_grid(array), _unsure(array)))

    @np.errstate(all="ignore")
    def _on_grid(self, array: Array) -> Array:
        step = 2.0 ** np.ceil(np.log2(COARSE * _most(array.dtype)))

        def on_grid(parts: Array) -> Array:
            mantissa, exponent = np.frexp(parts)
            places = np.floor(np.abs(mantissa) / step + self.start) * step
            return np.asarray(np.ldexp(np.copysign(places, mantissa), exponent))

        wide = _wide(array)
        found = on_grid(wide.real) + 1j * on_grid(wide.imag) if is_complex(array.dtype) else on_grid(wide)
        return np.where(np.isfinite(wide), found, wide)


def _most(dtype: DType) -> float:
    """How much of itself a number is moved at most."""
    return epsilon(dtype) * (ULPS_OF_NARROW if dtype in NARROW else ULPS)


def _without_noise(array: Array, most: float) -> Array:
    """The same with 0 for each part of a number that is not above `most`."""
    found = array.copy()
    for parts in (found.real, found.imag) if is_complex(array.dtype) else (found,):
        parts[np.abs(parts) <= most] = 0
    return found


def _unsure(array: Array) -> float:
    """By how much a routine may be off in each of its results: as the largest of them is rounded."""
    return ULPS * epsilon(array.dtype) * float(np.abs(array[np.isfinite(array)]).max(initial=0))


@final
@dataclass
class _Otherwise(_Reading):
    """Moves what a step reads, and what it gives, by some units in the last place; zeros get either sign.

    signs  by how much the size of a number falls and grows at most, as parts of the most it may
    """

    rng: np.random.Generator = field(default_factory=np.random.default_rng)
    signs: tuple[float, float] = (-1.0, 1.0)

    def before(self, step: Step, arrays: Arrays) -> None:
        if rounds(step):
            self.change(step, arrays, self._moved)

    def after(self, step: Step, arrays: Arrays) -> None:
        self.restore()
        if rounds(step):
            for array in _floats(step.writes, arrays):
                _set(array, self._moved(array))
                if isinstance(step, Extern):  # whose results are rounded as the largest of them is, zeros too
                    self._shake(array)

    def _moved(self, array: Array) -> Array:
        wide, most = _wide(array), _most(array.dtype)
        low, high = (sign * most for sign in self.signs)
        noise = self.rng.uniform(low, high, array.shape)
        if is_complex(array.dtype):
            noise = noise + 1j * self.rng.uniform(low, high, array.shape)
        moved = np.where(np.isfinite(wide), wide * (1 + noise), wide)
        signs = np.where(self.rng.random(array.shape) < 0.5, 0.0, -0.0)
        return np.where(wide == 0, signs, moved)

    def _shake(self, array: Array) -> None:
        """Add something small beside the largest number to every number."""
        most = _unsure(array)
        noise = self.rng.uniform(-most, most, array.shape)
        if is_complex(array.dtype):
            noise = noise + 1j * self.rng.uniform(-most, most, array.shape)
        _set(array, array + noise)


def _set(array: Array, value: Array) -> None:
    """Set what may be an input, or a row of one, which programs do not write to."""
    owners = [array]
    while isinstance(owners[-1].base, np.ndarray):
        owners.append(owners[-1].base)
    flags = [owner.flags.writeable for owner in owners]
    for owner in reversed(owners):
        owner.flags.writeable = True
    array[...] = value.astype(array.dtype)
    for owner, writeable in zip(owners, flags, strict=True):
        owner.flags.writeable = writeable


@final
@dataclass
class Overflows(Observer):
    """What became of infinities and nan.

    made      some step gave them of numbers that were finite
    are_multiplied  a product of matrices was given them: whether its terms meet as infinities depends on their order
    are_read  a routine of linear algebra, or a transform, was given them: each machine then gives what it likes
    """

    made: bool = False
    are_multiplied: bool = False
    are_read: bool = False
    was_finite: bool = True

    def before(self, step: Step, arrays: Arrays) -> None:
        self.was_finite = all(np.isfinite(array).all() for array in _floats(step.reads, arrays))
        self.are_read |= not self.was_finite and isinstance(step, Extern) and rounds(step)
        self.are_multiplied |= not self.was_finite and isinstance(step, Contract)

    def after(self, step: Step, arrays: Arrays) -> None:
        if self.was_finite and rounds(step):
            self.made |= not all(np.isfinite(array).all() for array in _floats(step.writes, arrays))


@final
@dataclass
class Spread:
    """The results that a program has where it is rounded a little otherwise: as many as it takes to agree with one.

    run  interprets the program, watched by an observer
    """

    run: Callable[[Observer], list[Array]]
    found: list[list[Array]] = field(default_factory=list)

    def _results(self) -> Iterator[list[list[Array]]]:
        """The results of some runs, then of more."""
        for count in range(1, RUNS + 1):
            if count > len(self.found):
                self.found.append(self.run(_observer(count)))
            yield self.found[:count]

    def agrees(self, place: int, found: Array, expected: Array) -> bool:
        """Whether result `place` is within some times the distance that rounding moves it."""
        near, exact, eps = _wide(found), _wide(expected), epsilon_or_0(expected.dtype)
        return any(
            np.all(_near(near, exact, np.stack([_wide(results[place]) for results in runs]), eps))
            for runs in self._results()
        )

    def agree(self, first: int, second: int, expected: Sequence[Array]) -> bool:
        """Whether two results are one number but for rounding."""
        difference = float(expected[first] - expected[second])
        for runs in self._results():
            others = np.array([float(results[first] - results[second]) for results in runs])
            if not np.isfinite(others).all() or abs(difference) <= 4 * np.max(np.abs(others - difference)):
                return True
        return False


def _observer(count: int) -> Observer:
    """That of a run.  In some all numbers become smaller, or all larger: a 1 that must be below 1 at many places is."""
    rng = np.random.default_rng(count)
    if count % 3 == 2:
        return _Coarsely(start=rng.random())
    return _Otherwise(rng=rng, signs={3: (-1.0, 0.0), 0: (0.0, 1.0)}.get(count % 6, (-1.0, 1.0)))


def epsilon_or_0(dtype: DType) -> float:
    """The distance from 1 to the next number, 0 of integers."""
    return epsilon(dtype) if is_differentiable(dtype) else 0.0


def _wide(array: Array) -> Array:
    wide: Array = array.astype(np.complex128 if is_complex(array.dtype) else np.float64)
    return wide


@np.errstate(all="ignore")
def _near(found: Array, expected: Array, others: Array, eps: float) -> Array:
    """For each element whether it is `expected`, or as near to that as others are; all are where others are apart."""
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    finite = np.isfinite(others).all(0) & np.isfinite(expected)
    apart = ~finite & ~np.all((others == expected) | (np.isnan(others) & np.isnan(expected)), 0)
    distance = np.where(finite, np.max(np.abs(others - expected), 0), 0)
    if eps == 0.0:
        return np.asarray(same | (distance > 0))
    near = np.isfinite(found) & finite & (np.abs(found - expected) <= 4 * distance + 16 * eps * np.abs(expected))
    return np.asarray(same | near | apart)
