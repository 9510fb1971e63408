"""Random choices among what there is: by weights, in another order, with and without putting back."""

import math

import numpy as np

from graphc.errors import ArgumentError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.given import a_flag, an_array_shape, an_extent, is_whole
from graphc.ir.kinds import require_floating
from graphc.ir.leaves import ConstantValue, full, size_node
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, broadcast, cast
from graphc.ops.axes import one_axis
from graphc.ops.bits import right_shift
from graphc.ops.draws import open_uniform, waiting
from graphc.ops.elementwise import floating, log
from graphc.ops.extremes import argmax
from graphc.ops.indexing import Take
from graphc.ops.keys import numbers
from graphc.ops.movement import Extents, part, reshape
from graphc.ops.piecewise import minimum
from graphc.ops.running import cumsum
from graphc.ops.searching import searchsorted
from graphc.ops.sorting import argsort
from graphc.origin import here
from graphc.sizes import Expression, Size, equal, product
from graphc.types import DTYPES, INT64, Shape, accumulator

__all__ = ["categorical", "choice", "permutation", "shuffle"]

_UINT64 = DTYPES["uint64"]
_LARGEST = 2**32  # of which to choose one: its product with 32 bits has 64


def categorical(key: Like, logits: Like, axis: int = -1, shape: Extents = ()) -> Node:
    """An index along `axis`, int64, with the probability that softmax gives it; `shape` is that of further draws.

    key []   logits [p..., n, q...]   ->   [*shape, p..., q...]

    argmax(logits + g), with g = -log of exponential numbers.  No slope.  Gumbel: Statistical theory of extreme values,
    1954; Maddison, Tarlow, Minka: A* sampling, 2014, section 2.
    """
    scores = floating(logits)
    require_floating("categorical", scores.dtype)
    along = one_axis("categorical", axis, scores.ndim, scores)
    wide = cast(scores, accumulator(scores.dtype))
    extra = an_array_shape("categorical", shape)
    drawn = _perturbed("categorical", key, wide, extra)
    return argmax(drawn, along + len(extra))


def _perturbed(name: str, key: Like, logits: Node, extra: Shape = ()) -> Node:
    """Logits with Gumbel noise: in their order, they are drawn one after the other without putting back."""
    shape = (*extra, *logits.shape)
    return broadcast(logits, shape) - log(waiting(name, key, shape, logits.dtype))


def permutation(key: Like, n: Size) -> Node:
    """The numbers 0 ... n - 1 in random order, int64.   key []   ->   [n]

    The order of n numbers of 64 bits: all orders are as likely, but for equal numbers, which are fewer than n² / 2^65.
    No slope.
    """
    return argsort(numbers("permutation", key, (an_extent("permutation", "the size", n),), 64))


def shuffle(key: Like, x: Like, axis: int = 0) -> Node:
    """`x` with its slices along `axis` in random order: see `permutation`.

    key []   x [p..., n, q...]   ->   [p..., n, q...].  Adjoint: the same, back.
    """
    node = as_node(x)
    along = one_axis("shuffle", axis, node.ndim, node)
    order = argsort(numbers("shuffle", key, (node.shape[along],), 64))
    return apply(Take(along, checked=False), node, order)


def choice(
    key: Like,
    a: Like,
    shape: Extents = (),
    *,
    replace: bool = True,
    p: "Like | None" = None,
    axis: int = 0,
) -> Node:
    """Elements of `a` along `axis`, or of 0 ... a - 1 where it is an int or a size; `p` are their probabilities.

    key []   a [u..., n, v...]   p [n]   ->   [u..., *shape, v...]

    Without `p` all are as likely, to 2^-64; with it by the running sums of `p`.  With `replace=False` none is drawn
    twice: the first ones of a permutation, or in the order of log p with the noise of `categorical`.

    Adjoint by `a`: the cotangent added where elements came from.  Raises ShapeError where there are too few, and
    ArgumentError for numbers `p` that are no probabilities.
    """
    wanted = an_array_shape("choice", shape)
    source, along, n = _population(a, axis)
    if n == 0 and product(wanted) != 0:
        raise locate(ShapeError("choice: there is nothing to choose from"), here(), ())
    chances = None if p is None else _probabilities(p, n)
    if a_flag("choice", "replace", replace):
        index = _with_replacement(key, n, wanted, chances)
    else:
        index = _without_replacement(key, n, wanted, chances)
    may_be_nothing = not isinstance(n, int)  # then there is no index that is right
    return index if source is None else apply(Take(along, checked=may_be_nothing), source, index)


def _population(a: Like, axis: int) -> tuple[Node | None, int, Size]:
    """What to choose from, along which axis, and of how many; None for counting numbers."""
    given: object = a
    if isinstance(given, Expression) or is_whole(given):
        return None, 0, an_extent("choice", "the number", given)
    source = as_node(a)
    along = one_axis("choice", axis, source.ndim, source)
    return source, along, source.shape[along]


def _probabilities(p: Like, n: Size) -> Node:
    chances = floating(p)
    require_floating("choice", chances.dtype)
    chances = cast(chances, accumulator(chances.dtype))
    if chances.ndim != 1 or equal(chances.shape[0], n) is False:
        raise locate(ShapeError(f"choice: p is {chances.type}, one probability for each of {n}"), here(), (chances,))
    if isinstance(chances.op, ConstantValue):
        array = np.broadcast_to(chances.op.array, chances.op.array.shape or (1,))
        count = n if not chances.op.array.ndim and isinstance(n, int) else 1
        total = float(array.sum()) * count
        if not bool((array >= 0).all()) or not math.isclose(total, 1, abs_tol=1e-6 * max(array.size, count)):
            problem = f"choice: p are probabilities, of sum 1, not {float(array.min())} and more, of sum {total}"
            raise locate(ArgumentError(problem, hint="p / p.sum()"), here(), (chances,))
    return chances


def _with_replacement(key: Like, n: Size, shape: Shape, p: Node | None) -> Node:
    if p is None:
        return _below(numbers("choice", key, shape, 64), n)
    sums = cumsum(p)
    drawn = open_uniform("choice", key, shape, p.dtype) * part(sums, 0, n - 1, 1).reshape(())
    return minimum(searchsorted(sums, drawn, "right"), size_node(n - 1))


def _without_replacement(key: Like, n: Size, shape: Shape, p: Node | None) -> Node:
    count = product(shape)
    if isinstance(count, int) and isinstance(n, int) and count > n:
        problem = f"choice: {count} different ones of {n}"
        raise locate(ShapeError(problem, hint="replace=True draws some of them again"), here(), ())
    if p is None:
        order = argsort(numbers("choice", key, (n,), 64))
    else:
        order = argsort(_perturbed("choice", key, log(p)), descending=True)
    return reshape(part(order, 0, 0, count), shape)


def _below(words: Node, n: Size) -> Node:
    """⌊n w / 2^64⌋ of words w of 64 bits, in halves: 0 to n - 1, each as likely to 2^-64."""
    if isinstance(n, int) and n > _LARGEST:
        raise locate(ShapeError(f"choice: one of {n}, where at most 2^32 can be told apart"), here(), ())
    count = full((), n, _UINT64) if isinstance(n, int) else cast(size_node(n), _UINT64)
    half = full((), 32, _UINT64)
    low = right_shift((words & full((), 2**32 - 1, _UINT64)) * count, half)
    return cast(right_shift(right_shift(words, half) * count + low, half), INT64)
