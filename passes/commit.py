"""Committing: next values are computed straight into the variables, last, wherever that is safe."""

from collections.abc import Mapping, Set
from math import inf

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.program import Program
from graphc.kernel.steps import Kernel, Step
from graphc.kernel.target import Target
from graphc.passes.kernel_costs import time_of
from graphc.passes.places import combines, is_copy, loads_at, rewritten, stores_at
from graphc.passes.stages import points, wholes
from graphc.sizes import estimate

__all__ = ["commit"]

SEVERAL = 4
FEW = 1 << 20  # values: to compute them takes some hundredths of a second at most


def commit(program: Program, target: Target) -> Program:
    """Replace `t = f(w); w = t` by `w = f(w)` and move it behind every step that may raise.

    Safe where the kernel that computes t writes nothing else that others read, except those that move too, reads w
    only at the element it writes and no later, and no later step reads the old w.  What it reads then lives to the
    end, so it stays where it is if that is several times what it writes: then a copy at the end costs less.  So does
    what takes long, and several times as long as a copy: a call can be ended until variables are set.
    """
    copied: dict[Buffer, tuple[int, Buffer]] = {}  # temporary -> the copy step, the variable
    for number in range(program.commit, len(program.steps)):
        pair = is_copy(program.steps[number])
        if pair is not None and pair[0].role is Role.TEMPORARY and pair[0].base is None:
            copied.setdefault(pair[0], (number, pair[1]))
    if not copied:
        return program
    readers: dict[Buffer, list[int]] = {}
    writer: dict[Buffer, int] = {}
    for number, step in enumerate(program.steps):
        for buffer in step.reads:
            readers.setdefault(buffer.base or buffer, []).append(number)
        for buffer in step.writes:
            writer.setdefault(buffer.base or buffer, number)
    long = _long({number: program.steps[number] for number in [writer[t] for t in copied if t in writer]}, target)
    moved: dict[int, Kernel] = {}
    dropped: set[int] = set()
    overwritten: set[Buffer] = set()
    numbers = sorted({writer[t] for t in copied if t in writer})
    for number in (*numbers, *reversed(numbers)):  # again: by then it is known which of those that read a step move
        step = program.steps[number]
        if not isinstance(step, Kernel) or number >= program.commit or number in long or number in moved:
            continue
        exchange = {t: copied[t][1] for t in step.writes if t in copied}
        is_read_late = all(
            readers.get(t.root, []) == [copied[t][0]] if t in exchange else moved.keys() >= {*readers.get(t.root, [])}
            for t in step.writes
        )
        overtakes = any(later > number and later in moved for w in exchange.values() for later in readers.get(w, []))
        if (
            not is_read_late
            or overtakes
            or _read_last(step, readers, number) > SEVERAL * estimate(sum(t.bytes for t in exchange))
            or not all(_safe(step, t, w, readers, program.commit, dropped, overwritten) for t, w in exchange.items())
        ):
            continue
        moved[number] = rewritten(step, exchange)
        dropped |= {copied[t][0] for t in exchange}
        overwritten |= set(exchange.values())
    pure: list[Step] = [s for n, s in enumerate(program.steps[: program.commit]) if n not in moved]
    last = [s for n, s in enumerate(program.steps) if n >= program.commit and n not in dropped]
    steps = (*pure, *(moved[number] for number in sorted(moved)), *last)
    return Program(
        steps,
        program.inputs,
        program.variables,
        program.constants,
        program.outputs,
        len(pure),
        program.symbols,
    )


def _long(steps: Mapping[int, Step], target: Target) -> Set[int]:
    """The steps that compute much, where all of them together take longer than variables may be set for."""
    kernels = {number: step for number, step in steps.items() if isinstance(step, Kernel)}
    values = sum(points(stage) * len(stage.lets) for kernel in kernels.values() for stage in wholes(kernel))
    if target.undisturbed == inf or values < FEW:
        return frozenset()
    times = {number: time_of(kernel, target) for number, kernel in kernels.items()}
    if sum(times.values()) <= target.undisturbed:
        return frozenset()
    copies = {number: 2 * estimate(sum(x.bytes for x in kernel.writes)) for number, kernel in kernels.items()}
    return {number for number, time in times.items() if time > SEVERAL * copies[number]}


def _read_last(step: Kernel, readers: dict[Buffer, list[int]], number: int) -> int:
    """How many bytes of temporaries a step reads that nothing reads later; open sizes count as their hints."""
    ended = {x.root for x in step.reads if x.role is Role.TEMPORARY and readers[x.root][-1] == number}
    return estimate(sum(x.bytes for x in ended))


def _safe(
    step: Kernel,
    temporary: Buffer,
    variable: Buffer,
    readers: dict[Buffer, list[int]],
    commits: int,
    dropped: set[int],
    overwritten: set[Buffer],
) -> bool:
    """Whether `step` may write `variable` where it now writes `temporary`.

    Steps that stay run before every one that moves, so only copies at the end and moved steps are in the way.
    """
    if any(reader >= commits and reader not in dropped for reader in readers.get(variable, [])):
        return False
    if any(buffer.root in overwritten for buffer in step.reads):
        return False
    stored = stores_at(step, temporary)
    if len(stored) != 1 or stored[0].index is None or combines(step, temporary):
        return False
    return all(load.stage <= stored[0].stage and load.index == stored[0].index for load in loads_at(step, variable))
