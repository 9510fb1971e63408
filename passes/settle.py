"""Settling: what is copied into an output, and then changed there, is computed there."""

from dataclasses import replace

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.program import Program
from graphc.kernel.scalar import Load
from graphc.kernel.steps import Kernel, Store
from graphc.passes.places import all_substituted, copied_by
from graphc.passes.reuse import last_uses

__all__ = ["settle"]


def settle(program: Program) -> Program:
    """Let a temporary be the output that it is copied into, as the base of a scatter is.

    Safe where the whole of it is copied, the copy is its last use and it is not seen under another shape: the
    output is not touched before, as it has one writer.
    """
    pure = program.steps[: program.commit]
    copies = [(n, *pair) for n, step in enumerate(pure) if isinstance(step, Kernel) for pair in _copied_whole(step)]
    if not copies:
        return program
    last = last_uses(program.steps)
    shown = {buffer.base for step in program.timeline for buffer in (*step.reads, *step.writes) if buffer.base}
    exchange: dict[Buffer, Buffer] = {}
    for number, old, out in copies:
        if (
            old.role is Role.TEMPORARY
            and old.base is None
            and out.role is Role.OUTPUT
            and out.base is None
            and old not in shown
            and last[old] == number
            and old not in exchange
            and out not in exchange.values()
        ):
            exchange[old] = out
    if not exchange:
        return program
    return replace(program, steps=all_substituted(program.steps, exchange))


def _copied_whole(step: Kernel) -> list[tuple[Buffer, Buffer]]:
    """(from, to) where the first stage only copies into an output, and no other stage reads what it copies."""
    if not [buffer for buffer in step.writes if buffer.role is Role.OUTPUT]:  # of most, nobody need see the stages
        return []
    if len(step.stages) < 2 or len(step.stages[0].effects) != 1:
        return []
    first = step.stages[0]
    (effect,) = first.effects
    if not isinstance(effect, Store) or effect.combine is not None:
        return []
    source = copied_by(first, effect)
    if source is None:
        return []
    again = any(isinstance(let, Load) and let.buffer.root is source.root for s in step.stages[1:] for let in s.lets)
    return [] if again else [(source, effect.buffer)]
