"""Stages of a kernel, each over all of its axes, and which are better one."""

from collections.abc import Sequence

from graphc.kernel.buffer import Role
from graphc.kernel.indices import Affine, affine_of
from graphc.kernel.scalar import Call, Formula, Let, Load
from graphc.kernel.steps import Kernel, Stage, Store
from graphc.passes.meeting import Place, met
from graphc.sizes import estimate, product
from graphc.types import INT64

__all__ = [
    "LARGEST",
    "joined_stages",
    "only_stores",
    "points",
    "wholes",
]

LARGEST = 256  # lets of all formulas of a kernel that does what two do


def wholes(kernel: Kernel) -> Sequence[Stage]:
    """The stages of a kernel, each over all of its axes."""
    return [Stage((*kernel.outer, *stage.inner), stage.lets, stage.effects) for stage in kernel.stages]


def only_stores(stage: Stage) -> bool:
    """Whether a stage stores elements that it combines with nothing."""
    return not stage.is_last and all(
        isinstance(effect, Store) and effect.combine is None and effect.buffer.role is not Role.LOCAL
        for effect in stage.effects
    )


def points(stage: Stage) -> float:
    """How many points a stage over all of its axes has."""
    return estimate(product([axis.extent for axis in stage.inner]))


# Stages that share what they compute.


def joined_stages(stages: Sequence[Stage]) -> Sequence[Stage]:
    """Stages, those as one that follow each other, only store, and share what they compute at the same points."""
    found: list[Stage] = []
    for stage in stages:
        both = _both(found[-1], stage) if found else None
        if both is None:
            found.append(stage)
        else:
            found[-1] = both
    return found


def _both(first: Stage, second: Stage) -> Stage | None:
    """What two stages do at the same points; None where these differ, or nothing is shared, or order matters."""
    if first.inner != second.inner or not only_stores(first) or not only_stores(second):
        return None
    formula = Formula()
    effects: list[Store] = []
    for stage in (first, second):
        numbers: list[int] = []
        for let in stage.lets:
            numbers.append(formula.copied(let, numbers))
        for x in stage.effects:
            assert isinstance(x, Store), x
            effects.append(x.renumbered(numbers))
    if len(formula.lets) > LARGEST or _values(formula.lets) == _values(first.lets) + _values(second.lets):
        return None
    affine = affine_of(formula.lets)
    before, after = effects[: len(first.effects)], effects[len(first.effects) :]
    if not all(_are_apart(one, other, affine) for one in before for other in after):
        return None
    return Stage(first.inner, tuple(formula.lets), tuple(effects))


def _values(lets: Sequence[Let]) -> int:
    """How many of these are no places."""
    return sum(isinstance(let, Load) or (isinstance(let, Call) and let.dtype != INT64) for let in lets)


def _are_apart(one: Store, other: Store, affine: Sequence[Affine | None]) -> bool:
    """Whether two stores never meet in an element, at whichever points."""
    if one.buffer.root is not other.buffer.root:
        return True
    if one.buffer is not other.buffer:  # the same elements under two shapes
        return False
    return any(_differ(affine[left], affine[right]) for left, right in zip(one.index, other.index, strict=True))


def _differ(one: Affine | None, other: Affine | None) -> bool:
    """Whether parts of two indices are nowhere the same."""
    left, right = Place.of(one), Place.of(other)
    found = None if left is None or right is None else met(left, right)
    return found is not None and found[0].count == 0
