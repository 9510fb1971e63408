"""Accumulating: a product that is only added to a sum that a loop holds is added where it is made."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.nesting import with_parts
from graphc.kernel.program import Program
from graphc.kernel.scalar import Call, Fn, Load
from graphc.kernel.steps import Contract, Kernel, Loop, Step, Store
from graphc.passes.places import loads_at, stores_at

__all__ = ["accumulate"]


def accumulate(program: Program) -> Program:
    """Let products add to sums that loops hold, as those of gradients of shared weights.  It saves two passes."""
    return replace(program, steps=_accumulated(program.steps, ()))


def _accumulated(steps: Sequence[Step], held: Collection[Buffer]) -> tuple[Step, ...]:
    # Recursion is over the depth to which loops and branches are nested.
    inside: list[Step] = []
    for step in steps:
        own = [carry.buffer for carry in step.held] if isinstance(step, Loop) else []
        inside.append(with_parts(step, lambda part, own=own: _accumulated(part, own)))  # type: ignore[misc]
    return tuple(_with_sums(inside, held) if held else inside)


def _with_sums(steps: Sequence[Step], held: Collection[Buffer]) -> list[Step]:
    made = {
        step.out: number
        for number, step in enumerate(steps)
        if isinstance(step, Contract) and step.is_whole and step.out.role is Role.TEMPORARY and step.out.base is None
    }
    readings = Counter(buffer.root for step in steps for buffer in step.reads)
    changed: dict[int, Step | None] = {}
    for number, step in enumerate(steps):
        pair = _added(step, made, held)
        if pair is None:
            continue
        total, term = pair
        before = made[term]
        touched = {b.root for other in steps[before:number] for b in (*other.reads, *other.writes)}
        if readings[term] == 1 and readings[total] == 1 and total not in touched:
            contract = steps[before]
            assert isinstance(contract, Contract), contract
            changed[before] = replace(contract, out=total, adds=True, origins=(*contract.origins, *step.origins))
            changed[number] = None
    found = [changed.get(number, step) for number, step in enumerate(steps)]
    return [step for step in found if step is not None]


def _added(step: Step, made: Mapping[Buffer, int], held: Collection[Buffer]) -> tuple[Buffer, Buffer] | None:
    """(sum, term) of a kernel that only adds a product to a sum, element by element."""
    if not isinstance(step, Kernel) or len(step.stages) != 1 or len(step.stages[0].effects) != 1:
        return None
    (stage,) = step.stages
    (effect,) = stage.effects
    if not isinstance(effect, Store) or effect.combine is not None or effect.buffer not in held:
        return None
    value = stage.lets[effect.value]
    if not isinstance(value, Call) or value.fn is not Fn.ADD:
        return None
    loads = [stage.lets[number] for number in value.args]
    if not all(isinstance(load, Load) and load.guard is None for load in loads):
        return None
    buffers = [load.buffer for load in loads if isinstance(load, Load)]
    terms = [buffer for buffer in buffers if buffer in made]
    if effect.buffer not in buffers or len(terms) != 1 or terms[0].dtype != effect.buffer.dtype:
        return None
    (stored,) = stores_at(step, effect.buffer)
    if stored.index is None or any(x.index != stored.index for b in buffers for x in loads_at(step, b)):
        return None
    return effect.buffer, terms[0]
