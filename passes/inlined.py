"""Computing what one kernel makes wherever another one reads it, at any places."""

from collections.abc import Mapping

from graphc.kernel.buffer import Buffer
from graphc.kernel.scalar import Formula, Load
from graphc.kernel.steps import Kernel, Stage, Store
from graphc.kernel.target import Target
from graphc.passes.pairs import Both, in_place_of
from graphc.passes.parts import Parts, parts_of
from graphc.passes.split_axes import split_kernel
from graphc.passes.stages import LARGEST, only_stores, trimmed, wholes

__all__ = ["inlined"]

MOST = 4 * LARGEST  # lets of elements, before what they share is made once


def inlined(maker: Kernel, reader: Kernel, target: Target) -> Both | None:
    """The axes and stages of a kernel that computes elements of arrays where it reads them, and keeps no such array.

    None where that cannot be, or takes longer than two kernels.
    """
    if not all(map(only_stores, reader.stages)):
        return None
    if {buffer.root for buffer in reader.writes} & {buffer.root for buffer in (*maker.reads, *reader.reads)}:
        return None
    arrays = parts_of(maker)
    if arrays is None:
        return None
    loads = [let for stage in reader.stages for let in stage.lets if isinstance(let, Load)]
    times = sum(let.buffer.root in arrays for let in loads)
    if times * sum(len(stage.lets) for stage in maker.stages) > MOST:
        return None
    apart = _computing_each(reader, arrays)
    grouped = _computing_each(reader, {array: parts.grouped() for array, parts in arrays.items()})
    ways = [grouped, apart] if grouped.stages != apart.stages else [apart]
    if target.let:  # where each let is a call, arrays that are filled cost less than places that are asked for
        ways = [way for way in ways if not _asks(way)]
    return in_place_of(maker, reader, target, *map(wholes, ways))


def _asks(kernel: Kernel) -> bool:
    """Whether a kernel reads something only where a condition holds."""
    return any(isinstance(let, Load) and let.guard is not None for stage in kernel.stages for let in stage.lets)


def _computing_each(reader: Kernel, arrays: Mapping[Buffer, Parts]) -> Kernel:
    """A kernel that computes elements of arrays which it reads."""
    stages = tuple([_computing(stage, arrays) for stage in reader.stages])
    return split_kernel(Kernel(reader.outer, stages, reader.origins))


def _computing(stage: Stage, arrays: Mapping[Buffer, Parts]) -> Stage:
    """A stage that computes elements of arrays which it reads."""
    formula = Formula()
    numbers: list[int] = []
    for let in stage.lets:
        if not isinstance(let, Load) or let.buffer.root not in arrays:
            numbers.append(formula.copied(let, numbers))
            continue
        guard = None if let.guard is None else numbers[let.guard]
        otherwise = None if let.otherwise is None else numbers[let.otherwise]
        index = [numbers[part] for part in let.index]
        numbers.append(arrays[let.buffer.root].written(formula, let, index, guard, otherwise))
    effects = [effect.renumbered(numbers) for effect in stage.effects if isinstance(effect, Store)]
    return trimmed(Stage(stage.inner, tuple(formula.lets), tuple(effects)))
