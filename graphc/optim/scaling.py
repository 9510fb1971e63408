"""Loss scaling: gradients kept above what half precision loses."""

from collections.abc import Mapping
from functools import reduce
from typing import Final, final

import numpy as np

from graphc.errors import ArgumentError, DTypeError
from graphc.ir.apply import locate
from graphc.ir.declare import state
from graphc.ir.given import a_number, a_whole_number
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, cast, div, mul, where
from graphc.ops.logic import equal, isfinite, logical_and
from graphc.ops.piecewise import maximum, minimum
from graphc.ops.reduction import all
from graphc.origin import here, of_call
from graphc.printable import described
from graphc.signatures import public
from graphc.structure import Structure, leaves, rebuild
from graphc.types import BOOL, is_differentiable, is_floating

__all__ = ["LossScale"]

_LEAST, _MOST = 2.0**-24, 2.0**24


@final
class LossScale:
    """A factor for the loss, so large that gradients do not vanish in float16, and no larger than they can bear.

        scale = gx.optim.LossScale()
        gradients = scale.unscaled(gx.grad(scale.scaled(loss), opt.params))
        updates = scale.guarded(opt(gradients), gradients)
        step = gx.compile([x, t], loss, updates=updates, precision="f16")

    scale   a state: the factor, a power of 2 if `start` is one, so that it changes no digit.  Any other start is taken
            as it is: then scaling may change the last digit of a gradient
    good    a state: how many steps in a row had finite gradients

    A step whose gradients are not finite changes no variable but these two: the factor is halved.  After `interval`
    good steps in a row it is doubled.  It stays within 2^-24 and 2^24.
    Micikevicius et al.: Mixed Precision Training, 2018, section 3.2.
    """

    @public
    def __init__(self, start: float = 2.0**15, *, interval: int = 2000) -> None:
        """Begin with the factor `start`.  Raises ArgumentError unless it is within the bounds; an interval below 1."""
        number = a_number("LossScale", "the start", start)
        if not _LEAST <= number <= _MOST:
            raise ArgumentError(of_call(f"the scale starts between 2^-24 and 2^24, not at {number}"))
        self.interval: Final = a_whole_number("LossScale", "the interval", interval, least=1)
        self.scale: Final = state("loss_scale", np.float32(number))
        self.good: Final = state("good_steps", np.int64(0))

    def variables(self) -> dict[str, Node]:
        """What it remembers, by path."""
        return {"scale": self.scale, "good": self.good}

    @public
    def scaled(self, loss: Like) -> Node:
        """The loss times the factor: what to differentiate.  Raises DTypeError for one that is no float."""
        node = as_node(loss)
        if not is_floating(node.dtype):
            raise locate(DTypeError(f"scaled: {node.dtype} holds no loss", hint="a float does"), here(), (node,))
        return mul(node, cast(self.scale, node.dtype))

    @public
    def unscaled(self, gradients: Structure) -> Structure:
        """The gradients of the loss itself, in their form: those of `scaled(loss)` by the factor."""
        return rebuild(gradients, [div(g, cast(self.scale, g.dtype)) for g in map(as_node, leaves(gradients))])

    @public
    def guarded(self, updates: Mapping[Node, Node], gradients: Structure) -> dict[Node, Node]:
        """The updates, made only where all gradients are finite; and those of the factor."""
        if not isinstance(updates, Mapping):
            raise ArgumentError(of_call(f"the updates are a dict, not {described(updates)}"), hint="opt(gradients)")
        nodes = [as_node(g) for g in leaves(gradients)]
        if not nodes:
            raise ArgumentError(of_call("there are no gradients"))
        fine = reduce(logical_and, [all(isfinite(g)) for g in nodes if is_differentiable(g.dtype)], as_node(True))
        kept = {w: where(cast(fine, BOOL), value, w) for w, value in updates.items()}
        good = where(fine, self.good + 1, 0)
        full = equal(good, self.interval)
        grown = where(full, minimum(self.scale * 2, _MOST), self.scale)
        return kept | {
            self.scale: where(fine, grown, maximum(self.scale / 2, _LEAST)),
            self.good: where(full, 0, good),
        }
