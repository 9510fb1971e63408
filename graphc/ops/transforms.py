"""Discrete Fourier transforms, as users call them: along one axis, two or several, of complex and of real numbers."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from graphc.errors import DTypeError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.complex import conj
from graphc.ir.given import a_choice, a_size, is_whole, several
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, cast
from graphc.ops.axes import one_axis
from graphc.ops.elementwise import floating
from graphc.ops.fourier import Fourier, FromHalfSpectrum, HalfSpectrum
from graphc.ops.movement import part
from graphc.ops.padding import pad
from graphc.origin import here
from graphc.printable import counted
from graphc.sizes import Size, minimum
from graphc.types import accumulator, complex_of, is_complex

__all__ = [
    "Norm",
    "fft",
    "fft2",
    "fftn",
    "hfft",
    "ifft",
    "ifft2",
    "ifftn",
    "ihfft",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftn",
]

Norm: TypeAlias = Literal["backward", "ortho", "forward"] | None
Extents: TypeAlias = "Sequence[Size] | None"

#: how many times a forward transform is divided by the root of the number of elements; its inverse by the rest of 2
_ROOTS = {"backward": 0, "ortho": 1, "forward": 2}


def fft(x: Like, n: "Size | None" = None, axis: int = -1, norm: Norm = None) -> Node:
    """The discrete Fourier transform along `axis`: y[k] = Σ x[j] e^(-2πi jk/n), complex.

    n      how many elements are transformed; `x` is cut, or filled with 0 at the end, to so many
    norm   "backward", the default, divides the inverse transform by n; "forward" this one; "ortho" both by √n

    complex128 of float64 and complex128, complex64 of what is narrower.

    x [..., m, ...]   ->   [..., n, ...].  Adjoint: itself, as cotangents meet tangents without a conjugate.
    Cooley, Tukey: An algorithm for the machine calculation of complex Fourier series, 1965.
    Raises ShapeError for n = 0.
    """
    return _spectrum("fft", x, [(axis, n)], norm)


def ifft(x: Like, n: "Size | None" = None, axis: int = -1, norm: Norm = None) -> Node:
    """The inverse of `fft`: y[j] = Σ x[k] e^(2πi jk/n) / n, complex.  See `fft`."""
    return _inverse_spectrum("ifft", x, [(axis, n)], norm)


def fft2(x: Like, s: Extents = None, axes: Sequence[int] | None = (-2, -1), norm: Norm = None) -> Node:
    """`fft` along two axes; `s` has the number of elements along each.  See `fft`."""
    return _spectrum("fft2", x, _pairs("fft2", x, s, axes), norm)


def ifft2(x: Like, s: Extents = None, axes: Sequence[int] | None = (-2, -1), norm: Norm = None) -> Node:
    """The inverse of `fft2`.  See `fft`."""
    return _inverse_spectrum("ifft2", x, _pairs("ifft2", x, s, axes), norm)


def fftn(x: Like, s: Extents = None, axes: Sequence[int] | None = None, norm: Norm = None) -> Node:
    """`fft` along several axes; along all, or the last ones that `s` has a number of elements for, without `axes`.

    In `s`, -1 is the number that there is.

    See `fft`.
    """
    return _spectrum("fftn", x, _pairs("fftn", x, s, axes), norm)


def ifftn(x: Like, s: Extents = None, axes: Sequence[int] | None = None, norm: Norm = None) -> Node:
    """The inverse of `fftn`.  See `fft`."""
    return _inverse_spectrum("ifftn", x, _pairs("ifftn", x, s, axes), norm)


def rfft(x: Like, n: "Size | None" = None, axis: int = -1, norm: Norm = None) -> Node:
    """The first half of the transform of n real numbers: n // 2 + 1 complex ones.  The rest are their conjugates.

    `n` and `norm` as for `fft`.

    x [..., n, ...]   ->   [..., n // 2 + 1, ...].  Adjoint: the real part of `fft` of the cotangent
    with 0 behind it.
    """
    return _half_spectrum("rfft", x, [(axis, n)], norm)


def irfft(x: Like, n: "Size | None" = None, axis: int = -1, norm: Norm = None) -> Node:
    """The inverse of `rfft`: n real numbers, of n // 2 + 1 complex ones.  [..., m, ...]   ->   [..., n, ...]

    n   how many real numbers; 2 (m - 1) if not given, so that an odd number has to be

    Of the first number, and for an even n of the last, the imaginary part is not read.

    Adjoint: `rfft` of the cotangent, conjugated, over n; all but the first, and the last of an even n, count twice.
    """
    return _from_half_spectrum("irfft", x, [(axis, n)], norm)


def rfft2(x: Like, s: Extents = None, axes: Sequence[int] | None = (-2, -1), norm: Norm = None) -> Node:
    """`rfft` along the last of two axes, then `fft` along the first.

    See `rfft`.
    """
    return _half_spectrum("rfft2", x, _pairs("rfft2", x, s, axes), norm)


def irfft2(x: Like, s: Extents = None, axes: Sequence[int] | None = (-2, -1), norm: Norm = None) -> Node:
    """The inverse of `rfft2`.  See `irfft`."""
    return _from_half_spectrum("irfft2", x, _pairs("irfft2", x, s, axes), norm)


def rfftn(x: Like, s: Extents = None, axes: Sequence[int] | None = None, norm: Norm = None) -> Node:
    """`rfft` along the last of several axes, then `fft` along the others; `s` and `axes` as for `fftn`.

    See `rfft`.
    """
    return _half_spectrum("rfftn", x, _pairs("rfftn", x, s, axes), norm)


def irfftn(x: Like, s: Extents = None, axes: Sequence[int] | None = None, norm: Norm = None) -> Node:
    """The inverse of `rfftn`; without `s`, 2 (m - 1) real numbers along the last axis, of m.

    See `irfft`.
    """
    return _from_half_spectrum("irfftn", x, _pairs("irfftn", x, s, axes), norm)


def hfft(x: Like, n: "Size | None" = None, axis: int = -1, norm: Norm = None) -> Node:
    """The transform of n numbers of which the second half are conjugates of the first: n real numbers.

    x [..., n // 2 + 1, ...]   ->   [..., n, ...]

    `n` as for `irfft`, `norm` as for `fft`.

    It is `irfft` of the conjugates, times n.  Adjoint: see `irfft`.
    """
    node = conj(x)
    return _from_half("hfft", node, axis, n, _roots("hfft", norm, node))


def ihfft(x: Like, n: "Size | None" = None, axis: int = -1, norm: Norm = None) -> Node:
    """The inverse of `hfft`: the first n // 2 + 1 numbers of the inverse transform of real ones.

    x [..., n, ...]   ->   [..., n // 2 + 1, ...].  It is `rfft`, conjugated, over n.  Adjoint: see `rfft`.
    """
    node = as_node(x)
    return conj(_to_half("ihfft", node, axis, n, 2 - _roots("ihfft", norm, node)))


# Along several axes, one after the other.

_Pairs: TypeAlias = "Sequence[tuple[int, Size | None]]"  # axes, and how many elements; None for what there is


def _spectrum(name: str, x: Like, pairs: _Pairs, norm: Norm) -> Node:
    node = as_node(x)
    roots = _roots(name, norm, node)
    for axis, n in reversed(pairs):
        node, i = _along(name, node, axis, n)
        node = apply(Fourier(False, roots, i), _as_complex(node))
    return _as_complex(node)


def _inverse_spectrum(name: str, x: Like, pairs: _Pairs, norm: Norm) -> Node:
    node = as_node(x)
    roots = 2 - _roots(name, norm, node)
    for axis, n in reversed(pairs):
        node, i = _along(name, node, axis, n)
        node = apply(Fourier(True, roots, i), _as_complex(node))
    return _as_complex(node)


def _half_spectrum(name: str, x: Like, pairs: _Pairs, norm: Norm) -> Node:
    node = as_node(x)
    *others, (axis, n) = _some(name, pairs, node)
    return _spectrum(name, _to_half(name, node, axis, n, _roots(name, norm, node)), others, norm)


def _from_half_spectrum(name: str, x: Like, pairs: _Pairs, norm: Norm) -> Node:
    node = as_node(x)
    *others, (axis, n) = _some(name, pairs, node)
    roots = 2 - _roots(name, norm, node)
    return _from_half(name, _inverse_spectrum(name, node, others, norm) if others else node, axis, n, roots)


# Along one axis.


def _to_half(name: str, x: Node, axis: int, n: "Size | None", roots: int) -> Node:
    """The half spectrum of `n` real numbers."""
    if is_complex(x.dtype):
        hint = "gx.fft.fft and gx.fft.ifft take complex numbers"
        raise locate(DTypeError(f"{name} has no meaning for {x.dtype}", hint=hint), here(), (x,))
    node, i = _along(name, x, axis, n)
    real = floating(node)
    return apply(HalfSpectrum(roots, i), cast(real, accumulator(real.dtype)))


def _from_half(name: str, x: Node, axis: int, n: "Size | None", roots: int) -> Node:
    """The `n` real numbers that have half a spectrum."""
    i = one_axis(name, axis, x.ndim, x)
    m = x.shape[i]
    length = 2 * (m - 1) if n is None else _count(name, n, i, x)
    if length == 0:
        problem = f"{name}: {m} number along axis {i} gives 2 ({m} - 1) real ones unless n is given"
        raise locate(ShapeError(problem, hint="n=1"), here(), (x,))
    node, i = _along(name, x, i, length // 2 + 1)
    return apply(FromHalfSpectrum(length, roots, i), _as_complex(node))


def _along(name: str, x: Node, axis: int, n: "Size | None") -> tuple[Node, int]:
    """`x` cut or filled to `n` elements along `axis`, and the axis counted from the end."""
    i = one_axis(name, axis, x.ndim, x)
    m = x.shape[i]
    count = _count(name, m if n is None else n, i, x)
    kept = minimum(m, count)
    widths = [(0, count - kept if axis == i else 0) for axis in range(x.ndim)]
    return pad(part(x, i, 0, kept), widths), i - x.ndim


def _count(name: str, n: Size, axis: int, x: Node) -> Size:
    """`n` as a number of elements."""
    count = a_size(name, "a number of elements", n, x)
    if isinstance(count, int) and count < 1:
        problem = f"{name}: a transform along axis {axis} is of 1 element or more, not {count}"
        raise locate(ShapeError(problem), here(), (x,))
    return count


# What they are told.


def _as_complex(x: Node) -> Node:
    node = floating(x)
    return cast(node, complex_of(node.dtype))


def _roots(name: str, norm: Norm, x: Node) -> int:
    """By how many roots of the number of elements a forward transform is divided."""
    return 0 if norm is None else _ROOTS[a_choice(name, "the norm", norm, tuple(_ROOTS), x)]


def _pairs(name: str, x: Like, s: Extents, axes: Sequence[int] | None) -> _Pairs:
    """Each axis with its number of elements.  Raises where an axis is given twice, or one of both is missing."""
    node = as_node(x)
    given = None if s is None else several(name, "s", s, node)
    if axes is None:
        axes = range(node.ndim) if given is None else range(-len(given), 0)
    else:
        axes = several(name, "axes", axes, node)
    counts: Sequence[Size | None] = (
        [None] * len(axes) if given is None else [None if is_whole(n) and n == -1 else n for n in given]
    )
    if len(counts) != len(axes):
        problem = f"{name}: {counted(len(counts), 'extent')} for {counted(len(axes), 'axis', 'axes')}"
        raise locate(ShapeError(problem), here(), (node,))
    found = [one_axis(name, axis, node.ndim, node) for axis in axes]
    if len(set(found)) < len(found):
        raise locate(ShapeError(f"{name}: an axis is given twice in {tuple(axes)}"), here(), (node,))
    return [*zip(found, counts, strict=True)]


def _some(name: str, pairs: _Pairs, x: Node) -> _Pairs:
    """The same.  Raises where there is no axis."""
    if not pairs:
        raise locate(ShapeError(f"{name}: there is no axis to transform"), here(), (x,))
    return pairs
