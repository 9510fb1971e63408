"""How much the interpreter has to do for a program."""

from collections.abc import Mapping, Sequence
from math import prod

from graphc.kernel.program import Program
from graphc.kernel.steps import Branch, Contract, Extern, Kernel, Loop, Step
from graphc.sizes import Size, evaluate

__all__ = ["work_of"]

_UNKNOWN = 4  # steps of a loop of which only a call knows how many it makes
_PER_PRODUCT = 6  # lets that one product is worth
_PER_ELEMENT = 20  # and one element of what a routine reads


def work_of(program: Program, sizes: Mapping[str, int]) -> int:
    """How many lets are computed, about, for these values of the sizes."""
    return _work(program.steps, sizes)


def _work(steps: Sequence[Step], sizes: Mapping[str, int]) -> int:
    # Recursion is over the depth to which loops and branches are nested.
    def count(extents: Sequence[Size]) -> int:
        return prod(evaluate(extent, sizes) for extent in extents)

    work = 0
    for step in steps:
        match step:
            case Kernel():
                inner = sum(count([axis.extent for axis in stage.inner]) * len(stage.lets) for stage in step.stages)
                work += count([axis.extent for axis in step.outer]) * inner
            case Contract():
                work += count(step.extents) * _PER_PRODUCT
            case Extern():
                work += sum(count(buffer.shape) for buffer in step.reads) * _PER_ELEMENT
            case Loop():
                times = _UNKNOWN if step.length is None else evaluate(step.length, sizes)
                work += times * _work(step.steps, sizes)
            case Branch():
                work += max(_work(part, sizes) for part in step.parts)
    return work
