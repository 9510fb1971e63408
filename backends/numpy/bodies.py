"""Loops and branches as text: a for or while over rows, an if over what is chosen."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from graphc.backends.numpy.turns import Turns
from graphc.backends.numpy.whole import Whole
from graphc.backends.writer import Writer
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.carries import Carry
from graphc.kernel.nesting import all_steps
from graphc.kernel.steps import Branch, Loop, Step, buffers_of
from graphc.sizes import Size
from graphc.types import BOOL

__all__ = ["write_branch", "write_loop"]


class Part(Protocol):
    """The part of a source that a loop stands in."""

    bind: Writer
    run: Writer
    turns: Turns
    late: set[str]
    views: dict[Buffer, str]
    whole: Whole

    def fresh(self, beginning: str) -> str: ...
    def size(self, size: Size) -> str: ...
    def name_of(self, buffer: Buffer) -> str: ...
    def show(self, buffer: Buffer) -> None: ...
    def steps(self, steps: Sequence[Step]) -> None: ...
    def number_of(self, step: Step) -> int: ...
    def inside(self) -> AbstractContextManager[Writer]: ...


def write_branch(branch: Branch, part: Part) -> None:
    """Run the steps that the index says."""
    index = part.name_of(branch.index)
    if branch.index.dtype == BOOL:
        heads = [(f"if {index}:", 1), ("else:", 0)]
    else:
        chosen = part.fresh("chosen")
        part.run.line(f"{chosen} = int({index})")
        last = len(branch.parts) - 1
        heads = [(f"{'elif' if n else 'if'} {chosen} == {n}:", n) for n in range(last)]
        heads.append(("else:" if last else "if True:", last))
    for head, number in heads:
        with part.inside() as lines:
            part.steps(branch.parts[number])
        _block(part.run, head, lines)


def write_loop(loop: Loop, part: Part) -> None:
    """Start every carry, run the steps once for each row, and keep the last values."""
    for held in loop.held:
        if not part.whole.lies_on(held.buffer, held.start):
            part.run.line(f"np.copyto({part.name_of(held.buffer)}, {part.name_of(held.start)})")
    if loop.holds is None:
        _over_rows(loop, part)
    else:
        _while_it_holds(loop, part)


def _over_rows(loop: Loop, part: Part) -> None:
    """A loop of a number of steps that is known before it starts."""
    length = loop.length
    assert length is not None
    if loop.count is None:
        count = part.size(length)
    else:
        count = part.fresh("count")
        part.run.line(f"{count} = int({part.name_of(loop.count)})")
    for carry in loop.carries:
        at = "0" if not (loop.reverse and carry.is_kept) else count
        part.run.line(f"np.copyto({_row(carry.rows, at, part)}, {part.name_of(carry.start)})")
    walked: list[tuple[str, str]] = []
    with part.inside() as lines:
        for carry in loop.carries:
            before, after = _named(carry.before, part), _named(carry.after, part)
            if carry.is_kept:
                first, second = (1, 0) if loop.reverse else (0, 1)
                walked.append((before, _walk(carry.rows, first, count, loop, part)))
                walked.append((after, _walk(carry.rows, second, count, loop, part)))
            else:
                walked.append((f"({before}, {after})", f"cycle({_pair(carry, part)})"))
        walked += [
            (_named(rows.row, part), _walk(rows.of, rows.shift, count, loop, part))
            for rows in (*loop.sequences, *loop.outputs)
        ]
        _show_rows(loop.rows, loop.steps, part)
        part.steps(loop.steps)
    if all(text.startswith("cycle") for _, text in walked):
        walked.append(("_", f"range({count})"))
    names, texts = ", ".join(name for name, _ in walked), ", ".join(text for _, text in walked)
    _block(part.run, f"for {names} in {texts if len(walked) == 1 else f'zip({texts})'}:", lines)
    for carry in loop.carries:
        if carry.last is not None:
            if carry.is_kept:
                at = "0" if loop.reverse else count
            else:
                at = part.size(length % 2) if loop.count is None else f"{count} % 2"
            part.run.line(f"np.copyto({part.name_of(carry.last)}, {_row(carry.rows, at, part)})")


def _while_it_holds(loop: Loop, part: Part) -> None:
    """A loop that ends when its condition does not hold."""
    made = part.fresh("made")
    for carry in loop.carries:
        part.run.line(f"np.copyto({_row(carry.rows, '0', part)}, {part.name_of(carry.start)})")
    last: list[tuple[Buffer, str]] = []
    with part.inside() as lines:
        for carry in loop.carries:
            before = _named(carry.before, part)
            if carry.is_kept:
                lines.line(f"{before} = {_row(carry.rows, made, part)}")
            else:
                lines.line(f"{before}, {_named(carry.after, part)} = {_pair(carry, part)}[{made} % 2]")
            if carry.last is not None:
                last.append((carry.last, before))
        held = [carry.before for carry in loop.carries]
        _show_rows(held, (*loop.condition, *loop.steps), part)
        part.steps(loop.condition)
        assert loop.holds is not None
        with lines.block(f"if not {part.name_of(loop.holds)}:"):
            lines.line("break")
        if loop.length is not None:
            limit = part.size(loop.length)
            with lines.block(f"if {made} == {limit}:"):
                lines.line(f"fail({part.number_of(loop)}, {made})")
        for carry in loop.carries:
            if carry.is_kept:
                lines.line(f"{_named(carry.after, part)} = {_row(carry.rows, f'{made} + 1', part)}")
        for rows in loop.outputs:
            lines.line(f"{_named(rows.row, part)} = {_row(rows.of, made, part)}")
        _show_rows([*(c.after for c in loop.carries), *(rows.row for rows in loop.outputs)], loop.steps, part)
        part.steps(loop.steps)
    _block(part.run, f"for {made} in counting():", lines)
    for buffer, name in last:
        part.run.line(f"np.copyto({part.name_of(buffer)}, {name})")
    if loop.made is not None:
        part.run.line(f"{part.name_of(loop.made)}[...] = {made}")


def _named(row: Buffer, part: Part) -> str:
    """A name for what a step sees of an array."""
    name = part.views[row] = part.fresh("r")
    part.late.add(name)
    return name


def _row(of: Buffer, at: str, part: Part) -> str:
    """One row of an array, as an array."""
    if of.role is Role.STACK:
        return f"{part.name_of(of)}.row({at})"
    return f"{part.name_of(of)}[{at}{'' if len(of.shape) > 1 else ', ...'}]"


def _pair(carry: Carry, part: Part) -> str:
    """The two rows of a carry, in both orders."""
    name = part.fresh("pairs")
    part.bind.line(f"{name} = turned({part.name_of(carry.rows)})")
    return name


def _walk(of: Buffer, start: int, count: str, loop: Loop, part: Part) -> str:
    """All rows of an array that steps see, in their order."""
    text = part.name_of(of)
    if of.role is Role.STACK:
        text += f".first({count}{f' + {start}' if start else ''}){f'[{start}:]' if start else ''}"
    elif start or loop.count is not None or of.shape[0] != loop.length:
        stop = f"{count} + {start}" if start else count
        text += f"[{start or ''}:{stop}]"
    if loop.reverse:
        text += "[::-1]"
    return text if len(of.shape) > 1 or of.role is Role.STACK else f"numbers({text})"


def _show_rows(rows: Sequence[Buffer], steps: Sequence[Step], part: Part) -> None:
    """Name what shows the bytes of rows under another shape."""
    own = set(rows)
    for step in all_steps(steps):
        for buffer in buffers_of(step):
            if buffer.base in own:
                part.show(buffer)


def _block(writer: Writer, head: str, inside: Writer) -> None:
    with writer.block(head):
        for line in inside.lines:
            writer.line(line)
        if all(line.lstrip().startswith("#") for line in inside.lines):  # a loop inside may leave its line alone
            writer.line("pass")
