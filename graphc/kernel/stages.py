"""A stage with its accesses: what it reads and writes where, which lets that takes, and the axes it is walked along."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import cached_property
from typing import final

from graphc.dataclass import dataclass
from graphc.kernel.accesses import Access, access_of, merged_axes, place_of_row, with_axes
from graphc.kernel.indices import Affine, affine_of, behind
from graphc.kernel.monoids import BETTER
from graphc.kernel.rare import rare_lets
from graphc.kernel.scalar import Axis, AxisIndex, Load
from graphc.kernel.steps import Effect, Fold, Prefix, Stage, Store, Total
from graphc.types import INT64

__all__ = ["StagePlan", "merged_stage", "stage_plan"]


@final
@dataclass(frozen=True, eq=False)
class StagePlan:
    """A stage with its accesses.

    needed  the lets that are more than affine parts of places
    loads   let -> where it reads
    places  for each effect, where its results go
    inner   the axes that are walked, in order; lanes lie along the last one if `has_lanes`
    rare    choice that seldom holds -> the lets that only it needs
    """

    stage: Stage
    affine: Sequence[Affine | None]
    needed: frozenset[int]
    loads: Mapping[int, Access]
    places: Sequence[Sequence[Access]]
    inner: tuple[Axis, ...]
    has_lanes: bool = False
    rare: Mapping[int, Sequence[int]] = field(default_factory=dict)

    @cached_property
    def sunk(self) -> frozenset[int]:
        """The lets that are computed only where some lane asks for them."""
        return frozenset(number for listed in self.rare.values() for number in listed)

    @property
    def accesses(self) -> Iterator[Access]:
        """All of them."""
        yield from self.loads.values()
        for places in self.places:
            yield from places

    @property
    def used(self) -> frozenset[Axis]:
        """The axes whose place is read as a number, or that order what is done."""
        lets = self.stage.lets
        found = {lets[n].axis for n in self.needed if isinstance(lets[n], AxisIndex)}  # type: ignore[union-attr]
        for number in self.needed:
            affine = self.affine[number]
            if affine is not None:
                found.update(axis for axis, _ in affine.terms)
        for effect in self.stage.effects:
            if isinstance(effect, Prefix) or (isinstance(effect, Fold) and effect.monoid in BETTER):
                found.update(self.stage.inner)
        return frozenset(found)


def stage_plan(stage: Stage, outer: Sequence[Axis]) -> StagePlan:
    """The accesses of a stage of a kernel with these outer axes."""
    affine = [part if let.dtype == INT64 else None for part, let in zip(affine_of(stage.lets), stage.lets, strict=True)]
    places = [_places(effect, stage, affine, () if stage.is_last else outer) for effect in stage.effects]
    needed = behind(stage, affine, lambda call, number: call.args if affine[number] is None else ())
    loads = {n: access_of(let.buffer, let.index, affine) for n in needed if isinstance(let := stage.lets[n], Load)}
    inner = tuple(sorted(stage.inner, key=lambda axis: axis.number))
    return StagePlan(stage, affine, needed, loads, places, inner, rare=rare_lets(stage, needed))


def _places(effect: Effect, stage: Stage, affine: Sequence[Affine | None], outer: Sequence[Axis]) -> Sequence[Access]:
    match effect:
        case Store():
            return [access_of(effect.buffer, effect.index, affine)]
        case Total():
            return [access_of(effect.result, effect.index, affine)]
        case Prefix():
            return [place_of_row(effect.result, outer, stage.inner)]
        case Fold():
            return [place_of_row(buffer, outer) for buffer in effect.results]


def merged_stage(stage: StagePlan, became: Mapping[Axis, Axis | None], used: frozenset[Axis]) -> StagePlan:
    """The stage by the outer axes that others became, its own inner axes merged too."""
    if not stage.stage.is_last:
        stage = _by(stage, became)
    inner, own = merged_axes(stage.inner, list(stage.accesses), used)
    return replace(_by(stage, own), inner=tuple(inner))


def _by(stage: StagePlan, became: Mapping[Axis, Axis | None]) -> StagePlan:
    loads = {number: with_axes(access, became) for number, access in stage.loads.items()}
    return replace(stage, loads=loads, places=[[with_axes(x, became) for x in places] for places in stage.places])
