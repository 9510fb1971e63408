"""The order of passes, top to bottom."""

from graphc.ir.graph import Graph
from graphc.kernel.target import Target
from graphc.passes.lower import Lowered
from graphc.passes.pipeline import Trace
from graphc.passes.share import ShareSubexpressions
from graphc.passes.steps import CommitInPlace, Fuse, Lower, ReuseStorage

__all__ = ["improve"]


def improve(graph: Graph, target: Target, level: int, trace: Trace) -> Lowered:
    """A graph as a program for `target`.  Each pass is recorded in `trace`."""
    if level >= 1:
        graph = trace.apply(ShareSubexpressions(), graph)
    units = trace.apply(Fuse(target), graph)
    lowered = trace.apply(Lower(), units)
    lowered = trace.apply(CommitInPlace(), lowered)
    return trace.apply(ReuseStorage(), lowered)
