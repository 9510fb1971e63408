"""Holding: a carry that a step only changes element by element is changed where it lies."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.carries import Carry, Held
from graphc.kernel.nesting import all_steps, with_parts
from graphc.kernel.program import Program
from graphc.kernel.steps import Kernel, Loop, Step
from graphc.passes.places import all_substituted, combines, loads_at, stores_at

__all__ = ["hold"]


def hold(program: Program) -> Program:
    """Let loops keep one row of a carry instead of two, wherever that is safe.

    Safe where the kernel that writes the next value reads the present one only at the element it writes and no later,
    and no later step reads it.  So a sum over steps is added to in place.
    """
    return replace(program, steps=_held(program.steps))


def _held(steps: Sequence[Step]) -> tuple[Step, ...]:
    # Recursion is over the depth to which loops and branches are nested.
    inside = [with_parts(step, _held) for step in steps]
    return tuple([_held_in(step) if isinstance(step, Loop) else step for step in inside])


def _held_in(loop: Loop) -> Loop:
    touched = _Touched.of(loop.steps)
    carries: list[Carry] = []
    held = list(loop.held)
    exchange: dict[Buffer, Buffer] = {}
    for carry in loop.carries:
        if carry.is_kept or not touched.allows(carry):
            carries.append(carry)
            continue
        buffer = carry.last or Buffer(Role.TEMPORARY, carry.before.dtype, carry.before.shape)
        held.append(Held(carry.start, buffer))
        exchange |= {carry.before: buffer, carry.after: buffer}
    if not exchange:
        return loop
    return replace(
        loop,
        carries=tuple(carries),
        held=tuple(held),
        steps=all_substituted(loop.steps, exchange),
        condition=all_substituted(loop.condition, exchange),
    )


@dataclass(frozen=True)
class _Touched:
    """Which steps read and write each array, and which arrays are seen under another shape."""

    steps: Sequence[Step]
    reading: Mapping[Buffer, Sequence[int]]
    writing: Mapping[Buffer, Sequence[int]]
    shown: Collection[Buffer]

    @staticmethod
    def of(steps: Sequence[Step]) -> "_Touched":
        reading: dict[Buffer, list[int]] = {}
        writing: dict[Buffer, list[int]] = {}
        for number, step in enumerate(steps):
            for buffers, places in ((step.reads, reading), (step.writes, writing)):
                for buffer in buffers:
                    places.setdefault(buffer.root, []).append(number)
        inside = [buffer for step in all_steps(steps) for buffer in (*step.reads, *step.writes)]
        shown = {buffer.base for buffer in inside if buffer.base is not None}
        return _Touched(steps, reading, writing, shown)

    def allows(self, carry: Carry) -> bool:
        """Whether one kernel writes a carry over what it was, and nothing reads either afterwards."""
        before, after = carry.before, carry.after
        writing = self.writing.get(after, ())
        if len(writing) != 1 or before in self.shown or after in self.shown or after in self.reading:
            return False
        (number,) = writing
        step = self.steps[number]
        if not isinstance(step, Kernel) or max(self.reading.get(before, ()), default=-1) > number:
            return False
        stored = stores_at(step, after)
        if len(stored) != 1 or stored[0].index is None or combines(step, after):
            return False
        return all(load.stage <= stored[0].stage and load.index == stored[0].index for load in loads_at(step, before))
