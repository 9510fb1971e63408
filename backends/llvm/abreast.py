"""Loops whose turns leave each other nothing: every turn is a chunk, which one thread makes in memory of its own."""

from collections.abc import Sequence
from dataclasses import field
from functools import cached_property
from typing import TypeAlias, final

from graphc.backends.llvm.arguments import Argument, Arguments, Run, Scratch
from graphc.backends.llvm.chunked import Function, Task
from graphc.backends.llvm.fourier_plans import Planner
from graphc.backends.llvm.module import Module
from graphc.backends.llvm.placing import with_rows
from graphc.backends.llvm.scratch import ALIGNED, padded
from graphc.backends.llvm.tasks import functions_of, tiles_of
from graphc.backends.llvm.text import Text
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.nesting import all_steps
from graphc.kernel.steps import Contract, Kernel, Loop, Step
from graphc.sizes import Size, estimate, maximum, minimum, product

__all__ = ["Abreast", "abreast"]

TURNS = 16  # at least, so that every thread has some
MOST = 1 << 28  # bytes of all threads
WORK = 1 << 18  # products of elements in a turn, at least: what each step inside does is not shared then

Made: TypeAlias = "Sequence[Task | tuple[Loop, Made]]"  # what a turn does, loops with what theirs do


def abreast(loop: Loop, module: Module) -> "Abreast | None":
    """A loop as chunks; None for one whose turns depend on each other, do too little, or want too much memory."""
    if module.spares or not _is_free(loop) or loop.length is None:
        return None
    if estimate(loop.length) < TURNS or _work(loop) < WORK:
        return None
    made = _made(loop, module)
    found = None if made is None else Abreast(loop, made, module)
    return None if found is None or estimate(found.room) > MOST else found


def _is_free(loop: Loop) -> bool:
    """Whether a turn takes nothing from the one before, and their number is known."""
    return not (loop.carries or loop.held or loop.condition or loop.count or loop.made or loop.length is None)


def _work(loop: Loop) -> int:
    """Products of elements in a turn, as far as the hints of sizes tell."""
    found = 0
    for step in loop.steps:
        if isinstance(step, Contract):
            found += estimate(product(step.extents))
        elif isinstance(step, Loop):
            found += _work(step) * (1 if step.length is None else estimate(step.length))
    return found


def _made(loop: Loop, module: Module) -> "Made | None":
    """What a turn does; None where a step wants more than functions of chunks."""
    # Recursion is over the depth to which loops are nested.
    found: list[Task | tuple[Loop, Made]] = []
    for step in loop.steps:
        if isinstance(step, Loop):
            inside = _made(step, module) if _is_free(step) else None
            if inside is None:
                return None
            found.append((step, inside))
            continue
        tasks = _tasks(step, module)
        if tasks is None:
            return None
        found += tasks
    return found


def _tasks(step: Step, module: Module) -> Sequence[Task] | None:
    match step:
        case Kernel():
            found = []
            for part in with_rows(step, module.owner):
                functions = functions_of(part, module)
                if functions.keeps or functions.end is not None:
                    return None
                name = module.named(functions.rows, step.origins)
                found.append(Task(name, functions.rows, functions.chunks, allocated=functions.allocated))
            return found
        case Contract():
            tiles = tiles_of(step, module) if step.is_whole else None
            if tiles is None:
                return None
            after = () if step.then is None or tiles.ends else _tasks(step.then, module)
            return None if after is None else [*tiles.tasks, *after]
    return None


@final
@dataclass
class Abreast:
    """The function of a loop: void KERNEL(ptr args, i64 chunk) makes the turn with that number.

    The thread that makes it takes a place that no other has: a flag, scratch for the steps, and the arrays of a turn.
    Places lie in a room, `stride` bytes apart; only the arrays of the first one are those that the plan has.
    """

    loop: Loop
    made: Made
    module: Module
    text: Text = field(default_factory=Text)
    arguments: Arguments = field(init=False)
    found: dict[Buffer, str] = field(default_factory=dict)  # where rows, and arrays of a turn, are
    scratch: str = ""

    def __post_init__(self) -> None:
        self.arguments = Arguments(self.text)

    @property
    def places(self) -> Size:
        """How many there are."""
        assert self.loop.length is not None, self.loop
        return maximum(minimum(self.loop.length, self.module.threads), 1)

    @property
    def stride(self) -> Size:
        """Bytes from one flag to the next: what the steps share, and the arrays of the next place."""
        return ALIGNED + self._shared + self._own_bytes

    @property
    def room(self) -> Size:
        """Bytes of the room."""
        return self.stride * (self.places - 1) + ALIGNED + self._shared

    @property
    def tasks(self) -> Sequence[Task]:
        """Those of a turn, inner ones too."""
        found: list[Task] = []
        waiting = list(reversed(self.made))
        while waiting:
            each = waiting.pop()
            if isinstance(each, Task):
                found.append(each)
            else:
                waiting += reversed(each[1])
        return found

    @cached_property
    def _own(self) -> Sequence[tuple[Buffer, Size]]:
        """The arrays of a turn, and where they are in a place other than the first."""
        written = [self.module.owner(x) for step in all_steps(self.loop.steps) for x in step.writes]
        at: Size = 0
        found = []
        for buffer in dict.fromkeys(written):
            if buffer.role is Role.TEMPORARY:
                found.append((buffer, at))
                at = at + padded(buffer.bytes)
        return found

    @property
    def _own_bytes(self) -> Size:
        return self._own[-1][1] + padded(self._own[-1][0].bytes) if self._own else 0

    @cached_property
    def _shared(self) -> Size:
        """Scratch of a turn, which its steps have one after the other."""
        largest: Size = 0
        for task in self.tasks:
            largest = maximum(largest, padded(task.scratch))
        return largest

    def function(self) -> Function:
        text, arguments = self.text, self.arguments
        flag, place = self._taken(arguments.scratch(self.room))
        self.scratch = self._after(flag, str(ALIGNED))
        behind = text.value(f"sub i64 0, {arguments.number(self._own_bytes)}")
        others = self._after(flag, behind)
        is_first = text.value(f"icmp eq i64 {place}, 0")
        for buffer, at in self._own:
            elsewhere = self._after(others, arguments.number(at))
            self.found[buffer] = text.value(f"select i1 {is_first}, ptr {arguments.pointer(buffer)}, ptr {elsewhere}")
        self._turn(self.loop, self.made, "%chunk")
        text.do(f"store atomic i64 0, ptr {flag} release, align 8")
        text.do("ret void")
        return Function(text.function("KERNEL", "ptr %args, i64 %chunk"), arguments)

    def _taken(self, base: str) -> tuple[str, str]:
        """The flag of a place that nobody had, and the number of the place.  There is one: no thread has two."""
        text = self.text
        at = text.room("i64", "0")
        look, on, found = text.label("look"), text.label("on"), text.label("found")
        text.go(look)
        text.begin(look)
        place = text.value(f"load i64, ptr {at}")
        flag = self._after(base, text.value(f"mul i64 {place}, {self.arguments.number(self.stride)}"))
        pair = text.value(f"cmpxchg ptr {flag}, i64 0, i64 1 acquire monotonic")
        text.go_if(text.value(f"extractvalue {{ i64, i1 }} {pair}, 1"), found, on)
        text.begin(on)
        text.do(f"store i64 {text.value(f'add i64 {place}, 1')}, ptr {at}")
        text.go(look)
        text.begin(found)
        return flag, place

    def _turn(self, loop: Loop, made: Made, number: str) -> None:
        # Recursion is over the depth to which loops are nested.
        text = self.text
        for rows in (*loop.sequences, *loop.outputs):
            at = text.value(f"add i64 {number}, {self.arguments.number(rows.shift)}")
            bytes = self.arguments.number(product(rows.of.shape[1:]) * rows.of.dtype.itemsize)
            self.found[rows.row.root] = self._after(self._at(rows.of.root), text.value(f"mul i64 {at}, {bytes}"))
        for each in made:
            if isinstance(each, Task):
                self._run(each)
                continue
            inner, inside = each
            assert inner.length is not None, inner
            with text.loop("0", self.arguments.number(inner.length)) as counter:
                self._turn(inner, inside, counter)

    def _run(self, task: Task) -> None:
        """All chunks of a task."""
        text, listed = self.text, task.function.arguments.listed
        block = text.room(f"[{max(len(listed), 1)} x i64]")
        for place, argument in enumerate(listed):
            at = text.value(f"getelementptr i64, ptr {block}, i64 {place}")
            text.do(f"store {self._value(argument)}, ptr {at}")
        assert not isinstance(task.chunks, Planner), task
        if task.chunks == 1:
            text.do(f"call void @{task.name}(ptr {block}, i64 0)")
            return
        with text.loop("0", self.arguments.number(task.chunks)) as chunk:
            text.do(f"call void @{task.name}(ptr {block}, i64 {chunk})")

    def _value(self, argument: Argument) -> str:
        """An argument of a task, with its type."""
        match argument:
            case Buffer():
                return f"ptr {self._at(argument)}"
            case Run():
                return f"ptr {self.arguments.run()}"
            case Scratch():
                return f"ptr {self.scratch}"
        assert not isinstance(argument, Planner), argument
        return f"i64 {self.arguments.number(argument)}"

    def _at(self, root: Buffer) -> str:
        """Where the bytes of a buffer are."""
        return self.found.get(self.module.owner(root)) or self.arguments.pointer(root)

    def _after(self, base: str, bytes: str) -> str:
        return self.text.value(f"getelementptr i8, ptr {base}, i64 {bytes}")
