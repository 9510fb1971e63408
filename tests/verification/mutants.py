"""Mutants: passes that are wrong on purpose, and a model that each of them breaks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, final

from graphc.backends.backend import Backend
from graphc.backends.numpy.backend import NumpyBackend
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.kernel.framing import framed
from graphc.kernel.target import Target
from graphc.passes.liveness import peak_bytes
from graphc.passes.matching import Match, on
from graphc.passes.pipeline import Log, Pass, Trace
from graphc.passes.rematerialise import Budget
from graphc.passes.rewrite import Rewrite, Rule
from graphc.passes.standard import AnyPass, improve, standard
from graphc.passes.throughout import Throughout, with_changed_bodies
from graphc.verification.verification import Verification

__all__ = ["Change", "Model", "Mutant", "Spoiled", "everywhere", "or_itself", "verified", "with_rule"]

Change: TypeAlias = Callable[[Node], Node | None]


@dataclass(frozen=True)
class Model:
    """What is compiled."""

    inputs: Sequence[Node]
    outputs: Sequence[Node]
    updates: Mapping[Node, Node] = field(default_factory=dict)

    def graph(self) -> Graph:
        """The graph of a function."""
        return Graph(tuple(self.inputs), tuple(self.outputs), dict(self.updates))


@dataclass(frozen=True)
class Mutant:
    """A pass that is wrong.

    name   of the pass, which the error must name        change   the wrong pass, from the true one
    says   what else the error must say: the rule, or the op that differs
    last   whether the last pass of that name is the wrong one, where there are several
    bytes  a memory budget
    target what the passes are for
    """

    title: str
    name: str
    change: Callable[[AnyPass], AnyPass]
    model: Callable[[], Model]
    says: str = ""
    level: int = 2
    last: bool = False
    bytes: int | None = None
    target: Target = NumpyBackend.target

    def passes(self, graph: Graph) -> Sequence[AnyPass]:
        """The passes of a level, with the wrong one."""
        budget = None if self.bytes is None else Budget(self.bytes, lambda lowered: peak_bytes(lowered.program))
        true = list(standard(graph, self.target, self.level, budget))
        places = [place for place, each in enumerate(true) if each.name == self.name]
        place = places[-1 if self.last else 0]
        true[place] = self.change(true[place])
        return true


def verified(model: Model, passes: Sequence[AnyPass] | None = None, backend: Backend | None = None) -> None:
    """Compile a model, by these passes, and raise VerificationError where it is seen to be wrong."""
    graph = model.graph()
    verification = Verification(graph)
    by = NumpyBackend() if backend is None else backend
    some = passes or standard(graph, by.target, 2)
    lowered = improve(graph, some, Trace(examine=verification.examine))
    if not by.target.reads_outside:
        lowered = replace(lowered, program=framed(lowered.program))
    verification.examine_artifact(lowered, by.emit(lowered.program), by)


@final
@dataclass(frozen=True)
class Spoiled(Pass[Any, Any]):  # Any: the forms of the pass
    """A pass, whose result something is done to."""

    step: AnyPass
    spoil: Callable[[Any], Any]

    @property
    def name(self) -> str:  # type: ignore[override]
        """That of the pass."""
        return self.step.name

    @property
    def exact(self) -> bool:  # type: ignore[override]
        """What the pass claims."""
        return self.step.exact

    def run(self, form: Any, log: Log) -> Any:
        found = self.spoil(self.step.run(form, log))
        assert found is not None
        return found


def with_rule(name: str, of: type, change: Change, *, exact: bool) -> Callable[[AnyPass], AnyPass]:
    """The pass of rules, which has a wrong one before all others.  It applies once."""

    def changed(step: AnyPass) -> AnyPass:
        assert isinstance(step, Throughout), step
        assert isinstance(step.step, Rewrite), step
        done: list[Node] = []

        def once(match: Match) -> Node | None:
            found = None if done else change(match.node)
            if found is not None:
                done.append(found)
            return found

        rule = Rule(on(of), once, exact=exact, because="it is wrong", called=name)
        return Throughout(replace(step.step, rules=(rule, *step.step.rules)))

    return changed


def everywhere(change: Change) -> Callable[[Graph], Graph]:
    """A graph, and all bodies in it, with each node replaced by `change` of it where that gives one."""

    def changed(graph: Graph) -> Graph:
        return with_changed_bodies(graph, changed).map(or_itself(change))

    return changed


def or_itself(change: Change) -> Callable[[Node], Node]:
    """What `change` gives, or the node."""

    def changed(node: Node) -> Node:
        found = change(node)
        return node if found is None else found

    return changed
