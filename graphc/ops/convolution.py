"""Convolution, as one contraction over windows."""

from graphc.errors import GraphError, ShapeError
from graphc.ir.apply import locate
from graphc.ir.given import a_whole_number
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, cast
from graphc.kernel.affine import AffineIndex
from graphc.ops.contraction import Contraction, contract
from graphc.ops.movement import reshape
from graphc.ops.padding import pad
from graphc.ops.window import PerAxis, Sides, count_of, per_axis, sides_of, window_index
from graphc.origin import here
from graphc.sizes import equal
from graphc.types import accumulator, promote

__all__ = ["conv1d", "conv2d", "conv3d", "misfit", "require_ranks"]


def conv1d(
    x: Like, w: Like, *, stride: PerAxis = 1, padding: Sides = 0, dilation: PerAxis = 1, groups: int = 1
) -> Node:
    """Windows of sequences times kernels; see `conv2d`.

    x [n, c, l]   w [o, c / groups, k]   ->   [n, o, p]
    """
    return _convolution("conv1d", 1, x, w, stride, padding, dilation, groups)


def conv2d(
    x: Like, w: Like, *, stride: PerAxis = 1, padding: Sides = 0, dilation: PerAxis = 1, groups: int = 1
) -> Node:
    """Windows of images times kernels.

    x [n, c, h, w]   w [o, c / groups, j, k]   ->   [n, o, p, q]

    n images of c channels become images of o channels; the kernel is not flipped (a cross-correlation):
    y[n, o, p, q] = sum over c, j, k of x[n, c, p stride + j dilation, q stride + k dilation] w[o, c, j, k].

    padding   zeros around: a number, one number or (before, after) per axis, "valid" for none, "same" for as
              many results as elements, divided by the stride, "full" for all windows that meet an element
    groups    the channels of both sides fall into so many groups, which do not mix; as many as channels make
              it depthwise, a kernel or more for each channel

    dy = conv2d(dx, w) + conv2d(x, dw); the cotangent of x is `conv_transpose2d` of y' with w.
    Dumoulin, Visin: A guide to convolution arithmetic for deep learning, 2016.
    """
    return _convolution("conv2d", 2, x, w, stride, padding, dilation, groups)


def conv3d(
    x: Like, w: Like, *, stride: PerAxis = 1, padding: Sides = 0, dilation: PerAxis = 1, groups: int = 1
) -> Node:
    """Windows of volumes times kernels; see `conv2d`.

    x [n, c, d, h, w]   w [o, c / groups, i, j, k]   ->   [n, o, p, q, r]
    """
    return _convolution("conv3d", 3, x, w, stride, padding, dilation, groups)


def _convolution(
    name: str,
    rank: int,
    x: Like,
    w: Like,
    stride: PerAxis,
    padding: Sides,
    dilation: PerAxis,
    groups: int,
) -> Node:
    image, kernel = as_node(x), as_node(w)
    groups = a_whole_number(name, "groups", groups, image, kernel, least=1)
    _fits(name, rank, image, kernel, groups)
    strides, dilations = [
        per_axis(name, what, steps, rank, image, kernel) for what, steps in (("stride", stride), ("dilation", dilation))
    ]
    dtype = promote(image.tensor, kernel.tensor)
    window = kernel.shape[2:]
    sides = sides_of(name, padding, image.shape[2:], window, strides, dilations, image, kernel)
    framed = pad(cast(image, accumulator(dtype)), [(0, 0), (0, 0), *sides])
    counts = tuple(map(count_of, framed.shape[2:], window, strides, dilations))
    outputs, channels = kernel.shape[0] // groups, kernel.shape[1]
    # The axes are: image, group, output channel, places, channel, window; without the group if there is one.
    sizes = (image.shape[0], *([groups] if groups > 1 else []), outputs, *counts, channels, *window)
    n, g, o = AffineIndex(((0, 1),)), [AffineIndex(((1, 1),))] * (groups > 1), 1 + (groups > 1)
    c = o + rank + 1
    moving = [window_index(o + 1 + i, c + 1 + i, strides[i], dilations[i]) for i in range(rank)]
    plain = [AffineIndex(((axis, 1),)) for axis in range(len(sizes))]
    op = Contraction(
        extents=sizes,
        left=(n, *g, plain[c], *moving),
        right=(*g, plain[o], plain[c], *plain[c + 1 :]),
        out=(n, *g, plain[o], *plain[o + 1 : c]),
        shape=sizes[:c],
        name=name,
    )
    filters = cast(kernel, accumulator(dtype))
    if groups == 1:
        return cast(contract(op, framed, filters), dtype)
    split = reshape(framed, (image.shape[0], groups, channels, *framed.shape[2:]))
    y = contract(op, split, reshape(filters, (groups, outputs, channels, *window)))
    return cast(reshape(y, (image.shape[0], kernel.shape[0], *counts)), dtype)


def _fits(name: str, rank: int, image: Node, kernel: Node, groups: int) -> None:
    """Raise where ranks or channels do not fit."""
    require_ranks(name, rank, image, kernel, "[o, c / groups, ...]")
    if equal(kernel.shape[0] % groups, 0) is False:
        problem = f"{kernel.shape[0]} output channels do not fall into {groups} groups"
        raise misfit(name, image, kernel, problem)
    n, m = image.shape[1], kernel.shape[1] * groups
    if equal(n, m) is False:
        per_group = f" ({kernel.shape[1]} in each of {groups} groups)" if groups > 1 else ""
        channels_last = "the channels are axis 1: transpose the array" if equal(image.shape[-1], m) else None
        problem = f"channels differ, {n} in the array and {m}{per_group} in the kernel"
        raise misfit(name, image, kernel, problem, channels_last)


def require_ranks(name: str, rank: int, image: Node, kernel: Node, kernel_axes: str) -> None:
    """Raise unless array and kernel have two axes more than windows have."""
    for which, node, axes in (("array", image, "[n, c, ...]"), ("kernel", kernel, kernel_axes)):
        if node.ndim != rank + 2:
            problem = f"the {which} has rank {node.ndim}, not {rank + 2}"
            raise misfit(name, image, kernel, problem, f"its axes are {axes}")


def misfit(name: str, image: Node, kernel: Node, problem: str, hint: str | None = None) -> GraphError:
    """The error of an array and a kernel that do not fit."""
    return locate(ShapeError(f"{name}: {problem}", hint=hint), here(), (image, kernel))
