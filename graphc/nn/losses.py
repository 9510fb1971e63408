"""Losses: how far predictions are from what is wanted, as a mean over all examples."""

from graphc.errors import DTypeError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, cast, mul, where
from graphc.ops.creation import iota
from graphc.ops.custom import CustomDerivative
from graphc.ops.elementwise import exp, expm1, floating, log1p, softplus, stop_gradient
from graphc.ops.extremes import max
from graphc.ops.guarded import within
from graphc.ops.indexing import Take, as_index
from graphc.ops.logic import equal
from graphc.ops.movement import expand_dims
from graphc.ops.powers import square
from graphc.ops.reduction import sum
from graphc.ops.statistics import mean
from graphc.origin import here
from graphc.types import DTYPES, is_integer

__all__ = ["binary_cross_entropy", "mean_squared_error", "softmax_cross_entropy"]


def softmax_cross_entropy(logits: Like, labels: Like) -> Node:
    """-log softmax(logits)[label], the mean over examples.

    logits [..., k]   labels [...], integers in 0 .. k - 1   ->   []

    Other labels fail at the call, -1 too, which pads in some data sets.
    Goodfellow, Bengio, Courville: Deep Learning, 2016, section 6.2.2.3.

    Slope: (softmax(logits) - one_hot(labels)) / the number of examples.  At a label it is minus the shares of all
    others, and the loss is made of these: of what is almost certain, both keep their digits.
    """
    z, target = floating(logits), as_node(labels)
    if not is_integer(target.dtype):
        raise locate(DTypeError(f"softmax_cross_entropy: labels are {target.dtype}, not integers"), here(), (z, target))
    if z.ndim != target.ndim + 1:
        raise locate(
            ShapeError("softmax_cross_entropy: logits have one axis more than labels, the last"), here(), (z, target)
        )
    places = as_index("softmax_cross_entropy", target)
    places = expand_dims(within("softmax_cross_entropy", places, z.shape[-1], "a label is out of range"), -1)
    shifted = z - stop_gradient(max(z, -1, keepdims=True))  # the largest exp is now 1: nothing overflows
    chosen = apply(Take(z.ndim - 1, paired=True, checked=False), shifted, places)
    _, others = _of_others(shifted, places)
    losses = log1p(_less_one(others, chosen)) - chosen
    return mean(apply(CustomDerivative(_slopes), losses, shifted, chosen, places))


def _of_others(x: Node, places: Node) -> tuple[Node, Node]:
    """e^x but for 0 at the places, and the sums of rows.  x [..., k]   places [..., 1]   ->   [..., k], [..., 1]"""
    narrow = DTYPES["int32"]  # of which vectors hold twice as many
    powers = where(equal(cast(places, narrow), iota(x.shape[-1], narrow)), 0, exp(x))
    return powers, sum(powers, -1, keepdims=True)


def _less_one(others: Node, chosen: Node) -> Node:
    """Σ e^x - 1 of rows whose largest element is 0: none of it is lost where that is the chosen one."""
    return others + expm1(chosen)


def _slopes(y: Node, cotangent: Node, shifted: Node, chosen: Node, places: Node) -> tuple[Node, Node, None]:
    powers, others = _of_others(shifted, places)
    part = cotangent / (1 + _less_one(others, chosen))
    return part * powers, -(part * others), None


def binary_cross_entropy(logits: Like, targets: Like) -> Node:
    """-t log p - (1 - t) log(1 - p) with p = sigmoid(logits), the mean over all elements.

    logits [...]   targets [...], in 0 .. 1   ->   []

    -log p is softplus(-z) and -log(1 - p) is softplus(z): neither overflows, and a small loss keeps its digits.

    Slopes: (p - t) / n, -z / n, where z are the logits and n is the number of elements.
    Goodfellow, Bengio, Courville: Deep Learning, 2016, section 6.2.2.2.
    """
    z, t = floating(logits), as_node(targets)
    return mean(mul(t, softplus(-z)) + mul(1 - t, softplus(z)))


def mean_squared_error(predictions: Like, targets: Like) -> Node:
    """(prediction - target)^2, the mean over all elements.  [...], [...] -> []

    Slopes: 2 (prediction - target) / n and its negative.
    Goodfellow, Bengio, Courville: Deep Learning, 2016, section 5.1.4.
    """
    return mean(square(floating(predictions) - as_node(targets)))
