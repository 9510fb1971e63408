"""The steps of a program as what a host does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product as points
from typing import final

from graphc.backends.cuda.columns import columns_as_totals
from graphc.backends.cuda.factorisations import factorisation
from graphc.backends.cuda.few_rows import in_parts
from graphc.backends.cuda.function_text import Parameters
from graphc.backends.cuda.host import Choose, HostStep, Launch, Multiply, Repeat, Require
from graphc.backends.cuda.kernels import Native
from graphc.backends.cuda.looking import Looking, looking_kernels
from graphc.backends.cuda.module import Module
from graphc.backends.cuda.products import product_of
from graphc.backends.cuda.routines import kernels_of_routine
from graphc.backends.cuda.stored_totals import totals_stored
from graphc.backends.cuda.teams import parallel_parts, with_reversed_apart
from graphc.backends.cuda.tiles import tiled
from graphc.backends.cuda.totals import in_two_steps, with_totals_inside
from graphc.dataclass import dataclass
from graphc.errors import UnsupportedError
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.contractions import cleared, kernels_of
from graphc.kernel.failures import places
from graphc.kernel.searches import search
from graphc.kernel.steps import Branch, Check, Contract, Extern, IndexInRange, Kernel, Loop, Step
from graphc.types import BOOL, short_name

__all__ = ["Schedule"]


@final
@dataclass
class Schedule:
    """Writes the kernels of steps into a module; `is_inner` where they are those of a loop or a branch."""

    module: Module
    is_inner: bool = False

    def of(self, steps: Sequence[Step]) -> tuple[HostStep, ...]:
        """What the host does for steps in order.  Recursion is over their depth."""
        looking = looking_kernels(steps)
        looked_at = {check for found in looking.values() for check in found.flags}
        return tuple(made for step in steps if step not in looked_at for made in self._step(step, looking))

    def _step(self, step: Step, looking: Mapping[Step, Looking]) -> Iterator[HostStep]:
        number = self.module.program.numbers[step]
        match step:
            case Kernel() if step in looking:
                yield from self._looking(looking[step], number)
            case Kernel():
                yield from self._kernel(step, number)
            case Contract():
                yield from self._product(step, number)
            case Extern():
                yield from self._routine(step, number)
            case Check():
                yield from self._check(step, number)
            case Loop():
                inner = Schedule(self.module, is_inner=True)
                yield Repeat(step, number, inner.of(step.condition), inner.of(step.steps))
            case Branch():
                yield Choose(step, tuple(map(Schedule(self.module, is_inner=True).of, step.parts)))

    def _kernel(self, kernel: Kernel, number: int) -> Iterator[Launch]:
        for part in parallel_parts(with_reversed_apart(kernel)):
            rows = columns_as_totals(in_two_steps(part))
            parted = in_parts(rows, self.module.owner)
            if parted is None:
                yield from self._rows(with_totals_inside(rows), number)
                continue
            for buffer in parted.rooms:
                self.module.room_for(buffer, number)
            for step in parted.kernels:
                yield from self._kernel(step, number)

    def _looking(self, looking: Looking, number: int) -> Iterator[HostStep]:
        """A kernel that sets flags, and what is required of them."""
        for flag in looking.flags.values():
            self.module.room_for(flag, number)
        for launch in self._kernel(looking.kernel, number):
            yield launch if looking.times == 1 else replace(launch, blocks=launch.blocks * looking.times)
        for check, flag in looking.flags.items():
            yield Require(self.module.program.numbers[check], flag, ())

    def _rows(self, kernel: Kernel, number: int) -> Iterator[Launch]:
        """A kernel, and those that combine its totals."""
        native = Native(kernel, self.module.symbols, self.module.owner, self.module)
        rooms, following = native.rooms, native.after
        stored = totals_stored(kernel) if native.made.is_serial else None
        if stored is not None:
            rooms, following = stored.rooms, stored.after
            native = Native(stored.rows, self.module.symbols, self.module.owner, self.module)
        for buffer in rooms:
            self.module.room_for(buffer, number)
        yield self.module.launch(native.function(), kernel.origins, number)
        for after in following:
            for part in parallel_parts(after):
                yield from self._rows(part, number)

    def _routine(self, step: Extern, number: int) -> Iterator[Launch]:
        module = self.module
        written = frozenset(map(module.owner, step.writes))
        function = factorisation(step, Parameters(module.symbols, written, module.owner, module.need), module)
        if function is not None:
            yield module.launch(function, step.origins, number)
            return
        made = kernels_of_routine(step)
        if made is None:
            raise unsupported(step)
        kernels, rooms = made
        for buffer in rooms:
            self.module.room_for(buffer, number)
        for kernel in kernels:
            yield from self._kernel(kernel, number)

    def _product(self, contract: Contract, number: int) -> Iterator[HostStep]:
        """A contraction in tiles, or where nothing is gained by them as kernels."""
        module, then, out = self.module, contract.then, contract.out
        is_read = out.role is not Role.TEMPORARY or out.root in module.read
        made = tiled(contract, module.symbols, module.owner, module.narrow, is_read=is_read)
        if made is None:
            for kernel in kernels_of(contract):
                yield from self._kernel(kernel, number)
        else:
            if not contract.is_whole and not contract.adds:
                yield from self._kernel(cleared(contract.out), number)
            followed = then if made.may_be_followed else None
            large = None if self.is_inner else product_of(contract)
            if large is not None and self._may_be_repeated(contract):
                function = made.function(self.module, followed, ())
                tiles = self.module.launch(function, contract.origins, number)
                yield Multiply(large, tiles, () if then is None else tuple(self._kernel(then, number)), function.text)
                return
            for at in points(*(range(int(walk.extent)) for walk in made.roles.serial)):
                function = made.function(self.module, followed, at)
                yield self.module.launch(function, contract.origins, number)
            if followed is not None:
                return
        if then is not None:
            yield from self._kernel(then, number)

    def _may_be_repeated(self, contract: Contract) -> bool:
        """Whether a product and what follows find what they read as it was, when they are made again."""
        owner, then = self.module.owner, contract.then
        read = {contract.left, contract.right, *(then.reads if then is not None else ())} - {contract.out}
        return not {*map(owner, contract.writes)} & {*map(owner, read)}

    def _check(self, check: Check, number: int) -> Iterator[HostStep]:
        """Sizes were looked at before."""
        if not isinstance(check.condition, IndexInRange):
            return
        flag = Buffer(Role.TEMPORARY, BOOL, ())
        self.module.room_for(flag, number)
        yield Require(number, flag, tuple(self._kernel(search(check.condition, flag), number)))


def unsupported(step: Extern) -> UnsupportedError:
    """The error of a routine that there is no kernel for."""
    dtypes = ", ".join(dict.fromkeys(short_name(buffer.dtype) for buffer in (*step.reads, *step.writes)))
    problem = f"{step.routine}: the cuda backend has no kernel for it, of {dtypes}"
    return UnsupportedError(problem, hint='backend="llvm"').located(places(step.origins))
