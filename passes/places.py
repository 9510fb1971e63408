"""Where a kernel reads and writes a buffer: what passes that share bytes need to know."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.nesting import with_parts
from graphc.kernel.scalar import Axis, AxisIndex, Const, Let, Load
from graphc.kernel.steps import (
    Branch,
    Check,
    Contract,
    Effect,
    Extern,
    Fold,
    IndexInRange,
    Kernel,
    Loop,
    Prefix,
    Stage,
    Step,
    Store,
    Total,
    targets,
)
from graphc.sizes import equal
from graphc.types import Shape

__all__ = [
    "Access",
    "all_substituted",
    "combines",
    "copied_by",
    "exchanged",
    "is_copy",
    "loads_at",
    "rewritten",
    "shown",
    "stores_at",
    "walked",
]


@dataclass(frozen=True, slots=True)
class Access:
    """A stage, and the axes of the index; None where an index is no plain axis."""

    stage: int
    index: tuple[Axis | int, ...] | None


def walked(lets: tuple[Let, ...], index: tuple[int, ...]) -> tuple[Axis | int, ...] | None:
    """The axes of an index, 0 where it stays at the first place; None where a part of it is anything else."""
    parts: list[Axis | int] = []
    for number in index:
        match lets[number]:
            case AxisIndex(axis=axis):
                parts.append(axis)
            case Const(value=0):
                parts.append(0)
            case _:
                return None
    return tuple(parts)


def loads_at(kernel: Kernel, buffer: Buffer) -> list[Access]:
    """Every reading of the bytes of `buffer`."""
    return [
        Access(number, walked(stage.lets, let.index))
        for number, stage in enumerate(kernel.stages)
        for let in stage.lets
        if isinstance(let, Load) and let.buffer.root is buffer.root
    ]


def stores_at(kernel: Kernel, buffer: Buffer) -> list[Access]:
    """Every writing of the bytes of `buffer`."""
    return [
        Access(number, walked(stage.lets, effect.index) if isinstance(effect, Store) else None)
        for number, stage in enumerate(kernel.stages)
        for effect in stage.effects
        if any(target.root is buffer.root for target in targets(effect))
    ]


def combines(kernel: Kernel, buffer: Buffer) -> bool:
    """Whether anything is combined into what a buffer holds."""
    return any(
        isinstance(effect, Store) and effect.buffer is buffer and effect.combine is not None
        for stage in kernel.stages
        for effect in stage.effects
    )


def is_copy(step: Step) -> tuple[Buffer, Buffer] | None:
    """(from, to) of a kernel that only copies, element for element."""
    if not isinstance(step, Kernel) or len(step.stages) != 1 or len(step.stages[0].effects) != 1:
        return None
    (stage,) = step.stages
    (effect,) = stage.effects
    if not isinstance(effect, Store) or effect.combine is not None:
        return None
    source = copied_by(stage, effect)
    return None if source is None else (source, effect.buffer)


def copied_by(stage: Stage, store: Store) -> Buffer | None:
    """The buffer of which a store copies every element to the same place of one of the same type; else None."""
    load = stage.lets[store.value]
    if not isinstance(load, Load) or load.index != store.index or load.guard is not None:
        return None
    source, out = load.buffer, store.buffer
    places = walked(stage.lets, store.index)
    if places is None or source.dtype != out.dtype or len(source.shape) != len(out.shape):
        return None
    axes = [axis for axis in places if isinstance(axis, Axis)]
    extents = [axis.extent if isinstance(axis, Axis) else 1 for axis in places]
    if len(set(axes)) < len(axes) or not all(map(equal, extents, out.shape)):
        return None
    return source if all(map(equal, extents, source.shape)) else None


def shown(buffer: Buffer, shape: Shape) -> Buffer:
    """The bytes of a buffer under a shape."""
    return buffer if shape == buffer.shape else Buffer(buffer.role, buffer.dtype, shape, buffer.slot, buffer.root)


def rewritten(kernel: Kernel, buffers: Mapping[Buffer, Buffer]) -> Kernel:
    """The kernel with buffers exchanged where it writes."""
    stages = [Stage(s.inner, s.lets, _storing(s.effects, buffers), s.is_last) for s in kernel.stages]
    return Kernel(kernel.outer, tuple(stages), kernel.origins)


def exchanged(kernel: Kernel, buffers: Mapping[Buffer, Buffer]) -> Kernel:
    """The kernel with buffers exchanged wherever it reads or writes."""
    stages = [
        Stage(s.inner, tuple([_loading(x, buffers) for x in s.lets]), _storing(s.effects, buffers), s.is_last)
        for s in kernel.stages
    ]
    return Kernel(kernel.outer, tuple(stages), kernel.origins)


def _loading(let: Let, buffers: Mapping[Buffer, Buffer]) -> Let:
    if not isinstance(let, Load) or let.buffer not in buffers:
        return let
    return Load(buffers[let.buffer], let.index, let.dtype, let.guard, let.otherwise)


def _storing(effects: Iterable[Effect], buffers: Mapping[Buffer, Buffer]) -> tuple[Effect, ...]:
    def changed(effect: Effect) -> Effect:
        match effect:
            case Store():
                return Store(buffers.get(effect.buffer, effect.buffer), effect.index, effect.value, effect.combine)
            case Fold():
                return replace(effect, results=tuple(buffers.get(b, b) for b in effect.results))
            case Prefix():
                return replace(effect, result=buffers.get(effect.result, effect.result))
            case Total():
                return effect

    return tuple([changed(effect) for effect in effects])


def _substituted(step: Step, buffers: Mapping[Buffer, Buffer]) -> Step:
    """The step with buffers exchanged wherever it reads or writes, but for steps inside it."""

    def new(buffer: Buffer) -> Buffer:
        return buffers.get(buffer, buffer)

    if not any(buffer in buffers for buffer in (*step.reads, *step.writes)):
        return step
    match step:
        case Kernel():
            return exchanged(step, buffers)
        case Contract():
            then = None if step.then is None else exchanged(step.then, buffers)
            return replace(step, left=new(step.left), right=new(step.right), out=new(step.out), then=then)
        case Extern():
            return replace(step, reads=tuple(map(new, step.reads)), writes=tuple(map(new, step.writes)))
        case Check(condition=IndexInRange() as condition):
            return replace(step, condition=replace(condition, index=new(condition.index)))
        case Check():
            return step
        case Loop():
            return _substituted_loop(step, buffers)
        case Branch():
            return replace(
                step,
                index=new(step.index),
                results=tuple(map(new, step.results)),
                shared=tuple(map(new, step.shared)),
            )


def all_substituted(steps: Sequence[Step], buffers: Mapping[Buffer, Buffer]) -> tuple[Step, ...]:
    """Steps, and the steps inside them, with buffers exchanged wherever they read or write."""
    # Recursion is over the depth to which loops and branches are nested.
    return tuple([with_parts(_substituted(x, buffers), lambda part: all_substituted(part, buffers)) for x in steps])


def _substituted_loop(loop: Loop, buffers: Mapping[Buffer, Buffer]) -> Loop:
    def new(buffer: Buffer | None) -> Any:  # Any: a buffer where one is given, else None
        return buffer if buffer is None else buffers.get(buffer, buffer)

    return replace(
        loop,
        carries=tuple([replace(c, start=new(c.start), rows=new(c.rows), last=new(c.last)) for c in loop.carries]),
        held=tuple([replace(held, start=new(held.start), buffer=new(held.buffer)) for held in loop.held]),
        sequences=tuple([replace(rows, of=new(rows.of)) for rows in loop.sequences]),
        outputs=tuple([replace(rows, of=new(rows.of)) for rows in loop.outputs]),
        shared=tuple(map(new, loop.shared)),
        count=new(loop.count),
        made=new(loop.made),
    )
