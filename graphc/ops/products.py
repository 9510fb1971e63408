"""Products of matrices, vectors and tensors, as NumPy has them."""

from collections.abc import Sequence

from graphc.errors import ArgumentError, ShapeError
from graphc.ir.apply import locate
from graphc.ir.complex import conj
from graphc.ir.given import is_whole, several
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node
from graphc.ops.axes import one_axis, several_axes, some_axes
from graphc.ops.contraction import product
from graphc.ops.movement import moveaxis, reshape, stack
from graphc.origin import here
from graphc.sizes import equal

__all__ = ["cross", "dot", "inner", "kron", "matmul", "outer", "tensordot", "vdot", "vecdot"]


def matmul(left: Like, right: Like) -> Node:
    """The product of matrices: `left @ right`.

    left [..., i, k]   right [..., k, j]   ->   [..., i, j]

    Leading axes are a batch; they broadcast.  An operand with one axis is a row on the left and a column on
    the right, and the result lacks that axis.

    dy = dl r + l dr; the cotangents are l' = y' r^T and r' = l^T y'.
    Giles: Collected matrix derivative results, 2008.
    """
    x, y = as_node(left), as_node(right)
    if x.ndim == 0 or y.ndim == 0:
        raise locate(ShapeError("matmul: an operand has no axes", hint="left * right scales"), here(), (x, y))
    n, m = x.shape[-1], y.shape[-min(2, y.ndim)]
    if equal(n, m) is False:
        fits = x.ndim > 1 and y.ndim > 1
        hint = (
            "transpose the right operand" if fits and n == y.shape[-1] else
            "transpose the left operand" if fits and m == x.shape[-2] else
            "exchange the operands" if fits and x.shape[-2] == y.shape[-1] else None
        )  # fmt: skip
        raise locate(ShapeError(f"matmul: inner extents differ, {n} and {m}", hint=hint), here(), (x, y))
    rows, columns = ["i"] * (x.ndim > 1), ["j"] * (y.ndim > 1)
    x_batch, y_batch = ([f"batch{axis}" for axis in range(node.ndim - 2, 0, -1)] for node in (x, y))
    batch = max(x_batch, y_batch, key=len)
    return product("matmul", x, y, ([*x_batch, *rows, "k"], [*y_batch, "k", *columns], [*batch, *rows, *columns]))


def tensordot(left: Like, right: Like, axes: int | tuple[int | Sequence[int], int | Sequence[int]] = 2) -> Node:
    """Products summed over pairs of axes.

    left [p..., k...]   right [k..., q...]   ->   [p..., q...]

    `axes`: how many of the last axes of `left` go with the first of `right`, in order; or the axes of each.

    dy = tensordot(dleft, right) + tensordot(left, dright).
    """
    x, y = as_node(left), as_node(right)
    first: Sequence[int]
    second: Sequence[int]
    if is_whole(axes):
        first, second = range(x.ndim - axes, x.ndim), range(axes)
        if not 0 <= axes <= min(x.ndim, y.ndim):
            raise locate(
                ArgumentError(f"tensordot: {axes} axes of operands with {x.ndim} and {y.ndim}"),
                here(),
                (x, y),
            )
    else:
        pair = several("tensordot", "axes", axes)
        if len(pair) != 2:
            raise locate(ArgumentError(f"tensordot: the axes of {len(pair)} operands, not two"), here(), (x, y))
        first, second = (_in_order(node, part) for node, part in zip((x, y), pair, strict=True))
        if len(first) != len(second):
            raise locate(ArgumentError(f"tensordot: {len(first)} axes go with {len(second)}"), here(), (x, y))
    x_labels = [f"left{axis}" for axis in range(x.ndim)]
    y_labels = [f"right{axis}" for axis in range(y.ndim)]
    for a, b in zip(first, second, strict=True):
        y_labels[b] = x_labels[a]
    out = [label for label in (*x_labels, *y_labels) if not (label in x_labels and label in y_labels)]
    return product("tensordot", x, y, (x_labels, y_labels, out))


def _in_order(x: Node, axes: int | Sequence[int]) -> list[int]:
    """`axes` counted from the front, in the order given."""
    some_axes("tensordot", axes, x.ndim, x)  # raises for one given twice
    return [*several_axes("tensordot", axes, x.ndim, x)]


def vecdot(left: Like, right: Like, axis: int = -1) -> Node:
    """The products of vectors along one axis of each operand; others broadcast.  [..., k]   [..., k]   ->   [...]

    Complex vectors on the left are conjugated.

    dy = vecdot(dleft, right) + vecdot(left, dright).
    """
    x, y = conj(left), as_node(right)
    if x.ndim == 0 or y.ndim == 0:
        raise locate(ShapeError("vecdot: an operand has no axes"), here(), (x, y))
    x, y = (moveaxis(node, one_axis("vecdot", axis, node.ndim, node), -1) for node in (x, y))
    x_batch, y_batch = ([f"batch{axis}" for axis in range(node.ndim - 1, 0, -1)] for node in (x, y))
    return product("vecdot", x, y, ([*x_batch, "k"], [*y_batch, "k"], max(x_batch, y_batch, key=len)))


def inner(left: Like, right: Like) -> Node:
    """The products of all vectors along the last axes.  [p..., k]   [q..., k]   ->   [p..., q...]

    dy = inner(dleft, right) + inner(left, dright).
    """
    x, y = as_node(left), as_node(right)
    return x * y if x.ndim == 0 or y.ndim == 0 else tensordot(x, y, (-1, -1))


def outer(left: Like, right: Like) -> Node:
    """The product of every element with every element.

    [p...]   [q...]   ->   [P, Q], the numbers of elements

    dy = outer(dleft, right) + outer(left, dright).
    """
    x, y = as_node(left), as_node(right)
    return tensordot(reshape(x, (-1,)), reshape(y, (-1,)), 0)


def dot(left: Like, right: Like) -> Node:
    """NumPy's dot: the last axis of `left` with the one before the last of `right`, or with its only one.

    left [p..., k]   right [q..., k, j]   ->   [p..., q..., j]

    An operand without axes scales.  For matrices it is `matmul`, whose leading axes are a batch.

    dy = dot(dleft, right) + dot(left, dright).
    """
    x, y = as_node(left), as_node(right)
    return x * y if x.ndim == 0 or y.ndim == 0 else tensordot(x, y, (-1, -min(2, y.ndim)))


def kron(left: Like, right: Like) -> Node:
    """The Kronecker product: `right`, scaled by each element of `left` and put in its place.

    left [n...]   right [m...]   ->   [n m ...]; the lower rank gets leading axes of extent 1

    dy = kron(dleft, right) + kron(left, dright).
    """
    x, y = as_node(left), as_node(right)
    rank = max(x.ndim, y.ndim)
    a, b = ((1,) * (rank - node.ndim) + node.shape for node in (x, y))
    wide = tuple(n for pair in zip(a, (1,) * rank, strict=True) for n in pair)
    narrow = tuple(n for pair in zip((1,) * rank, b, strict=True) for n in pair)
    return reshape(reshape(x, wide) * reshape(y, narrow), tuple(n * m for n, m in zip(a, b, strict=True)))


def vdot(left: Like, right: Like) -> Node:
    """The sum of the products of all elements, in order.  [p...]   [q...]   ->   []

    A complex operand on the left is conjugated.

    dy = vdot(dleft, right) + vdot(left, dright).
    """
    x, y = conj(left), as_node(right)
    return tensordot(reshape(x, (-1,)), reshape(y, (-1,)), 1)


def cross(left: Like, right: Like, axis: int = -1) -> Node:
    """The vector orthogonal to two vectors of three elements along `axis`; other axes broadcast.

    [..., 3]   [..., 3]   ->   [..., 3]: (x1 y2 - x2 y1, x2 y0 - x0 y2, x0 y1 - x1 y0)

    dy = cross(dleft, right) + cross(left, dright).
    """
    nodes = as_node(left), as_node(right)
    parts = []
    for node in nodes:
        i = one_axis("cross", axis, node.ndim, node)
        if equal(node.shape[i], 3) is False:
            raise locate(ShapeError(f"cross: a vector has 3 elements, not {node.shape[i]}"), here(), nodes)
        last = moveaxis(node, i, -1)
        parts.append([last[..., j] for j in range(3)])
    x, y = parts
    found = stack([x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]], -1)
    return moveaxis(found, -1, one_axis("cross", axis, found.ndim, found))
