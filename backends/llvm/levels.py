"""How many loops a let of a kernel stands in."""

from collections.abc import Mapping

from graphc.backends.llvm.plans import Plan
from graphc.kernel.buffer import Role
from graphc.kernel.scalar import Axis, Call, Load
from graphc.kernel.stages import StagePlan

__all__ = ["levels_of"]


def levels_of(plan: Plan, stage: StagePlan, places: Mapping[Axis, int], row: int) -> Mapping[int, int]:
    """For each needed let the loop that it stands in; those that must follow an earlier stage stand in the row."""
    inner = {axis: row + depth for depth, axis in enumerate(stage.inner, start=1)}
    depths = {**places, **inner}
    levels: dict[int, int] = {}
    for number in sorted(stage.needed):
        affine, let = stage.affine[number], stage.stage.lets[number]
        if affine is not None:
            levels[number] = max((depths[axis] for axis, _ in affine.terms), default=0)
            continue
        match let:
            case Load(guard=guard, otherwise=otherwise):
                access = stage.loads[number]
                others = [n for n in (guard, otherwise) if n is not None] + [n for n, _ in access.data]
                level = max((levels[n] for n in others), default=0)
                level = max([level, *(depths[axis] for axis in access.terms)])
                is_own = let.buffer.role is Role.LOCAL or let.buffer.root in plan.written
                levels[number] = max(level, row) if is_own or access.data else level
            case Call(args=args):
                levels[number] = max((levels[n] for n in args), default=0)
            case _:
                levels[number] = 0
    return levels
