"""Programs on a device: calls take arrays there, do the steps, and give arrays back."""

from collections.abc import Iterator, Sequence
from dataclasses import field
from functools import cached_property
from itertools import groupby
from typing import Any, final

from graphc.backends.backend import Array, Artifact, Loaded, Prepared
from graphc.backends.cuda.arrays import DeviceArray, DeviceSpace, ValueOf, told
from graphc.backends.cuda.device import Code, Device, DriverError, Memory
from graphc.backends.cuda.dlpack import Shared
from graphc.backends.cuda.host import HostStep, Launch, Multiply, Require
from graphc.backends.cuda.module import Module
from graphc.backends.cuda.moving import Key, Moving, twins
from graphc.backends.cuda.places import Places
from graphc.backends.cuda.stepping import Fail, Stepping, launches_in
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.resident import Resident

__all__ = ["loaded"]

MOST_RECORDED = 1 << 14  # launches


def loaded(artifact: Artifact, device: Device) -> Loaded:
    """What runs the launches of a module.  The device is asked for when a call comes."""
    program = _Program(artifact, device)

    def prepare(
        memory: Memory | Array | None,
        offsets: Sequence[int],
        variables: Sequence[Resident | Array],
        constants: Sequence[Array],
        sizes: Sequence[int],
        fail: Fail,
    ) -> tuple[tuple[Prepared, ...], tuple[Prepared, ...]]:
        bound = told(device, program.bound, memory, offsets, tuple(variables), constants, tuple(sizes), fail)
        return (bound.compute,), (bound.commit,) if bound.sets else ()

    return Loaded(prepare, space=DeviceSpace(device))


@final
@dataclass(eq=False)
class _Program:
    """Text and its code, which is loaded once, with the constants."""

    artifact: Artifact
    device: Device
    _code: Code | None = None
    _constants: list[DeviceArray] = field(default_factory=list)

    @property
    def module(self) -> Module:
        found: Module = self.artifact.notes
        return found

    @property
    def code(self) -> Code:
        """The functions; two threads may load them at once, and one stays."""
        if self._code is None:
            self._code = self.device.code(self.artifact.source, self.module.entries)
        return self._code

    def bound(
        self,
        memory: Memory | Array | None,
        offsets: Sequence[int],
        variables: tuple[Resident | Array, ...],
        constants: Sequence[Array],
        sizes: tuple[int, ...],
        fail: Fail,
    ) -> "_Bound":
        """The program on an arena.

        One of NumPy is of who watches all that happens: then arrays lie apart, and each launch is waited for.
        """
        is_watched = memory is not None and not isinstance(memory, Memory)
        places = Places(self.module, self.device, sizes)
        if isinstance(memory, Memory):
            places.plan(memory, offsets)
        arrays = self._uploaded(constants) if is_watched else self._shared(constants)
        for buffer, array in zip(self.module.program.constants, arrays, strict=True):
            places.give(buffer, array)
        stepping = Stepping(places, self.code, fail, waits=is_watched)
        stepping.require_small((*self.module.compute, *self.module.commit))
        return _Bound(self.module, self.device, stepping, variables, memory, arrays)

    def _shared(self, constants: Sequence[Array]) -> list[DeviceArray]:
        if len(self._constants) < len(constants):
            self._constants = self._uploaded(constants)
        return self._constants

    def _uploaded(self, constants: Sequence[Array]) -> list[DeviceArray]:
        return [DeviceSpace(self.device).uploaded(array) for array in constants]


@final
@dataclass(eq=False)
class _Part:
    """Steps in turn.  Several launches are recorded by the second call; later ones ask for all of them at once.

    count   how many launches; None where the host looks at what kernels find
    """

    steps: tuple[HostStep, ...]
    count: int | None
    moving: Moving | None = None
    before: Key | None = None

    @cached_property
    def launches(self) -> dict[Launch, None]:
        """Each once."""
        return dict.fromkeys(launches_in(self.steps))

    @cached_property
    def is_recorded(self) -> bool:
        return self.count is not None and 1 < self.count <= MOST_RECORDED

    def run(self, stepping: Stepping, device: Device, key: Key, bytes: Key) -> None:
        """Do them.  Arrays of so many bytes lie where `key` says."""
        if self.is_recorded and self._is_ready(stepping, device, key, bytes):
            assert self.moving is not None, self
            device.pending.update(self.launches)
            self.moving.recording.run()
        else:
            stepping.run(self.steps)

    def _is_ready(self, stepping: Stepping, device: Device, key: Key, bytes: Key) -> bool:
        """Whether there is a recording that reads and writes where the arrays lie now."""
        before, self.before = self.before, key
        try:
            if self.moving is not None and self.moving.move(key):
                return True
        except DriverError:  # it changes no such recording: a fault of the device is heard of again
            pass
        self.moving = None
        if before is not None and (before == key or twins(key, bytes) is not None):
            self.moving = Moving.of(device.record(lambda: stepping.run(self.steps)), key, bytes)
        return self.moving is not None


@final
@dataclass(eq=False)
class _Bound:
    """A program with memory for some sizes: for one caller at a time.

    arena, constants   memory that lives as long as this

    Indices that a caller gives as arrays of NumPy are looked at here, before anything runs; others by kernels.
    """

    module: Module
    device: Device
    stepping: Stepping
    variables: tuple[Resident | Array, ...]
    arena: object
    constants: Sequence[DeviceArray]
    sets: bool = False
    _key: Key = ()
    _bytes: Key = ()
    _indices: dict[int, int] = field(default_factory=dict)  # checks of inputs: the slot of the input
    _plans: dict[frozenset[int], tuple[Sequence[_Part], Sequence[_Part]]] = field(default_factory=dict)
    _last: Sequence[_Part] = ()
    _homes: Key = ()

    def __post_init__(self) -> None:
        program, places = self.module.program, self.stepping.places
        arrays = (*program.inputs, *program.outputs, *program.variables)
        self._bytes = tuple([places.number(buffer.bytes) for buffer in arrays])
        self.sets = program.commit < len(program.steps)
        slots = {buffer: slot for slot, buffer in enumerate(program.inputs)}
        products = {
            x for x in self.module.compute if isinstance(x, Multiply)
        }  # where variables are set nothing may raise
        if products and not self.stepping.waits and self.device.multiplier is not None:
            self.stepping.open.update(products)
        for step in self.module.compute:
            index = self.stepping.condition(step.number).index if isinstance(step, Require) else None
            if isinstance(step, Require) and index in slots:
                self._indices[step.number] = slots[index]

    def _planned(self, looked_at: frozenset[int]) -> tuple[Sequence[_Part], Sequence[_Part]]:
        """The parts before variables are set and after, without the checks that the host made itself."""
        if self.stepping.open:  # which are recorded is known when it is known how they are made
            return [_Part(self.module.compute, None)], [_Part(self.module.commit, None)]
        if looked_at not in self._plans:
            steps = [x for x in self.module.compute if not (isinstance(x, Require) and x.number in looked_at)]
            first, last = list(self._parts(steps)), list(self._parts(self.module.commit))
            if self.sets and all(part.count is not None for part in first):  # nothing is read back: all of it at once
                first, last = [], list(self._parts((*steps, *self.module.commit)))
            self._plans[looked_at] = first, last
        return self._plans[looked_at]

    def _parts(self, steps: Sequence[HostStep]) -> Iterator[_Part]:
        """Steps, in parts between those where the host looks at what kernels found."""

        def is_alone(step: HostStep) -> bool:
            return self.stepping.waits or self.stepping.count([step]) is None or self._stands_by_itself(step)

        for alone, group in groupby(steps, is_alone):
            part = tuple(group)
            yield _Part(part, None if alone else self.stepping.count(part))

    def _stands_by_itself(self, step: HostStep) -> bool:
        """Whether a step is asked for in every call: a library that was recorded does not follow arrays of callers."""
        if not isinstance(step, Multiply) or self.stepping.chosen.get(step) is None:
            return False
        program, owner = self.module.program, self.module.owner
        theirs = {*map(owner, (*program.inputs, *program.outputs))}
        return not theirs.isdisjoint(map(owner, step.product.buffers))

    # Calls.

    def compute(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """The steps before variables are set."""
        told(self.device, self._compute, inputs, outputs)

    def commit(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """The steps that set variables."""
        told(self.device, self._commit, inputs, outputs)

    def _compute(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        self.device.hold()
        self._key = (*self._take(inputs), *self._ready(outputs), *self._found())
        looked_at = [n for n, slot in self._indices.items() if not isinstance(inputs[slot], DeviceArray)]
        for number in looked_at:
            self.stepping.require(number, inputs[self._indices[number]])
        first, self._last = self._planned(frozenset(looked_at))
        self._run(first)
        if not self.sets:
            self._give(inputs, outputs)

    def _commit(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        self._run(self._last)
        self._give(inputs, outputs)
        for buffer, value in zip(self.module.program.variables, self.variables, strict=True):
            if not isinstance(value, Resident):
                self.device.download(value, self.stepping.places.address(buffer))

    def _run(self, parts: Sequence[_Part]) -> None:
        for part in parts:
            part.run(self.stepping, self.device, self._key, self._bytes)

    def _take(self, inputs: Sequence[Any]) -> Iterator[int]:
        """Bring inputs to the device, those that are not there; their addresses."""
        places = self.stepping.places
        for buffer, array in zip(self.module.program.inputs, inputs, strict=True):
            if not isinstance(array, DeviceArray):
                yield (home := places.home(buffer))
                self.device.upload(home, array)
            elif (given := places.give(buffer, array)) is not None:
                yield given
            else:
                yield (home := places.home(buffer))
                self.device.copy(home, array.address, array.nbytes)

    def _ready(self, outputs: Sequence[Any]) -> Iterator[int]:
        """Where outputs are written."""
        places = self.stepping.places
        for buffer, array in zip(self.module.program.outputs, outputs, strict=True):
            given = places.give(buffer, array) if isinstance(array, DeviceArray) else None
            yield places.home(buffer) if given is None else given

    def _found(self) -> Key:
        """Where variables are, which seldom changes."""
        places, buffers = self.stepping.places, self.module.program.variables
        if self.stepping.waits:
            return tuple([self._uploaded(buffer, value) for buffer, value in zip(buffers, self.variables, strict=True)])
        homes = tuple([_address(value) for value in self.variables])
        if homes != self._homes:
            places.at |= dict(zip(buffers, homes, strict=True))
            self._homes = homes
        return homes

    def _uploaded(self, buffer: Buffer, value: Resident | Array) -> int:
        """Where the value of a variable of the host is now."""
        assert not isinstance(value, Resident), value
        home = self.stepping.places.home(buffer)
        self.device.upload(home, value)
        return home

    def _give(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Bring outputs to where the caller wants them; arrays of others are kept until all is done."""
        places = self.stepping.places
        for buffer, array in zip(self.module.program.outputs, outputs, strict=True):
            if not isinstance(array, DeviceArray):
                self.device.download(array, places.address(buffer))
            elif array.address != places.address(buffer):
                self.device.copy(array.address, places.address(buffer), array.nbytes)
        foreign = [x for x in (*inputs, *outputs) if isinstance(x, DeviceArray) and isinstance(x.owner, Shared)]
        if foreign:
            self.device.hold(*foreign)


def _address(variable: Resident | Array) -> int:
    """Where the value of a variable is on its device."""
    assert isinstance(variable, Resident), variable
    assert isinstance(variable.copy, ValueOf), variable
    return variable.copy.memory.address
