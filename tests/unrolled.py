"""Loops and branches by Python's own: the same functions as a graph without them, for known values of its inputs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

import graphc as gx
from graphc.structure import Structure, leaves, rebuild

__all__ = ["Control", "Unrolled"]

Array: TypeAlias = npt.NDArray[Any]  # Any: floats, integers and bools


class Control(Protocol):
    """What writes loops and branches: graphc itself, or `Unrolled`."""

    def scan(
        self,
        body: Any,
        carries: Structure,
        sequences: Structure = None,
        length: Any = None,
        reverse: bool = False,
        checkpoint: Any = None,
    ) -> tuple[Structure, Structure]: ...
    def while_loop(self, cond: Any, body: Any, state: Structure, max_steps: Any = None) -> Structure: ...
    def fori_loop(self, lower: Any, upper: Any, body: Any, state: Structure) -> Structure: ...
    def cond(self, pred: Any, then: Any, else_: Any, *operands: Structure) -> Structure: ...
    def switch(self, index: Any, branches: Any, *operands: Structure) -> Structure: ...
    def checkpoint(self, function: Any) -> Callable[..., Structure]: ...


@dataclass(frozen=True)
class Unrolled:
    """Writes every step down, and of branches the one that is taken where inputs have these values."""

    values: Mapping[gx.Node, Array]

    def scan(
        self,
        body: Any,
        carries: Structure,
        sequences: Structure = None,
        length: Any = None,
        reverse: bool = False,
        checkpoint: Any = None,
    ) -> tuple[Structure, Structure]:
        """Every step, then the rows of the outputs as one."""
        given = [gx.constant(x) if not isinstance(x, gx.Node) else x for x in leaves(sequences)]
        steps = length if length is not None else given[0].shape[0]
        carried = rebuild(carries, [_node(x) for x in leaves(carries)])
        rows: list[list[gx.Node]] = []
        form: Structure = None
        for t in reversed(range(steps)) if reverse else range(steps):
            carried, form = body(carried, rebuild(sequences, [x[t] for x in given]))
            carried = _like(carries, carried)
            rows.append([_node(y) for y in leaves(form)])
        if not rows:
            _, form = body(carried, rebuild(sequences, [gx.zeros(x.shape[1:], x.dtype) for x in given]))
            return carried, rebuild(form, [gx.zeros((0, *_node(y).shape), _node(y).dtype) for y in leaves(form)])
        if reverse:
            rows.reverse()
        return carried, rebuild(form, [gx.stack(column) for column in zip(*rows, strict=True)])

    def while_loop(self, cond: Any, body: Any, state: Structure, max_steps: Any = None) -> Structure:
        """As many steps as the condition says."""
        state = rebuild(state, [_node(x) for x in leaves(state)])
        first = state
        while self._number(cond(state)):
            state = _like(first, body(state))
        return state

    def fori_loop(self, lower: Any, upper: Any, body: Any, state: Structure) -> Structure:
        """Every step."""
        first = state = rebuild(state, [_node(x) for x in leaves(state)])
        for i in range(int(self._number(lower)), int(self._number(upper))):
            state = _like(first, body(gx.constant(np.int64(i)), state))
        return state

    def cond(self, pred: Any, then: Any, else_: Any, *operands: Structure) -> Structure:
        """The branch that is taken."""
        return (then if self._number(pred) else else_)(*operands)

    def switch(self, index: Any, branches: Sequence[Callable[..., Structure]], *operands: Structure) -> Structure:
        """The branch that is taken."""
        return branches[int(self._number(index))](*operands)

    def checkpoint(self, function: Callable[..., Structure]) -> Callable[..., Structure]:
        """The function itself."""
        return function

    def _number(self, x: Any) -> Any:
        return gx.evaluate(x, self.values) if isinstance(x, gx.Node) else x


def _node(x: Any) -> gx.Node:
    return x if isinstance(x, gx.Node) else gx.constant(x)


def _like(first: Structure, state: Structure) -> Structure:
    """A state in the dtypes of the first, as numbers that Python gives adopt them."""
    pairs = zip(leaves(first), leaves(state), strict=True)
    return rebuild(first, [_node(x).astype(_node(like).dtype) for like, x in pairs])
