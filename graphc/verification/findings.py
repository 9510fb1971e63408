"""What was found: the rule or the step, the nodes that differ, and the user's line, as an error says it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field, replace
from itertools import islice
from typing import Self, final

import numpy as np
import numpy.typing as npt

from graphc.backends.backend import Backend
from graphc.dataclass import dataclass
from graphc.errors import VerificationError
from graphc.inspection.wording import number_text, op_text
from graphc.ir.graph import Graph, topological
from graphc.ir.leaves import SizeOf, uniform
from graphc.ir.node import Node
from graphc.kernel.arrays import Arrays
from graphc.kernel.naming import names
from graphc.kernel.program import Program
from graphc.kernel.reference import Observer
from graphc.kernel.steps import Step, within
from graphc.kernel.text import step_text
from graphc.kernel.unsound import UnsoundError
from graphc.origin import Origin, place_of
from graphc.passes.lower import Lowered
from graphc.passes.pipeline import Replacement
from graphc.passes.units import Partition
from graphc.printable import counted, printable
from graphc.verification.agreement import unequal
from graphc.verification.calls import Call, Root
from graphc.verification.programs import Array, RefusedError, interpreted, work
from graphc.verification.strangers import first_stranger
from graphc.verification.texts import WrongOp, wrong_op, wrong_step
from graphc.verification.values import Frame, Value, Values, several

__all__ = [
    "Finding",
    "difference",
    "of_failing_text",
    "of_failure",
    "of_graphs",
    "of_op",
    "of_program",
    "of_replacement",
    "of_text",
    "of_unsound",
]

CONFIRMED = 1_000_000  # lets of one call that the interpreter computes to find out which step it was
LINES_SHOWN = 14  # of nodes or of a step
ELEMENTS_SHOWN = 6

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Finding:
    """What is wrong with a pass, or with a backend.

    where    the rule or the step, to follow what it does
    origin   the user's line
    lines    further ones
    does     what it does that is wrong
    """

    where: str
    origin: Origin | None
    lines: Sequence[str]
    does: str = "changes what is computed"

    def seen(self, lines: Iterable[str]) -> Self:
        """The same, with more to say."""
        return replace(self, lines=(*self.lines, *lines))

    def of_pass(self, name: str, title: str) -> VerificationError:
        """The error of the pass `name`; `title` describes the call in which it was found, if it was in one."""
        return self._error(f"the pass {name!r}", title, "a lower level does with fewer rewrites")

    def of_backend(self, name: str, title: str) -> VerificationError:
        """The error of the backend `name`, in the call that `title` describes."""
        return self._error(f"the backend {name!r}", title, "another backend writes other text")

    def _error(self, what: str, title: str, way_out: str) -> VerificationError:
        problem = f"compile: {what} {self.does}{self.where}"
        place = () if self.origin is None else place_of(self.origin)
        found = (f"  found with {title}",) if title else ()
        hint = f"this is a mistake of graphc, not of the model: please report it; {way_out}"
        return VerificationError(problem, hint=hint).located((*place, *self.lines, *found))


def difference(wrong: Mask, one: Array, other: Array, said: tuple[str, str] = ("before", "after")) -> tuple[str, ...]:
    """`at [0, 1]: 0.5 before, 1.0 after; 3 of 6 elements differ`."""
    first = tuple(int(i) for i in np.argwhere(wrong)[0]) if wrong.ndim else ()
    at = f"at {list(first)}: " if first else ""
    count = int(np.count_nonzero(wrong))
    many = f"; {count} of {counted(wrong.size, 'element')} differ" if wrong.ndim else ""
    return (f"  {at}{one[first]!s} {said[0]}, {other[first]!s} {said[1]}{many}",)


# Rules.


def of_replacement(replacement: Replacement, call: Call, frame: Frame, lines: Sequence[str]) -> Finding:
    """A rule, and the two small graphs that are not the same: all that they read alike is `given`."""
    old, new = replacement.old, replacement.new
    shared = set(topological([old])) & set(topological([new]))
    before = [x for x in topological([old]) if x not in shared]
    after = [x for x in topological([new]) if x not in shared]
    listing = _Listing.of((*before, *after), shared, (old, new))
    shown = [*listing.given(frame), *listing.rows("before", before, old), *listing.rows("after", after, new)]
    return Finding(f", by the rule {replacement.rule!r}", old.origin, (*shown, *lines))


@dataclass(frozen=True)
class _Listing:
    """Numbers for nodes: first those that are given, then those computed of them."""

    numbers: dict[Node, int]
    outside: Sequence[Node]

    @staticmethod
    def of(nodes: Sequence[Node], outside: Iterable[Node], results: Sequence[Node]) -> "_Listing":
        known = set(outside)
        read = [x for node in nodes for x in node.inputs] + list(results)
        given = [x for x in dict.fromkeys(read) if x in known and not _is_written(x)]
        computed = [x for x in dict.fromkeys(nodes) if not _is_written(x)]
        return _Listing({x: number for number, x in enumerate((*given, *computed))}, given)

    def reference(self, node: Node) -> str:
        """`%3`, or the number that a constant is."""
        return number_text(node) if node not in self.numbers else f"%{self.numbers[node]}"

    def given(self, frame: Frame) -> Iterator[str]:
        """A line for each node that is given."""
        for x in islice(self.outside, LINES_SHOWN):
            source = x.origin.source()
            made = f"  made at {x.origin.place()}" + (f": {source}" if source else "")
            yield f"  given   {self.reference(x)} = {op_text(x)} {x.type}{_elements(frame.get(x))}{made}"

    def rows(self, title: str, nodes: Sequence[Node], result: Node) -> Iterator[str]:
        """A line for each node that is computed, the last ones where there are many."""
        shown = [node for node in nodes if node in self.numbers]
        if not shown:
            yield f"  {title:<7} {self.reference(result)}"
        if len(shown) > LINES_SHOWN:
            yield f"  {title:<7} {len(shown) - LINES_SHOWN} nodes, then"
        for node in shown[-LINES_SHOWN:]:
            yield f"  {title:<7} {self.reference(node)} = {self.formula(node)}"

    def formula(self, node: Node) -> str:
        """`sub(%0, %1)  f32[n,3]`."""
        operands = ", ".join(map(self.reference, node.inputs))
        return f"{op_text(node)}{f'({operands})' if operands else ''}  {node.type}"


def _is_written(node: Node) -> bool:
    """Whether a node stands as a number where it is read."""
    return isinstance(node.op, SizeOf) or uniform(node) is not None


def _elements(value: Value | None) -> str:
    """The elements of a small array."""
    if value is None or isinstance(value, tuple) or not 0 < value.size <= ELEMENTS_SHOWN:
        return ""
    return " " + printable(str(value.tolist()), 100)


# Graphs.


def of_graphs(call: Call, before: Graph, after: Graph, root: Root, lines: Sequence[str]) -> Finding:
    """The first node of the new graph that has a value which the old one has nowhere."""
    known = _recorded(call, before)
    node = first_stranger(
        [(node, several(value)) for node, value in _recorded(call, after)],
        [several(value) for _, value in known],
        likely={_kind(node) for node, _ in known},
        kind=_kind,
    )
    found = root.node if node is None else node
    twin = next((each for each, _ in known if _kind(each) == _kind(found) and each is not found), None)
    both = [found] if twin is None else [twin, found]
    listing = _Listing.of(both, {x for each in both for x in each.inputs}, ())
    shown = [*listing.given({}), *(listing.rows("before", [twin], twin) if twin is not None else ())]
    shown += [*listing.rows("after", [found], found), f"  seen in {root.title}"]
    return Finding("", found.origin, (*shown, *lines))


def _recorded(call: Call, graph: Graph) -> list[tuple[Node, Value]]:
    """Every value of a graph as it is computed, those in bodies at each step."""
    values = Values(call.point, record=[])
    with suppress(RefusedError):  # what was computed until then counts
        values.results(graph, graph.variables)
    return values.record or []


def _kind(node: Node) -> tuple[object, ...]:
    """What a node and the one that it became have in common."""
    return (node.op.name, node.type, node.origin.file, node.origin.line, *node.origin.rules())


# Programs.


def of_program(call: Call, after: Lowered, before: Lowered | None, different: Mapping[Root, Sequence[str]]) -> Finding:
    """The first step of a program that writes what nothing computed before; else the first that writes a result."""
    known = [several(value) for _, value in _recorded(call, call.graph)]
    if before is not None:
        known += [arrays for _, arrays in _observed(call, before)]
    step = first_stranger(_observed(call, after), known, exactly=before is not None)
    return _of_step(call, after, different, step)


def of_text(call: Call, lowered: Lowered, different: Mapping[Root, Sequence[str]], backend: Backend) -> Finding:
    """The step of a program that its text has wrong; where each by itself is right, the first that writes a result.

    Of what the step computes, the op that is wrong by itself, if one is.
    """
    found = _of_step(call, lowered, different, wrong_step(call, lowered, backend))
    wrong = wrong_op(call, call.graph, backend)
    if wrong is None:
        return found
    more = of_op(wrong)
    return replace(more, where=found.where + more.where).seen(found.lines)


def of_failing_text(call: Call, lowered: Lowered, backend: Backend, error: Exception) -> Finding:
    """The step of a program whose text cannot be run."""
    step = wrong_step(call, lowered, backend)
    found = Finding("", None, ()) if step is None else of_step(lowered.program, step)
    return found.seen((f"  its text cannot be run: {type(error).__name__}: {error}",))


def of_op(wrong: WrongOp) -> Finding:
    """A node that a backend computes wrongly."""
    node = wrong.node
    listing = _Listing.of((node,), node.inputs, ())
    shown = [*listing.given(wrong.frame), *listing.rows("wrong", [node], node)]
    said = "by the interpreter", "by its text"
    lines = difference(unequal(wrong.meant, wrong.found), wrong.meant, wrong.found, said)
    return Finding(f", in the op {node.op.name!r}", node.origin, (*shown, *lines))


def _of_step(call: Call, lowered: Lowered, different: Mapping[Root, Sequence[str]], step: Step | None) -> Finding:
    """A step, by default the first that writes one of the results."""
    writers = {root: _writer(lowered, root, call) for root in different}
    program = lowered.program
    root = min(different, key=lambda root: -1 if (found := writers[root]) is None else program.numbers[found])
    lines = (f"  seen in {root.title}", *different[root])
    found = writers[root] if step is None else step
    return Finding("", root.node.origin, lines) if found is None else of_step(program, found).seen(lines)


def of_step(program: Program, step: Step) -> Finding:
    """A step, as a printed program shows it."""
    text = [line for line in step_text(step, names(program)).splitlines() if not line.lstrip().startswith("#")]
    more = [] if len(text) <= LINES_SHOWN else [f"  and {len(text) - LINES_SHOWN} lines more"]
    origin = step.origins[0] if step.origins else None
    return Finding(f", in step {program.numbers[step]}", origin, [f"  {line}" for line in text[:LINES_SHOWN]] + more)


def of_unsound(form: object, error: AssertionError, graph: Graph) -> Finding:
    """The step or the node of a form that makes no sense; else an output of the graph that nothing writes."""
    does, said = f"gives {_FORMS[type(form)]} that makes no sense", (f"  {error}",)
    step, origins = (error.step, error.origins) if isinstance(error, UnsoundError) else (None, ())
    if isinstance(form, Lowered) and step is not None:
        return replace(of_step(form.program, step).seen(said), does=does)
    if isinstance(form, Lowered) and not origins:
        written = {buffer.root for each in form.program.timeline for buffer in each.writes}
        origins = [
            y.origin for y, out in zip(graph.outputs, form.program.outputs, strict=True) if out.root not in written
        ]
    return Finding("", origins[0] if origins else None, said, does)


_FORMS: Mapping[type, str] = {Graph: "a graph", Partition: "a partition", Lowered: "a program"}


def of_failure(call: Call, lowered: Lowered, error: Exception) -> Finding:
    """The step of a program that cannot be run."""
    begun = _Begun()
    _interpret(call, lowered, begun)
    found = Finding("", None, ()) if begun.step is None else of_step(lowered.program, begun.step)
    return found.seen((f"  the program cannot be run: {error}",))


@final
@dataclass
class _Begun(Observer):
    """The step that was begun last."""

    step: Step | None = None

    def before(self, step: Step, arrays: Arrays) -> None:
        """Keep it."""
        self.step = step


@final
@dataclass
class _Written(Observer):
    """What every step writes, each time that it is run; steps inside a step have written what it writes."""

    found: list[tuple[Step, Sequence[Array]]] = field(default_factory=list)

    def before(self, step: Step, arrays: Arrays) -> None:
        """Nothing is written yet."""

    def after(self, step: Step, arrays: Arrays) -> None:
        """Keep a copy."""
        if not within(step):
            self.found.append((step, [arrays.whole(buffer).copy() for buffer in step.writes]))


def _observed(call: Call, lowered: Lowered) -> list[tuple[Step, Sequence[Array]]]:
    """What every step of a program writes in a call."""
    written = _Written()
    if work(lowered.program, call.point.sizes) > CONFIRMED:
        return written.found
    _interpret(call, lowered, written)
    return written.found


def _interpret(call: Call, lowered: Lowered, observer: Observer) -> None:
    """Run a program, as far as it can be run."""
    inputs = [call.point.arrays[x] for x in call.graph.inputs]
    variables = [call.point.arrays[v] for v in lowered.variables]
    with suppress(RefusedError, AssertionError, IndexError, ValueError):  # what was seen until then counts
        interpreted(lowered, inputs, variables, call.point.sizes, observer)


def _writer(lowered: Lowered, root: Root, call: Call) -> Step | None:
    """The step that writes a result last."""
    program = lowered.program
    buffers = (*program.outputs, *program.variables)
    nodes = (*call.graph.outputs, *[call.graph.updates.get(v, v) for v in lowered.variables])
    wanted = {buffer for buffer, node in zip(buffers, nodes, strict=True) if node is root.node}
    for step in reversed(program.steps):
        if any(buffer.root in wanted for buffer in step.writes):
            return step
    return None
