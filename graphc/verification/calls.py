"""One call, seen through every form of a computation: what it gives, and what it may give."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import field, replace

import numpy as np

from graphc.dataclass import dataclass
from graphc.ir.control import Structured
from graphc.ir.graph import Graph
from graphc.ir.kinds import Routine
from graphc.ir.leaves import Input
from graphc.ir.node import Node
from graphc.passes.pipeline import Spill
from graphc.types import is_differentiable
from graphc.verification.agreement import Mask, Reference, unequal
from graphc.verification.noise import Freedom
from graphc.verification.programs import RefusedError, Results
from graphc.verification.single import single_op
from graphc.verification.values import Frame, Point, TooLongError, Value, Values, several

__all__ = ["Call", "Root", "roots"]

NOISES = (1, 2, 3)  # seeds: each moves roundings in another way; two leave one element of some thousands as it was
MORE_NOISES = range(4, 20)  # where something differs all the same: a value may jump with a few roundings of many


@dataclass(frozen=True)
class Root:
    """What a caller gets to see: an output, or what a variable becomes."""

    title: str
    node: Node


def roots(graph: Graph, variables: Sequence[Node]) -> list[Root]:
    """Outputs, then the next values of variables."""
    outputs = [Root(f"output {number}", node) for number, node in enumerate(graph.outputs)]
    return outputs + [Root(f"the next value of {v.name!r}", graph.updates.get(v, v)) for v in variables]


@dataclass(eq=False)
class Call:
    """A point, and what is known of the values of nodes there.

    What is known in float64 is found when something differs in a bit, and not before.
    """

    declared: Values
    graph: Graph
    _others: list[Values] = field(init=False)
    _is_followed: bool = False  # whether the others have met the graph
    _is_doubted: bool = False  # whether there are more of them
    _freed: dict[Freedom, list[Values]] = field(default_factory=dict)  # with other values, if these were asked for
    _depends: dict[Node, frozenset[Node]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        noises = (None, *map(np.random.default_rng, NOISES))
        self._others = [Values(self.point, wide=True, noise=noise) for noise in noises]

    @property
    def point(self) -> Point:
        """The sizes and arrays of the call."""
        return self.declared.point

    def results(self, graph: Graph, variables: Sequence[Node]) -> Results:
        """What a graph gives.  Raises RefusedError and TooLongError."""
        return self.declared.results(graph, variables)

    def advance(self, graph: Graph) -> None:
        """Go on with another form of the computation: what is known of the last one is forgotten."""
        self.graph = graph
        self.declared.forget(graph)
        for values in self._others:
            values.forget(graph)
        self._is_followed = False
        self._freed.clear()
        self._depends.clear()

    def unspecified(self) -> set[Node]:
        """The nodes that depend on what a routine makes of infinities and nan: each way to compute it has its own."""
        frames = (frame for several_frames in self.declared.frames.values() for frame in several_frames)
        is_inside = any(_reads_no_numbers(node, frame) for frame in frames for node in frame)
        found: set[Node] = set()
        for node in self.graph.nodes:
            is_first = _reads_no_numbers(node, self.declared.outer) or (is_inside and isinstance(node.op, Structured))
            if is_first or any(x in found for x in node.inputs):
                found.add(node)
        return found

    def frames(self, node: Node) -> list[Frame]:
        """Where the operands of a node have values: outside all bodies, or in the first steps of one."""
        return _frames(self.declared, self._inside(node))

    def allowed(self, old: Node, new: Node, number: int, frame: Frame, spill: Spill) -> list[Reference]:
        """What the results of a node may be that stands for an old one, in frame `number` of those with a value."""
        found = [replace(reference, spill=spill) for reference in self.references(old, number, frame)]
        if spill < Spill.AROUND:
            return found
        others = [[] if x.exact is None else [x.exact, *x.moved] for x in self.references(new, number, frame)]
        return [replace(reference, around=around) for reference, around in zip(found, others, strict=True)]

    def references(self, node: Node, number: int, frame: Frame) -> list[Reference]:
        """What the results of a node may be, in frame `number` of those where it has a value."""
        others = self._found(self._wide(), node, number)
        overflowed = any(node in values.overflowed for values, _ in others)
        self.declared.compute([node], frame)
        found = several(frame[node])
        known = [several(value) for _, value in others]
        return [
            Reference(x, known[0][k] if known else None, [each[k] for each in known[1:]], overflowed)
            for k, x in enumerate(found)
        ]

    def decided(
        self, wrong: Mask, node: Node, number: int, frame: Frame, place: int = 0, freedom: Freedom = Freedom.NAN
    ) -> Mask:
        """What is wrong with result `place` of a node, but for elements that change with what is free."""
        if not wrong.any():
            return wrong
        if freedom not in self._freed:
            noises = map(np.random.default_rng, MORE_NOISES)
            self._freed[freedom] = self._met([Values(self.point, noise=x, freedom=freedom) for x in noises])
        self.declared.compute([node], frame)
        meant = several(frame[node])[place]
        others = self._found(self._freed[freedom], node, number)
        return np.asarray(wrong & ~np.any([unequal(meant, several(value)[place]) for _, value in others], axis=0))

    def _found(self, several_values: Sequence[Values], node: Node, number: int) -> list[tuple[Values, Value]]:
        """What a node is, where it is known, in frame `number` of those where it has a value."""
        inside = self._inside(node)
        found: list[tuple[Values, Value]] = []
        for values in several_values:
            frames = _frames(values, inside)
            if number < len(frames):
                try:
                    values.compute([node], frames[number])
                except (RefusedError, TooLongError):
                    continue
                found.append((values, frames[number][node]))
        return found

    def look_again(self) -> bool:
        """Move roundings in more ways from now on; whether that says more than before."""
        if self._is_doubted:
            return False
        self._is_doubted = True
        more = [Values(self.point, wide=True, noise=np.random.default_rng(seed)) for seed in MORE_NOISES]
        self._others = [*self._wide(), *self._met(more)]
        return True

    def _wide(self) -> list[Values]:
        """Values in float64: exact ones first, then some whose roundings were moved."""
        if not self._is_followed:
            self._is_followed = True
            self._others = self._met(self._others)
        return self._others

    def _met(self, others: Sequence[Values]) -> list[Values]:
        """Those that come through the graph."""
        met: list[Values] = []
        for values in others:
            with suppress(RefusedError, TooLongError):  # moved by a rounding, a loop may go on for ever
                values.results(self.graph, self.graph.variables)
                met.append(values)
        return met

    def _inside(self, node: Node) -> frozenset[Node]:
        """The inputs of a body that a node depends on; none for a node outside all bodies."""
        known = self._depends
        pending = [node]
        while pending:
            each = pending[-1]
            if each in known:
                pending.pop()
                continue
            missing = [x for x in each.inputs if x not in known]
            if missing:
                pending += missing
                continue
            if isinstance(each.op, Input) and each not in self.point.arrays:
                known[each] = frozenset((each,))
            else:
                known[each] = frozenset().union(*[known[x] for x in each.inputs])
        return known[node]


def _reads_no_numbers(node: Node, frame: Frame) -> bool:
    """Whether a routine that computes, and does not only sort, reads something infinite, or nan."""
    if not isinstance(node.op, Routine) or not all(x in frame for x in node.inputs):
        return False
    given = [x for each in node.inputs for x in several(frame[each])]
    is_asked = any(is_differentiable(x.dtype) and not np.isfinite(x).all() for x in given)
    return is_asked and single_op(node.op, tuple([x.tensor for x in node.inputs]), node.type).rounds


def _frames(values: Values, inside: frozenset[Node]) -> list[Frame]:
    """The frames in which all these inputs of a body have values; the one outside all bodies for none."""
    if not inside:
        return [values.outer]
    found = min((values.frames.get(x, []) for x in inside), key=len)
    return [frame for frame in found if inside <= frame.keys()]
