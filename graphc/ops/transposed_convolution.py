"""Transposed convolution: the adjoint of a convolution, by its array."""

from graphc.errors import ArgumentError
from graphc.ir.apply import locate
from graphc.ir.given import a_whole_number
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, cast
from graphc.kernel.affine import AffineIndex
from graphc.ops.contraction import Contraction, contract
from graphc.ops.convolution import misfit, require_ranks
from graphc.ops.movement import reshape
from graphc.ops.placement import Slice, moved
from graphc.ops.window import PerAxis, per_axis, window_index
from graphc.origin import here
from graphc.sizes import Size, equal, upper_bound
from graphc.types import accumulator, promote

__all__ = ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]


def conv_transpose1d(
    x: Like,
    w: Like,
    *,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    groups: int = 1,
    dilation: PerAxis = 1,
) -> Node:
    """Sequences laid down as kernels; see `conv_transpose2d`.  x [n, c, p]   w [c, o / groups, k]   ->   [n, o, l]"""
    return _laid("conv_transpose1d", 1, x, w, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    x: Like,
    w: Like,
    *,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    groups: int = 1,
    dilation: PerAxis = 1,
) -> Node:
    """Every element of an image laid down as a kernel, scaled by it: the adjoint of `conv2d` by its array.

    x [n, c, p, q]   w [c, o / groups, j, k]   ->   [n, o, h, w]

    y[n, o, p stride + j dilation - padding, ...] is the sum over all c, p, j ... of x[n, c, p, q] w[c, o, j, k].

    padding          how much is cut away on every side: what `conv2d` with the same options added
    output_padding   how many more rows, columns ... there are at the end: of the extents that `conv2d` maps to p,
                     the least is h = (p - 1) stride - 2 padding + (j - 1) dilation + 1

    The options are those of PyTorch's function of this name.

    dy = conv_transpose2d(dx, w) + conv_transpose2d(x, dw); the cotangent of x is `conv2d` of y' with w.
    Dumoulin, Visin: A guide to convolution arithmetic for deep learning, 2016, chapter 4.
    """
    return _laid("conv_transpose2d", 2, x, w, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    x: Like,
    w: Like,
    *,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    groups: int = 1,
    dilation: PerAxis = 1,
) -> Node:
    """Volumes laid down as kernels; see `conv_transpose2d`.

    x [n, c, p, q, r]   w [c, o / groups, i, j, k]   ->   [n, o, d, h, w]
    """
    return _laid("conv_transpose3d", 3, x, w, stride, padding, output_padding, groups, dilation)


def _laid(
    name: str,
    rank: int,
    x: Like,
    w: Like,
    stride: PerAxis,
    padding: PerAxis,
    output_padding: PerAxis,
    groups: int,
    dilation: PerAxis,
) -> Node:
    image, kernel = as_node(x), as_node(w)
    groups = a_whole_number(name, "groups", groups, image, kernel, least=1)
    _fits(name, rank, image, kernel, groups)
    strides, dilations = [
        per_axis(name, what, steps, rank, image, kernel) for what, steps in (("stride", stride), ("dilation", dilation))
    ]
    cut = per_axis(name, "padding", padding, rank, image, kernel, least=0)
    more = per_axis(name, "output_padding", output_padding, rank, image, kernel, least=0)
    if any(extra >= max(steps) for extra, *steps in zip(more, strides, dilations, strict=True)):
        problem = f"{name}: output_padding {more} is not less than the stride or the dilation"
        raise locate(ArgumentError(problem), here(), (image, kernel))
    dtype = promote(image.tensor, kernel.tensor)
    places, window = image.shape[2:], kernel.shape[2:]
    whole: list[Size] = [
        (p - 1) * strides[i] + (window[i] - 1) * dilations[i] + 1 + more[i] for i, p in enumerate(places)
    ]
    inputs, outputs = image.shape[1] // groups, kernel.shape[1]
    # The axes are: image, group, output channel, channel, places, window; without the group if there is one.
    g = int(groups > 1)
    sizes = (image.shape[0], *[groups] * g, outputs, inputs, *places, *window)
    plain = [AffineIndex(((axis, 1),)) for axis in range(len(sizes))]
    batch, o, c, at = plain[0], plain[1 + g], plain[2 + g], 3 + g
    moving = [window_index(at + i, at + rank + i, strides[i], dilations[i]) for i in range(rank)]
    op = Contraction(
        extents=sizes,
        left=(batch, *plain[1 : 1 + g], c, *plain[at : at + rank]),
        right=(*plain[1 : 1 + g], c, o, *plain[at + rank :]),
        out=(batch, *plain[1 : 1 + g], o, *moving),
        shape=(*sizes[: 2 + g], *whole),
        name=name,
    )
    wide = accumulator(dtype)
    split = [groups] * g
    left = reshape(cast(image, wide), (image.shape[0], *split, inputs, *places))
    y = contract(op, left, reshape(cast(kernel, wide), (*split, inputs, outputs, *window)))
    y = reshape(y, (image.shape[0], outputs * groups, *whole))
    lengths = (*y.shape[:2], *(n - 2 * side for n, side in zip(whole, cut, strict=True)))
    if any((high := upper_bound(n)) is not None and high < 1 for n in lengths[2:]):
        raise misfit(name, image, kernel, f"the padding {cut} leaves nothing of {whole}")
    inside = moved(Slice((0, 0, *cut), (1,) * y.ndim, lengths), y)
    return cast(inside, dtype)


def _fits(name: str, rank: int, image: Node, kernel: Node, groups: int) -> None:
    """Raise where ranks or channels do not fit."""
    require_ranks(name, rank, image, kernel, "[c, o / groups, ...]")
    n, m = image.shape[1], kernel.shape[0]
    if equal(n, m) is False:
        fits = equal(n, kernel.shape[1]) is not False
        hint = "the kernel has the channels of the array first: [c, o / groups, ...]" if fits else None
        raise misfit(name, image, kernel, f"channels differ, {n} in the array and {m} in the kernel", hint)
    if equal(n % groups, 0) is False:
        raise misfit(name, image, kernel, f"{n} channels do not fall into {groups} groups")
