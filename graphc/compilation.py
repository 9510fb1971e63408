"""One compilation: what is asked for, and every stage on the way to code."""

from dataclasses import field
from itertools import count
from typing import TYPE_CHECKING, final

from graphc.arguments import hints_of
from graphc.backends.backend import Artifact, Backend, Loaded
from graphc.collector import waiting
from graphc.dataclass import dataclass
from graphc.ir.graph import Graph
from graphc.kernel.outline import outline_of
from graphc.passes.lower import Lowered
from graphc.passes.memory import Layout, layout
from graphc.passes.pipeline import Trace
from graphc.passes.precision import NarrowProducts
from graphc.passes.rematerialise import Budget
from graphc.passes.standard import improve, standard
from graphc.passes.throughout import Throughout
from graphc.runnable import Options, Runnable

if TYPE_CHECKING:
    from graphc.verification.verification import Verification

__all__ = ["Compilation"]

_numbers = count()  # names of generated sources, for debuggers and tracebacks only


@final
@dataclass(eq=False)
class Compilation:
    """A graph as a program, as text and in memory.  It runs when it is made.

    verify  whether what every stage gives is compared with what it was given
    """

    graph: Graph
    backend: Backend
    options: Options
    verify: bool = False
    trace: Trace = field(default_factory=Trace)
    lowered: Lowered = field(init=False)
    artifact: Artifact = field(init=False)
    layout: Layout = field(init=False)

    def __post_init__(self) -> None:
        if self.options.room is not None:
            self.backend = self.backend.sparing
        graph, backend, options, trace = self.graph, self.backend, self.options, self.trace
        with waiting():
            asked = graph
            if options.narrow is not None:
                asked = trace.apply(Throughout(NarrowProducts(options.narrow)), graph)
            verification = _watching(trace, asked) if self.verify else None
            budget = None if options.room is None else Budget(options.room, self._peak_bytes)
            self.lowered = improve(asked, standard(asked, backend.target, options.level, budget), trace)
            self.artifact = trace.stage("emit", self.lowered, lambda form: backend.emit(form.program))
            if verification is not None and backend.runs_here:
                verification.examine_artifact(self.lowered, self.artifact, backend)
            self.layout = trace.stage("plan", self.artifact, lambda text: self._layout(self.lowered, text))

    def runnable(self) -> Runnable:
        """The code, loaded."""
        name = f"graphc-{next(_numbers)}.py"
        with waiting():
            loaded: Loaded = self.trace.stage("load", self.artifact, lambda text: self.backend.load(text, name))
            return Runnable(
                outline_of(self.lowered.program),
                self.lowered.variables,
                self.lowered.constants,
                self.layout,
                self.artifact.rooms,
                self.artifact.library,
                loaded,
            )

    def _layout(self, lowered: Lowered, artifact: Artifact) -> Layout:
        return layout(lowered.program, artifact.rooms, self.backend.target.alignment)

    def _peak_bytes(self, lowered: Lowered) -> int:
        """How large the arena of a program is where sizes have the values of their hints."""
        sizes = hints_of(self.graph.inputs, lowered.program.symbols)
        return self._layout(lowered, self.backend.emit(lowered.program)).place(sizes).peak_bytes


def _watching(trace: Trace, graph: Graph) -> "Verification":
    """What examines every stage of a compilation.  It is large, and loaded when it is asked for."""
    from graphc.verification.verification import Verification

    verification = Verification(graph)
    verification.watch(trace)
    return verification
