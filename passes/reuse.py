"""Reuse: a kernel writes over an operand that nobody reads again."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.program import Program
from graphc.kernel.steps import Contract, Kernel, Loop, Step, within
from graphc.passes.places import loads_at, stores_at
from graphc.sizes import equal

__all__ = ["last_uses", "reuse"]


def last_uses(steps: Sequence[Step]) -> dict[Buffer, int]:
    """The last step that touches each root buffer."""
    last: dict[Buffer, int] = {}
    for number, step in enumerate(steps):
        for buffer in (*step.reads, *step.writes):
            last[buffer.root] = number
    return last


def reuse(program: Program) -> Program:
    """Let a temporary take the bytes of one that dies in the step that writes it.

    Safe where this step is the final reader and reads only the element it writes, in no later stage, and both
    have as many bytes.  Inputs, variables and constants are never written over.
    """
    aliases = _reused(program.steps, set())
    for step in program.timeline:
        outside = {buffer.root for buffer in (*step.reads, *step.writes)} if within(step) else set()
        if isinstance(step, Loop) and step.holds is not None:
            outside.add(step.holds)
        for part in within(step):
            aliases |= _reused(part, outside)
    return replace(program, aliases=aliases)


def _reused(steps: Sequence[Step], outside: Collection[Buffer]) -> dict[Buffer, Buffer]:
    """Which temporary takes the bytes of which, of those that steps have for themselves."""
    last = last_uses(steps)
    aliases: dict[Buffer, Buffer] = {}
    fresh: set[Buffer] = set(outside)
    for number, step in enumerate(steps):
        kernel = step.then if isinstance(step, Contract) else step
        if isinstance(kernel, Kernel):
            taken: set[Buffer] = set(outside)
            if isinstance(step, Contract):  # the product is made before its epilogue, which alone reads what dies
                taken |= {step.left.root, step.right.root, step.out.root}
            for out in kernel.writes:
                if out.role is not Role.TEMPORARY or out.base is not None or out in fresh or out in taken:
                    continue
                for old in kernel.reads:
                    if old.root in taken or old.role is not Role.TEMPORARY or last[old.root] != number:
                        continue
                    if old.root is not out and _fits(kernel, old, out):
                        aliases[out] = aliases.get(old.root, old.root)
                        taken.add(old.root)
                        break
        fresh |= {buffer.root for buffer in step.writes}
    return aliases


def _fits(step: Kernel, old: Buffer, out: Buffer) -> bool:
    if old.dtype.itemsize != out.dtype.itemsize or not equal(old.root.size, out.size):
        return False
    stored = stores_at(step, out)
    if not stored or stored[0].index is None:
        return False
    return all(load.stage <= stored[0].stage and load.index == stored[0].index for load in loads_at(step, old))
