"""Stages of a kernel, each over all of its axes, and which are better one."""

from collections.abc import Sequence
from dataclasses import replace

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.indices import Affine, affine_of, behind
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
    "trimmed",
    "wholes",
]

LARGEST = 512  # lets of all formulas of a kernel that does what two do


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


def trimmed(stage: Stage) -> Stage:
    """A stage that only stores, without lets that nothing needs."""
    formula = Formula()
    numbers: dict[int, int] = {}
    for number in sorted(behind(stage, [None] * len(stage.lets), lambda call, _: call.args)):
        numbers[number] = formula.copied(stage.lets[number], numbers)
    effects = [effect.renumbered(numbers) for effect in stage.effects if isinstance(effect, Store)]
    return replace(stage, lets=tuple(formula.lets), effects=tuple(effects))


# Stages that share what they compute.


def joined_stages(stages: Sequence[Stage]) -> Sequence[Stage]:
    """Stages, those as one that only store, and share what they compute at the same points, where order lets them."""
    found: list[Stage] = []
    reads: list[set[Buffer]] = []
    for stage in stages:
        read = {let.buffer.root for let in stage.lets if isinstance(let, Load)}
        number, both = _joint(found, reads, stage, read)
        if number < len(found):
            found[number], reads[number] = both, reads[number] | read
        else:
            found.append(both)
            reads.append(read)
    return found


def _joint(found: Sequence[Stage], reads: Sequence[set[Buffer]], stage: Stage, read: set[Buffer]) -> tuple[int, Stage]:
    """The number of the last stage that another one can be joined with, and both; or the next number, and the stage.

    reads   the arrays that each of the stages found reads, and `read`: those that the other one does
    """
    end = len(found)
    for number in reversed(range(max(end - _BACK, 0), end)):
        if found[number].inner != stage.inner or not _may_share(read, reads[number]):
            continue
        if not all(_are_free(other, stage) for other in found[number:end]):
            break
        end = number
        both = _both(found[number], stage)
        if both is not None:
            return number, both
    return len(found), stage


_BACK = 32  # stages, so that many are joined in a time that is linear in their number


def _may_share(read: set[Buffer], other: set[Buffer]) -> bool:
    """Whether stages that read these may compute the same: of an array, or both of none."""
    return not read.isdisjoint(other) or not (read or other)


def _are_free(first: Stage, second: Stage) -> bool:
    """Whether two stages may be made in any order: they only store, and never meet in an element."""
    if not only_stores(first) or not only_stores(second):
        return False
    one, other = affine_of(first.lets), affine_of(second.lets)
    stores = [(x, y) for x in first.effects for y in second.effects if isinstance(x, Store) and isinstance(y, Store)]
    return all(_are_apart(x, one, y, other) for x, y in stores)


def _both(first: Stage, second: Stage) -> Stage | None:
    """What two stages of the same axes do; None where they share nothing."""
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
    return Stage(first.inner, tuple(formula.lets), tuple(effects))


def _values(lets: Sequence[Let]) -> int:
    """How many of these are no places."""
    return sum(isinstance(let, Load) or (isinstance(let, Call) and let.dtype != INT64) for let in lets)


def _are_apart(one: Store, its: Sequence[Affine | None], other: Store, others: Sequence[Affine | None]) -> bool:
    """Whether two stores, of stages with these places, never meet in an element, at whichever points."""
    if one.buffer.root is not other.buffer.root:
        return True
    if one.buffer is not other.buffer:  # the same elements under two shapes
        return False
    return any(_differ(its[left], others[right]) for left, right in zip(one.index, other.index, strict=True))


def _differ(one: Affine | None, other: Affine | None) -> bool:
    """Whether parts of two indices are nowhere the same."""
    left, right = Place.of(one), Place.of(other)
    found = None if left is None or right is None else met(left, right)
    return found is not None and found[0].count == 0
