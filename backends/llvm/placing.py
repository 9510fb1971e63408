"""Kernels without rows that put arrays into others: each stage is a kernel of its own, whose rows chunks share."""

from collections.abc import Callable, Sequence

from graphc.kernel.buffer import Buffer
from graphc.kernel.indices import affine_of, axes_of, is_plain
from graphc.kernel.steps import Kernel, Stage, Store

__all__ = ["with_rows"]


def with_rows(kernel: Kernel, owner: Callable[[Buffer], Buffer]) -> Sequence[Kernel]:
    """The kernel as one for each stage where these leave each other nothing; else as it is.

    owner  the buffer whose bytes another has
    """
    if kernel.outer or kernel.locals or not all(map(_places, kernel.stages)):
        return [kernel]
    if {owner(buffer) for buffer in kernel.reads} & {owner(buffer) for buffer in kernel.writes}:
        return [kernel]
    return [Kernel(stage.inner, (Stage((), stage.lets, stage.effects),), kernel.origins) for stage in kernel.stages]


def _places(stage: Stage) -> bool:
    """Whether a stage stores each of its points where no other one is stored."""
    affine = affine_of(stage.lets)
    for effect in stage.effects:
        if not isinstance(effect, Store) or effect.combine is not None or stage.is_last:
            return False
        index = [part for place in effect.index if (part := affine[place]) is not None]
        if len(index) < len(effect.index) or not is_plain(index) or axes_of(index) != set(stage.inner):
            return False
    return True
