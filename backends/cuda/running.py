"""Programs on a device: buffers are given addresses, and the steps of the host are made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NoReturn, TypeAlias, final

import numpy as np

from graphc.backends.backend import Array, Artifact, Loaded, Prepared
from graphc.backends.cuda.device import Code, Device
from graphc.backends.cuda.function_text import Argument, Scratch
from graphc.backends.cuda.host import Choose, HostStep, Launch, Repeat, Require
from graphc.backends.cuda.module import Module
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.steps import Carry, Check, IndexInRange, Loop
from graphc.sizes import Size, compiled, product

__all__ = ["loaded"]

Fail: TypeAlias = Callable[..., NoReturn]


def loaded(artifact: Artifact, device: Device) -> Loaded:
    """What runs the launches of a module.  The device is asked for when a call comes."""
    module: Module = artifact.notes

    def prepare(
        memory: Array,
        offsets: Sequence[int],
        variables: Sequence[Array],
        constants: Sequence[Array],
        sizes: Sequence[int],
        fail: Fail,
    ) -> tuple[tuple[Prepared, ...], tuple[Prepared, ...]]:
        code = device.code(artifact.source, module.entries)
        bound = _Bound(module, code, tuple(variables), tuple(sizes), fail)
        bound.place(module.program.constants, constants)
        has_commit = module.program.commit < len(module.program.steps)
        return (bound.compute,), (bound.commit,) if has_commit else ()

    return Loaded(prepare)


@final
@dataclass(eq=False)
class _Bound:
    """Code with memory for some sizes: for one caller at a time.

    at     the address of each buffer that owns its bytes
    held   how many bytes each of them has, rows apart
    """

    module: Module
    code: Code
    variables: tuple[Array, ...]
    sizes: tuple[int, ...]
    fail: Fail
    at: dict[Buffer | Scratch, int] = field(default_factory=dict)
    held: dict[Buffer | Scratch, int] = field(default_factory=dict)
    _known: dict[Size, int] = field(default_factory=dict)

    # Memory.

    def number(self, size: Size) -> int:
        """The value of a size."""
        if isinstance(size, int):
            return size
        if size not in self._known:
            self._known[size] = compiled([size], self.module.program.symbols)(self.sizes)[0]
        return self._known[size]

    def address(self, what: Buffer | Scratch) -> int:
        """Where the bytes of a buffer are, which are given to it when it is asked for."""
        owner = what if isinstance(what, Scratch) or what in self.module.scratch else self.module.owner(what)
        if owner not in self.at:
            assert isinstance(owner, Scratch) or owner.role is not Role.ROW, owner
            bytes = self.held[owner] = self.number(owner.size) * owner.dtype.itemsize
            self.at[owner] = self.code.allocate(bytes)
        return self.at[owner]

    def place(self, buffers: Sequence[Buffer], arrays: Sequence[Array]) -> None:
        """Copy arrays to where their buffers are."""
        for buffer, array in zip(buffers, arrays, strict=True):
            self.code.upload(self.address(buffer), array)

    def array(self, buffer: Buffer) -> Array:
        """What a buffer holds."""
        found = np.empty([self.number(extent) for extent in buffer.shape], buffer.dtype)
        self.code.download(found, self.address(buffer))
        return found

    # Calls.

    def compute(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
        """The steps before variables are set."""
        program = self.module.program
        self.place(program.inputs, inputs)
        self.place(program.variables, self.variables)
        self.run(self.module.compute)
        self._collect(program.outputs, outputs)

    def commit(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
        """The steps that set variables."""
        program = self.module.program
        self.run(self.module.commit)
        self._collect(program.outputs, outputs)
        self._collect(program.variables, self.variables)

    def _collect(self, buffers: Sequence[Buffer], arrays: Sequence[Array]) -> None:
        for buffer, array in zip(buffers, arrays, strict=True):
            self.code.download(array, self.address(buffer))

    def run(self, steps: Sequence[HostStep]) -> None:
        """Steps in order.  Recursion is over their depth."""
        for step in steps:
            match step:
                case Launch():
                    blocks = self.number(step.blocks)
                    if blocks:
                        self.code.launch(step.kernel, blocks, step.threads, [*map(self._argument, step.arguments)])
                case Require(number=number, flag=flag):
                    if self.code.number(self.address(flag), flag.dtype):
                        self._fail(number)
                case Choose(branch=branch, parts=parts):
                    self.run(parts[self.code.number(self.address(branch.index), branch.index.dtype)])
                case Repeat():
                    self._repeat(step)

    def _argument(self, argument: Argument) -> int:
        match argument:
            case Buffer() | Scratch():
                return self.address(argument)
            case str():
                return self.sizes[self.module.program.symbols.index(argument)]
            case int():
                return argument

    def _fail(self, number: int) -> NoReturn:
        check = self.module.program.timeline[number]
        assert isinstance(check, Check), check
        assert isinstance(check.condition, IndexInRange), check
        self.fail(number, self.array(check.condition.index), self.number(check.condition.extent))

    # Loops.

    def _repeat(self, step: Repeat) -> None:
        loop = step.loop
        most = None if loop.length is None else self.number(loop.length)
        count = most if loop.count is None else self.code.number(self.address(loop.count), loop.count.dtype)
        for stack in loop.writes:
            if stack.role is Role.STACK:
                self._ensure(stack, 1)
        for carry in loop.carries:
            first = count if carry.is_kept and loop.reverse else 0
            assert first is not None, loop
            self._show(carry.before, carry.rows, first)
            self._copy(carry.before, carry.start)
        for held in loop.held:
            self._copy(held.buffer, held.start)
        made = 0
        while True:
            at = made if count is None or not loop.reverse else count - 1 - made
            for stack in loop.writes:
                if stack.role is Role.STACK:
                    self._ensure(stack, made + 2)
            for carry in loop.carries:
                self._show(carry.before, carry.rows, _rows(carry, loop, at, made)[0])
            self.run(step.condition)
            if not (made < (count or 0) if loop.holds is None else self._holds(loop)):
                break
            if made == most:
                self.fail(step.number, made)
            for carry in loop.carries:
                self._show(carry.after, carry.rows, _rows(carry, loop, at, made)[1])
            for rows in (*loop.sequences, *loop.outputs):
                self._show(rows.row, rows.of, at + rows.shift)
            self.run(step.steps)
            made += 1
        for carry in loop.carries:
            if carry.last is not None:
                self._copy(carry.last, carry.before)
        if loop.made is not None:
            self.code.upload(self.address(loop.made), np.asarray(made, loop.made.dtype))

    def _holds(self, loop: Loop) -> bool:
        assert loop.holds is not None, loop
        return bool(self.code.number(self.address(loop.holds), loop.holds.dtype))

    def _show(self, row: Buffer, of: Buffer, place: int) -> None:
        """Let a row be one of an array."""
        bytes = self.number(product(of.shape[1:])) * of.dtype.itemsize
        self.at[self.module.owner(row)] = self.address(of) + place * bytes

    def _copy(self, to: Buffer, of: Buffer) -> None:
        self.code.copy(self.address(to), self.address(of), self.number(of.bytes))

    def _ensure(self, stack: Buffer, rows: int) -> None:
        """Room for so many rows: twice as many as there were, where there is not enough."""
        row = self.number(product(stack.shape[1:])) * stack.dtype.itemsize
        held = self.held.get(stack, 0)
        if stack not in self.at or held < rows * row:
            wanted = max(8, 2 * rows) * row
            fresh = self.code.allocate(wanted)
            if held:
                self.code.copy(fresh, self.at[stack], held)
            self.at[stack], self.held[stack] = fresh, wanted


def _rows(carry: Carry, loop: Loop, at: int, made: int) -> tuple[int, int]:
    """The rows of a carry before and after a step."""
    if not carry.is_kept:
        return made % 2, (made + 1) % 2
    return (at + 1, at) if loop.reverse else (at, at + 1)
