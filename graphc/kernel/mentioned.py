"""The sizes that steps mention."""

from graphc.kernel.scalar import Load, SizeValue
from graphc.kernel.steps import (
    Branch,
    Check,
    Contract,
    Extern,
    IndexInRange,
    Kernel,
    Loop,
    SizesAgree,
    Step,
    buffers_of,
    targets,
)
from graphc.sizes import Size

__all__ = ["sizes_of"]


def sizes_of(step: Step) -> list[Size]:
    """Every size that a step mentions, those of steps inside it apart: of buffers, loops, indices and checks."""
    sizes: list[Size] = []
    match step:
        case Kernel():
            sizes += [axis.extent for axis in step.outer]
            for stage in step.stages:
                sizes += [axis.extent for axis in stage.inner]
                for let in stage.lets:
                    if isinstance(let, SizeValue):
                        sizes.append(let.size)
                    elif isinstance(let, Load):
                        sizes += let.buffer.shape
                for effect in stage.effects:
                    for buffer in targets(effect):
                        sizes += buffer.shape
        case Contract():
            sizes += [*step.extents, *step.left.shape, *step.right.shape, *step.out.shape]
            for part in (*step.left_index, *step.right_index, *step.out_index):
                sizes += [part.offset, *(coefficient for _, coefficient in part.terms)]
            sizes += [] if step.then is None else sizes_of(step.then)
        case Check(condition=SizesAgree(left=left, right=right)):
            sizes += [left, right]
        case Check(condition=IndexInRange(index=index, extent=extent)):
            sizes += [extent, *index.shape]
        case Extern() | Branch():
            for buffer in buffers_of(step):
                sizes += buffer.shape
        case Loop():
            sizes += [] if step.length is None else [step.length]
            for buffer in (*buffers_of(step), *step.rows):
                sizes += buffer.shape
    return sizes
