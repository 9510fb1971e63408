"""Loops: steps that are made again and again, each time with the next row of every array."""

from collections.abc import Callable, Sequence

from graphc.backends.llvm.frame import Frame
from graphc.backends.llvm.registers import in_memory
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.carries import Carry
from graphc.kernel.steps import Loop, Step
from graphc.sizes import product

__all__ = ["write_loop"]


def write_loop(on: Frame, loop: Loop, number: int, run: Callable[[Sequence[Step]], None]) -> None:
    """Rows of arrays are shown by their addresses in the table."""
    text = on.text
    most = None if loop.length is None else on.number(loop.length)
    count = most
    if loop.count is not None:
        type = in_memory(loop.count.dtype)
        count = text.value(f"load {type}, ptr {on.pointer(loop.count)}")
        if type != "i64":
            count = text.value(f"{'sext' if loop.count.dtype.kind == 'i' else 'zext'} {type} {count} to i64")
    stacks = [buffer for buffer in loop.writes if buffer.role is Role.STACK]
    for stack in stacks:
        _ensure(on, stack, "1")
    for carry in loop.carries:
        first = count if carry.is_kept and loop.reverse else "0"
        assert first is not None, loop
        _show(on, carry.before, carry.rows, first)
        _copy(on, carry.before, carry.start)
    for held in loop.held:
        _copy(on, held.buffer, held.start)
    test, body, after = text.label("test"), text.label("body"), text.label("over")
    made_at = text.room("i64", "0")
    text.go(test)
    text.begin(test)
    made = text.value(f"load i64, ptr {made_at}")
    at = made
    if loop.reverse:
        assert count is not None, loop
        at = text.value(f"sub i64 {text.value(f'sub i64 {count}, 1')}, {made}")
    next_made = text.value(f"add i64 {made}, 1")
    for stack in stacks:
        _ensure(on, stack, text.value(f"add i64 {next_made}, 1"))
    for carry in loop.carries:
        _show(on, carry.before, carry.rows, _places(on, carry, loop, at, made)[0])
    run(loop.condition)
    if loop.holds is None:
        assert count is not None, loop
        more = text.value(f"icmp slt i64 {made}, {count}")
    else:
        held_value = text.value(f"load i8, ptr {on.pointer(loop.holds)}")
        more = text.value(f"icmp ne i8 {held_value}, 0")
    text.go_if(more, body, after)
    text.begin(body)
    if most is not None and loop.holds is not None:
        on.fail(text.value(f"icmp eq i64 {made}, {most}"), number, made)
    for carry in loop.carries:
        _show(on, carry.after, carry.rows, _places(on, carry, loop, at, made)[1])
    for rows in (*loop.sequences, *loop.outputs):
        shift = on.number(rows.shift)
        _show(on, rows.row, rows.of, text.value(f"add i64 {at}, {shift}"))
    run(loop.steps)
    on.look(1 + len(loop.condition) + len(loop.steps))
    text.do(f"store i64 {next_made}, ptr {made_at}")
    text.go(test)
    text.begin(after)
    for carry in loop.carries:
        if carry.last is not None:
            _copy(on, carry.last, carry.before)
    if loop.made is not None:
        type = in_memory(loop.made.dtype)
        last = made if type == "i64" else text.value(f"trunc i64 {made} to {type}")
        text.do(f"store {type} {last}, ptr {on.pointer(loop.made)}")


def _places(on: Frame, carry: Carry, loop: Loop, at: str, made: str) -> tuple[str, str]:
    """The rows of a carry before and after a step."""
    text = on.text
    if not carry.is_kept:
        odd = text.value(f"and i64 {made}, 1")
        return odd, text.value(f"xor i64 {odd}, 1")
    following = text.value(f"add i64 {at}, 1")
    return (following, at) if loop.reverse else (at, following)


def _show(on: Frame, row: Buffer, of: Buffer, place: str) -> None:
    """Let a row be one of an array."""
    text = on.text
    bytes = on.number(product(of.shape[1:]) * of.dtype.itemsize)
    offset = text.value(f"mul i64 {place}, {bytes}")
    address = text.value(f"getelementptr i8, ptr {on.pointer(of)}, i64 {offset}")
    text.do(f"store ptr {address}, ptr {on.slot(on.table.of(row.root))}")


def _copy(on: Frame, to: Buffer, of: Buffer) -> None:
    bytes = on.number(of.bytes)
    on.text.do(f"call void @llvm.memmove.p0.p0.i64(ptr {on.pointer(to)}, ptr {on.pointer(of)}, i64 {bytes}, i1 false)")


def _ensure(on: Frame, stack: Buffer, rows: str) -> None:
    """Room for so many rows: twice as many as there were, where there is not enough."""
    text = on.text
    capacity_at = on.slot(on.table.of(("capacity", stack)))
    capacity = text.value(f"load i64, ptr {capacity_at}")
    few, enough = text.label("few"), text.label("enough")
    text.go_if(text.value(f"icmp slt i64 {capacity}, {rows}"), few, enough)
    text.begin(few)
    twice = text.value(f"shl i64 {capacity}, 1")
    is_small = text.value(f"icmp slt i64 {twice}, 8")
    wanted = text.value(f"select i1 {is_small}, i64 8, i64 {twice}")
    bytes = on.number(product(stack.shape[1:]) * stack.dtype.itemsize)
    size = text.value(f"add i64 {text.value(f'mul i64 {wanted}, {bytes}')}, 64")
    moved = text.value(f"call ptr @realloc(ptr {on.pointer(stack)}, i64 {size})")
    text.do(f"store ptr {moved}, ptr {on.slot(on.table.of(stack))}")
    text.do(f"store i64 {wanted}, ptr {capacity_at}")
    text.go(enough)
    text.begin(enough)
