"""Reuse: a step writes over an operand that nobody reads again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.pattern import Pattern, pattern_of
from graphc.kernel.program import Program
from graphc.kernel.scalar import Axis, Load
from graphc.kernel.steps import Contract, Kernel, Loop, Step, Store, targets, within
from graphc.passes.places import walked
from graphc.passes.step_lists import outside_of
from graphc.sizes import equal

__all__ = ["last_uses", "overlays", "reuse"]

Overlays: TypeAlias = Sequence[tuple[int, Sequence[int]]]  # (result, operands), as a pattern counts its buffers


def last_uses(steps: Sequence[Step]) -> dict[Buffer, int]:
    """The last step that touches each root buffer."""
    last: dict[Buffer, int] = {}
    for number, step in enumerate(steps):
        for buffer in (*step.reads, *step.writes):
            last[buffer.base or buffer] = number
    return last


def reuse(program: Program) -> Program:
    """Let a temporary take the bytes of one that dies in the step that writes it.

    Safe where this step is the final reader and reads only the element it writes, in no later stage, and both
    have as many bytes; and for what a loop changes in place, which starts as a copy.  Inputs, variables and
    constants are never written over.
    """
    aliases = _reused(program.steps, set())
    for step in program.timeline:
        for part in within(step):
            aliases |= _reused(part, outside_of(step))
    return replace(program, aliases=aliases)


def _reused(steps: Sequence[Step], outside: Collection[Buffer]) -> dict[Buffer, Buffer]:
    """Which temporary takes the bytes of which, of those that steps have for themselves."""
    last = last_uses(steps)
    aliases: dict[Buffer, Buffer] = {}
    fresh: set[Buffer] = set(outside)
    known: dict[Pattern, Overlays] = {}
    for number, step in enumerate(steps):
        taken: set[Buffer] = set(outside)
        for out, olds in _overlays(step, known).items():
            if out in fresh:
                continue
            for old in olds:
                if old not in taken and last[old] == number:
                    aliases[out] = aliases.get(old, old)
                    taken.add(old)
                    break
        fresh |= {buffer.root for buffer in step.writes}
    return aliases


def _overlays(step: Step, known: dict[Pattern, Overlays]) -> Mapping[Buffer, Sequence[Buffer]]:
    """`overlays`, found once for each pattern."""
    if not isinstance(step, Kernel | Contract):
        return overlays(step)
    product = step.out if isinstance(step, Contract) else None
    if not [buffer for buffer in step.writes if buffer.role is Role.TEMPORARY and buffer is not product]:
        return {}
    pattern, buffers = pattern_of(step)
    found = known.get(pattern)
    if found is None:
        numbers = {buffer: number for number, buffer in enumerate(buffers)}
        found = [(numbers[out], [numbers[old] for old in olds]) for out, olds in overlays(step).items()]
        known[pattern] = found
    return {buffers[out]: [buffers[old] for old in olds] for out, olds in found}


def overlays(step: Step) -> Mapping[Buffer, Sequence[Buffer]]:
    """What each temporary that a step makes may be written over, if the step is the last that reads it."""
    match step:
        case Kernel():
            return _over_operands(step, ())
        case Contract(then=Kernel() as kernel):  # the product is not read whole before its epilogue begins
            return _over_operands(kernel, [step.left.root, step.right.root, step.out.root])
        case Loop() if step.held:
            return _over_starts(step)
    return {}


def _over_operands(kernel: Kernel, taken: Collection[Buffer]) -> Mapping[Buffer, Sequence[Buffer]]:
    """What results of a kernel may be written over, but for what is `taken`."""
    outs = [x for x in kernel.writes if x.role is Role.TEMPORARY and x.base is None and x not in taken]
    loads: dict[Buffer, list[tuple[int, Load]]] = {}
    if outs:
        for number, stage in enumerate(kernel.stages):
            for let in stage.lets:
                if isinstance(let, Load) and let.buffer.role is Role.TEMPORARY:
                    loads.setdefault(let.buffer.root, []).append((number, let))
    found: dict[Buffer, list[Buffer]] = {}
    for out in outs if loads else ():
        stored = _stored_once(kernel, out)
        if stored is not None:
            place, store, index = stored
            found[out] = [
                old
                for old, readings in loads.items()
                if old is not out
                and old not in taken
                and all(
                    number <= place
                    and _is_alike(load.buffer, out)
                    and (
                        load.index == store.index
                        if number == place
                        else walked(kernel.stages[number].lets, load.index) == index
                    )
                    for number, load in readings
                )
            ]
    return found


def _is_alike(old: Buffer, out: Buffer) -> bool:
    """Whether elements at one index have one place in both buffers, and both have as many."""
    if old.dtype.itemsize != out.dtype.itemsize or len(old.shape) != len(out.shape):
        return False
    return _are_of_one_size(old, out) and (old.shape == out.shape or all(map(equal, old.shape, out.shape)))


def _are_of_one_size(old: Buffer, out: Buffer) -> bool:
    """Whether what `old` shows is of the size of `out`: of a view, a call may find that, and no pass can tell."""
    return old.base is None or equal(old.root.size, out.size) is True


def _stored_once(kernel: Kernel, out: Buffer) -> tuple[int, Store, Sequence[Axis | int]] | None:
    """The stage that writes `out` first, and at which axes, if each point of it writes an element of its own."""
    for number, stage in enumerate(kernel.stages):
        writing = [effect for effect in stage.effects if out in targets(effect)]
        if not writing:
            continue
        first = writing[0]
        if not isinstance(first, Store) or any(not isinstance(e, Store) or e.index != first.index for e in writing):
            return None
        index = walked(stage.lets, first.index)
        moving = [axis for axis in (*kernel.outer, *stage.inner) if axis.extent != 1]
        return (number, first, index) if index is not None and all(axis in index for axis in moving) else None
    return None


def _over_starts(loop: Loop) -> Mapping[Buffer, Sequence[Buffer]]:
    """What a loop changes in place may lie where its start lies, if the loop reads that for nothing else."""
    read = [buffer.root for buffer in _read_besides(loop)]
    return {
        held.buffer: [held.start.root]
        for held in loop.held
        if held.buffer.role is Role.TEMPORARY
        and held.buffer.base is None
        and held.start.role is Role.TEMPORARY
        and _are_of_one_size(held.start, held.buffer)
        and held.start.root not in read
    }


def _read_besides(loop: Loop) -> Sequence[Buffer]:
    """What a loop reads, but for the starts of what it changes in place."""
    count = () if loop.count is None else (loop.count,)
    return (*loop.shared, *count, *(carry.start for carry in loop.carries), *(rows.of for rows in loop.sequences))
