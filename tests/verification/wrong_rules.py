"""Identities that do not hold, each with a model in which it is used."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

import graphc as gx
from graphc.ir.apply import apply
from graphc.ir.arithmetic import Add, Compare, Div, Mul, Spread, Sub, Sum, Where
from graphc.ir.complex import Conj
from graphc.ir.leaves import uniform
from graphc.ir.node import Node
from graphc.kernel.scalar import Fn
from graphc.ops.contraction import Contraction
from graphc.ops.elementwise import Exp, Log, Log1p, Softplus, Tanh
from graphc.ops.extremes import ArgMax, ArgMin, Max, Min
from graphc.ops.indexing import ScatterAdd, Take
from graphc.ops.piecewise import Abs, Maximum, Relu
from graphc.ops.placement import Concat, Pad, Slice, Transpose
from graphc.ops.powers import Sqrt
from graphc.ops.running import CumSum
from graphc.ops.stepping import Floor, FloorDiv
from tests.verification.mutants import Change, Model, Mutant, with_rule

__all__ = ["WRONG_RULES"]


def of(*outputs: Node, more: Sequence[Node] = ()) -> Model:
    """A model of the inputs below."""
    return Model([X, Y, SQUARE, INDEX, Z, *more], list(outputs))


X, Y = gx.input("x", ("n", 4)), gx.input("y", ("n", 4))
SQUARE = gx.input("square", (4, 4))
INDEX = gx.input("index", ("n",), "int64")
Z = gx.input("z", (3,), "complex64")
COUNT = gx.input("count", ("n",), "int32")
LONG = gx.input("long", ("n",), "float64")


def times_zero(node: Node) -> Node | None:
    x, y = node.inputs
    return x if isinstance(y.op, Mul) and y.inputs[0] is x and uniform(y.inputs[1]) == 0 else None


def square_of_root(node: Node) -> Node | None:
    x, y = node.inputs
    return x.inputs[0] if x is y and isinstance(x.op, Sqrt) else None


def first(node: Node) -> Node | None:
    x, y = node.inputs
    return x if not uniform(y) and x.type == y.type else None


def turned(node: Node) -> Node | None:
    x, y = node.inputs
    return apply(node.op, y, x)


def upside_down(node: Node) -> Node | None:
    x, y = node.inputs
    return apply(node.op, y, x) if uniform(x) is None and uniform(y) is None else None


def other_axis(node: Node) -> Node | None:
    (x,) = node.inputs
    op = node.op
    assert isinstance(op, Sum)
    is_square = x.ndim == 2 and x.shape[0] == x.shape[1]
    return apply(Sum((1 - op.axes[0],)), x) if is_square and op.axes == (0,) else None


def other_branch(node: Node) -> Node | None:
    condition, x, y = node.inputs
    return apply(Where(), gx.logical_not(condition), x, y)


def strictly(node: Node) -> Node | None:
    op = node.op
    assert isinstance(op, Compare)
    return apply(Compare(Fn.GT), *node.inputs) if op.fn is Fn.GE else None


def times_another(node: Node) -> Node | None:
    x, y = node.inputs
    return gx.add(gx.multiply(x, 0.25), gx.multiply(x, 0.06)) if uniform(y) == np.float32(0.3) else None


def of_both(node: Node) -> Node | None:
    (x,) = node.inputs
    return gx.log(x.inputs[0]) + gx.log(x.inputs[1]) if isinstance(x.op, Add) else None


def one_earlier(node: Node) -> Node | None:
    op = node.op
    assert isinstance(op, Slice)
    return apply(replace(op, starts=(op.starts[0], 0)), *node.inputs) if op.starts[1] == 1 else None


def exchanged(node: Node) -> Node | None:
    x, y = node.inputs
    return apply(node.op, y, x) if x.type == y.type else None


def backwards(node: Node) -> Node | None:
    op = node.op
    assert isinstance(op, CumSum)
    return apply(replace(op, reverse=not op.reverse), *node.inputs)


def into_doubled(node: Node) -> Node | None:
    op = node.op
    base, index, updates = node.inputs
    return apply(op, base * 2.0, index, updates)


def last_row(node: Node) -> Node | None:
    x, index = node.inputs
    return apply(node.op, gx.flip(x, 0), index)


def padded_by_one(node: Node) -> Node | None:
    op = node.op
    assert isinstance(op, Pad)
    return apply(replace(op, value=1), *node.inputs) if op.value == 0 else None


def transposed(node: Node) -> Node | None:
    x, y = node.inputs
    return apply(node.op, gx.transpose(x), y) if x.shape == (4, 4) else None


def halved_and_doubled(node: Node) -> Node | None:
    x, y = node.inputs
    return x.inputs[0] if isinstance(x.op, FloorDiv) and uniform(y) == 2 else None


def operand(node: Node) -> Node | None:
    return node.inputs[0]


def plus_zero(node: Node) -> Node | None:
    x, y = node.inputs
    return x if uniform(y) == 0 else None


def one_minus_log(node: Node) -> Node | None:
    (x,) = node.inputs
    return gx.log(1.0 - x)


def as_float(node: Node) -> Node | None:
    (x,) = node.inputs
    return gx.exp(x.astype("float32")).astype("float64") if x.dtype == np.float64 else None


def nearest(node: Node) -> Node | None:
    return gx.round(node.inputs[0])


def with_nothing(node: Node) -> Node | None:
    (x,) = node.inputs
    return gx.relu(x)


def to_line(node: Node) -> Node | None:
    (x,) = node.inputs
    return 1.0 + x


def least(node: Node) -> Node | None:
    op = node.op
    assert isinstance(op, Max)
    return apply(Min(op.axes), *node.inputs)


def worst(node: Node) -> Node | None:
    op = node.op
    assert isinstance(op, ArgMax)
    return apply(ArgMin(op.axes), *node.inputs)


def not_moved(node: Node) -> Node | None:
    (x,) = node.inputs
    return x if x.shape == node.shape else None


def spread_along_rows(node: Node) -> Node | None:
    op = node.op
    (x,) = node.inputs
    assert isinstance(op, Spread)
    return apply(Spread(op.shape, (0,)), x) if node.shape == (4, 4) and op.axes == (1,) else None


def half_at_zero(node: Node) -> Node | None:
    return apply(Maximum(), *node.inputs, gx.zeros(node.shape, node.dtype) + 1e-3)


def wrong(
    name: str, of: type, change: Change, model: Callable[[], Model], *, exact: bool = False, level: int = 2
) -> Mutant:
    """The pass of rules with one that does not hold."""
    spoiled = with_rule(name, of, change, exact=exact)
    return Mutant(f"rule {name}", "rewrite", spoiled, model, f"by the rule {name!r}", level)


def kink() -> Model:
    """The slope of a maximum, which both share at a tie."""
    return of(gx.grad(gx.sum(gx.maximum(X, Y) * X), X))


WRONG_RULES = (
    wrong("x - x * 0 = x", Sub, times_zero, lambda: of(X - X * gx.constant(np.float32(0)))),
    wrong("sqrt(x) = x", Sqrt, operand, lambda: of(gx.sqrt(X))),
    wrong("sqrt(x) * sqrt(x) = x", Mul, square_of_root, lambda: of((r := gx.sqrt(X)) * r)),
    wrong("x + y = x", Add, first, lambda: of(gx.exp(X + Y))),
    wrong("x - y = y - x", Sub, turned, lambda: of(gx.tanh(X - Y))),
    wrong("x / y = y / x", Div, upside_down, lambda: of(X / Y)),
    wrong("sum[0] = sum[1]", Sum, other_axis, lambda: of(gx.sum(SQUARE, 0))),
    wrong("where(c, x, y) = where(not c, x, y)", Where, other_branch, lambda: of(gx.where(X > 0.1, X, Y))),
    wrong("x ≥ y = x > y", Compare, strictly, kink),
    wrong("x * 0.3 = x * 0.31", Mul, times_another, lambda: of(gx.sin(X) * 0.3)),
    wrong("log(x + y) = log(x) + log(y)", Log, of_both, lambda: of(gx.log(gx.square(X) + gx.exp(Y)))),
    wrong("x[1:] = x[:-1]", Slice, one_earlier, lambda: of(gx.exp(X)[:, 1:])),
    wrong("concat(x, y) = concat(y, x)", Concat, exchanged, lambda: of(gx.concat([X, Y], 1))),
    wrong("cumsum(x) = cumsum(x) from the other end", CumSum, backwards, lambda: of(gx.cumsum(X, 1))),
    wrong("scatter(y, i, u) = scatter(2 y, i, u)", ScatterAdd, into_doubled,
          lambda: of(gx.scatter_add(gx.tanh(SQUARE), INDEX, X))),
    wrong("x[i] = flip(x)[i]", Take, last_row, lambda: of(gx.take(SQUARE, INDEX, 0))),
    wrong("pad(x, 0) = pad(x, 1)", Pad, padded_by_one, lambda: of(gx.pad(X, [(0, 0), (1, 1)]))),
    wrong("x @ y = x.T @ y", Contraction, transposed, lambda: of(SQUARE @ gx.exp(SQUARE))),
    wrong("x // 2 * 2 = x", Mul, halved_and_doubled, lambda: of(COUNT // 2 * 2, more=[COUNT])),
    wrong("conj(z) = z", Conj, operand, lambda: of(gx.conj(Z) * 2)),
    wrong("tanh(x) = x", Tanh, operand, lambda: of(gx.tanh(X))),
    wrong("|x| = x", Abs, operand, lambda: of(abs(X))),
    wrong("x + 0 = x, exactly", Add, plus_zero, lambda: of(X + 0.0), exact=True, level=1),
    wrong("log1p(x) = log(1 - x)", Log1p, one_minus_log, lambda: of(gx.log1p(X))),
    wrong("exp in float32", Exp, as_float, lambda: of(gx.exp(LONG), more=[LONG])),
    wrong("floor(x) = round(x)", Floor, nearest, lambda: of(gx.floor(X * 3.1))),
    wrong("softplus(x) = relu(x)", Softplus, with_nothing, lambda: of(gx.softplus(X))),
    wrong("exp(x) = 1 + x", Exp, to_line, lambda: of(gx.exp(X))),
    wrong("max = min", Max, least, lambda: of(gx.max(X, 1))),
    wrong("argmax = argmin", ArgMax, worst, lambda: of(gx.argmax(X, 1))),
    wrong("x.T = x", Transpose, not_moved, lambda: of(SQUARE.T + SQUARE)),
    wrong("spread[1] = spread[0]", Spread, spread_along_rows, lambda: of(SQUARE / gx.sum(SQUARE, 1, keepdims=True))),
    wrong("relu(x) = max(x, 0.001)", Relu, half_at_zero, lambda: of(gx.relu(X))),
)  # fmt: skip
