"""Dropout."""

from typing import Final, final

from graphc.errors import ArgumentError
from graphc.ir.apply import locate
from graphc.ir.given import a_number
from graphc.ir.node import Like, Node
from graphc.ir.operands import where
from graphc.nn.layer import Layer
from graphc.ops.draws import bernoulli
from graphc.ops.elementwise import floating
from graphc.ops.stream import Stream
from graphc.origin import here
from graphc.printable import described
from graphc.signatures import public

__all__ = ["Dropout"]


@final
class Dropout(Layer):
    """Each element 0 with probability `rate`, and the others divided by 1 - rate; in evaluation `x` as it is.

    x [...]   ->   [...]

    `train` is a `gx.random.Stream`, of which every layer and every call takes a key of its own, or None.  The mask is
    drawn where it is used: no array is made of it in the forward pass.

    Slope: 0 or 1 / (1 - rate), by the same mask.  Srivastava et al.: Dropout: a simple way to prevent neural networks
    from overfitting, 2014.
    """

    @public
    def __init__(self, rate: float) -> None:
        self.rate: Final = a_number("Dropout", "the rate", rate)
        if not 0 <= self.rate < 1:
            problem = f"Dropout: the rate is a probability from 0 on and below 1, not {rate}"
            raise locate(ArgumentError(problem), here(), ())

    @public
    def __call__(self, x: Like, *, train: object = None) -> Node:
        node = floating(x)
        if train is None:
            return node
        if not isinstance(train, Stream):
            problem = f"Dropout: train is a gx.random.Stream or None, not {described(train)}"
            raise locate(ArgumentError(problem), here(), (node,))
        kept = bernoulli(train.key(), 1 - self.rate, node.shape)
        return where(kept, node * (1 / (1 - self.rate)), 0.0)
