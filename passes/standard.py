"""The order of passes, top to bottom."""

from collections.abc import Mapping, Sequence

from graphc.ir.control import Structured
from graphc.ir.graph import Graph
from graphc.kernel.target import Target
from graphc.passes.demands import CollectDemands
from graphc.passes.fold import FoldConstants
from graphc.passes.fold_arrays import FoldArrays
from graphc.passes.hoist import HoistFromLoops
from graphc.passes.join_loops import JoinLoops
from graphc.passes.keep_carries import KeepCarries
from graphc.passes.lower import Lowered
from graphc.passes.pipeline import Trace
from graphc.passes.rewrite import Rewrite, Rule
from graphc.passes.rules.arithmetic import ARITHMETIC
from graphc.passes.rules.contraction import CONTRACTION
from graphc.passes.rules.indexing import INDEXING
from graphc.passes.rules.logic import LOGIC
from graphc.passes.rules.movement import MOVEMENT
from graphc.passes.rules.one_hot import ONE_HOT
from graphc.passes.rules.placement import PLACEMENT
from graphc.passes.rules.powers import POWERS
from graphc.passes.rules.reduction import REDUCTION
from graphc.passes.share import ShareSubexpressions
from graphc.passes.steps import (
    AccumulateProducts,
    CommitInPlace,
    ComputeInOutputs,
    Fuse,
    HoldCarries,
    Lower,
    ReuseStorage,
    Separate,
)
from graphc.passes.throughout import Throughout
from graphc.passes.trim_loops import TrimLoops

__all__ = ["ALL_RULES", "RULES", "improve", "rules"]

#: the rules by their subjects; of several that apply to a node the first one does
RULES: Mapping[str, Sequence[Rule]] = {
    "Arithmetic": ARITHMETIC,
    "Powers, magnitudes, extremes": POWERS,
    "Bools, bits, choices": LOGIC,
    "Movement": MOVEMENT,
    "Slices and concatenations": PLACEMENT,
    "Reductions": REDUCTION,
    "One-hot arrays": ONE_HOT,
    "Products of matrices": CONTRACTION,
    "Lookups and scatters": INDEXING,
}
ALL_RULES = tuple(rule for rules in RULES.values() for rule in rules)


def rules(level: int) -> tuple[Rule, ...]:
    """The rules of a level: exact ones from 1, all from 2."""
    return ALL_RULES if level >= 2 else tuple(rule for rule in ALL_RULES if rule.exact)


def improve(graph: Graph, target: Target, level: int, trace: Trace) -> Lowered:
    """A graph as a program for `target`.  Each pass is recorded in `trace`."""
    has_bodies = any(isinstance(node.op, Structured) for node in graph.nodes)
    if level >= 1 and has_bodies:
        graph = trace.apply(JoinLoops(), graph)
    graph = trace.apply(CollectDemands(), graph)
    if level >= 1:
        graph = trace.apply(Throughout(FoldConstants()), graph)
        graph = trace.apply(Throughout(ShareSubexpressions()), graph)
        graph = trace.apply(Throughout(Rewrite(rules(level))), graph)
        if has_bodies:
            graph = trace.apply(TrimLoops(), graph)
            graph = trace.apply(HoistFromLoops(products=level >= 2), graph)
            graph = trace.apply(TrimLoops(), graph)
    if level >= 2:
        graph = trace.apply(Throughout(FoldArrays()), graph)
    if level >= 1 and has_bodies:
        graph = trace.apply(Throughout(KeepCarries()), graph)
    units = trace.apply(Fuse(target) if level >= 1 else Separate(), graph)
    lowered = trace.apply(Lower(), units)
    lowered = trace.apply(CommitInPlace(), lowered)
    if has_bodies:
        lowered = trace.apply(HoldCarries(), lowered)
        if level >= 2:
            lowered = trace.apply(AccumulateProducts(), lowered)
    lowered = trace.apply(ComputeInOutputs(), lowered)
    return trace.apply(ReuseStorage(), lowered)
