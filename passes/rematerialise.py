"""A memory budget: what does not fit is not kept, but computed again."""

from collections.abc import Callable, Iterator
from typing import ClassVar, final

from graphc.dataclass import dataclass
from graphc.errors import MemoryBudgetError
from graphc.ir.graph import Graph
from graphc.passes.lower import Lowered
from graphc.passes.pipeline import Log, Pass
from graphc.passes.segments import Again, work

__all__ = ["Budget", "Rematerialise"]


@final
@dataclass(frozen=True, eq=False)
class Budget:
    """So many bytes, and how many a program takes."""

    bytes: int
    peak_bytes: Callable[[Lowered], int]


@final
@dataclass(frozen=True, eq=False)
class Rematerialise(Pass[Graph, Graph]):
    """Compute values again, so that the program fits in a budget.  Raises MemoryBudgetError where none is found.

    Ways to do so are tried, the one with the least work first: the program of each is made, and its memory placed.
    The ways do not depend on the budget, and the first that fits is taken; so a smaller budget never takes more.
    No pass that merges nodes may follow.
    """

    budget: Budget
    lowered: Callable[[Graph], Lowered]
    name: ClassVar[str] = "rematerialise"

    def run(self, form: Graph, log: Log) -> Graph:
        least: int | None = None
        for way in _ways(form):
            peak = self.budget.peak_bytes(self.lowered(way.graph))
            if peak <= self.budget.bytes:
                self._note(form, way, peak, log)
                return way.graph
            least = peak if least is None else min(peak, least)
        problem = f"compile: no way is found to compute this in {self.budget.bytes:,} bytes of memory"
        raise MemoryBudgetError(problem, hint=f"the least is memory={least}; sizes count as their hints")

    def _note(self, form: Graph, way: Again, peak: int, log: Log) -> None:
        if not form.nodes or way.graph is form:
            return
        origin = (form.outputs or form.nodes)[0].origin
        before = sum(map(work, form.nodes)) or 1
        log.note(f"{way.bytes:,} bytes are not kept, for {100 * way.work / before:.1f} % more operations", origin)
        log.note(f"the arena takes {peak:,} bytes", origin)
        for node in way.copied:
            log.note(f"{node.op.name} computed again", node.origin)


LARGE = 4000  # nodes: of larger graphs fewer ways are looked at
LEAST = 50  # so many times less is not looked for at once
GAIN = 0.95  # a way with more work is looked at if it takes so much less


def _ways(graph: Graph) -> Iterator[Again]:
    """The graph as it is, in a short order, and with more and more that is computed again."""
    yield Again(graph)
    ordered = Again(Again(graph).line.ordered())
    yield ordered
    finest = 0.8 if len(graph.nodes) < LARGE else 0.64
    cheap = list(_with_less(ordered, finest**2, products=False))
    dear = list(_with_less(ordered, finest, products=True))
    twice = list(_with_less(min(dear, key=_peak), finest**2, products=True)) if dear else []
    least = _peak(ordered)
    for way in sorted((*cheap, *dear, *twice), key=lambda way: way.work):
        if _peak(way) < GAIN * least:
            least = _peak(way)
            yield way


def _with_less(start: Again, factor: float, *, products: bool) -> Iterator[Again]:
    """Ways in which less and less lives across the peak, each `factor` of the one before."""
    bytes = factor * start.peak_bytes
    while bytes * LEAST > start.peak_bytes:
        found = start.further(bytes, products=products)
        if found is None or not found.copied:
            break
        yield found
        bytes *= factor


def _peak(way: Again) -> int:
    return way.peak_bytes
