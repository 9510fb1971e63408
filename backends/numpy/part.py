"""A part of a source: a function that binds its steps to an arena, and a function in it that runs them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field
from itertools import chain
from typing import TypeAlias

from graphc.backends.numpy.bodies import write_branch, write_loop
from graphc.backends.numpy.calls import number_name, number_text
from graphc.backends.numpy.definitions import Arrays, Column, Defined, table_lines, tuple_text
from graphc.backends.numpy.homes import Slot
from graphc.backends.numpy.kernels import KernelText, aligned
from graphc.backends.numpy.lines import filled
from graphc.backends.numpy.naming import Fresh, Table
from graphc.backends.numpy.routines import WORKSPACES
from graphc.backends.numpy.turns import Filled, Late, Turns
from graphc.backends.numpy.values import View
from graphc.backends.numpy.whole import Whole
from graphc.backends.writer import Writer
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.nesting import all_steps
from graphc.kernel.scalar import Const
from graphc.kernel.steps import Branch, Check, Contract, Extern, IndexInRange, Kernel, Loop, Step
from graphc.sizes import Size, python_text
from graphc.types import BFLOAT16, Shape, name_of

__all__ = ["Part"]

_ALONE = (Extern, Loop, Branch)  # no turn of a loop over steps that are alike

_Viewed: TypeAlias = tuple[View, str, str]  # a view, its name, and how that is made


@dataclass
class Part:
    """One function of the source."""

    whole: Whole
    name: str
    counters: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, str] = field(default_factory=dict)
    numbers: dict[Const, str] = field(default_factory=dict)
    tables: dict[Table, str] = field(default_factory=dict)
    views: dict[Buffer, str] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)  # how a view is made -> its name
    shapes: dict[Shape, str] = field(default_factory=dict)
    arrays: Arrays = field(default_factory=Arrays)
    tables_of_turns: dict[str, Sequence[Column]] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)  # names of what differs from call to call
    bind: Writer = field(default_factory=Writer)
    run: Writer = field(default_factory=Writer)
    turns: Turns = field(init=False)

    def __post_init__(self) -> None:
        self.turns = self._turns()

    def _turns(self) -> Turns:
        return Turns(self.run, self.tables_of_turns, self.late, self.fresh)

    def write(self, steps: Sequence[Step]) -> str:
        """The text of the part."""
        touched = dict.fromkeys([buffer for step in all_steps(steps) for buffer in (*step.reads, *step.writes)])
        self._show_temporaries([buffer.base or buffer for buffer in touched])
        for buffer in touched:
            if buffer not in self.views and buffer.root.role is not Role.ROW:
                self.show(buffer)
        self.steps(steps)
        return self._assembled()

    def steps(self, steps: Sequence[Step]) -> None:
        """Write steps in order."""
        for step in steps:
            self._step(step, self.number_of(step))
        self.turns.finish()

    def number_of(self, step: Step) -> int:
        """Where a step stands among all."""
        return self.whole.program.numbers[step]

    @contextmanager
    def inside(self) -> Iterator[Writer]:
        """What is written meanwhile stands in a block of its own: nothing outside may use what is named there."""
        outer = self.run, self.turns, self.shared, self.views
        self.run, self.shared, self.views = Writer(), dict(self.shared), dict(self.views)
        self.turns = self._turns()
        yield self.run
        self.run, self.turns, self.shared, self.views = outer

    def _assembled(self) -> str:
        program = self.whole.program
        tables = [table_lines(name, columns, self.arrays) for name, columns in self.tables_of_turns.items()]
        out = Writer()
        with out.block(f"def {self.name}(memory, at, variables, constants, sizes, fail):"):
            if program.symbols:
                out.line(f"{', '.join(f'n{i}' for i in range(len(program.symbols)))}, = sizes")
            for text, name in self.sizes.items():
                out.line(f"{name} = {text}")
            for line in (*self.arrays.lines(), *self.bind.lines, *chain.from_iterable(tables)):
                out.line(line)
            out.line()
            with out.block("def run(inputs, outputs):"):
                for line in self.run.lines or ["pass"]:
                    out.line(line)
            out.line()
            out.line("return run")
        return str(out)

    # Names.

    def name_of(self, buffer: Buffer) -> str:
        return self.views[buffer]

    def fresh(self, beginning: str) -> str:
        number = self.counters.get(beginning, 0)
        self.counters[beginning] = number + 1
        return f"{beginning}{number}"

    def size(self, size: Size) -> str:
        """A size as text: a number, or a name bound to its value."""
        if isinstance(size, int):
            return str(size)
        symbols = {symbol: f"n{i}" for i, symbol in enumerate(self.whole.program.symbols)}
        text = python_text(size, symbols)
        if text.isidentifier():
            return text
        if text not in self.sizes:
            self.sizes[text] = f"m{len(self.sizes)}"
        return self.sizes[text]

    def _number(self, const: Const) -> str:
        """A constant as the name of an array without axes, bound once."""
        if const not in self.numbers:
            first = name = number_name(const) or self.fresh("number")
            while name in self.numbers.values():
                name = self.fresh(f"{first}_")
            self.numbers[const] = name
            dtype = "bfloat16" if const.dtype == BFLOAT16 else f'"{name_of(const.dtype)}"'
            self.bind.line(f"{name} = np.array({number_text(const)}, {dtype})")
        return self.numbers[const]

    def _table(self, table: Table) -> str:
        """The name of a table, which is written into the arena when bound."""
        if table not in self.tables:
            name = self.tables[table] = self.fresh("steps")
            place, extent, step = self.whole.table(table), self.size(table.extent), self.size(table.step)
            self.bind.line(f"{name} = positions(memory, at[{place}], {extent}, {step})")
        return self.tables[table]

    def _shape(self, shape: Shape) -> str:
        text = self.shapes.get(shape)
        if text is None:
            text = self.shapes[shape] = tuple_text([self.size(n) for n in shape])
        return text

    def _show_temporaries(self, buffers: Iterable[Buffer]) -> None:
        names, places = self.whole.names, self.whole.places
        for buffer in dict.fromkeys(buffers):
            if buffer.role is Role.TEMPORARY:
                name = self.views[buffer] = names[buffer]
                self.arrays.add(Defined(name, places[buffer]), self._shape(buffer.shape), name_of(buffer.dtype))

    def show(self, buffer: Buffer) -> None:
        """Define the name of a buffer: once when bound, or at each call for what differs then."""
        if buffer in self.views:
            return
        root = buffer.root
        if root is not buffer:
            self.show(root)
            name = self.fresh(f"{self.views[root]}_as")
            late = buffer.is_passing
            line = f"{name} = {self.views[root]}.reshape({', '.join(self.size(n) for n in buffer.shape) or '()'})"
            (self.run if late else self.bind).line(line)
            self.views[buffer] = name
            if late:
                self.late.add(name)
            return
        name = self.views[buffer] = self.whole.names[buffer]
        if buffer.role in (Role.INPUT, Role.OUTPUT):
            self.late.add(name)
        match buffer.role:
            case Role.INPUT:
                self.run.line(f"{name} = inputs[{buffer.slot}]")
            case Role.OUTPUT:
                self.run.line(f"{name} = outputs[{buffer.slot}]")
            case Role.VARIABLE:
                self.bind.line(f"{name} = variables[{buffer.slot}]")
            case Role.CONSTANT:
                self.bind.line(f"{name} = constants[{buffer.slot}]")
            case Role.STACK:
                shape = tuple_text([self.size(n) for n in buffer.shape[1:]])
                self.bind.line(f'{name} = Stack({shape}, "{name_of(buffer.dtype)}")')
            case Role.TEMPORARY | Role.LOCAL | Role.ROW:
                raise AssertionError(f"{buffer.role} is not defined here")

    # Steps.

    def _step(self, step: Step, number: int) -> None:
        if isinstance(step, _ALONE):
            self.turns.interrupt(self.whole.comment(step.origins))
        match step:
            case Kernel():
                self._text(step, number, self.whole.comment(step.origins))
            case Contract():
                comment = self.whole.comment(step.origins)
                self._text(step, number, comment)
                if step.then is not None:
                    self._text(step.then, number, comment)
            case Extern():
                operands = ", ".join(self.name_of(buffer) for buffer in (*step.reads, *step.writes))
                options = "".join(f", {key}={value!r}" for key, value in step.options)
                self.run.line(f"routines.{step.routine}({operands}{options})")
                self.whole.library.append(WORKSPACES[step.routine](*step.reads, **dict(step.options)))
            case Check():
                self._check(step, number)
            case Loop():
                write_loop(step, self)
            case Branch():
                write_branch(step, self)

    def _check(self, step: Check, number: int) -> None:
        condition = step.condition
        if isinstance(condition, IndexInRange):  # sizes are compared before anything is bound
            self.turns.interrupt(self.whole.comment(step.origins))
            index, extent = self.name_of(condition.index), self.size(condition.extent)
            low = f"-{extent}" if condition.negative else "0"
            with self.run.block(f"if not in_range({index}, {extent}, {low}):"):
                self.run.line(f"fail({number}, {index}, {extent})")

    def _text(self, step: Kernel | Contract, number: int, comment: tuple[str, ...]) -> None:
        """Write a kernel, or a product without its epilogue: the text of its pattern, with names filled in."""
        text, buffers, numbers = self.whole.text(step)
        self.whole.library.append(text.library)
        place = self.whole.room(text.workspace, number) if text.slots else -1
        names = [self.views.get(buffer, "") for buffer in buffers]  # locals have no name
        defined: list[_Viewed] = []
        for what in text.names:
            match what:
                case Fresh():
                    name = self.fresh(filled(what.beginning, names))
                case View():
                    name = self._view(what, names, defined)
                case Const():
                    name = self._number(what)
                case Table():
                    name = self._table(what)
                case _:
                    name = self.size(numbers.get(what, what))
            names.append(name)
        slots = [(filled(name, names), shape, dtype) for name, shape, dtype in text.slots]
        if text.blocked is None:
            self._slot_lines(slots, place)
            late = []
            for view, name, made in defined:
                if view.late:
                    late.append(Late(name, view.text, names))
                    self.late.add(name)
                elif not self.arrays.show(name, view.text, names):
                    self.bind.line(f"{name} = {made}")
            for piece in text.pieces:
                self.turns.add(Filled(piece.lines, piece.of(names), late, comment))
                late = []
        else:
            self.turns.interrupt(comment)
            self._in_blocks(text, slots, defined, names, place)

    def _view(self, view: View, names: Sequence[str], defined: list["_Viewed"]) -> str:
        """The name of a view, which is defined here unless the part has it."""
        text = filled(view.text, names)
        name = self.shared.get(text)
        if name is None or not view.is_shared:
            name = self.fresh(filled(view.beginning, names))
            defined.append((view, name, text))
            if view.is_shared:
                self.shared[text] = name
        return name

    def _slot_lines(self, slots: Sequence[Slot], place: int, suffix: str = "") -> None:
        offset: Size = 0
        for name, shape, dtype in slots:
            after = "" if offset == 0 else self.size(offset)
            self.arrays.add(Defined(name + suffix, place, after), self._shape(shape), name_of(dtype))
            offset = offset + aligned(shape, dtype)

    def _in_blocks(
        self,
        text: KernelText,
        slots: Sequence[Slot],
        views: Sequence["_Viewed"],
        names: Sequence[str],
        place: int,
    ) -> None:
        """A loop over blocks of rows.  What a block sees is bound once; views of inputs and outputs at every call."""
        assert text.blocked is not None, text
        axis, rows = text.blocked
        walked: list[tuple[str, str]] = []
        late: list[tuple[str, str]] = []
        self._slot_lines(slots, place, "_all")
        for name, shape, _ in slots:
            if shape and shape[0] == rows:
                walked.append((name, f"{name}_all[: stop - start]"))
            else:
                self.bind.line(f"{name} = {name}_all")
        for view, name, made in views:
            writer = self.run if view.late else self.bind
            part = made
            if not view.is_of_block:  # else its array is there in the block, and before it maybe not
                if axis not in view.axes:
                    writer.line(f"{name} = {made}")
                    continue
                full = made
                if not full.isidentifier():
                    full = f"{name}_all"
                    writer.line(f"{full} = {made}")
                part = f"{full}[start:stop]"
            (late if view.late else walked).append((name, part))
        block = self.fresh("block")
        blocks = block.replace("block", "blocks")
        seen = ", ".join(["start", "stop", *(name for name, _ in walked)])
        self.bind.line()
        with self.bind.block(f"def {block}(start, stop):"):
            for name, part in walked:
                self.bind.line(f"{name} = {part}")
            self.bind.line(f"return {seen}")
        self.bind.line()
        self.bind.line(f"{blocks} = blocks({block}, {self.size(axis.extent)}, {self.size(rows)})")
        for line in text.before:
            self.run.line(filled(line, names))
        with self.run.block(f"for {seen} in {blocks}:"):
            for name, part in late:
                self.run.line(f"{name} = {part}")
            for line in text.body:
                self.run.line(filled(line, names))
        for line in text.after:
            self.run.line(filled(line, names))
