"""Stages of a kernel that walk the same points, and share what they compute there, as one."""

from collections.abc import Collection, Sequence

from graphc.kernel.buffer import Buffer
from graphc.kernel.program import Program
from graphc.kernel.steps import Kernel, Step
from graphc.passes.pipeline import Log
from graphc.passes.stages import joined_stages
from graphc.passes.step_lists import over_lists

__all__ = ["join_stages"]


def join_stages(program: Program, log: Log) -> Program:
    """Let what several stages of a kernel compute at the same points be computed once for all of them.

    So the parts of an array that are made of the same elements, as those of a tile, are made in one pass over these.
    """

    def joined(steps: Sequence[Step], _: Collection[Buffer]) -> Sequence[Step]:
        return [_joined(step, log) if isinstance(step, Kernel) else step for step in steps]

    return over_lists(program, joined)


def _joined(kernel: Kernel, log: Log) -> Kernel:
    if len(kernel.stages) < 2 or {x.root for x in kernel.reads} & {x.root for x in kernel.writes}:
        return kernel
    stages = joined_stages(kernel.stages)
    if len(stages) == len(kernel.stages):
        return kernel
    log.note(f"{len(kernel.stages)} stages share what they compute: {len(stages)}", kernel.origins[0])
    return Kernel(kernel.outer, tuple(stages), kernel.origins)
