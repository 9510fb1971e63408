"""Optimisers that follow the gradient downhill."""

import math
from collections.abc import Sequence
from typing import ClassVar, Final, final

from graphc.errors import ArgumentError
from graphc.ir.given import a_flag, a_number
from graphc.ir.node import Node
from graphc.ir.operands import cast
from graphc.ops.elementwise import expm1
from graphc.ops.powers import sqrt, square
from graphc.optim.optimiser import Optimiser, Rate, exact
from graphc.signatures import public
from graphc.structure import Structure

__all__ = ["Adam", "Momentum", "SGD"]


@final
class SGD(Optimiser):
    """Gradient descent: w <- w - rate g.

    Robbins, Monro: A stochastic approximation method, 1951.
    """

    def moved(self, g: Node, slots: Sequence[Node], rate: Node) -> Sequence[Node]:
        return (cast(rate, g.dtype) * g,)


@final
class Momentum(Optimiser):
    """Gradient descent with a velocity: v <- momentum v + g,  w <- w - rate v.

    With `nesterov`: w <- w - rate (momentum v + g), the gradient as if taken one step ahead.

    Polyak: Some methods of speeding up the convergence of iteration methods, 1964.
    Sutskever, Martens, Dahl, Hinton: On the importance of initialization and momentum, 2013, section 2.
    """

    slot_names: ClassVar[tuple[str, ...]] = ("v",)

    @public
    def __init__(self, params: Structure, rate: Rate, momentum: float = 0.9, *, nesterov: bool = False) -> None:
        momentum = _fraction("Momentum", "momentum", momentum)
        nesterov = a_flag("Momentum", "nesterov", nesterov)
        super().__init__(params, rate)
        self.momentum: Final = momentum
        self.nesterov: Final = nesterov

    def moved(self, g: Node, slots: Sequence[Node], rate: Node) -> Sequence[Node]:
        (v,) = slots
        velocity = self.momentum * v + g
        ahead = self.momentum * velocity + g if self.nesterov else velocity
        return cast(rate, g.dtype) * ahead, velocity


@final
class Adam(Optimiser):
    """Steps along the mean gradient, over the root of its mean square.

    m <- beta1 m + (1 - beta1) g        mean, of the last 1 / (1 - beta1) steps or so
    v <- beta2 v + (1 - beta2) g^2      mean square
    w <- w - rate m' / (sqrt(v') + epsilon)    with m' = m / (1 - beta1^t), v' = v / (1 - beta2^t) after t steps

    Kingma, Ba: Adam: A method for stochastic optimization, 2015, algorithm 1.  Both corrections are numbers, so
    they go into the rate and epsilon, as section 2 there says, and one pass over w, m and v is left.
    """

    slot_names: ClassVar[tuple[str, ...]] = ("m", "v")

    @public
    def __init__(
        self, params: Structure, rate: Rate = 1e-3, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8
    ) -> None:
        beta1, beta2 = _fraction("Adam", "beta1", beta1), _fraction("Adam", "beta2", beta2)
        epsilon = a_number("Adam", "epsilon", epsilon)
        if not 0 <= epsilon < math.inf:
            raise ArgumentError(f"Adam: epsilon is at least 0, not {epsilon}")
        super().__init__(params, rate)
        self.beta1: Final = beta1
        self.beta2: Final = beta2
        self.epsilon: Final = epsilon

    def moved(self, g: Node, slots: Sequence[Node], rate: Node) -> Sequence[Node]:
        m, v = slots
        mean = self.beta1 * m + (1 - self.beta1) * g
        mean_square = self.beta2 * v + (1 - self.beta2) * square(g)
        root = sqrt(self._correction(self.beta2))
        corrected = cast(exact(rate) * root / self._correction(self.beta1), g.dtype)
        epsilon = cast(self.epsilon * root, g.dtype)
        return corrected * mean / (sqrt(mean_square) + epsilon), mean, mean_square

    def _correction(self, beta: float) -> Node:
        """1 - beta^t at the t-th step, as float64, without the difference."""
        t = exact(self.step + 1)
        return -expm1(t * math.log(beta)) if beta > 0 else t / t


def _fraction(name: str, what: str, value: object) -> float:
    number = a_number(name, what, value)
    if not 0 <= number < 1:
        raise ArgumentError(f"{name}: {what} is at least 0 and below 1, not {number!r}")
    return number
