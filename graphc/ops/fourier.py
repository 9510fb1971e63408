"""Discrete Fourier transforms along one axis: of complex numbers, and between real numbers and half of a spectrum."""

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.errors import DTypeError
from graphc.ir.apply import apply
from graphc.ir.arithmetic import spread
from graphc.ir.complex import conj
from graphc.ir.kinds import Linear, Routine, require_floating
from graphc.ir.leaves import size_node
from graphc.ir.node import IndexBound, Node, Op, SameSize
from graphc.ir.operands import add, cast, mul, where
from graphc.ops.creation import iota
from graphc.ops.logic import equal, logical_or
from graphc.sizes import Size, lower_bound, maximum
from graphc.types import TensorType, complex_of, is_complex, real_of

__all__ = ["Fourier", "FromHalfSpectrum", "HalfSpectrum"]


@final
class Fourier(Routine, Linear):
    """y[k] = Σ x[j] e^(∓2πi jk/n), divided `roots` times by √n; plus in the exponent for the inverse.

    axis   counted from the end

    Adjoint: itself, as the matrix is symmetric, and cotangents meet tangents without a conjugate.
    """

    inverse: bool
    roots: int
    axis: int
    name: ClassVar[str] = "fft"
    routine: ClassVar[str] = "fft"

    def options(self) -> tuple[tuple[str, int | bool | str], ...]:
        return (("axis", self.axis), ("inverse", self.inverse), ("roots", self.roots))

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        return _something(types[0].shape[self.axis], self.axis)

    def infer(self, *types: TensorType) -> TensorType:
        (x,) = types
        _require_complex(self.name, x)
        return TensorType(x.shape, x.dtype)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        return (apply(self, cotangent),)

    def lifted(self, extent: Size) -> Op:
        return self

    def text(self) -> str:
        return f"{'ifft' if self.inverse else 'fft'}[{self.axis}]"


@final
class HalfSpectrum(Routine, Linear):
    """The first n // 2 + 1 of the n numbers that `Fourier` gives for n real ones: the others are conjugates of these.

    Adjoint: Re(Σ c[k] e^(-2πi jk/n)).  That is `FromHalfSpectrum` of the conjugates, which counts all but the ends
    twice.
    """

    roots: int
    axis: int
    name: ClassVar[str] = "rfft"
    routine: ClassVar[str] = "rfft"

    def options(self) -> tuple[tuple[str, int | bool | str], ...]:
        return (("axis", self.axis), ("roots", self.roots))

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        return _something(types[0].shape[self.axis], self.axis)

    def infer(self, *types: TensorType) -> TensorType:
        (x,) = types
        require_floating(self.name, x.dtype)
        shape = [*x.shape]
        shape[self.axis] = shape[self.axis] // 2 + 1
        return TensorType(tuple(shape), complex_of(x.dtype))

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        n = node.inputs[0].shape[self.axis]
        halves = _but_the_ends(0.5, n, cotangent, self.axis)
        return (apply(FromHalfSpectrum(n, self.roots, self.axis), mul(conj(cotangent), halves)),)

    def lifted(self, extent: Size) -> Op:
        return self

    def text(self) -> str:
        return f"rfft[{self.axis}]"


@final
class FromHalfSpectrum(Routine, Linear):
    """The n = `length` real numbers that the inverse `Fourier` gives for n // 2 + 1 numbers and their conjugates.

    Of z[0], and of z[n / 2] for an even n, the imaginary part is not read.
    Adjoint: the sums Σ c[j] e^(2πi jk/n), of which all but the ends count twice: conjugates of a `HalfSpectrum`.
    """

    length: Size
    roots: int
    axis: int
    name: ClassVar[str] = "irfft"
    routine: ClassVar[str] = "irfft"

    def options(self) -> tuple[tuple[str, int | bool | str], ...]:
        return (("axis", self.axis), ("roots", self.roots))

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        m, half = types[0].shape[self.axis], self.length // 2 + 1
        found = _something(self.length, self.axis)
        return found if m == half else (*found, SameSize(m, half, "the half of a spectrum has another extent"))

    def infer(self, *types: TensorType) -> TensorType:
        (z,) = types
        _require_complex(self.name, z)
        shape = [*z.shape]
        shape[self.axis] = self.length
        return TensorType(tuple(shape), real_of(z.dtype))

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        sums = conj(apply(HalfSpectrum(self.roots, self.axis), cotangent))
        return (mul(sums, _but_the_ends(2.0, self.length, sums, self.axis)),)

    def lifted(self, extent: Size) -> Op:
        return self

    def text(self) -> str:
        return f"irfft[{self.axis}]"


def _require_complex(name: str, x: TensorType) -> None:
    if not is_complex(x.dtype):
        raise DTypeError(f"{name} has no meaning for {x.dtype}", hint='x.astype("complex64")')


def _something(n: Size, axis: int) -> tuple[SameSize, ...]:
    """That there are elements to transform, where that is not decided."""
    low = lower_bound(n)
    if low is not None and low >= 1:
        return ()
    return (SameSize(n, maximum(n, 1), f"there is nothing to transform along axis {axis}"),)


def _but_the_ends(weight: float, n: Size, half: Node, axis: int) -> Node:
    """`weight`, and 1 where a spectrum of `n` numbers has one number without a conjugate; to multiply `half` with."""
    i = half.ndim + axis
    m = half.shape[i]
    place = iota(m)
    alone = logical_or(equal(place, 0), equal(add(place, place), size_node(n)))
    weights = cast(where(alone, 1.0, weight), half.dtype)
    return spread(weights, half.shape, [other for other in range(half.ndim) if other != i])
