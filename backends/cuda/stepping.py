"""What the host does for a program: launches, loops and choices, by the addresses of now."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from functools import partial
from typing import NoReturn, TypeAlias, final

from graphc.backends.cuda.choosing import addresses, chosen
from graphc.backends.cuda.device import Array, Code
from graphc.backends.cuda.function_text import Argument, Scratch
from graphc.backends.cuda.host import Choose, HostStep, Launch, Multiply, Repeat, Require
from graphc.backends.cuda.multiplication import Multiplication
from graphc.backends.cuda.places import Places
from graphc.cache import standard
from graphc.dataclass import dataclass
from graphc.errors import ShapeError
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.carries import Carry
from graphc.kernel.failures import places as lines_of
from graphc.kernel.steps import Check, IndexInRange

__all__ = ["Fail", "Stepping", "launches_in"]

Fail: TypeAlias = Callable[..., NoReturn]


def launches_in(steps: Sequence[HostStep]) -> Iterator[Launch]:
    """All launches, each once.  Recursion is over the depth of loops and choices."""
    for step in steps:
        match step:
            case Launch():
                yield step
            case Multiply(tiles=tiles, then=then):
                yield from (tiles, *then)
            case Repeat():
                yield from launches_in((*step.condition, *step.steps))
            case Choose(parts=parts):
                yield from launches_in([inner for part in parts for inner in part])
            case Require(search=search):
                yield from search


@final
@dataclass(eq=False)
class Stepping:
    """Code, and where its arrays are.

    waits   whether each launch is waited for, so that a fault is known to be that of its kernel
    open    products that are made once more, by a library, when they come first: whichever is faster
    chosen  what was found of the others
    """

    places: Places
    code: Code
    fail: Fail
    waits: bool
    open: set[Multiply] = field(default_factory=set)
    chosen: dict[Multiply, Multiplication | None] = field(default_factory=dict)

    def require_small(self, steps: Sequence[HostStep]) -> None:
        """Raise ShapeError where sizes make a launch larger than the device runs."""
        most = self.places.device.limits
        for step in launches_in(steps):
            blocks = self.places.number(step.blocks)
            if blocks > most.blocks or step.threads > most.threads:
                wanted = f"{blocks:,} blocks of {step.threads} threads"
                problem = f"{step.kernel} needs {wanted}, and the device runs {most.blocks:,} of {most.threads}"
                raise ShapeError(problem, hint="smaller sizes").located(lines_of(step.origins))

    def count(self, steps: Sequence[HostStep]) -> int | None:
        """How many launches they make; None where what kernels find says so.  Recursion is over their depth."""
        total = 0
        for step in steps:
            match step:
                case Launch():
                    total += 1
                case Multiply(then=then):
                    total += 1 + len(then)
                case Repeat(loop=loop) if step.is_counted:
                    assert loop.length is not None, loop
                    each = self.count((*step.condition, *step.steps))
                    if each is None:
                        return None
                    total += self.places.number(loop.length) * each + len(loop.carries)
                case Repeat() | Choose() | Require():
                    return None
        return total

    def run(self, steps: Sequence[HostStep]) -> None:
        """Steps in order.  Recursion is over their depth."""
        for step in steps:
            match step:
                case Launch():
                    self._launch(step)
                case Multiply():
                    self._multiply(step)
                case Require(number=number, flag=flag, search=search):
                    self.run(search)
                    if self._is_wrong(number, flag):
                        self._fail(number)
                case Choose(branch=branch, parts=parts):
                    self.run(parts[self.places.value(branch.index)])
                case Repeat():
                    self._repeat(step)

    def _launch(self, step: Launch) -> None:
        device, blocks = self.places.device, self.places.number(step.blocks)
        if blocks:
            device.pending[step] = None
            arguments = [*map(self._argument, step.arguments)]
            self.code.launch(step.kernel, blocks, step.threads, arguments, partial(self._extents, step))
            if self.waits:
                device.wait()

    def _multiply(self, step: Multiply) -> None:
        if step in self.open:
            again, following = partial(self._launch, step.tiles), partial(self.run, step.then)
            self.chosen[step] = chosen(step, self.places, standard(), again, following)
            self.open.remove(step)
        library = self.chosen.get(step)
        if library is None:
            self._launch(step.tiles)
        else:
            library.run(*addresses(step.product, self.places))
            self.run(step.then)

    def _argument(self, argument: Argument) -> int:
        match argument:
            case Buffer() | Scratch():
                return self.places.address(argument)
            case str():
                return self.places.sizes[self.places.module.program.symbols.index(argument)]
            case int():
                return argument

    def _extents(self, launch: Launch) -> Sequence[int | None]:
        """How many bytes each array has that a launch passes; None for what is none, and for a stack."""
        return [
            None
            if isinstance(x, str | int) or (isinstance(x, Buffer) and x.role is Role.STACK)
            else self.places.number(x.size) * x.dtype.itemsize
            for x in launch.arguments
        ]

    def condition(self, number: int) -> IndexInRange:
        """What step `number` demands."""
        check = self.places.module.program.timeline[number]
        assert isinstance(check, Check), check
        assert isinstance(check.condition, IndexInRange), check
        return check.condition

    def require(self, number: int, index: Array) -> None:
        """Raise unless indices of the host are what step `number` demands."""
        condition = self.condition(number)
        extent = self.places.number(condition.extent)
        low = -extent if condition.negative else 0
        if index.size and (int(index.min()) < low or int(index.max()) >= extent):
            self.fail(number, index, extent)

    def _is_wrong(self, number: int, flag: Buffer) -> bool:
        """Whether an index is out of range, for which kernels have set a flag; if nothing is there, each is."""
        condition, places = self.condition(number), self.places
        return bool(places.value(flag) if places.number(condition.extent) else places.number(condition.index.size))

    def _fail(self, number: int) -> NoReturn:
        condition = self.condition(number)
        self.fail(number, self.places.array(condition.index), self.places.number(condition.extent))

    def _repeat(self, step: Repeat) -> None:
        loop, places = step.loop, self.places
        most = None if loop.length is None else places.number(loop.length)
        count = most if loop.count is None else places.value(loop.count)
        stacks = [stack for stack in loop.writes if stack.role is Role.STACK]
        for stack in stacks:
            places.ensure(stack, 1)
        for carry in loop.carries:
            first = count if carry.is_kept and loop.reverse else 0
            assert first is not None, loop
            places.show(carry.before, carry.rows, first)
            places.copy(carry.before, carry.start)
        for held in loop.held:
            places.copy(held.buffer, held.start)
        made = 0
        while True:
            at = made if count is None or not loop.reverse else count - 1 - made
            for stack in stacks:
                places.ensure(stack, made + 2)
            for carry in loop.carries:
                places.show(carry.before, carry.rows, _rows(carry, loop.reverse, at, made)[0])
            self.run(step.condition)
            if not (made < (count or 0) if loop.holds is None else places.value(loop.holds)):
                break
            if made == most:
                self.fail(step.number, made)
            for carry in loop.carries:
                places.show(carry.after, carry.rows, _rows(carry, loop.reverse, at, made)[1])
            for rows in (*loop.sequences, *loop.outputs):
                places.show(rows.row, rows.of, at + rows.shift)
            self.run(step.steps)
            made += 1
        for carry in loop.carries:
            if carry.last is not None:
                places.copy(carry.last, carry.before)
        if loop.made is not None:
            places.device.fill(places.address(loop.made), made, loop.made.dtype.itemsize)


def _rows(carry: Carry, is_reverse: bool, at: int, made: int) -> tuple[int, int]:
    """The rows of a carry before and after a step."""
    if not carry.is_kept:
        return made % 2, (made + 1) % 2
    return (at + 1, at) if is_reverse else (at, at + 1)
