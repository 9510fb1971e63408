"""Reuse: a kernel writes over an operand that nobody reads again."""

from dataclasses import replace

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.program import Kernel, Program
from graphc.passes.places import loads_at, stores_at
from graphc.sizes import equal

__all__ = ["last_uses", "reuse"]


def last_uses(program: Program) -> dict[Buffer, int]:
    """The last step that touches each root buffer."""
    last: dict[Buffer, int] = {}
    for number, step in enumerate(program.steps):
        for buffer in (*step.reads, *step.writes):
            last[buffer.root] = number
    return last


def reuse(program: Program) -> Program:
    """Let a temporary take the bytes of one that dies in the step that writes it.

    Safe where this step is the final reader and reads only the element it writes, in no later stage, and both
    have as many bytes.  Inputs, variables and constants are never written over.
    """
    last = last_uses(program)
    aliases: dict[Buffer, Buffer] = {}
    fresh: set[Buffer] = set()
    for number, step in enumerate(program.steps):
        if isinstance(step, Kernel):
            taken: set[Buffer] = set()
            for out in step.writes:
                if out.role is not Role.TEMPORARY or out.base is not None or out in fresh:
                    continue
                for old in step.reads:
                    if old.root in taken or old.role is not Role.TEMPORARY or last[old.root] != number:
                        continue
                    if old.root is not out and _fits(step, old, out):
                        aliases[out] = aliases.get(old.root, old.root)
                        taken.add(old.root)
                        break
        fresh |= {buffer.root for buffer in step.writes}
    return replace(program, aliases=aliases)


def _fits(step: Kernel, old: Buffer, out: Buffer) -> bool:
    if old.dtype.itemsize != out.dtype.itemsize or not equal(old.root.size, out.size):
        return False
    stored = stores_at(step, out)
    if not stored or stored[0].index is None:
        return False
    return all(load.stage <= stored[0].stage and load.index == stored[0].index for load in loads_at(step, old))
