"""Who is to blame for a wrong text: ops and steps one by one, as a backend runs them and as the interpreter does."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import field, replace
from typing import NamedTuple, final

import numpy as np

from graphc.backends.backend import Backend
from graphc.dataclass import dataclass
from graphc.ir.control import Chosen, Repeated
from graphc.ir.graph import Graph
from graphc.ir.kinds import Elementwise, Routine
from graphc.ir.leaves import Item
from graphc.ir.node import Node
from graphc.kernel.arrays import Arrays
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.nesting import all_steps
from graphc.kernel.program import Program
from graphc.kernel.reference import Observer
from graphc.kernel.steps import Check, Step, buffers_of, unique
from graphc.passes.lower import Lowered
from graphc.passes.places import all_substituted, shown
from graphc.types import TensorType, is_differentiable
from graphc.verification.calls import Call
from graphc.verification.programs import Array, Executable, RefusedError, interpreted, work
from graphc.verification.single import compiled_alone, single_op
from graphc.verification.strangers import is_roughly
from graphc.verification.values import Frame, TooLongError, Values, several

__all__ = ["WrongOp", "wrong_element", "wrong_op", "wrong_step"]

COMPARED = 200_000  # lets that the interpreter computes to find out who is to blame

_UNLIKE = (RefusedError, TooLongError, AssertionError, IndexError, ValueError)  # it says nothing of the text


class WrongOp(NamedTuple):
    """A node that a backend computes wrongly, its operands, and a result: what it means, and what is found."""

    node: Node
    frame: Frame
    meant: Array
    found: Array


def wrong_op(call: Call, graph: Graph, backend: Backend | None = None) -> WrongOp | None:
    """The first node of a graph whose op, compiled by itself, is not what the interpreter makes of it.

    It is compiled by this backend; else as it was, by that of NumPy.  A routine that may choose is not asked.
    """
    values, budget = Values(call.point), float(COMPARED)
    with suppress(RefusedError, TooLongError):  # what was computed until then counts
        values.results(graph, graph.variables)
    for frame, node in _computed(values):
        if isinstance(node.op, Routine) and not node.op.is_unique:
            continue
        single = single_op(node.op, tuple([x.tensor for x in node.inputs]), node.type)
        operands = [x for each in node.inputs for x in several(frame[each])]
        cost = work(single.code.lowered.program, call.point.sizes)
        if cost > budget:
            continue
        budget -= cost
        with suppress(Exception):  # whatever text that is wrong does; what it gives where it does not fail counts
            meant = interpreted(single.code.lowered, operands, (), call.point.sizes).outputs
            found = several(frame[node])
            if backend is not None:
                found = Executable.of(single.code.lowered, backend).run(operands, (), call.point.sizes).outputs
            for one, other in zip(meant, found, strict=True):
                if not _agree(one, other):
                    return WrongOp(node, frame, one, other)
    return None


def wrong_element(call: Call) -> WrongOp | None:
    """The first node of which NumPy computes elements wrongly that depend on no others: a few of each such op."""
    seen: set[object] = set()
    for frame, node in _computed(call.declared):
        dtypes = tuple([x.dtype for x in node.inputs])
        if not isinstance(node.op, Elementwise) or (node.op, dtypes) in seen or not several(frame[node])[0].size:
            continue
        seen.add((node.op, dtypes))
        types = [TensorType((FEW,), x.dtype, x.tensor.weak) for x in (*node.inputs, node)]
        single = compiled_alone(node.op, tuple(types[:-1]), types[-1])
        operands = [np.resize(several(frame[x])[0], FEW) for x in node.inputs]
        (found,) = single.call(single.bind({}), operands)
        (meant,) = interpreted(single.code.lowered, operands, (), {}).outputs
        if not _agree(meant, found):
            return WrongOp(node, frame, meant, found)
    return None


FEW = 16  # elements of an op that are computed twice


def _computed(values: Values) -> Iterator[tuple[Frame, Node]]:
    """What was computed, in order: outside of all bodies, then in the first steps of each."""
    frames = {id(frame): frame for frames in values.frames.values() for frame in frames}
    for frame in (values.outer, *frames.values()):
        for node in frame:
            if node.inputs and not isinstance(node.op, Repeated | Chosen | Item):
                yield frame, node


def wrong_step(call: Call, lowered: Lowered, backend: Backend) -> Step | None:
    """The first step of a program that a backend, where it writes that step alone, does not run as it is meant."""
    if work(lowered.program, call.point.sizes) > COMPARED:
        return None
    compared = _Compared(call, lowered, backend)
    inputs = [call.point.arrays[x] for x in call.graph.inputs]
    variables = [call.point.arrays[v] for v in lowered.variables]
    with suppress(*_UNLIKE):
        interpreted(lowered, inputs, variables, call.point.sizes, compared)
    return compared.found


@final
@dataclass
class _Compared(Observer):
    """Runs every step by itself as well, on the arrays that it finds."""

    call: Call
    lowered: Lowered
    backend: Backend
    found: Step | None = None
    _given: dict[Buffer, Array] = field(default_factory=dict)

    def before(self, step: Step, arrays: Arrays) -> None:
        """Keep what the step finds."""
        if self._is_asked(step):
            self._given = {root: arrays.whole(root).copy() for root in _roots(step)}

    def after(self, step: Step, arrays: Arrays) -> None:
        """Run it again, as text."""
        if self._is_asked(step) and not self._agrees(step, arrays):
            self.found = step

    def _is_asked(self, step: Step) -> bool:
        is_outermost = any(step is each for each in self.lowered.program.steps)
        return self.found is None and is_outermost and not isinstance(step, Check)

    def _agrees(self, step: Step, arrays: Arrays) -> bool:
        program = _alone(self.lowered.program, step)
        if program is None:
            return True
        written = {buffer.root for buffer in step.writes}
        inputs = [x for root, x in self._given.items() if root not in written]
        variables = [x for root, x in self._given.items() if root in written]
        alone = replace(self.lowered, program=program, constants=())
        try:
            results = Executable.of(alone, self.backend).run(inputs, variables, self.call.point.sizes).variables
        except Exception:  # whatever text that is wrong does
            return False
        meant = [arrays.whole(root) for root in self._given if root in written]
        return all(map(_agree, meant, results))


def _agree(meant: Array, found: Array) -> bool:
    """Whether an array is what is meant, but for roundings; sums may become infinite in one order or another."""
    known = np.isfinite(meant) if is_differentiable(meant.dtype) else np.ones(meant.shape, bool)
    return is_roughly(meant[known], found[known])


def _alone(program: Program, step: Step) -> Program | None:
    """A program of one step: what it writes are variables, all else that it finds are inputs.

    None where rows are written of which nobody knows how many there are.
    """
    inside = unique([buffer for each in all_steps((step,)) for buffer in buffers_of(each)])
    if any(buffer.root.role is Role.STACK for buffer in inside):
        return None
    written = {buffer.root for buffer in step.writes}
    roots = _roots(step)
    inputs = _numbered(Role.INPUT, [root for root in roots if root not in written])
    variables = _numbered(Role.VARIABLE, [root for root in roots if root in written])
    exchange = inputs | variables
    exchange |= {x: shown(exchange[x.root], x.shape) for x in inside if x.root in exchange and x.root is not x}
    aliases = {x: y for x, y in program.aliases.items() if x in inside and x not in exchange and y not in exchange}
    steps = all_substituted((step,), exchange)
    return Program(steps, tuple(inputs.values()), tuple(variables.values()), (), (), 0, program.symbols, aliases)


def _numbered(role: Role, roots: Sequence[Buffer]) -> dict[Buffer, Buffer]:
    return {root: Buffer(role, root.dtype, root.shape, slot) for slot, root in enumerate(roots)}


def _roots(step: Step) -> tuple[Buffer, ...]:
    return unique([buffer.root for buffer in buffers_of(step)])
