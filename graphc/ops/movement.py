"""Moving elements, as users call it: reshape, transpose, concat, split and what is made of them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

from graphc.errors import ArgumentError, GraphError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import Squeeze, spread
from graphc.ir.given import (
    a_shape,
    a_size,
    a_whole_number,
    an_array_shape,
    is_whole,
    one_or_several,
    several,
)
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, broadcast, cast
from graphc.ops.axes import Axes, one_axis, several_axes, some_axes
from graphc.ops.guarded import provided
from graphc.ops.placement import Concat, Declare, Pick, Reshape, Slice, Transpose, moved
from graphc.origin import here
from graphc.printable import counted, tuple_text
from graphc.sizes import Size, equal, lower_bound, maximum, minimum, product, upper_bound
from graphc.types import Shape, TensorType, promote

__all__ = [
    "broadcast_to",
    "concat",
    "expand_dims",
    "flip",
    "matrix_transpose",
    "moveaxis",
    "number_of_parts",
    "part",
    "ravel",
    "reshape",
    "roll",
    "rot90",
    "split",
    "squeeze",
    "stack",
    "swapaxes",
    "tile",
    "transpose",
    "unstack",
]

Extents: TypeAlias = "Size | Sequence[Size]"


_MOST_PARTS = 100_000


def _fail(error: GraphError, *operands: Node) -> GraphError:
    return locate(error, here(), operands)


# The same elements under another shape.


def reshape(x: Like, shape: Extents) -> Node:
    """The same elements, in row-major order, under another shape.  One extent may be -1: what is left.

    x [n...]   ->   [m...], of as many elements, or ShapeError.  Adjoint: the reshape back.
    """
    node = as_node(x)
    wanted = a_shape("reshape", shape)
    if any(isinstance(n, int) and n < -1 for n in wanted) or wanted.count(-1) > 1:
        raise _fail(ShapeError(f"reshape: {tuple_text(wanted)} is no shape", hint="one extent may be -1"), node)
    if -1 in wanted:
        wanted = _completed(node, wanted)
    alignment = _alignment(node.shape, wanted)
    if alignment is None:
        return moved(Reshape(wanted), node)
    dropped, added = alignment
    return spread(moved(Squeeze(dropped), node), wanted, added)


def _completed(x: Node, wanted: Shape) -> Shape:
    """`wanted` with the extent that -1 stands for."""
    known = product(n for n in wanted if n != -1)
    if known == 0:
        raise _fail(ShapeError(f"reshape: -1 in {tuple_text(wanted)} may stand for anything"), x)
    if isinstance(x.size, int) and isinstance(known, int) and x.size % known:
        raise _fail(ShapeError(f"reshape: {x.size} elements do not fill {tuple_text(wanted)}"), x)
    return tuple(x.size // known if n == -1 else n for n in wanted)


def _alignment(shape: Shape, wanted: Shape) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Which axes of extent 1 to drop and which to add, if that is all there is to do."""
    dropped, added = [], []
    i = j = 0
    while i < len(shape) or j < len(wanted):
        if i < len(shape) and j < len(wanted) and shape[i] == wanted[j]:
            i, j = i + 1, j + 1
        elif i < len(shape) and shape[i] == 1:
            dropped.append(i)
            i += 1
        elif j < len(wanted) and wanted[j] == 1:
            added.append(j)
            j += 1
        else:
            return None
    return tuple(dropped), tuple(added)


def ravel(x: Like) -> Node:
    """All elements along one axis, in row-major order.  [...]   ->   [n]

    Adjoint: the reshape back.
    """
    node = as_node(x)
    return reshape(node, (node.size,))


def expand_dims(x: Like, axis: int | Sequence[int]) -> Node:
    """New axes of extent 1, so that they stand at `axis` in the result.

    [n, m]   ->   [n, 1, m] for axis 1.  Adjoint: `squeeze`.
    """
    node = as_node(x)
    places = one_or_several(axis)
    count = len(places)
    axes = some_axes("expand_dims", places, node.ndim + count, node)
    old = iter(node.shape)
    return spread(node, tuple(1 if i in axes else next(old) for i in range(node.ndim + count)), axes)


def squeeze(x: Like, axis: Axes = None) -> Node:
    """Without the axes `axis`, whose extent must be 1; without all of extent 1 for None.

    [n, 1, m]   ->   [n, m].  Adjoint: `expand_dims`.
    """
    node = as_node(x)
    if axis is None:
        return moved(Squeeze(tuple(i for i, n in enumerate(node.shape) if n == 1)), node)
    return moved(Squeeze(some_axes("squeeze", axis, node.ndim, node)), node)


def broadcast_to(x: Like, shape: Extents) -> Node:
    """`x` repeated as NumPy does: along new leading axes, and along axes of extent 1.

    x [1, m]   ->   [..., n, m].  Adjoint: the sum over the axes that are new or were 1.
    """
    node, wanted = as_node(x), a_shape("broadcast_to", shape)
    lead = len(wanted) - node.ndim
    fits = lead >= 0 and all(n == 1 or equal(n, m) is not False for n, m in zip(node.shape, wanted[lead:], strict=True))
    if not fits:
        problem = f"broadcast_to: the shape {tuple_text(node.shape)} does not repeat to {tuple_text(wanted)}"
        raise _fail(ShapeError(problem, hint="only an extent of 1 is repeated"), node)
    return moved(Declare(wanted), broadcast(node, wanted))


# Axes in another order, elements in another order.


def transpose(x: Like, axes: Sequence[int] | None = None) -> Node:
    """Axis i of the result is axis axes[i] of `x`.  All axes reversed for None.

    x [n, m, k]   ->   [k, n, m] for axes (2, 0, 1).  Adjoint: the inverse permutation.
    """
    node = as_node(x)
    if axes is None:
        return moved(Transpose(tuple(reversed(range(node.ndim)))), node)
    order = several_axes("transpose", axes, node.ndim, node)
    if sorted(order) != list(range(node.ndim)):
        raise _fail(
            ShapeError(f"transpose: {axes} does not name each of {counted(node.ndim, 'axis', 'axes')} once"), node
        )
    return moved(Transpose(order), node)


def swapaxes(x: Like, first: int, second: int) -> Node:
    """Two axes exchanged.  [n, m, k]   ->   [k, m, n] for 0 and 2.  Adjoint: itself."""
    node = as_node(x)
    i, j = (one_axis("swapaxes", axis, node.ndim, node) for axis in (first, second))
    order = [*range(node.ndim)]
    order[i], order[j] = j, i
    return moved(Transpose(tuple(order)), node)


def matrix_transpose(x: Like) -> Node:
    """The last two axes exchanged.  [..., m, n] -> [..., n, m]  Adjoint: itself."""
    return swapaxes(x, -1, -2)


def moveaxis(x: Like, source: int | Sequence[int], destination: int | Sequence[int]) -> Node:
    """The axes `source` moved to the places `destination`; the others keep their order.

    x [n, m, k]   ->   [m, k, n] for 0 to -1.  Adjoint: from `destination` to `source`.
    """
    node = as_node(x)
    sources, targets = (several_axes("moveaxis", axes, node.ndim, node) for axes in (source, destination))
    if len(sources) != len(targets) or len(set(sources)) < len(sources) or len(set(targets)) < len(targets):
        raise _fail(ShapeError(f"moveaxis: {source} does not pair with {destination}"), node)
    moves = dict(zip(targets, sources, strict=True))
    rest = (axis for axis in range(node.ndim) if axis not in sources)
    return moved(Transpose(tuple(moves[i] if i in moves else next(rest) for i in range(node.ndim))), node)


def flip(x: Like, axis: Axes = None) -> Node:
    """The elements in reverse order along `axis`; along all axes for None.

    x [...]   ->   [...].  Adjoint: itself.
    """
    node = as_node(x)
    axes = some_axes("flip", axis, node.ndim, node)
    starts = tuple(n - 1 if i in axes else 0 for i, n in enumerate(node.shape))
    steps = tuple(-1 if i in axes and n != 1 else 1 for i, n in enumerate(node.shape))
    return moved(Slice(starts, steps, node.shape), node)


def roll(x: Like, shift: "Size | Sequence[Size]", axis: int | Sequence[int] | None = None) -> Node:
    """The elements moved by `shift` along `axis`; those that leave at the end come in at the start.

    Several axes have a shift each, or all the same.  For None all elements are moved as one row.

    x [...]   ->   [...].  Adjoint: the same by -`shift`.
    """
    node = as_node(x)
    if axis is None:
        return reshape(roll(ravel(node), shift, 0), node.shape)
    axes = several_axes("roll", axis, node.ndim, node)
    steps = [a_size("roll", "a shift", step, node) for step in one_or_several(shift)]
    shifts = steps * len(axes) if len(steps) == 1 else steps
    if len(shifts) != len(axes):
        raise _fail(
            ArgumentError(f"roll: {counted(len(shifts), 'shift')} along {counted(len(axes), 'axis', 'axes')}"), node
        )
    for i, step in zip(axes, shifts, strict=True):
        node = _rolled(node, step, i)
    return node


def _rolled(node: Node, shift: Size, axis: int) -> Node:
    """The elements moved along one axis."""
    n = node.shape[axis]
    if n == 0:
        return node
    cut = -shift % maximum(n, 1)
    return concat((part(node, axis, cut, n - cut), part(node, axis, 0, cut)), axis)


def rot90(x: Like, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Node:
    """The elements turned by `k` quarters, from the first of two axes towards the second.

    x [n, m]   ->   [m, n] for an odd `k`, else [n, m].  Adjoint: the same by -`k`.
    """
    node = as_node(x)
    plane = several_axes("rot90", axes, node.ndim, node)
    if len(plane) != 2:
        raise _fail(ShapeError(f"rot90: {counted(len(plane), 'axis', 'axes')}, not two"), node)
    first, second = plane
    if first == second:
        raise _fail(ShapeError(f"rot90: axis {first} is given twice"), node)
    match a_whole_number("rot90", "k", k, node) % 4:
        case 0:
            return node
        case 1:
            return swapaxes(flip(node, second), first, second)
        case 2:
            return flip(node, (first, second))
        case _:
            return flip(swapaxes(node, first, second), second)


def part(x: Node, axis: int, start: Size, length: Size) -> Node:
    """`length` elements along `axis`, from `start` on."""
    starts = tuple(start if i == axis else 0 for i in range(x.ndim))
    lengths = tuple(length if i == axis else n for i, n in enumerate(x.shape))
    return moved(Slice(starts, (1,) * x.ndim, lengths), x)


# More elements.


def tile(x: Like, count: Extents, axis: int | None = None) -> Node:
    """All elements along `axis`, `count` times over.

    For None `count` has a number for each axis, or for the last ones; where there are more numbers than axes,
    `x` gets leading axes of extent 1.

    x [..., n, ...]   ->   [..., n count, ...].  Adjoint: the sums over what one element became.
    """
    node = as_node(x)
    counts = an_array_shape("tile", count)
    if axis is not None:
        i = one_axis("tile", axis, node.ndim, node)
        counts = (*counts, *[1] * (node.ndim - 1 - i))
    rank = max(node.ndim, len(counts))
    counts, extents = ((1,) * (rank - len(part)) + part for part in (counts, node.shape))
    pairs = tuple(n for pair in zip(counts, extents, strict=True) for n in pair)
    shape = tuple(n * m for n, m in zip(counts, extents, strict=True))
    return reshape(spread(reshape(node, extents), pairs, range(0, 2 * rank, 2)), shape)


def _met(name: str, xs: Sequence[Like]) -> list[Node]:
    """All as nodes of one dtype and one rank."""
    nodes = [as_node(x) for x in several(name, "what is put together", xs)]
    if not nodes:
        raise _fail(ArgumentError(f"{name}: there is nothing to put together"))
    if len({node.ndim for node in nodes}) > 1:
        ranks = ", ".join(str(node.ndim) for node in nodes)
        raise _fail(ShapeError(f"{name}: the ranks {ranks} differ"), *nodes)
    common = nodes[0].tensor
    for node in nodes[1:]:
        weak = common.weak and node.tensor.weak
        common = TensorType((), promote(common, node.tensor), weak)
    return [cast(node, common.dtype) for node in nodes]


def concat(xs: Sequence[Like], axis: int = 0) -> Node:
    """The arrays one after the other along `axis`; along the others their extents are equal.

    x [..., n, ...], [..., m, ...]   ->   [..., n + m, ...].  Adjoint: `split`.
    """
    nodes = _met("concat", xs)
    i = one_axis("concat", axis, nodes[0].ndim, *nodes)
    return nodes[0] if len(nodes) == 1 else apply(Concat(i), *nodes)


def stack(xs: Sequence[Like], axis: int = 0) -> Node:
    """Arrays of one shape along a new axis, which stands at `axis` in the result.

    k arrays [...]   ->   [k, ...] for axis 0.  Adjoint: `unstack`.
    """
    nodes = _met("stack", xs)
    i = one_axis("stack", axis, nodes[0].ndim + 1, *nodes)
    return concat([expand_dims(node, i) for node in nodes], i)


# Fewer elements.


def split(x: Like, sections: int | Sequence[Size], axis: int = 0) -> list[Node]:
    """Parts along `axis`: so many equal ones, or those that end before each of the given places.

    x [..., n, ...]   ->   [..., n / sections, ...] each, or ShapeError where that leaves a rest.  Adjoint: `concat`.
    """
    node = as_node(x)
    i = one_axis("split", axis, node.ndim, node)
    n = node.shape[i]
    if is_whole(sections):
        sections = number_of_parts("split", sections)
        if isinstance(n, int) and n % sections:
            raise _fail(ShapeError(f"split: an extent of {n} has no {sections} equal parts"), node)
        length = n // sections
        if not isinstance(n, int) and equal(length * sections, n) is not True:
            whole = (*node.shape[:i], length * sections, *node.shape[i + 1 :])
            node = moved(Declare(whole, f"an extent of {n} has no {sections} equal parts"), node)
        return [part(node, i, number * length, length) for number in range(sections)]
    places = [a_size("split", "a place", place) for place in several("split", "sections", sections)]
    ends: list[Size] = [0, *places, n]
    for before, after in pairwise(ends):
        low, high = lower_bound(after - before), upper_bound(after - before)
        if high is not None and high < 0:
            problem = f"split: the places {tuple_text(places)} are out of order or outside an extent of {n}"
            raise _fail(ShapeError(problem, hint="x[a:b] takes what is there"), node)
        if low is None or low < 0:
            because = f"the part from {before} to {after} ends before it begins"
            node = provided("split", node, minimum(before, after), before, because)
    return [part(node, i, before, after - before) for before, after in pairwise(ends)]


def number_of_parts(name: str, sections: object) -> int:
    """How many parts to make, each of them a node."""
    count = a_whole_number(name, "the number of parts", sections, least=1)
    if count > _MOST_PARTS:
        raise ShapeError(f"{name}: {count} parts are too many: each is a node")
    return count


def unstack(x: Like, axis: int = 0) -> list[Node]:
    """The arrays along `axis`, which they lack.  Its extent is a number.  [n, ...]   ->   [...] each

    Adjoint: `stack`.
    """
    node = as_node(x)
    i = one_axis("unstack", axis, node.ndim, node)
    n = node.shape[i]
    if not isinstance(n, int):
        error = ShapeError(f"unstack: an extent of {n} is no number of nodes", hint="x[i] picks one")
        raise _fail(error, node)
    return [moved(Pick((i,), (place,)), node) for place in range(n)]
