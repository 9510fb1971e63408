"""The frequencies of discrete Fourier transforms, and their order."""

from graphc.errors import ShapeError
from graphc.ir.apply import locate
from graphc.ir.given import a_size
from graphc.ir.leaves import size_node
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, cast, div, mul, sub, where
from graphc.ops.axes import Axes, some_axes
from graphc.ops.creation import iota
from graphc.ops.elementwise import floating
from graphc.ops.logic import less
from graphc.ops.movement import concat, part
from graphc.origin import here
from graphc.sizes import Size
from graphc.types import DTYPES, as_dtype

__all__ = ["fftfreq", "fftshift", "ifftshift", "rfftfreq"]


def fftfreq(n: Size, d: Like = 1.0, *, dtype: object = None) -> Node:
    """The frequencies of `fft` of n samples that are `d` apart: 0, 1 ... and then -n // 2 ... -1, over n d.  [n]

    `d` may be a node; the dtype is its, float32 for a Python number.

    d []   ->   [n].  Slope: -y / d.
    """
    count = _count("fftfreq", n)
    place = iota(count)
    return _frequencies(where(less(place, (count + 1) // 2), place, sub(place, count)), count, d, dtype)


def rfftfreq(n: Size, d: Like = 1.0, *, dtype: object = None) -> Node:
    """The frequencies of `rfft` of n samples that are `d` apart: 0, 1 ... n // 2 over n d.  [n // 2 + 1]

    `d` and `dtype` as for `fftfreq`.

    d []   ->   [n // 2 + 1].  Slope: -y / d.
    """
    count = _count("rfftfreq", n)
    return _frequencies(iota(count // 2 + 1), count, d, dtype)


def fftshift(x: Like, axes: Axes = None) -> Node:
    """The spectrum with frequency 0 in the middle of `axes`, of all for None: the halves are exchanged.

    x [...]   ->   [...].  Adjoint: `ifftshift`.
    """
    node = as_node(x)
    for i in some_axes("fftshift", axes, node.ndim, node):
        n = node.shape[i]
        node = _exchanged(node, i, n - n // 2)
    return node


def ifftshift(x: Like, axes: Axes = None) -> Node:
    """The inverse of `fftshift`, which differs from it along an odd number of elements.

    x [...]   ->   [...].  Adjoint: `fftshift`.
    """
    node = as_node(x)
    for i in some_axes("ifftshift", axes, node.ndim, node):
        node = _exchanged(node, i, node.shape[i] // 2)
    return node


def _exchanged(x: Node, axis: int, first: Size) -> Node:
    """`x` with its `first` elements along an axis behind the others."""
    return concat((part(x, axis, first, x.shape[axis] - first), part(x, axis, 0, first)), axis)


def _count(name: str, n: Size) -> Size:
    """`n` as a number of samples."""
    count = a_size(name, "n", n)
    if isinstance(count, int) and count < 1:
        raise locate(ShapeError(f"{name}: there are frequencies of 1 sample or more, not {count}"), here(), ())
    return count


def _frequencies(place: Node, n: Size, d: Like, dtype: object) -> Node:
    """place / (n d).  A Python number is computed with in float64."""
    spacing = floating(d)
    wanted = spacing.dtype if dtype is None else as_dtype(dtype)
    if spacing.tensor.weak:
        spacing = cast(spacing, DTYPES["float64"])
    return cast(div(cast(place, spacing.dtype), mul(size_node(n), spacing)), wanted)
