"""The order of passes, top to bottom."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from math import inf
from typing import Any, TypeAlias

from graphc.ir.control import Structured
from graphc.ir.graph import Graph
from graphc.kernel.target import Target
from graphc.passes.again import ComputeAgain, has_regions
from graphc.passes.demands import CollectDemands
from graphc.passes.fold import FoldConstants
from graphc.passes.fold_arrays import FoldArrays
from graphc.passes.gathered import GatherWindows
from graphc.passes.hoist import HoistFromLoops
from graphc.passes.join_loops import JoinLoops
from graphc.passes.keep_carries import KeepCarries
from graphc.passes.lower import Lowered
from graphc.passes.pipeline import Pass, Trace
from graphc.passes.rematerialise import Budget, Rematerialise
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
from graphc.passes.rules.stability import STABILITY
from graphc.passes.rules.windows import WINDOWS
from graphc.passes.share import ShareSubexpressions
from graphc.passes.sink import SinkFromLoops
from graphc.passes.stabilise import Stabilise
from graphc.passes.steps import (
    AccumulateProducts,
    CommitInPlace,
    ComputeFromSizes,
    ComputeInOutputs,
    Forward,
    Fuse,
    HoldCarries,
    JoinEpilogues,
    JoinRepeats,
    JoinStages,
    Lower,
    OrderSteps,
    ReadNarrow,
    ReadUnpadded,
    ReuseStorage,
    Separate,
    SplitAxes,
    TurnOperands,
    WalkInChunks,
)
from graphc.passes.throughout import Throughout
from graphc.passes.trim_loops import TrimLoops
from graphc.passes.winograd import Winograd
from graphc.types import DType

__all__ = ["ALL_RULES", "RULES", "AnyPass", "improve", "is_structured", "rules", "standard"]

AnyPass: TypeAlias = Pass[Any, Any]  # Any: the three forms

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
    "Convolutions": WINDOWS,
    "Lookups and scatters": INDEXING,
    "Digits and ranges": STABILITY,
}
ALL_RULES = tuple(rule for rules in RULES.values() for rule in rules)


def rules(level: int) -> tuple[Rule, ...]:
    """The rules of a level: exact ones from 1, all from 2."""
    return ALL_RULES if level >= 2 else tuple(rule for rule in ALL_RULES if rule.exact)


@cache
def _rewriting(level: int) -> Rewrite:
    """The pass that applies them, which keeps what it has found out about them."""
    return Rewrite(rules(level))


def standard(graph: Graph, target: Target, level: int, budget: Budget | None = None) -> tuple[AnyPass, ...]:
    """The passes of a level, in order, but for those that a graph without loops, branches or regions has no use for."""
    has_bodies = is_structured(graph)
    patient = target if budget is None else replace(target, undisturbed=inf)  # rather than take more memory
    last = tuple(_to_program(patient, level, has_bodies))
    fitting = () if budget is None else (Rematerialise(budget, lambda form: improve(form, last, Trace())),)
    sunk = () if budget else target.tiled
    return (*_over_graphs(target, sunk, level, has_bodies, has_regions(graph)), *fitting, *last)


def _over_graphs(
    target: Target, sunk: Sequence[DType], level: int, has_bodies: bool, has_regions: bool
) -> Iterator[AnyPass]:
    is_exact, is_free = level >= 1, level >= 2  # `is_free`: last bits may change
    if is_exact and has_bodies:
        yield JoinLoops()
    yield CollectDemands()
    if is_exact:
        yield Throughout(FoldConstants())
        yield Throughout(ShareSubexpressions())
    if is_free:
        yield Throughout(Stabilise())
    if is_exact:
        yield Throughout(_rewriting(level))
    if is_free and target.reads_outside:
        yield Throughout(GatherWindows())
    if is_free and target.tiled:
        yield Throughout(Winograd(target))
    if is_exact and has_bodies:
        yield TrimLoops()
        yield HoistFromLoops(products=is_free)
        if is_free and sunk:
            yield SinkFromLoops(sunk)
        yield TrimLoops()
    if is_free:
        yield Throughout(FoldArrays())
    if is_exact and has_bodies:
        yield Throughout(KeepCarries())
    if has_regions:
        yield Throughout(ComputeAgain())


def _to_program(target: Target, level: int, has_bodies: bool) -> Iterator[AnyPass]:
    is_exact, is_free = level >= 1, level >= 2
    yield Fuse(target) if is_exact else Separate()
    yield Lower()
    if is_exact:
        yield ComputeFromSizes(target)
    if is_exact and target.reads_outside:
        yield ReadUnpadded()
    if is_exact and target.reads_narrow:
        yield ReadNarrow()
    yield CommitInPlace(target)
    if has_bodies:
        yield HoldCarries()
    if is_free and has_bodies:
        yield AccumulateProducts()
        if target.tiled:
            yield TurnOperands(target.tiled)
    yield ComputeInOutputs()
    if is_exact:
        yield JoinEpilogues()
        yield Forward(target)
        yield SplitAxes()
        yield JoinRepeats(target)
        if not target.let:  # where each let is a call, what is shared would be kept in memory
            yield JoinStages()
        if target.chunk_bytes:
            yield WalkInChunks(target)
        yield OrderSteps(target.alignment)
    yield ReuseStorage()


def improve(graph: Graph, passes: Iterable[AnyPass], trace: Trace) -> Lowered:
    """A graph as a program.  Each pass is recorded in `trace`."""
    form: Any = graph  # Any: what one pass gives is what the next one takes
    for each in passes:
        form = trace.apply(each, form)
    assert isinstance(form, Lowered), form
    return form


def is_structured(graph: Graph) -> bool:
    """Whether a graph has loops or branches."""
    return graph.has(Structured)
