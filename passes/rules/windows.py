"""Identities of windows: what lays them down is as well told by what it reads."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import NamedTuple

from graphc.ir.apply import apply
from graphc.ir.node import Node
from graphc.kernel.affine import AffineIndex
from graphc.ops.contraction import Contraction, Places, plain
from graphc.ops.placement import Pad, Slice, moved
from graphc.passes.matching import Match, hole, on
from graphc.passes.pipeline import Spill
from graphc.passes.rewrite import Rule
from graphc.sizes import Size
from graphc.types import Shape

__all__ = ["WINDOWS", "read_instead"]

MORE = 1.25  # times as many products of elements, at most: each element is written once for them


class Window(NamedTuple):
    """An index `place + dilation * window` of the result: axes, where they stand in their operands, and extents."""

    result: int
    place: int
    window: int
    dilation: int
    in_image: int
    in_kernel: int
    places: int
    points: int


def _read_instead(match: Match) -> Node | None:
    """The adjoint of a convolution of stride 1, cut as it was padded, as a convolution with the flipped kernel."""
    cut = match.node.op
    assert isinstance(cut, Slice)
    if set(cut.steps) != {1} or not match.alone_reads(match[laid]):
        return None
    return read_instead(match[laid], cut.starts, match.node.shape, MORE)


def read_instead(laid: Node, starts: Sequence[Size], shape: Shape, more: float) -> Node | None:
    """The part of `shape` of a product that lays windows down, from `starts` on, as one that reads through windows.

    more  times as many products of elements, at most
    """
    op = laid.op
    assert isinstance(op, Contraction)
    if op.apart:
        return None
    side, windows = next(((n, found) for n in (0, 1) if (found := _windows(op, n))), (0, ()))
    moving = [window.result for window in windows]
    if not windows or any(
        n != m for axis, (n, m) in enumerate(zip(shape, op.shape, strict=True)) if axis not in moving
    ):
        return None
    operands, indices, extents = list(laid.inputs), [op.left, op.right], list(op.extents)
    image, kernel = operands[side], operands[1 - side]
    image_at, out = list(indices[side]), list(op.out)
    befores, framed, last, steps = [0] * image.ndim, list(image.shape), [0] * kernel.ndim, [1] * kernel.ndim
    for window in windows:
        start, n = starts[window.result], shape[window.result]
        if not isinstance(start, int) or not isinstance(n, int):
            return None
        before, after = window.dilation * (window.points - 1) - start, n + start - window.places
        if before < 0 or after < 0:
            return None
        befores[window.in_image], framed[window.in_image] = before, before + window.places + after
        last[window.in_kernel], steps[window.in_kernel] = window.points - 1, -1
        image_at[window.in_image] = AffineIndex(((window.place, 1), (window.window, window.dilation)))
        out[window.result] = AffineIndex(((window.place, 1),))
        extents[window.place] = n
    if prod(extents[window.place] for window in windows) > more * prod(window.places for window in windows):
        return None
    if tuple(framed) != image.shape:
        operands[side] = apply(Pad(tuple(befores), (1,) * image.ndim, tuple(framed), 0), image)
    operands[1 - side] = moved(Slice(tuple(last), tuple(steps), kernel.shape), kernel)
    indices[side] = tuple(image_at)
    left, right = indices
    return apply(replace(op, extents=tuple(extents), left=left, right=right, out=tuple(out), shape=shape), *operands)


def _windows(op: Contraction, side: int) -> tuple[Window, ...] | None:
    """The windows that are laid down, if the operand `side` has their places and the other one their points."""
    image, kernel = (_known(places) for places in ((op.left, op.right), (op.right, op.left))[side])
    found = []
    for result, part in enumerate(op.out):
        if len(part.terms) == 1 and part.terms[0][1] == 1 and part.offset == 0:
            continue
        terms = dict(part.terms)
        place = next((axis for axis, step in part.terms if axis in image and axis not in kernel and step == 1), None)
        window = next((axis for axis in terms if axis in kernel and axis not in image), None)
        if place is None or window is None or len(terms) != 2 or part.offset != 0:
            return None
        dilation, places, points = terms[window], op.extents[place], op.extents[window]
        if not isinstance(dilation, int) or dilation < 1 or not isinstance(places, int) or not isinstance(points, int):
            return None
        if points > places:
            return None
        found.append(Window(result, place, window, dilation, image[place], kernel[window], places, points))
    return tuple(found)


def _known(places: Places) -> dict[int, int]:
    """Where the axes stand that are indices alone."""
    return {axis: place for place, axis in enumerate(plain(places)) if axis is not None}


laid = hole("laid")

WINDOWS = (
    Rule(
        on(Slice, on(Contraction, called=laid)),
        _read_instead,
        exact=False,
        because="each element is written once, with roundings in another order",
        called="slice(conv_transpose(x, w)) = conv(pad(x), flip(w)), of stride 1",
        spill=Spill.ELSEWHERE,
    ),
)
