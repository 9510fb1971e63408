"""What optimisers have in common: params, their slots, a count of steps, a rate."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Final, TypeAlias

import numpy as np

from graphc.errors import ArgumentError
from graphc.ir.apply import locate
from graphc.ir.declare import parameters, state, state_of_zeros
from graphc.ir.given import is_whole
from graphc.ir.node import Node
from graphc.ir.operands import as_node, cast
from graphc.optim.schedules import Schedule
from graphc.origin import here, of_call
from graphc.printable import counted
from graphc.signatures import public
from graphc.structure import Structure, leaves, paths
from graphc.types import DTYPES, accumulator, is_floating, is_integer

__all__ = ["Optimiser", "Rate"]

Rate: TypeAlias = float | Node | Schedule


class Optimiser(ABC):
    """A function from gradients to updates.

        opt = gx.optim.Adam(model, 1e-3)
        step = gx.compile([x, t], loss, updates=opt(gx.grad(loss, opt.params)))

    params   what is trained: a structure of params as given, or those of a layer or loss by path
    step     a state: how many updates were made
    slots    param -> the states that belong to it
    rate     a number, a node of one number, such as a 0-d input, or a `Schedule` of `step`

    Where a param has a float of two bytes, its slots and the arithmetic of its update are float32.
    """

    slot_names: ClassVar[tuple[str, ...]] = ()

    @public
    def __init__(self, params: Structure, rate: Rate) -> None:
        if not callable(rate):
            _as_rate(rate)  # raises for what is no number
        named = parameters(params)
        given = leaves(params)
        whole = len(given) == len(named) and all(a is b for a, b in zip(given, named.values(), strict=True))
        self.params: Final = params if whole else named
        self.rate: Final = rate
        self.step: Final = state("step", np.int64(0))
        self.slots: Final = {w: self._slots_of(name, w) for name, w in named.items()}
        if not named:
            raise ArgumentError(
                of_call("there are no params to train"), hint="a layer, a loss, or a structure of params"
            )

    def _slots_of(self, name: str, w: Node) -> tuple[Node, ...]:
        if not is_floating(w.dtype):
            raise ArgumentError(of_call(f"the param {name!r} is {w.dtype} and cannot be trained"))
        shape = [int(n) for n in w.shape]
        return tuple(state_of_zeros(f"{slot}.{name}", shape, accumulator(w.dtype)) for slot in self.slot_names)

    def variables(self) -> dict[str, Node]:
        """All that the optimiser remembers, by path: `step`, `m.0.weight`, ..."""
        return {"step": self.step} | {slot.name or "": slot for slots in self.slots.values() for slot in slots}

    @public
    def __call__(self, gradients: Structure) -> dict[Node, Node]:
        """The next value of every param, of its slots and of `step`.  `gradients` have the form of `params`."""
        found, wanted = dict(paths(gradients)), dict(paths(self.params))
        if found.keys() != wanted.keys():
            raise ArgumentError(
                of_call(f"{counted(len(found), 'gradient')} for {counted(len(wanted), 'param')}, or in another form"),
                hint="gx.grad(loss, opt.params)",
            )
        rate = self._rate()
        updates = {self.step: self.step + 1}
        for path, w in wanted.items():
            working = accumulator(w.dtype)  # small changes would vanish in two bytes
            g = cast(as_node(found[path]), working)
            change, *slots = self.moved(g, self.slots[w], rate)
            updates[w] = cast(cast(w, working) - change, w.dtype)
            updates.update(zip(self.slots[w], slots, strict=True))
        return updates

    def _rate(self) -> Node:
        rate = self.rate(self.step) if callable(self.rate) else self.rate
        return _as_rate(rate)

    @abstractmethod
    def moved(self, g: Node, slots: Sequence[Node], rate: Node) -> Sequence[Node]:
        """What to subtract from a param with gradient `g`, and then the next value of each slot."""


def _as_rate(rate: "float | Node") -> Node:
    """A rate as a node: one real number."""
    node = as_node(float(rate) if is_whole(rate) else rate)
    if node.shape != () or not (is_floating(node.dtype) or is_integer(node.dtype)):
        raise locate(ArgumentError(f"a rate is one real number, not {node.type}"), here(), (node,))
    return node


def exact(x: Node) -> Node:
    """A scalar as float64: arithmetic on single numbers costs nothing, and 1 - 0.999^t needs the digits."""
    return cast(x, DTYPES["float64"])
