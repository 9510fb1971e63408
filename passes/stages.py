"""Stages of a kernel: what they take, and which are better one."""

from collections.abc import Sequence

from graphc.kernel.buffer import Role
from graphc.kernel.costs import additions
from graphc.kernel.indices import Affine, affine_of, behind
from graphc.kernel.scalar import Axis, AxisIndex, Call, Fn, Formula, Let, Load
from graphc.kernel.steps import Kernel, Stage, Store
from graphc.kernel.target import Target
from graphc.passes.costs import moving
from graphc.passes.meeting import Place, met
from graphc.sizes import estimate, product
from graphc.types import INT64

__all__ = [
    "LARGEST",
    "joined_stages",
    "only_stores",
    "points",
    "time_of",
    "walked_by_loads",
    "walked_by_values",
    "wholes",
]

LARGEST = 256  # lets of all formulas of a kernel that does what two do
HIDDEN = 0.75  # of what compiled code computes, while it waits for memory, or the other way round
LANES = 16  # elements that are computed side by side
DIVIDING = (Fn.FLOORDIV, Fn.MOD)


def wholes(kernel: Kernel) -> Sequence[Stage]:
    """The stages of a kernel, each over all of its axes."""
    return [Stage((*kernel.outer, *stage.inner), stage.lets, stage.effects) for stage in kernel.stages]


def only_stores(stage: Stage) -> bool:
    """Whether a stage stores elements that it combines with nothing."""
    return not stage.is_last and all(
        isinstance(effect, Store) and effect.combine is None and effect.buffer.role is not Role.LOCAL
        for effect in stage.effects
    )


# Costs.


def time_of(stage: Stage, target: Target, lane: Axis | None = None) -> float:
    """What a stage over all of its axes takes, in bytes.

    lane   the axis along which elements are computed side by side: the last one, where none is said
    """
    lane = stage.inner[-1] if lane is None and stage.inner else lane
    computing, traffic = _computing(stage, target, lane), _traffic(stage, target)
    hidden = 0.0 if target.let else HIDDEN * min(computing, traffic)
    return computing + traffic - hidden


def walked_by_values(stage: Stage) -> frozenset[Axis]:
    """The axes that something computed depends on."""
    seen = _axes_behind_all(stage)
    return frozenset().union(*[seen[number] for number in _calls(stage)])


def walked_by_loads(stage: Stage) -> frozenset[Axis]:
    """The axes that something read depends on."""
    seen = _axes_behind_all(stage)
    return frozenset().union(*[seen[number] for number, let in enumerate(stage.lets) if isinstance(let, Load)])


def _computing(stage: Stage, target: Target, lane: Axis | None) -> float:
    """What computing is worth, in bytes: of each let at as many points as the loops have that it stands in."""
    seen = _axes_behind_all(stage)
    work = 0.0
    for number in _calls(stage):
        let = stage.lets[number]
        work += additions([let]) * let.dtype.itemsize * _times(stage, seen[number], target, lane)
    return work * target.addition


def _calls(stage: Stage) -> Sequence[int]:
    """The lets that take time: additions and products of places do not."""
    needed = behind(stage, affine_of(stage.lets), lambda call, _: call.args)
    return [
        n
        for n in sorted(needed)
        if isinstance(let := stage.lets[n], Call) and (let.dtype != INT64 or let.fn in DIVIDING)
    ]


def _axes_behind_all(stage: Stage) -> Sequence[frozenset[Axis]]:
    """The axes that each let depends on."""
    seen: list[frozenset[Axis]] = []
    for let in stage.lets:
        seen.append(_axes_behind(let, seen))
    return seen


def _axes_behind(let: Let, seen: Sequence[frozenset[Axis]]) -> frozenset[Axis]:
    match let:
        case AxisIndex(axis=axis):
            return frozenset([axis])
        case Call(args=args):
            return frozenset().union(*[seen[number] for number in args])
        case Load(index=index, guard=guard, otherwise=otherwise):
            others = [number for number in (guard, otherwise) if number is not None]
            return frozenset().union(*[seen[number] for number in (*index, *others)])
    return frozenset()


def _times(stage: Stage, axes: frozenset[Axis], target: Target, lane: Axis | None) -> float:
    """How many elements take as long as what is computed that depends on these axes, in the loops that it stands in.

    One value takes as long as several side by side.
    """
    if target.let:
        return estimate(product([axis.extent for axis in axes]))
    deepest = max([place for place, axis in enumerate(stage.inner, 1) if axis in axes], default=0)
    count = estimate(product([axis.extent for axis in stage.inner[:deepest]]))
    return count if lane in axes else count * LANES


def _traffic(stage: Stage, target: Target) -> float:
    """What reading and writing is worth that a stage does, in bytes."""
    stored = [points(stage) * x.buffer.dtype.itemsize for x in stage.effects if isinstance(x, Store)]
    seen = _axes_behind_all(stage)
    read = [
        estimate(product([axis.extent for axis in seen[number]])) * let.buffer.dtype.itemsize
        for number, let in enumerate(stage.lets)
        if isinstance(let, Load)
    ]
    return sum([*stored, *read]) * moving(1, target, of=max([*stored, *read]))


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
