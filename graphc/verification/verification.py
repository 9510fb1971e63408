"""Verification: each pass is asked whether what it made computes what was given to it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from functools import partial
from typing import NoReturn

from graphc.backends.backend import Artifact, Backend
from graphc.backends.numpy.backend import NumpyBackend
from graphc.dataclass import dataclass
from graphc.ir.graph import Graph
from graphc.passes.demands import CollectDemands
from graphc.passes.lower import Lowered, lower
from graphc.passes.pipeline import Record, Replacement, Spill, Trace
from graphc.passes.soundness import require_sound
from graphc.passes.units import Partition
from graphc.verification.agreement import Mask, Reference, differing, unequal
from graphc.verification.calls import Call, Root, roots
from graphc.verification.findings import (
    Finding,
    difference,
    of_failing_text,
    of_failure,
    of_graphs,
    of_op,
    of_program,
    of_replacement,
    of_text,
    of_unsound,
)
from graphc.verification.noise import Freedom
from graphc.verification.points import accepted_calls, refused_points
from graphc.verification.programs import (
    Array,
    Executable,
    RefusedError,
    Results,
    interpreted,
    is_same,
    is_unchanged,
    work,
)
from graphc.verification.texts import wrong_element, wrong_op
from graphc.verification.values import Point, TooLongError, Values, several

__all__ = ["Verification"]

INTERPRETED = 6_000  # lets of all calls that the interpreter computes after a pass; a backend runs the others


@dataclass(eq=False)
class Verification:
    """Runs every form of a graph on calls made for it, and raises VerificationError where two differ.

    A graph is run op by op, each compiled by itself; a program by the interpreter, a large one by the NumPy backend.
    """

    graph: Graph
    calls: list[Call] = field(init=False)
    refused: list[tuple[Point, RefusedError]] = field(init=False)  # calls that fail and must go on to, and why
    _results: dict[Call, Results] = field(default_factory=dict)  # of the graph
    _is_collected: bool = False  # whether demands stand beside the nodes
    _plain: Lowered | None = None  # what the units of the graph are as a program
    _program: dict[Call, Results] = field(default_factory=dict)  # of the program, where the interpreter ran it

    def __post_init__(self) -> None:
        self.calls = [Call(values, self.graph) for values in accepted_calls(self.graph)]
        self.refused = refused_points(self.graph)
        self._results = {call: call.results(self.graph, self.graph.variables) for call in self.calls}

    def watch(self, trace: Trace) -> None:
        """Look at every pass from now on: at its form, and at what that computes."""
        trace.examine = self.examine

    def examine(self, record: Record) -> None:
        """Ask whether what a pass made makes sense, and compare it with what the pass was given."""
        try:
            require_sound(record.after)
        except AssertionError as error:
            raise of_unsound(record.after, error, self.graph).of_pass(record.name, "") from error
        self._is_collected |= record.name == CollectDemands.name
        match record.before, record.after:
            case Graph() as before, Graph() as graph:
                if before is not graph:
                    self._compare_graphs(record, before, graph)
                    self._require_refusal(record.name, lambda point: self._refuses(graph, point))
            case Graph(), Partition() as after:
                try:
                    self._plain = lower(after)
                except AssertionError as error:  # units that no program can be made of
                    origin = next((x.origin for x in (*self.graph.outputs, *self.graph.updates.values())), None)
                    failed = Finding("", origin, (f"  no program can be made of it: {error}",))
                    raise failed.of_pass(record.name, "any call") from error
                self._compare_program(record, None, self._plain)
            case Partition(), Lowered() as after:
                if self._plain is None or not is_same(self._plain, after):
                    self._compare_program(record, None, after)
            case Lowered() as before, Lowered() as after:
                if not is_unchanged(before, after):
                    self._compare_program(record, before, after)

    def examine_artifact(self, lowered: Lowered, artifact: Artifact, backend: Backend) -> None:
        """Compare what a backend wrote with the program behind it."""
        code = Executable.of(lowered, backend, artifact)
        for call in self.calls:
            inputs, variables = _given(call.point, self.graph, lowered)
            try:
                found = code.run(inputs, variables, call.point.sizes)
            except RefusedError as refused:
                raise _refusal(refused).of_backend(backend.name, call.point.title) from None
            except Exception as error:  # whatever text that is wrong does
                failed = of_failing_text(call, lowered, backend, error)
                raise failed.of_backend(backend.name, call.point.title) from error
            different = self._different(call, lowered, found, None)
            if different:
                self._require_right_ops(call, [call.graph])
                raise of_text(call, lowered, different, backend).of_backend(backend.name, call.point.title)
        if isinstance(backend, NumpyBackend):
            self._require_right_elements()
        finding = self._not_refused(lambda point: code.run(*_given(point, self.graph, lowered), point.sizes))
        if finding is not None:
            raise finding[0].of_backend(backend.name, finding[1].title)

    def _require_right_ops(self, call: Call, graphs: Iterable[object]) -> None:
        """Raise what blames NumPy, by which graphs are run: before something else is blamed."""
        for graph in graphs:
            wrong = wrong_op(call, graph) if isinstance(graph, Graph) else None
            if wrong is not None:
                raise of_op(wrong).of_backend(NumpyBackend.name, call.point.title)

    def _require_right_elements(self) -> None:
        """Raise what blames NumPy for a program that nothing else has run, as it was too large for the interpreter."""
        for call in self.calls[:1]:
            wrong = None if call in self._program else wrong_element(call)
            if wrong is not None:
                raise of_op(wrong).of_backend(NumpyBackend.name, call.point.title)

    def _require_refusal(self, name: str, run: Callable[[Point], object]) -> None:
        """What fails must go on to fail."""
        finding = self._not_refused(run)
        if finding is not None:
            raise finding[0].of_pass(name, finding[1].title)

    def _not_refused(self, run: Callable[[Point], object]) -> tuple[Finding, Point] | None:
        """A call that goes on, of those that failed before."""
        for point, refused in self.refused:
            try:
                run(point)
            except RefusedError:
                continue
            except (AssertionError, IndexError, ValueError):
                pass  # it fails in another way, which no user understands
            said = f"  a call goes on that failed before: {refused}"
            return Finding("", refused.origin, (said,)), point
        return None

    # Graphs.

    def _compare_graphs(self, record: Record, before: Graph, after: Graph) -> None:
        for call in self.calls:
            for replacement in record.replacements:
                self._compare_replacement(record, call, replacement)
        variables = self.graph.variables
        for call in list(self.calls):
            old = self._results[call]
            try:
                new = call.results(after, variables)
            except RefusedError as refused:
                self._raise(record, _refusal(refused), call)
            except TooLongError:
                self.calls.remove(call)
                continue
            self._compare_results(record, call, after, old, new)
            self._results[call] = new
        for call in self.calls:
            call.advance(after)

    def _compare_replacement(self, record: Record, call: Call, replacement: Replacement) -> None:
        """Compare the two nodes on the same operands, in the first steps of a body."""
        old, new, values = replacement.old, replacement.new, call.declared
        for number, frame in enumerate(list(call.frames(old))):
            try:
                values.compute([old], frame)
                values.compute([new], frame)
            except RefusedError as refused:
                if old not in frame:
                    continue  # what the call does not get to
                finding = of_replacement(replacement, call, frame, _refusal(refused).lines)
                self._raise(record, finding, call)
            except TooLongError:
                continue
            pairs = list(zip(several(frame[old]), several(frame[new]), strict=True))
            if all(one is other or not unequal(one, other).any() for one, other in pairs):
                continue
            allowed = partial(call.allowed, old, new, number, frame, replacement.spill)
            for place, (one, other) in enumerate(pairs):
                wrong = unequal(one, other) if replacement.exact else _differing(call, other, allowed, place)
                wrong = call.decided(wrong, old, number, frame, place, _freedom(replacement))
                if wrong.any():
                    finding = of_replacement(replacement, call, frame, difference(wrong, one, other))
                    self._raise(record, finding, call)

    def _compare_results(self, record: Record, call: Call, after: Graph, old: Results, new: Results) -> None:
        before = call.graph
        arrays = zip((*old.outputs, *old.variables), (*new.outputs, *new.variables), strict=True)
        for number, (one, other) in enumerate(arrays):
            if one is other or not unequal(one, other).any():
                continue
            was, now = (roots(graph, self.graph.variables)[number] for graph in (before, after))
            if record.exact:
                wrong = unequal(one, other)
            else:
                allowed = partial(call.allowed, was.node, now.node, 0, call.declared.outer, record.spill)
                wrong = _differing(call, other, allowed)
            wrong = call.decided(wrong, was.node, 0, call.declared.outer, freedom=_freedom(record))
            if wrong.any():
                self._raise(record, of_graphs(call, before, after, now, difference(wrong, one, other)), call)

    # Programs.

    def _compare_program(self, record: Record, before: Lowered | None, after: Lowered) -> None:
        code: Executable | None = None
        budget: float = INTERPRETED
        for call in self.calls:
            inputs, variables = _given(call.point, self.graph, after)
            cost = work(after.program, call.point.sizes)
            is_small = cost <= budget
            budget -= cost if is_small else 0
            try:
                if is_small:
                    found = interpreted(after, inputs, variables, call.point.sizes)
                else:
                    code = code or Executable.of(after, NumpyBackend())
                    found = code.run(inputs, variables, call.point.sizes)
            except RefusedError as refused:
                self._raise(record, _refusal(refused), call)
            except (AssertionError, IndexError, ValueError) as error:  # what the interpreter finds wrong
                self._raise(record, of_failure(call, after, error), call)
            known = self._program.get(call) if is_small and before is not None and record.exact else None
            different = self._different(call, after, found, known)
            if different:
                self._raise(record, of_program(call, after, before, different), call)
            if is_small:
                self._program[call] = found
            else:
                self._program.pop(call, None)
        self._require_refusal(record.name, lambda point: self._fails(after, point))

    def _refuses(self, graph: Graph, point: Point) -> None:
        """Run a graph at a point that it must refuse."""
        Values(point, only_demands=self._is_collected).results(graph, self.graph.variables)

    def _fails(self, lowered: Lowered, point: Point) -> None:
        """Run a program at a point that it must refuse."""
        if work(lowered.program, point.sizes) <= INTERPRETED:
            interpreted(lowered, *_given(point, self.graph, lowered), point.sizes)
        else:
            Executable.of(lowered, NumpyBackend()).run(*_given(point, self.graph, lowered), point.sizes)

    def _different(
        self, call: Call, lowered: Lowered, found: Results, known: Results | None
    ) -> dict[Root, Sequence[str]]:
        """The results of a program that are not those of the program before, or not what the graph gives; and where."""
        arrays = (*found.outputs, *found.variables)
        before = None if known is None else (*known.outputs, *known.variables)
        different: dict[Root, Sequence[str]] = {}
        for number, root in enumerate(roots(call.graph, lowered.variables)):
            old = call.declared.array(root.node, call.declared.outer) if before is None else before[number]
            wrong = unequal(old, arrays[number])
            if before is None and wrong.any():
                wrong = _differing(call, arrays[number], partial(call.references, root.node, 0, call.declared.outer))
            freedom = Freedom.ZERO if before is None else Freedom.NAN
            wrong = call.decided(wrong, root.node, 0, call.declared.outer, freedom=freedom)
            if wrong.any() and (before is not None or root.node not in call.unspecified()):
                different[root] = difference(wrong, old, arrays[number])
        return different

    def _raise(self, record: Record, finding: Finding, call: Call) -> NoReturn:
        self._require_right_ops(call, dict.fromkeys((call.graph, record.before, record.after)))
        raise finding.of_pass(record.name, call.point.title)


def _differing(call: Call, new: Array, allowed: Callable[[], Sequence[Reference]], place: int = 0) -> Mask:
    """Where result `place` is none that rounding explains: asked twice, the second time of more values of a call."""
    wrong = differing(new, allowed()[place])
    return differing(new, allowed()[place]) if wrong.any() and call.look_again() else wrong


def _freedom(change: Record | Replacement) -> Freedom:
    """What is free in a comparison of what a pass, or a rule, changes."""
    if change.exact:
        return Freedom.NAN
    return Freedom.ZERO if change.spill == Spill.AS_BEFORE else Freedom.RANGE


def _given(point: Point, graph: Graph, lowered: Lowered) -> tuple[list[Array], list[Array]]:
    """The inputs and the variables of a program."""
    return [point.arrays[x] for x in graph.inputs], [point.arrays[v] for v in lowered.variables]


def _refusal(refused: RefusedError) -> Finding:
    """A call fails that did not before."""
    return Finding("", refused.origin, (f"  a call fails that did not before: {refused}",))
