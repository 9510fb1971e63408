"""The left sides of the rules that no pattern says completely: options, constants, shapes.

A left side is made of x [6], y [6] and the indices i [6, 1], each in one row of 5.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

import graphc as gx
from graphc.ir.apply import apply
from graphc.ir.arithmetic import Compare, Spread, Squeeze, Sum
from graphc.ir.leaves import constant_array, full
from graphc.kernel.scalar import Fn
from graphc.ops.contraction import product
from graphc.ops.creation import iota
from graphc.ops.extremes import Max, Min, UpperBound
from graphc.ops.indexing import ScatterAdd
from graphc.ops.piecewise import Relu
from graphc.ops.placement import Concat, Pad, Pick, Reshape, Slice, Transpose
from graphc.ops.reduction import All, Any, Prod
from graphc.types import FLOAT32

__all__ = ["LEFT", "Case", "Left"]

Left: TypeAlias = Callable[[gx.Node, gx.Node, gx.Node], gx.Node]


@dataclass(frozen=True)
class Case:
    """A left side.

    kinds      of dtypes that it is for, as in `Elementwise.accepts`
    finite     whether the sides are compared for finite values only: another order of sums meets other infinities
    hides_nan  whether the right side may be a number where the left one is 0 times an infinity
    """

    left: Left
    kinds: str = "biufc"
    finite: bool = False
    hides_nan: bool = False


def spread(x: gx.Node, extent: int = 5) -> gx.Node:
    """x [6] -> [6, 5], each element in a row of its own."""
    return apply(Spread((6, extent), (1,)), x)


def padded(x: gx.Node, start: int, extent: int) -> gx.Node:
    """x [6] -> [extent], from `start` on; else 0."""
    return apply(Pad((start,), (1,), (extent,), 0), x)


def sliced(x: gx.Node, start: int, length: int, step: int = 1) -> gx.Node:
    """x [6] -> [length], every step-th element."""
    return apply(Slice((start,), (step,), (length,)), x)


def share(fold: type) -> Left:
    """y over Σ e^x along each row of two, where no power overflows."""

    def left(x: gx.Node, y: gx.Node, i: gx.Node) -> gx.Node:
        rows, axes = matrix(x), (1,)
        largest = apply(Spread(rows.shape, axes), shown(fold, rows))
        total = apply(Sum(axes), gx.exp(rows - largest))
        return matrix(y) / apply(Spread(rows.shape, axes), total)

    return left


def concat(*xs: gx.Node) -> gx.Node:
    """All one after the other."""
    return apply(Concat(0), *xs)


def matrix(x: gx.Node, rows: int = 2) -> gx.Node:
    """x [6] -> [rows, 6 / rows]."""
    return x.reshape(rows, 6 // rows)


def turned(x: gx.Node) -> gx.Node:
    """x [n, m] -> [m, n], as a node of its own."""
    return apply(Transpose((1, 0)), x)


def zeros(x: gx.Node, *shape: int) -> gx.Node:
    """Zeros of the dtype of `x`."""
    return full(shape, 0, x.dtype)


def like(x: gx.Node, value: float) -> gx.Node:
    """A number in the place of `x`."""
    return full(x.shape, value, x.dtype)


def places(i: gx.Node) -> gx.Node:
    """i [6, 1] -> [6], in the range of 600 or not."""
    return i[:, 0] * 200


def known(*numbers: int) -> gx.Node:
    """Constant indices."""
    return constant_array(np.array(numbers))


def shown(op: type, x: gx.Node, axis: int = 1) -> gx.Node:
    """A fold over one axis."""
    return apply(op((axis,)), x)


def hot(i: gx.Node, dtype: object, classes: int = 600) -> gx.Node:
    """i [6, 1] -> [6, classes]; some indices are out of range."""
    return gx.one_hot(places(i), classes, dtype)


def many(x: gx.Node, y: gx.Node) -> gx.Node:
    """x [6], y [6] -> [1200]"""
    return gx.tile(gx.concat([x, y]), 100)


def matmul(left: gx.Node, right: gx.Node) -> gx.Node:
    """A product of matrices in the dtype that they have."""
    x, y = (full(node.shape, 0, FLOAT32) for node in (left, right))
    return apply(product("matmul", x, y, (["i", "k"], ["k", "j"], ["i", "j"])).op, left, right)


#: the left sides of rules, by their names; all others are made of the pattern
#: folds, and the kinds of dtypes that they have
FOLDS = ((Sum, "iufc"), (Prod, "iufc"), (Max, "iuf"), (Min, "iuf"), (UpperBound, "iuf"), (Any, "b"), (All, "b"))

LEFT: dict[str, Sequence[Case]] = {
    "cast(cast(x)) = cast(x)": [
        Case(lambda x, y, i: x.astype("float64").astype(x.dtype), "f"),
        Case(lambda x, y, i: x.astype("int64").astype("int8"), "biu"),
        Case(lambda x, y, i: x.astype("int16").astype("uint8"), "iu"),
        Case(lambda x, y, i: (x > 0).astype("int8").astype("float32"), "iuf"),
        Case(lambda x, y, i: x.astype("complex128").astype("complex64"), "c"),
    ],
    "abs(x) = x, where no x is negative": [
        Case(lambda x, y, i: gx.abs(gx.square(x)), "f"),
        Case(lambda x, y, i: gx.abs(gx.exp(x)), "f"),
        Case(lambda x, y, i: gx.abs(gx.sigmoid(x)), "f"),
        Case(lambda x, y, i: gx.abs(gx.hypot(x, y)), "f"),
    ],
    "maximum(x, c) = x, where no x is below c": [
        Case(lambda x, y, i: gx.maximum(gx.exp(x), 0), "f"),
        Case(lambda x, y, i: gx.maximum(gx.abs(x), 0), "f"),
        Case(lambda x, y, i: gx.maximum(apply(Relu(), x), 0), "if"),
        Case(lambda x, y, i: gx.maximum(gx.maximum(x, 3), 2), "iuf"),
        Case(lambda x, y, i: gx.maximum(gx.maximum(x, 0), 0), "iuf"),
        Case(lambda x, y, i: gx.maximum(gx.clip(x, 2, 5), 2), "iuf"),
    ],
    "minimum(x, c) = x, where no x is above c": [
        Case(lambda x, y, i: gx.minimum(gx.minimum(x, 3), 4), "iuf"),
        Case(lambda x, y, i: gx.minimum(gx.clip(x, 2, 5), 5), "iuf"),
        Case(lambda x, y, i: gx.minimum(gx.maximum(gx.minimum(x, 5), 2), 6), "iuf"),
    ],
    "maximum(maximum(x, c), d) = maximum(x, d), c < d": [
        Case(lambda x, y, i: gx.maximum(gx.maximum(x, 2), 3), "iuf"),
        Case(lambda x, y, i: gx.maximum(gx.maximum(x, -1), 0), "if"),
    ],
    "minimum(minimum(x, c), d) = minimum(x, d), c > d": [Case(lambda x, y, i: gx.minimum(gx.minimum(x, 3), 2), "iuf")],
    "relu(x) = x, where no x is negative": [Case(lambda x, y, i: gx.relu(gx.square(x)), "f")],
    "not (x == y) = x != y": [
        Case(lambda x, y, i: gx.logical_not(x == y)),
        Case(lambda x, y, i: gx.logical_not(x != y)),
        Case(lambda x, y, i: gx.logical_not(x < y), "iub"),
        Case(lambda x, y, i: gx.logical_not(x >= y), "iub"),
    ],
    "x < x is false": [
        Case(lambda x, y, i: x < x, "biuf"),
        Case(lambda x, y, i: x > x, "biuf"),
        *(Case(lambda x, y, i, fn=fn: apply(Compare(fn), x, x), "biu") for fn in (Fn.EQ, Fn.NE, Fn.LE, Fn.GE)),  # type: ignore[misc]
    ],
    "cast(p) != 0 = p": [
        Case(lambda x, y, i: (x == y).astype("float32") != 0),
        Case(lambda x, y, i: (x == y).astype("int64") == 0),
    ],
    "squeeze(spread(x)) = x": [Case(lambda x, y, i: apply(Squeeze((1,)), spread(x, 1)))],
    "transpose(x) = x, where nothing moves": [Case(lambda x, y, i: apply(Transpose((0, 1)), spread(x)))],
    "slice(x) = x, where nothing moves": [Case(lambda x, y, i: sliced(x, 0, 6))],
    "reshape(x) = x, where nothing moves": [Case(lambda x, y, i: apply(Reshape((6,)), x))],
    "squeeze(x) = x, where nothing moves": [Case(lambda x, y, i: apply(Squeeze(()), x))],
    "pick(x) = x, where nothing moves": [Case(lambda x, y, i: apply(Pick((), ()), x))],
    "transpose(transpose(x)) = transpose(x)": [
        Case(lambda x, y, i: turned(turned(matrix(x)))),
        Case(lambda x, y, i: apply(Transpose((1, 2, 0)), apply(Transpose((0, 2, 1)), x.reshape(1, 2, 3)))),
    ],
    "slice(slice(x)) = slice(x)": [
        Case(lambda x, y, i: sliced(sliced(x, 1, 5), 0, 3, 2)),
        Case(lambda x, y, i: sliced(sliced(x, 5, 6, -1), 5, 6, -1)),
        Case(lambda x, y, i: sliced(sliced(x, 4, 3, -2), 2, 2, -1)),
    ],
    "reshape(reshape(x)) = reshape(x)": [
        Case(lambda x, y, i: apply(Reshape((2, 3)), apply(Reshape((3, 2)), x))),
        Case(lambda x, y, i: apply(Reshape((6,)), apply(Reshape((3, 2)), x))),
    ],
    "squeeze(squeeze(x)) = squeeze(x)": [
        Case(lambda x, y, i: apply(Squeeze((1,)), apply(Squeeze((0,)), apply(Reshape((1, 6, 1)), x))))
    ],
    "spread(spread(x)) = spread(x)": [Case(lambda x, y, i: apply(Spread((6, 5, 2), (2,)), spread(x)))],
    "reshape(x) = spread(squeeze(x)), of extents 1": [
        Case(lambda x, y, i: apply(Reshape((1, 6, 1)), x)),
        Case(lambda x, y, i: apply(Reshape((6,)), spread(x, 1))),
    ],
    "reshape(squeeze(x)) = reshape(x)": [
        Case(lambda x, y, i: apply(Reshape((2, 3)), apply(Squeeze((0,)), apply(Reshape((1, 6)), x))))
    ],
    "reshape(spread(x, 1)) = reshape(x)": [Case(lambda x, y, i: apply(Reshape((2, 3)), spread(x, 1)))],
    "squeeze(reshape(x)) = reshape(x)": [Case(lambda x, y, i: apply(Squeeze((1,)), apply(Reshape((2, 1, 3)), x)))],
    "spread(reshape(x), 1) = reshape(x)": [
        Case(lambda x, y, i: apply(Spread((2, 1, 3), (1,)), apply(Reshape((2, 3)), x)))
    ],
    "transpose(f(transpose(x))) = f(x)": [
        Case(lambda x, y, i: turned(turned(matrix(x)) * turned(matrix(y))), "iufc"),
        Case(lambda x, y, i: turned(gx.where(turned(matrix(x)) == 1, turned(matrix(y)), zeros(x, 3, 2)))),
    ],
    "reshape(f(reshape(x))) = f(x)": [
        Case(lambda x, y, i: apply(Reshape((6,)), matrix(x) * matrix(y)), "iufc"),
        Case(lambda x, y, i: apply(Reshape((6,)), (matrix(x) + full((2, 3), 2, x.dtype)) * matrix(x)), "iufc"),
    ],
    "f(concat(x, y)) = concat(f(x), f(y))": [
        Case(lambda x, y, i: gx.concat([x, y], 0) * gx.concat([y, x], 0), "iufc"),
        Case(lambda x, y, i: gx.where(gx.concat([x, y], 0) == 1, gx.concat([y, x], 0), full((12,), 3, x.dtype))),
        Case(lambda x, y, i: gx.concat([x, y], 0) * (gx.concat([y, y], 0) * gx.concat([x, x], 0)), "iufc"),
        Case(
            lambda x, y, i: gx.concat([x, sliced(y, 0, 2)], 0) - gx.concat([sliced(y, 0, 3), sliced(x, 0, 5)], 0),
            "iufc",
        ),
    ],
    "f(transpose(concat(x, y))) = concat(f(transpose(x)), f(transpose(y)))": [
        Case(
            lambda x, y, i: turned(gx.concat([matrix(x), matrix(y)], 0)) * turned(gx.concat([matrix(y), matrix(x)], 0)),
            "iufc",
        ),
    ],
    "f(slice(concat(x, y))) = concat(f(slice(x)), f(slice(y)))": [
        Case(lambda x, y, i: sliced(concat(x, y), 2, 8) * 3, "iufc"),
        Case(lambda x, y, i: gx.concat([matrix(x), matrix(y)], 1)[1:, 2:4] == matrix(x)[1:, :2]),
    ],
    "f(pad(x), y) = concat(f(0, y), f(x, y))": [
        Case(lambda x, y, i: padded(x, 2, 12) * gx.constant(np.arange(12).astype(x.dtype)), "iuf"),
        Case(lambda x, y, i: padded(x, 0, 8) + gx.constant(np.arange(8).astype(x.dtype)), "iufc"),
        Case(lambda x, y, i: padded(x, 0, 8) * padded(y, 2, 8), "iuf"),
    ],
    "f(pad(x), 1) = pad(f(x, 1))": [Case(lambda x, y, i: padded(x, 2, 12) * 3, "iuf")],
    "f(reshape(x), 1) = reshape(f(x, 1))": [
        Case(lambda x, y, i: apply(Reshape((2, 3)), x + y) * 3),
        Case(lambda x, y, i: gx.where(apply(Reshape((2, 3)), x == y), matrix(y), apply(Reshape((2, 3)), x))),
    ],
    "pow(spread(x), spread(y)) = spread(pow(x, y))": [
        Case(lambda x, y, i: gx.power(spread(x), spread(y)), "f"),
        Case(lambda x, y, i: gx.power(3, spread(y)), "f"),
    ],
    "f(spread(x)) = spread(f(x))": [
        Case(lambda x, y, i: spread(x) + spread(y)),
        Case(lambda x, y, i: spread(x) * 3),
        Case(lambda x, y, i: gx.where(spread(x) == spread(y), spread(x), spread(y))),
    ],
    "slice(pad(x)) = slice(x)": [
        Case(lambda x, y, i: sliced(padded(x, 2, 12), 2, 6)),
        Case(lambda x, y, i: sliced(padded(x, 2, 12), 3, 4)),
        Case(lambda x, y, i: sliced(padded(x, 2, 12), 8, 4)),
        Case(lambda x, y, i: sliced(padded(x, 2, 12), 0, 2)),
        Case(lambda x, y, i: sliced(apply(Pad((1,), (2,), (14,), 7), x), 1, 6, 2), "iufc"),
    ],
    "transpose(pad(x)) = pad(transpose(x))": [
        Case(lambda x, y, i: turned(apply(Pad((1, 0), (1, 2), (4, 6), 7), matrix(x))), "iufc"),
    ],
    "transpose(concat(x)) = concat(transpose(x))": [
        Case(lambda x, y, i: turned(gx.concat([matrix(x), matrix(y)], 1)), "iufc"),
    ],
    "slice(concat(x, y)) = slice(x)": [
        Case(lambda x, y, i: sliced(concat(x, y), 1, 4)),
        Case(lambda x, y, i: sliced(concat(x, y), 6, 6)),
        Case(lambda x, y, i: sliced(concat(x, y, y), 2, 8)),
        Case(lambda x, y, i: apply(Slice((0, 5), (1, 1), (6, 3)), apply(Concat(1), spread(x), spread(y)))),
    ],
    "concat(slice(x), slice(x)) = slice(x)": [
        Case(lambda x, y, i: concat(sliced(x, 0, 2), sliced(x, 2, 4))),
        Case(lambda x, y, i: concat(y, sliced(x, 0, 2), sliced(x, 2, 3), sliced(x, 0, 1))),
        Case(lambda x, y, i: concat(sliced(x, 5, 2, -1), sliced(x, 3, 3, -1))),
    ],
    "concat(concat(x, y), z) = concat(x, y, z)": [
        Case(lambda x, y, i: concat(concat(x, y), x)),
        Case(lambda x, y, i: concat(x, zeros(x, 0), y)),
    ],
    "pad(x) + pad(y) = concat(x, y)": [
        Case(lambda x, y, i: padded(x, 0, 12) + padded(y, 6, 12)),
        Case(lambda x, y, i: padded(x, 6, 18) + (padded(y, 12, 18) + padded(x, 0, 18))),
    ],
    **{
        f"{op.name}(x) = squeeze(x), over extents 1": [
            Case(lambda x, y, i, op=op: shown(op, x.reshape(6, 1) * y.reshape(6, 1)), kinds)  # type: ignore[misc]
        ]
        for op, kinds in FOLDS
    },
    "sum(spread(x)) = x * n": [
        Case(lambda x, y, i: shown(Sum, spread(x)), "biuf"),
        Case(lambda x, y, i: apply(Sum((0, 1)), spread(x)), "iuf"),
        Case(lambda x, y, i: apply(Sum((1,)), apply(Spread((6, 5, 3), (1, 2)), x)), "iuf"),
    ],
    **{
        f"{op.name}(spread(x)) = x": [
            Case(lambda x, y, i, op=op: shown(op, spread(x)), kinds),  # type: ignore[misc]
            Case(lambda x, y, i, op=op: apply(op((0, 1)), spread(x)), kinds),  # type: ignore[misc]
        ]
        for op, kinds in ((Max, "iuf"), (Min, "iuf"), (UpperBound, "iuf"), (Any, "b"), (All, "b"))
    },
    **{
        f"{op.name}({op.name}(x)) = {op.name}(x)": [
            Case(lambda x, y, i, op=op: shown(op, shown(op, x.reshape(1, 2, 3)), 1), kinds, finite=op is Prod),  # type: ignore[misc]
            Case(lambda x, y, i, op=op: shown(op, shown(op, x.reshape(1, 2, 3), 0), 0), kinds, finite=op is Prod),  # type: ignore[misc]
        ]
        for op, kinds in FOLDS
    },
    **{
        f"{op.name}(transpose(x)) = {op.name}(x)": [
            Case(lambda x, y, i, op=op: shown(op, turned(matrix(x))), kinds, finite=op is Prod),  # type: ignore[misc]
            Case(lambda x, y, i, op=op: apply(op((0, 1)), turned(matrix(x))), kinds, finite=op is Prod),  # type: ignore[misc]
        ]
        for op, kinds in FOLDS
    },
    **{
        f"{op.name}(reshape(x)) = {op.name}(x), over all axes": [
            Case(lambda x, y, i, op=op: apply(op((0, 1)), matrix(x)), kinds, finite=op is Prod),  # type: ignore[misc]
        ]
        for op, kinds in FOLDS
    },
    "sum(x * c) = sum(x) * c": [
        Case(lambda x, y, i: apply(Sum((0,)), x * like(x, 3)), "f"),
        Case(lambda x, y, i: shown(Sum, matrix(x) * full((2, 3), -2, x.dtype)), "f"),
    ],
    **{
        f"y / spread(sum(exp(x - {name}(x)))) = y * spread(1 / sum(exp(x - {name}(x))))": [
            Case(share(fold), "f", finite=True)
        ]
        for name, fold in (("max", Max), ("upper_bound", UpperBound))
    },
    "sum(-x) = -sum(x)": [
        Case(lambda x, y, i: apply(Sum((0,)), -x), "fc"),
        Case(lambda x, y, i: apply(Sum((0,)), -i), "f"),
    ],
    "one_hot(i) @ x = x[i]": [
        Case(lambda x, y, i: matmul(hot(i, x.dtype), many(x, y).reshape(600, 2)), "iufc", hides_nan=True),
        Case(lambda x, y, i: gx.einsum("ik,ij->kj", hot(i, x.dtype), gx.stack([x, y], 1)), "iufc", hides_nan=True),
        Case(lambda x, y, i: gx.einsum("ik,k->i", hot(i, x.dtype, 1200), many(x, y)), "iufc", hides_nan=True),
    ],
    "x @ one_hot(i) = x[:, i]": [
        Case(lambda x, y, i: matmul(gx.stack([x, y]), hot(i, x.dtype)), "iufc", hides_nan=True),
        Case(
            lambda x, y, i: gx.einsum("jk,ik->ji", many(x, y).reshape(2, 600), hot(i, x.dtype)), "iufc", hides_nan=True
        ),
    ],
    "sum(x * one_hot(i)) = x[i]": [
        Case(
            lambda x, y, i: shown(Sum, gx.transpose(many(x, y).reshape(200, 6)) * hot(i, x.dtype, 200)),
            "iufc",
            hides_nan=True,
        )
    ],
    "transpose(x) @ y = a product of x and y with other roles of axes": [
        Case(lambda x, y, i: matmul(turned(matrix(x)), matrix(y)), "iufc"),
        Case(lambda x, y, i: matmul(turned(matrix(x)), turned(matrix(y, 3))), "iufc"),
        Case(
            lambda x, y, i: gx.einsum("kbj,ki->bij", apply(Transpose((2, 0, 1)), x.reshape(1, 2, 3)), matrix(y, 3)),
            "iufc",
        ),
    ],
    "transpose(x @ y) = transpose(y) @ transpose(x)": [
        Case(lambda x, y, i: turned(matmul(matrix(x), matrix(y, 3))), "iufc", finite=True)
    ],
    "full(c) @ x = sum(x * c)": [
        Case(lambda x, y, i: matmul(full((4, 2), 1, x.dtype), matrix(x)), "iufc", finite=True),
        Case(lambda x, y, i: matmul(matrix(x), full((3, 2), 3, x.dtype)), "iufc", finite=True),
    ],
    "spread(x) @ y = x * sum(y)": [
        Case(lambda x, y, i: matmul(spread(x, 2), matrix(y)), "iufc", finite=True),
        Case(lambda x, y, i: matmul(apply(Spread((4, 6), (0,)), x), spread(y)), "iufc", finite=True),
        Case(
            lambda x, y, i: gx.einsum(
                "bik,bkj->bij", gx.stack([matrix(x), matrix(y)]), apply(Spread((2, 3, 2), (0,)), matrix(x, 3))
            ),
            "iufc",
            finite=True,
        ),
    ],
    "f(x @ y) = f(x * y), over an inner extent 1": [
        Case(lambda x, y, i: matmul(apply(Reshape((6, 1)), x), apply(Reshape((1, 6)), y)) * 2, "iufc"),
        Case(lambda x, y, i: gx.negative(matmul(apply(Reshape((6, 1)), x), apply(Reshape((1, 6)), y))), "iufc"),
    ],
    "(x * c) @ y = (x @ y) * c": [
        Case(lambda x, y, i: matmul(matrix(x) * full((2, 3), 3, x.dtype), matrix(y, 3)), "f", finite=True)
    ],
    "y @ (x * c) = (y @ x) * c": [
        Case(lambda x, y, i: matmul(matrix(x), matrix(y, 3) * full((3, 2), -3, x.dtype)), "f", finite=True)
    ],
    "-x @ y = -(x @ y)": [Case(lambda x, y, i: matmul(-matrix(x), matrix(y, 3)), "iufc", finite=True)],
    "y @ -x = -(y @ x)": [Case(lambda x, y, i: matmul(matrix(x), -matrix(y, 3)), "iufc", finite=True)],
    "(x @ y) @ z = x @ (y @ z)": [
        Case(lambda x, y, i: matmul(matmul(x.reshape(6, 1), y.reshape(1, 6)), x.reshape(6, 1)), "iufc", finite=True),
        Case(lambda x, y, i: gx.einsum("ij,j->i", matmul(turned(matrix(x)), matrix(y)), x[:3]), "iufc", finite=True),
    ],
    "x @ (y @ z) = (x @ y) @ z": [
        Case(lambda x, y, i: gx.einsum("i,ij->j", x[:3], matmul(turned(matrix(x)), matrix(y))), "iufc", finite=True)
    ],
    "slice(conv_transpose(x, w)) = conv(pad(x), flip(w)), of stride 1": [
        Case(
            lambda x, y, i: gx.conv_transpose1d(x.reshape(1, 1, 6), y[:3].reshape(1, 1, 3), padding=1),
            "iufc",
            finite=True,
        ),
        Case(
            lambda x, y, i: gx.conv_transpose1d(x.reshape(1, 1, 6), y[:2].reshape(1, 1, 2), padding=1, dilation=2),
            "f",
            finite=True,
        ),
        Case(lambda x, y, i: gx.conv_transpose1d(y.reshape(2, 1, 3), x.reshape(1, 2, 3), padding=2), "f", finite=True),
        Case(
            lambda x, y, i: gx.conv_transpose1d(x.reshape(1, 2, 3), y[:4].reshape(2, 1, 2), padding=1), "f", finite=True
        ),
    ],
    "x[arange(n)] = x[:n]": [
        Case(lambda x, y, i: gx.take(x, iota(4), 0)),
        Case(lambda x, y, i: gx.take(x, known(1, 3, 5), 0)),
        Case(lambda x, y, i: gx.take(matrix(x), known(-1, -2), 1)),
    ],
    "x[i] = x at a known place": [Case(lambda x, y, i: gx.take(matrix(x), -1, 1))],
    "x[i][j] = x[i[j]]": [Case(lambda x, y, i: gx.take(gx.take(spread(x), i[:, 0], 1), i[:4], 1))],
    "spread(x)[i] = spread(x)": [
        Case(lambda x, y, i: gx.take(spread(x), i, 1)),
        Case(lambda x, y, i: gx.take(apply(Spread((5, 6, 3), (0, 2)), x), i[:, 0], 0)),
    ],
    "x[i][a:b] = x[i[a:b]]": [
        Case(lambda x, y, i: apply(Slice((1, 1), (2, 1), (3, 4)), gx.take(spread(x), i[:, 0], 1))),
        Case(lambda x, y, i: sliced(gx.take(x, i[:, 0], 0), 5, 3, -2)),
    ],
    "f(x)[i] = f(x[i])": [
        Case(lambda x, y, i: gx.take_along_axis(gx.flip(spread(x), 0) * gx.flip(spread(y), 1), i, 1)),
        Case(lambda x, y, i: gx.take_along_axis(gx.maximum(spread(x), 2), i, 1), "iuf"),
    ],
    "spread(x)[i] = x": [Case(lambda x, y, i: gx.take_along_axis(spread(x), i, 1))],
    "-scatter(0, i, u) = scatter(0, i, -u)": [
        Case(lambda x, y, i: gx.negative(apply(ScatterAdd(0), zeros(x, 9), i[:, 0], x)), "iufc"),
    ],
    "sum(scatter(0, i, u)) = sum(u)": [
        Case(
            lambda x, y, i: apply(Sum((1,)), apply(ScatterAdd(1, paired=True), zeros(x, 6, 5), i, x.reshape(6, 1))),
            "iufc",
        )
    ],
    "y + scatter(0, i, u) = scatter(y, i, u)": [
        Case(lambda x, y, i: y + apply(ScatterAdd(0), zeros(x, 6), i[:, 0], x), "iufc"),
        Case(lambda x, y, i: apply(ScatterAdd(0), zeros(x, 6), i[:, 0], x) + y, "iufc"),
    ],
}
