"""Elements that several stages of a row read: read once, and kept for the later ones."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.indices import Affine, affine_of
from graphc.kernel.scalar import AxisIndex, Let, Load
from graphc.kernel.steps import Kernel, Stage, Store

__all__ = ["with_loads_kept"]

Place: TypeAlias = tuple[Buffer, tuple[Affine, ...]]


def with_loads_kept(kernel: Kernel, owner: Callable[[Buffer], Buffer]) -> Kernel:
    """The kernel with a local for each array that several stages read element by element along the same axis."""
    written = {owner(buffer) for buffer in kernel.writes}
    seen: dict[Place, int] = {}
    for stage in kernel.stages:
        for place in {place for _, place, _ in _reads(stage, written, owner)}:
            seen[place] = seen.get(place, 0) + 1
    again = [place for place, count in seen.items() if count > 1]
    locals: dict[Place, Buffer] = {}
    stages: list[Stage] = []
    for stage in kernel.stages:
        lets, effects = list(stage.lets), list(stage.effects)
        for number, place, along in _reads(stage, written, owner):
            if place not in again:
                continue
            if place in locals:
                lets[number] = Load(locals[place], (along,), place[0].dtype)
            else:
                (axis,) = stage.inner
                local = Buffer(Role.LOCAL, place[0].dtype, (axis.extent,))
                effects.append(Store(local, (along,), number))
                locals[place] = local
        stages.append(replace(stage, lets=tuple(lets), effects=tuple(effects)))
    return Kernel(kernel.outer, tuple(stages), kernel.origins) if locals else kernel


def _reads(stage: Stage, written: set[Buffer], owner: Callable[[Buffer], Buffer]) -> Iterator[tuple[int, Place, int]]:
    """The loads of a stage that stand for each element of a row once: the let, the place, the let of the axis."""
    if stage.is_last or len(stage.inner) != 1:
        return
    (axis,) = stage.inner
    affine = affine_of(stage.lets)
    for number, let in enumerate(stage.lets):
        if not isinstance(let, Load) or let.guard is not None or let.buffer.role is Role.LOCAL:
            continue
        along = [part for part in let.index if _is_axis(stage.lets[part], axis.number)]
        parts = [affine[part] for part in let.index]
        if along and None not in parts and owner(let.buffer) not in written:
            yield number, (let.buffer, tuple([part for part in parts if part is not None])), along[0]


def _is_axis(let: Let, number: int) -> bool:
    return isinstance(let, AxisIndex) and let.axis.number == number
