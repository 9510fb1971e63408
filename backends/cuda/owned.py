"""Locals of rows that threads keep in registers: each thread reads of them what it has written itself."""

from collections.abc import Iterator, Mapping

from graphc.backends.cuda.row_vectors import is_wide
from graphc.backends.cuda.teams import KernelPlan, Shared
from graphc.kernel.accesses import Access
from graphc.kernel.buffer import Buffer
from graphc.kernel.steps import Prefix

__all__ = ["owned_locals", "side_by_side"]

MOST_EACH = 32  # elements of one local that a thread keeps
MOST = 64  # registers that all of them take
REGISTER = 4  # bytes


def owned_locals(plan: KernelPlan, width: int) -> Mapping[Buffer, int]:
    """How many elements a thread has of each such local, where it takes `width` of a row side by side."""
    found: dict[Buffer, int] = {}
    registers = 0
    if plan.team.threads == 1:
        return found
    totals = {total.result for total in plan.kernel.totals}
    for local in plan.kernel.locals:
        extents = {_extent(shared, local) for shared in plan.stages if _touches(shared, local)}
        extent = extents.pop() if len(extents) == 1 else 0
        beside = side_by_side(plan, local, width)
        each = -(-extent // (plan.team.threads * beside)) * beside
        is_last = any(_touches(shared, local) for shared in plan.last) and local not in totals
        taken = registers + each * -(-local.dtype.itemsize // REGISTER)
        if extent and not is_last and each <= MOST_EACH and taken <= MOST:
            found[local], registers = each, taken
    return found


def side_by_side(plan: KernelPlan, local: Buffer, width: int) -> int:
    """How many elements of a local that threads keep a thread takes side by side, where it takes `width` of rows."""
    touching = [shared for shared in plan.stages if _touches(shared, local)]
    return width if any(is_wide(shared, plan.team, width) for shared in touching) else 1


def _touches(shared: Shared, local: Buffer) -> bool:
    return any(access.buffer is local for access in shared.plan.accesses)


def _extent(shared: Shared, local: Buffer) -> int:
    """The extent of the axis along which a stage shares the elements of a local among threads; 0 where it does not."""
    if shared.serial or len(shared.free) != 1 or not local.shape:
        return 0
    if any(isinstance(effect, Prefix) for effect in shared.plan.stage.effects):
        return 0
    (axis,) = shared.free
    if not isinstance(axis.extent, int) or any(dict(x.terms) != {axis: 1} or x.offset != 0 for x in _of(shared, local)):
        return 0
    return axis.extent


def _of(shared: Shared, local: Buffer) -> Iterator[Access]:
    return (access for access in shared.plan.accesses if access.buffer is local)
