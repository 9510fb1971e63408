"""Scatters: which elements a thread looks after, where points that may meet in one are walked in order."""

from graphc.backends.cuda.teams import KernelPlan
from graphc.kernel.scalar import Call, Load
from graphc.kernel.stages import StagePlan
from graphc.kernel.steps import Store
from graphc.sizes import estimate, product

__all__ = ["SHARES", "lets_behind", "shares_of"]

SHARES = 32  # threads that look at every point, and take those whose element is theirs
LONG = 64  # points that one thread would walk alone


def shares_of(plan: KernelPlan) -> int:
    """Among how many threads the elements of a row are shared: 1, unless places are data and points many."""
    if plan.rows == 0 or plan.team.threads > 1 or len(plan.stages) != 1 or plan.last or plan.kernel.locals:
        return 1
    stage = plan.stages[0].plan
    if len(stage.stage.effects) != 1 or not isinstance(stage.stage.effects[0], Store) or not stage.places[0][0].data:
        return 1
    extent = product(axis.extent for axis in stage.inner)
    return SHARES if stage.inner and (not isinstance(extent, int) or estimate(extent) >= LONG) else 1


def lets_behind(stage: StagePlan, wanted: list[int]) -> list[int]:
    """The lets that some of a stage are made of, and these, in order."""
    found: set[int] = set()
    waiting = list(wanted)
    while waiting:
        number = waiting.pop()
        if number in found or number not in stage.needed:
            continue
        found.add(number)
        match stage.stage.lets[number]:
            case Call(args=args) if stage.affine[number] is None:
                waiting += args
            case Load(index=index, guard=guard, otherwise=otherwise):
                waiting += [*index, *(n for n in (guard, otherwise) if n is not None)]
    return sorted(found)
