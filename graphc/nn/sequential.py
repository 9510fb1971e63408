"""Layers one after the other."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final, TypeAlias, final

import numpy as np

from graphc.errors import ArgumentError
from graphc.ir.given import a_function, several
from graphc.ir.node import Node
from graphc.nn.initial import Initialiser, he_uniform
from graphc.nn.layer import Layer
from graphc.nn.linear import Linear
from graphc.ops.piecewise import relu
from graphc.origin import scope
from graphc.printable import counted
from graphc.signatures import public

__all__ = ["Sequential", "mlp"]

Stage: TypeAlias = Layer | Callable[[Node], Node]


@final
class Sequential(Layer):
    """Layers and functions of one node, applied in order.  `train` reaches the layers.

    What a stage makes is labelled as its variables are: `stages.2`.
    """

    @public
    def __init__(self, *stages: Stage) -> None:
        for stage in stages:
            a_function("Sequential", "a stage", stage)
        self.stages: Final = stages

    @public
    def __call__(self, x: Node, *, train: object = None) -> Node:
        for number, stage in enumerate(self.stages):
            with scope(f"stages.{number}"):
                x = stage(x, train=train) if isinstance(stage, Layer) else stage(x)
        return x


def mlp(
    widths: Sequence[int],
    *,
    rng: np.random.Generator,
    activation: Callable[[Node], Node] = relu,
    initial: Initialiser = he_uniform,
    dtype: object = "float32",
) -> Sequential:
    """A multi-layer perceptron: linear layers between `widths`, the activation after each but the last.

    mlp((64, 128, 10)): x [..., 64] -> [..., 10], with one hidden layer of 128.

    Goodfellow, Bengio, Courville: Deep Learning, 2016, chapter 6.
    """
    widths = several("mlp", "widths", widths)
    a_function("mlp", "the activation", activation)
    if len(widths) < 2:
        raise ArgumentError(
            f"mlp: {counted(len(widths), 'width')} of two or more", hint="mlp((inputs, hidden, outputs), ...)"
        )
    stages: list[Stage] = []
    for n, m in pairwise(widths):
        stages += [Linear(n, m, rng=rng, initial=initial, dtype=dtype), activation]
    return Sequential(*stages[:-1])
