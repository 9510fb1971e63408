"""Winograd: convolutions with kernels of 3 x 3 that move by one, by four ninths of the products.

A tile of 2 x 2 results y is read from one of 4 x 4 elements x:  y = Aᵀ [(G w Gᵀ) ⊙ (Bᵀ x B)] A, where ⊙ is 16 products
of matrices, one for each place of the tile, over the channels.  Each of their sums has as many terms as there are
channels, not nine times as many, and rounds less than the one it stands for.

Winograd: Arithmetic Complexity of Computations, 1980.  Lavin, Gray: Fast Algorithms for Convolutional Neural
Networks, 2016.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import ClassVar, NamedTuple, TypeAlias, final

from graphc.dataclass import dataclass
from graphc.ir.apply import apply
from graphc.ir.arithmetic import Sum
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.kernel.affine import AffineIndex
from graphc.kernel.target import Target
from graphc.ops.contraction import Contraction, Places, product
from graphc.ops.movement import reshape, stack, transpose, unstack
from graphc.ops.padding import pad
from graphc.ops.placement import Pad
from graphc.origin import standing_for
from graphc.passes.chunks import FAR
from graphc.passes.costs import moving
from graphc.passes.pipeline import Log, Pass, Spill
from graphc.sizes import Size, estimate, maximum

__all__ = ["Winograd"]


@final
@dataclass(frozen=True)
class Winograd(Pass[Graph, Graph]):
    """Make convolutions, and gradients by their kernels, in tiles where the products that this saves cost more."""

    target: Target
    name: ClassVar[str] = "winograd"

    def run(self, form: Graph, log: Log) -> Graph:
        return form.map(lambda node: self._changed(node, log)) if form.has(Contraction) else form

    def _changed(self, node: Node, log: Log) -> Node:
        """A convolution in tiles, where that pays; all else as it is."""
        roles = _Roles.of(node.op) if isinstance(node.op, Contraction) else None
        if roles is None or node.dtype not in self.target.tiled or not _pays(roles, node, self.target):
            return node
        with standing_for(node):
            is_near = _is_near(roles, node, self.target)
            by_image = is_near or prod(roles.tiles) >= _MANY
            if roles.is_gradient:
                found = _by_kernel(node, roles, by_image=by_image, is_near=is_near)
            else:
                found = _convolution(node, roles, by_image=by_image)
        log.note(f"{node.op.name} in tiles of 2 x 2", node.origin)
        log.replaced("a convolution in tiles", node, found, exact=False, spill=Spill.AROUND)
        return found


class _Window(NamedTuple):
    """A part `place + window` of the index of an image."""

    place: int
    window: int


@final
@dataclass(frozen=True)
class _Roles:
    """The axes of a contraction that is a convolution of stride 1 by a kernel of 3 x 3.

    n, c, o  of the images, of their channels, and of those of the results
    windows  down and across
    image    which operand is the image; the other one is the kernel, or the results in a gradient by the kernel
    """

    op: Contraction
    n: int
    c: int
    o: int
    windows: tuple[_Window, _Window]
    image: int

    @property
    def is_gradient(self) -> bool:
        """Whether it is the gradient by the kernel."""
        return self.windows[0].window in self.op.plain[2]

    @property
    def extents(self) -> tuple[Size, Size, Size]:
        """Of n, c and o."""
        n, c, o = (self.op.extents[axis] for axis in (self.n, self.c, self.o))
        return n, c, o

    @property
    def places(self) -> tuple[int, int]:
        """How many results there are, down and across."""
        down, across = (self.op.extents[window.place] for window in self.windows)
        assert isinstance(down, int), down
        assert isinstance(across, int), across
        return down, across

    @property
    def tiles(self) -> tuple[int, int]:
        """How many tiles there are, down and across."""
        down, across = self.places
        return -(-down // 2), -(-across // 2)

    @staticmethod
    def of(op: Contraction) -> "_Roles | None":
        """The roles, or None for what is no such convolution."""
        windows = [_windows(places) for places in (op.left, op.right)]
        image = next((number for number, found in enumerate(windows) if len(found) == 2), None)
        if op.apart or image is None:
            return None
        down, across = windows[image]
        if any(op.extents[x.window] != 3 or not isinstance(op.extents[x.place], int) for x in (down, across)):
            return None
        plain, other, out = ({x for x in op.plain[side] if x is not None} for side in (image, 1 - image, 2))
        moving, places = {down.window, across.window}, {down.place, across.place}
        results, kernel = (out, other) if moving <= other else (other, out)
        if not moving <= kernel or not places <= results or [len(x) for x in op.plain] != [4, 4, 4]:
            return None
        n, c, o = plain & results, plain & kernel, (results & kernel) - moving - places
        if not len(n) == len(c) == len(o) == 1 or not len(plain) == 2 < len(results) == len(kernel) == 4:
            return None
        (first,), (second,), (third,) = n, c, o
        return _Roles(op, first, second, third, (down, across), image)


def _windows(places: Places) -> tuple[_Window, ...]:
    found = []
    for part in places:
        match part:
            case AffineIndex(terms=((place, 1), (window, 1)), offset=0):
                found.append(_Window(place, window))
    return tuple(found)


def _pays(roles: _Roles, node: Node, target: Target) -> bool:
    """Whether the products that are saved take longer than to write tiles, and to read them again."""
    n, c, o = map(estimate, roles.extents)
    count, size = n * prod(roles.tiles), node.dtype.itemsize
    saved = (9 * 4 - _PLACES) * c * o * count
    tiles, kernels = _PLACES * (c + o) * count * size, (9 + 2 * _PLACES) * c * o * size
    if _is_near(roles, node, target):
        parts = 2 * n * _PLACES * c * o * size if roles.is_gradient else 0
        moved = 2 * tiles * target.cached + moving(parts, target)
    else:
        moved = 2 * moving(tiles, target)
    return saved > target.products * (moved + moving(kernels, target))


def _is_near(roles: _Roles, node: Node, target: Target) -> bool:
    """Whether tiles are made image by image, and read again while they are near: see `chunks`."""
    n, c, o = map(estimate, roles.extents)
    tiles = _PLACES * max(c, o) * prod(roles.tiles) * node.dtype.itemsize
    kernels = _PLACES * c * o * node.dtype.itemsize
    return n > 1 and tiles <= FAR * target.chunk_bytes and kernels <= target.chunk_bytes


# What is computed.

_Grid: TypeAlias = Sequence[Sequence[Node]]  # rows of arrays of one shape
_Change: TypeAlias = Callable[[Sequence[Node]], Sequence[Node]]  # of a row, or a column, of them

_TILE = 4  # places of an image, along an axis, that two results are made of
_PLACES = _TILE * _TILE
_MANY = 128  # tiles of an image: columns enough for a product; of images with fewer, all lie side by side


def _convolution(node: Node, roles: _Roles, *, by_image: bool) -> Node:
    """Aᵀ [(G w Gᵀ) ⊙ (Bᵀ x B)] A."""
    op, (down, across) = roles.op, roles.windows
    kernel = _in_order(node, 1 - roles.image, (roles.o, roles.c, down.window, across.window))
    weights = _stacked(_both(_of_kernel, [[kernel[:, :, i, j] for j in range(3)] for i in range(3)]), 0)
    labels = "poc", _labels("c", by_image=by_image), _labels("o", by_image=by_image)
    products = product(op.name, weights, _image(node, roles, by_image=by_image), labels)
    (y, right), (below, last) = _both(_to_results, _places(products, 1 if by_image else 0))
    tiled = stack([stack([y, right], 4), stack([below, last], 4)], 3)
    whole = reshape(tiled, (*y.shape[:2], *[2 * count for count in roles.tiles]))
    first = (roles.n, roles.o) if by_image else (roles.o, roles.n)
    rows, columns = roles.places
    return _turned(whole[:, :, :rows, :columns], (*first, down.place, across.place), op.plain[2])


def _by_kernel(node: Node, roles: _Roles, *, by_image: bool, is_near: bool) -> Node:
    """Gᵀ [(A y' Aᵀ) ⊙ (Bᵀ x B)] G, summed over all tiles; where they are near, of each image, and then over these."""
    op, (down, across) = roles.op, roles.windows
    results = _in_order(node, 1 - roles.image, (roles.n, roles.o, down.place, across.place))
    tiled = _in_tiles(results, 2, roles.tiles, _of_results, by_image=by_image)
    labels = _labels("o", by_image=by_image), _labels("c", by_image=by_image), "npoc" if is_near else "poc"
    products = product(op.name, tiled, _image(node, roles, by_image=by_image), labels)
    if is_near:
        products = apply(Sum((0,)), products)
    whole = stack([stack(row, 2) for row in _both(_to_kernel, _places(products, 0))], 2)
    return _turned(whole, (roles.o, roles.c, down.window, across.window), op.plain[2])


def _labels(channel: str, *, by_image: bool) -> str:
    """The axes of tiles: image by image, or place by place with all images of a channel in one piece."""
    return f"np{channel}ij" if by_image else f"p{channel}nij"


def _in_tiles(x: Node, size: int, tiles: tuple[int, int], change: _Change, *, by_image: bool) -> Node:
    """A change of tiles of `size` x `size` elements of x [n, channels, down, across], two apart, in order."""
    wide = _widened(x, [2 * count + size - 2 for count in tiles])
    wide = wide if by_image else transpose(wide, (1, 0, 2, 3))
    down, across = ([slice(i, i + 2 * count - 1, 2) for i in range(size)] for count in tiles)
    parts = [[wide[:, :, rows, columns] for columns in across] for rows in down]
    return _stacked(_both(change, parts), 1 if by_image else 0)


def _image(node: Node, roles: _Roles, *, by_image: bool) -> Node:
    """Bᵀ x B, of all tiles of the images."""
    op = roles.op
    moving = {index: number for number, index in enumerate((op.left, op.right)[roles.image])}
    order = [op.plain[roles.image].index(axis) for axis in (roles.n, roles.c)]
    order += [moving[AffineIndex(((window.place, 1), (window.window, 1)))] for window in roles.windows]
    image = transpose(node.inputs[roles.image], order)
    return _in_tiles(image, _TILE, roles.tiles, _of_image, by_image=by_image)


def _places(products: Node, axis: int) -> _Grid:
    """What lies at each place of all tiles."""
    found = unstack(products, axis)
    return [found[first : first + _TILE] for first in range(0, _PLACES, _TILE)]


def _of_image(x: Sequence[Node]) -> Sequence[Node]:
    """Bᵀ x"""
    return x[0] - x[2], x[1] + x[2], x[2] - x[1], x[1] - x[3]


def _of_kernel(w: Sequence[Node]) -> Sequence[Node]:
    """G w"""
    ends = w[0] + w[2]
    return w[0], (ends + w[1]) * 0.5, (ends - w[1]) * 0.5, w[2]


def _to_results(m: Sequence[Node]) -> Sequence[Node]:
    """Aᵀ m"""
    return m[0] + m[1] + m[2], m[1] - m[2] - m[3]


def _of_results(y: Sequence[Node]) -> Sequence[Node]:
    """A y"""
    return y[0], y[0] + y[1], y[0] - y[1], -y[1]


def _to_kernel(m: Sequence[Node]) -> Sequence[Node]:
    """Gᵀ m"""
    half = (m[1] + m[2]) * 0.5
    return m[0] + half, (m[1] - m[2]) * 0.5, half + m[3]


def _both(change: _Change, grid: _Grid) -> _Grid:
    """A change of every column, and then of every row."""
    columns = [change(column) for column in zip(*grid, strict=True)]
    return [change(row) for row in zip(*columns, strict=True)]


# Arrays in order.


def _in_order(node: Node, number: int, axes: Sequence[int]) -> Node:
    """An operand with its axes in this order."""
    assert isinstance(node.op, Contraction), node
    return _turned(node.inputs[number], node.op.plain[number], axes)


def _turned(x: Node, axes: Sequence[int | None], wanted: Sequence[int | None]) -> Node:
    return transpose(x, [axes.index(axis) for axis in wanted])


def _widened(x: Node, least: Sequence[int]) -> Node:
    """With zeros behind the elements, where there are fewer along the last two axes."""
    shape = (*x.shape[:2], *map(maximum, x.shape[2:], least))
    if shape == x.shape:
        return x
    if isinstance(x.op, Pad) and x.op.value == 0:
        return apply(replace(x.op, shape=shape), x.inputs[0])
    return pad(x, [(0, wide - n) for n, wide in zip(x.shape, shape, strict=True)])


def _stacked(grid: _Grid, axis: int) -> Node:
    return stack([x for row in grid for x in row], axis)
