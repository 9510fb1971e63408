"""Patterns: what a step is, apart from which buffers it touches.

A long program repeats itself: what was found for one step holds for every step of its pattern.
"""

from collections.abc import Hashable, Mapping
from typing import TypeAlias

from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.scalar import Load
from graphc.kernel.steps import Contract, Effect, Fold, Kernel, Prefix, Stage, Store, Total
from graphc.origin import Origin
from graphc.sizes import Size, symbol

__all__ = ["Pattern", "on_buffers", "opened", "pattern_of"]

Pattern: TypeAlias = tuple[Hashable, ...]


def opened(step: Contract) -> tuple[Contract, dict[Size, int]]:
    """The step with a symbol for each fixed position in its indices, and what they stand for.

    So the steps of a loop that was unrolled, which read rows 0, 1, 2 ..., are of one pattern.
    """
    values: dict[Size, int] = {}

    def with_symbols(index: tuple[AffineIndex, ...]) -> tuple[AffineIndex, ...]:
        parts = list(index)
        for number, part in enumerate(index):
            if not part.terms and isinstance(part.offset, int):
                at = symbol(f" {len(values)}")  # no name that a user gives begins with a space
                values[at] = part.offset
                parts[number] = AffineIndex((), at)
        return tuple(parts)

    indices = [step.left_index, step.right_index, step.out_index]
    if all(part.terms for index in indices for part in index):
        return step, values
    left, right, out = map(with_symbols, indices)
    return Contract(
        step.extents, step.left, step.right, step.out, left, right, out, step.origins, step.apart, step.adds, step.then
    ), values


def pattern_of(step: Kernel | Contract) -> tuple[Pattern, tuple[Buffer, ...]]:
    """The pattern of a step, and the buffers that it touches, locals included, in the order the pattern counts them.

    Steps of one pattern differ in their buffers and origins only.  Buffers in the same place have the same
    role, type and, where they show the bytes of another, that other in the same place.
    """
    numbers: dict[Buffer, int] = {}
    parts: list[Hashable] = []
    if isinstance(step, Contract):
        parts += (step.extents, step.left_index, step.right_index, step.out_index, step.apart, step.adds)
        parts += [numbers.setdefault(buffer, len(numbers)) for buffer in (step.left, step.right, step.out)]
        parts += [] if step.then is None else _of_kernel(step.then, numbers)
    else:
        parts += _of_kernel(step, numbers)
    for buffer in tuple(numbers):
        root = buffer.base
        shown = -1 if root is None else numbers.setdefault(root, len(numbers))
        parts.append((buffer.role, buffer.dtype, buffer.shape, shown))
    return tuple(parts), tuple(numbers)


def _of_kernel(kernel: Kernel, numbers: dict[Buffer, int]) -> list[Hashable]:
    parts: list[Hashable] = [kernel.outer]
    for stage in kernel.stages:
        lets: list[Hashable] = []
        for let in stage.lets:
            if isinstance(let, Load):
                number = numbers.setdefault(let.buffer, len(numbers))
                lets.append((number, let.index, let.guard, let.otherwise))
            else:
                lets.append(let)
        effects = [_of_effect(effect, numbers) for effect in stage.effects]
        parts.append((stage.inner, tuple(lets), tuple(effects), stage.is_last))
    return parts


def _of_effect(effect: Effect, numbers: dict[Buffer, int]) -> Hashable:
    match effect:
        case Store():
            return (numbers.setdefault(effect.buffer, len(numbers)), effect.index, effect.value, effect.combine)
        case Fold():
            results = tuple([numbers.setdefault(buffer, len(numbers)) for buffer in effect.results])
            return (effect.monoid, effect.value, results, effect.run)
        case Prefix():
            result = numbers.setdefault(effect.result, len(numbers))
            return (effect.monoid, effect.value, result, effect.reverse)
        case Total():
            result = numbers.setdefault(effect.result, len(numbers))
            return (effect.monoid, effect.value, effect.index, result, effect.run)


def on_buffers(kernel: Kernel, buffers: Mapping[Buffer, Buffer], origins: tuple[Origin, ...]) -> Kernel:
    """The kernel of the same pattern that touches other buffers.  Locals are its own."""
    known = dict(buffers)

    def new(buffer: Buffer) -> Buffer:
        found = known.get(buffer)
        if found is None:
            assert buffer.role is Role.LOCAL, buffer
            found = known[buffer] = Buffer(Role.LOCAL, buffer.dtype, buffer.shape)
        return found

    def changed(effect: Effect) -> Effect:
        match effect:
            case Store():
                return Store(new(effect.buffer), effect.index, effect.value, effect.combine)
            case Fold():
                results = tuple([new(result) for result in effect.results])
                return Fold(effect.monoid, effect.value, results, effect.run)
            case Prefix():
                return Prefix(effect.monoid, effect.value, new(effect.result), effect.reverse)
            case Total():
                return Total(effect.monoid, effect.value, effect.index, new(effect.result), effect.run)

    stages = [
        Stage(
            stage.inner,
            tuple(
                [
                    Load(new(let.buffer), let.index, let.dtype, let.guard, let.otherwise)
                    if isinstance(let, Load)
                    else let
                    for let in stage.lets
                ]
            ),
            tuple([changed(effect) for effect in stage.effects]),
            stage.is_last,
        )
        for stage in kernel.stages
    ]
    return Kernel(kernel.outer, tuple(stages), origins)
