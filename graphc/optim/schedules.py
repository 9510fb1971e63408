"""Rates that change while training: functions of the number of steps taken so far.

A schedule takes that number as a node, an integer, and gives the rate as a node.
"""

import math
from abc import abstractmethod
from typing import Protocol

from graphc.errors import ArgumentError
from graphc.ir.given import a_function, a_number, a_whole_number
from graphc.ir.node import Node
from graphc.ir.operands import as_node, cast, div, where
from graphc.ops.elementwise import exp
from graphc.ops.logic import less
from graphc.ops.piecewise import minimum
from graphc.ops.stepping import floordiv
from graphc.ops.trigonometry import cos
from graphc.types import DTYPES

__all__ = ["Schedule", "constant", "cosine_decay", "exponential_decay", "linear_warmup", "step_decay"]


class Schedule(Protocol):
    """The type of a schedule: the number of steps so far, a node of int64 -> the rate, a node of one number.

    Functions of `gx.optim` make some; any function from node to node is one: `lambda step: 0.1 / (1 + step)`.
    """

    @abstractmethod
    def __call__(self, step: Node, /) -> Node:
        """The rate of the next step, where `step` were made."""


def constant(rate: float) -> Schedule:
    """The same rate at every step."""
    exact = float(a_number("constant", "the rate", rate))
    return lambda step: as_node(exact)


def cosine_decay(rate: float, steps: int, *, floor: float = 0.0) -> Schedule:
    """From `rate` down to `floor` in `steps` steps, along half a cosine; then `floor`.

    Loshchilov, Hutter: SGDR: Stochastic gradient descent with warm restarts, 2017, eq. 5, without restarts.
    """
    steps = a_whole_number("cosine_decay", "steps", steps, least=1)
    rate, floor = a_number("cosine_decay", "the rate", rate), a_number("cosine_decay", "the floor", floor)

    def schedule(step: Node) -> Node:
        done = div(_exact(minimum(step, steps)), float(steps))
        return floor + (rate - floor) * (0.5 + 0.5 * cos(math.pi * done))

    return schedule


def exponential_decay(rate: float, steps: int, factor: float) -> Schedule:
    """`rate` times `factor` for every `steps` steps, without jumps: rate * factor^(step / steps)."""
    steps = a_whole_number("exponential_decay", "steps", steps, least=1)
    rate, factor = a_number("exponential_decay", "the rate", rate), a_number("exponential_decay", "the factor", factor)
    if not 0 < factor < math.inf:
        raise ArgumentError(f"exponential_decay: the factor is positive, not {factor}")
    return lambda step: rate * exp(_exact(step) * (math.log(factor) / steps))


def step_decay(rate: float, steps: int, factor: float) -> Schedule:
    """`rate` times `factor` after every `steps` steps: rate * factor^floor(step / steps)."""
    steps = a_whole_number("step_decay", "steps", steps, least=1)
    rate, factor = a_number("step_decay", "the rate", rate), a_number("step_decay", "the factor", factor)
    if not 0 < factor < math.inf:
        raise ArgumentError(f"step_decay: the factor is positive, not {factor}")
    return lambda step: rate * exp(_exact(floordiv(step, steps)) * math.log(factor))


def linear_warmup(steps: int, after: Schedule) -> Schedule:
    """A straight line from 0 to the first rate of `after` in `steps` steps; then `after`, from its beginning.

    The first step already takes 1 / (steps + 1) of the rate, so that no step is lost.
    Goyal et al.: Accurate, large minibatch SGD, 2017, section 2.2.
    """
    steps = a_whole_number("linear_warmup", "steps", steps, least=1)
    a_function("linear_warmup", "what comes after", after)

    def schedule(step: Node) -> Node:
        first = after(as_node(0))
        rising = first * div(_exact(step + 1), float(steps + 1))
        return where(less(step, steps), rising, after(step - steps))

    return schedule


def _exact(step: Node) -> Node:
    """A count as a float that holds it: float32 ends at 2^24."""
    return cast(step, DTYPES["float64"])
