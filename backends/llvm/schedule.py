"""Steps as instructions on a table: the body of a function that runs them in order."""

from collections.abc import Sequence
from dataclasses import field
from functools import partial
from typing import final

from graphc.backends.llvm.abreast import abreast
from graphc.backends.llvm.arguments import RUN, Argument, Run, Scratch
from graphc.backends.llvm.blocking import Blocking
from graphc.backends.llvm.chunked import Function
from graphc.backends.llvm.contractions import blocking_for, library_of, one_by_one
from graphc.backends.llvm.counting import LARGEST, Counted
from graphc.backends.llvm.fourier_plans import Planner
from graphc.backends.llvm.frame import Frame
from graphc.backends.llvm.loops import write_loop
from graphc.backends.llvm.module import Module
from graphc.backends.llvm.multiply import Multiplication
from graphc.backends.llvm.placing import with_rows
from graphc.backends.llvm.registers import in_memory
from graphc.backends.llvm.routines import ROUTINES
from graphc.backends.llvm.table import THREADS, ChunksOf
from graphc.backends.llvm.tasks import functions_of, tiles_by, tiles_of
from graphc.backends.llvm.text import Text
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.contractions import cleared, kernels_of
from graphc.kernel.failures import places
from graphc.kernel.searches import search
from graphc.kernel.steps import Branch, Check, Contract, Extern, IndexInRange, Kernel, Loop, Step
from graphc.sizes import Size, estimate
from graphc.types import BOOL

__all__ = ["Schedule"]

LOOK_AFTER = 64  # steps
PART = 256  # steps of a function
STEPS = 4  # of a loop: in fewer a copy for all of them may not pay


@final
@dataclass
class Schedule:
    """Writes `i64 name(ptr table)`, which runs steps: 0, or 1 more than the number of the step that failed."""

    module: Module
    frame: Frame = field(init=False)
    kept: dict[Contract, tuple[Blocking, Buffer]] = field(default_factory=dict)  # products, and their panels
    most: int = 0  # arguments of a function

    def __post_init__(self) -> None:
        self.frame = Frame(self.module.table)

    @property
    def text(self) -> Text:
        """Its instructions."""
        return self.frame.text

    def write(self, name: str, steps: Sequence[Step]) -> str:
        """The whole function; of many steps it calls others, each of a part: time grows faster than a function does."""
        if len(steps) <= PART:
            return self._function(name, "", steps)
        parts = [steps[first : first + PART] for first in range(0, len(steps), PART)]
        texts = [Schedule(self.module)._function(f"{name}_{n}", "internal ", part) for n, part in enumerate(parts)]
        for number in range(len(parts)):
            found = self.text.value(f"call i64 @{name}_{number}(ptr %table)")
            self.frame.return_if(self.text.value(f"icmp ne i64 {found}, 0"), found)
        return "\n".join([*texts, self._function(name, "", ())])

    def _function(self, name: str, linkage: str, steps: Sequence[Step]) -> str:
        self.run(steps)
        self.text.do("ret i64 0")
        if self.most:
            self.text.head.append(f"  %block = alloca [{self.most} x i64]")  # of one call after the other
        return self.text.function(name, "ptr %table", "i64", linkage)

    def run(self, steps: Sequence[Step]) -> None:
        """Steps in order, and in them those inside.  Recursion is over their depth."""
        for place, step in enumerate(steps):
            if place and place % LOOK_AFTER == 0:
                self.frame.look(LOOK_AFTER)
            self._step(step, self.module.program.numbers[step])

    def _step(self, step: Step, number: int) -> None:
        match step:
            case Kernel():
                self._kernel(step, number)
            case Contract():
                self._product(step, number)
            case Extern():
                self._extern(step)
            case Check():
                self._check(step, number)
            case Loop():
                self._loop(step, number)
            case Branch():
                self._branch(step)

    def _parts(self, number: int, steps: Sequence[Step]) -> None:
        """Steps that are a part of the step with this number."""
        for step in steps:
            self._step(step, number)

    def _kernel(self, kernel: Kernel, number: int) -> None:
        for part in with_rows(kernel, self.module.owner):
            self._rows(part, number)

    def _rows(self, kernel: Kernel, number: int) -> None:
        functions = functions_of(kernel, self.module)
        self._allocates(functions.allocated)
        room = self.module.room(functions.parts, number) if functions.keeps else -1
        self._chunks(self.module.named(functions.rows, kernel.origins), functions.rows, functions.chunks, room)
        end = functions.end
        if end is not None:
            name, chunks = self.module.named(end, kernel.origins), self.frame.number(functions.chunks)
            self.text.do(f"call void @{name}(ptr {self._block(end.arguments.listed, room)}, i64 {chunks})")
            if RUN in end.arguments.listed:
                self.frame.stop_if_stopped()

    def _allocates(self, bytes: Size) -> None:
        """Note what each thread takes from malloc."""
        if bytes != 0:
            self.module.allocated[bytes * self.module.threads] = None

    def _product(self, contract: Contract, number: int) -> None:
        """A contraction in tiles, or where nothing is gained by them in another way."""
        kept = self.kept.get(contract)
        tiles = tiles_of(contract, self.module) if kept is None else tiles_by(contract, kept[0], self.module, kept[1])
        if tiles is None:
            self._untiled(contract, number)
        else:
            if not contract.is_whole and not contract.adds:
                self._kernel(cleared(contract.out), number)
            room = self.module.room(tiles.tasks[0].scratch, number) if tiles.tasks[0].scratch != 0 else -1
            for task in tiles.tasks:
                self._allocates(task.allocated)
                self._chunks(task.name, task.function, task.chunks, room)
        if contract.then is not None and (tiles is None or not tiles.ends):
            self._kernel(contract.then, number)

    def _untiled(self, contract: Contract, number: int) -> None:
        """At each point of an axis, by the library, or as kernels."""
        each = one_by_one(contract, self.module.machine)
        if each is not None:
            write_loop(self.frame, each, number, partial(self._parts, number))
        elif (library := library_of(contract)) is not None:
            function = library.function()
            self._chunks(self.module.named(function, contract.origins), function, 1, -1)
        else:
            for kernel in kernels_of(contract):
                self._kernel(kernel, number)

    def _loop(self, loop: Loop, number: int) -> None:
        """A loop: by several threads at once where its turns leave each other nothing."""
        turns = abreast(loop, self.module)
        if turns is None:
            self._keep(loop, number)
            write_loop(self.frame, loop, number, self.run)
            return
        assert loop.length is not None, loop
        for task in turns.tasks:
            self._allocates(task.allocated)
        function, room = turns.function(), self.module.room(turns.room, number)
        base, stride = self.text.value(f"load ptr, ptr {self.frame.slot(room)}"), self.frame.number(turns.stride)
        with self.text.loop("0", self.frame.number(turns.places)) as place:
            at = self.text.value(f"mul i64 {place}, {stride}")
            self.text.do(f"store i64 0, ptr {self.text.value(f'getelementptr i8, ptr {base}, i64 {at}')}")
        name = self.module.named(function, loop.origins)
        self._chunks(name, function, loop.length, room, turns.places)

    def _keep(self, loop: Loop, number: int) -> None:
        """Copies of what is the same in all steps of a loop, as its products read it."""
        if loop.length is not None and estimate(loop.length) < STEPS:
            return
        changed = {buffer.root for step in loop.steps for buffer in step.writes}
        fixed = [buffer for buffer in loop.shared if buffer.root not in changed]
        for step in loop.steps:
            if not isinstance(step, Contract) or one_by_one(step, self.module.machine) is not None:
                continue
            blocking = blocking_for(step, self.module.machine, fixed)
            if blocking is None or not blocking.keeps_b:
                continue
            part = blocking.of_columns
            panels = Buffer(Role.TEMPORARY, BOOL, (blocking.shared_bytes(part.walk),))
            self.module.table.slots[panels] = self.module.room(panels.bytes, number)
            self.kept[step] = blocking, panels
            function = Multiplication(blocking, self.module.machine, kept=panels).copying((part,))
            self._chunks(self.module.named(function, step.origins), function, part.count, -1)

    def _chunks(
        self, name: str, function: Function, chunks: "Size | Planner", room: int, most: "Size | None" = None
    ) -> None:
        """All chunks of a function, by at most so many threads."""
        block = self._block(function.arguments.listed, room)
        if chunks == 1:
            self.text.do(f"call void @{name}(ptr {block}, i64 0)")
            if RUN in function.arguments.listed:
                self.frame.stop_if_stopped()
            return
        threads = self.text.value(f"load i64, ptr {self.frame.slot(THREADS)}")
        if most is not None:
            threads = self.text.least(threads, self.frame.number(most))
        if isinstance(chunks, Planner):
            count = self.text.value(f"load i64, ptr {self.frame.slot(self.module.table.of(ChunksOf(chunks)))}")
        else:
            count = self.frame.number(chunks)
        self.text.do(f"call void @graphc_parallel(ptr @{name}, ptr {block}, i64 {count}, i64 {threads}, ptr %table)")
        self.frame.stop_if_stopped()

    def _block(self, arguments: Sequence[Argument], room: int) -> str:
        """The arguments of a function, side by side."""
        block, self.most = "%block", max(self.most, len(arguments), 1)
        for place, argument in enumerate(arguments):
            if isinstance(argument, Run):
                self.text.do(f"store ptr %table, ptr {self.text.value(f'getelementptr i64, ptr {block}, i64 {place}')}")
                continue
            if isinstance(argument, int):
                value = str(argument)
            else:
                slot = room if isinstance(argument, Scratch) else self.module.table.of(argument)
                value = self.text.value(f"load i64, ptr {self.frame.slot(slot)}")
            self.text.do(f"store i64 {value}, ptr {self.text.value(f'getelementptr i64, ptr {block}, i64 {place}')}")
        return block

    def _extern(self, step: Extern) -> None:
        routine = ROUTINES[step.routine](step, self.module)
        if not isinstance(routine.counted, int) or routine.counted > LARGEST:
            self.module.counted.append(Counted(step.routine, routine.counted, tuple(places(step.origins))))
        self._allocates(routine.allocated)
        if isinstance(routine.chunks, Planner):
            self.module.planners[routine.chunks] = None
        self._chunks(self.module.named(routine.function, step.origins), routine.function, routine.chunks, -1)

    def _check(self, check: Check, number: int) -> None:
        """Sizes were looked at before."""
        if not isinstance(check.condition, IndexInRange):
            return
        flag = Buffer(Role.TEMPORARY, BOOL, ())
        self.module.table.slots[flag] = self.module.room(8, number)
        self._kernel(search(check.condition, flag), number)
        found = self.text.value(f"load i8, ptr {self.frame.pointer(flag)}")
        self.frame.fail(self.text.value(f"icmp ne i8 {found}, 0"), number, "0")

    def _branch(self, branch: Branch) -> None:
        text = self.text
        type = in_memory(branch.index.dtype)
        index = text.value(f"load {type}, ptr {self.frame.pointer(branch.index)}")
        labels = [text.label("case") for _ in branch.parts]
        after = text.label("after")
        cases = " ".join(f"{type} {n}, label %{label}" for n, label in enumerate(labels))
        text.do(f"switch {type} {index}, label %{labels[-1]} [ {cases} ]")
        for label, steps in zip(labels, branch.parts, strict=True):
            text.begin(label)
            self.run(steps)
            text.go(after)
        text.begin(after)
