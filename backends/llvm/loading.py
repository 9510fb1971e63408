"""Functions from a module: its code is linked, and bound to tables of addresses and sizes."""

import ctypes
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from math import prod
from typing import Any, NoReturn, TypeAlias, final

import numpy as np

from graphc.backends.backend import Array, Declared, Loaded, Prepared, Shortcut
from graphc.backends.llvm.code import Linked, link
from graphc.backends.llvm.counting import Counted
from graphc.backends.llvm.entry import OFFSETS, supported
from graphc.backends.llvm.fourier_plans import Planner
from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.pool import pool
from graphc.backends.llvm.symbols import BLAS, LAPACK, blas, c_functions, lapack
from graphc.backends.llvm.table import COMMIT, COMPUTE, FOUND, THREADS, ChunksOf, RoomOf, Table
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.outline import Limit, Outline
from graphc.kernel.steps import Check, IndexInRange
from graphc.sizes import Expression, Size, compiled

__all__ = ["Notes", "loaded"]

Fail: TypeAlias = Callable[..., NoReturn]
Native: TypeAlias = Callable[[int], int]

#: what instructions become that the machine lacks
MATHEMATICS = ("fmod", "fmodf", "fma", "fmaf")


@final
@dataclass(frozen=True, eq=False)
class Notes:
    """What is known of an object.

    imports   the functions of libraries that it calls
    counted   what routines keep in 32 bits
    planners  what makes plans when sizes are known
    """

    machine: Machine
    table: Table
    imports: tuple[str, ...]
    counted: tuple[Counted, ...]
    planners: tuple[Planner, ...]


def loaded(code: bytes, notes: Notes, outline: Outline, threads: int | None) -> Loaded:
    """The functions of an object, which so many threads may run: None for all of the pool."""
    others = [name for name in notes.imports if not name.startswith((BLAS, LAPACK))]
    symbols = {"graphc_parallel": pool().address, "graphc_look": pool().watches["graphc_look"]}
    symbols |= c_functions([*others, *MATHEMATICS])
    for prefix, found in ((BLAS, blas), (LAPACK, lapack)):
        wanted = [name.removeprefix(prefix) for name in notes.imports if name.startswith(prefix)]
        symbols |= {f"{prefix}{name}": address for name, address in found(wanted).items()} if wanted else {}
    binder = _Binder(notes, outline, link([code], symbols, [COMPUTE, COMMIT]), threads)
    return Loaded(binder.bind, binder.shortcut)


@final
@dataclass
class _Binder:
    """Makes tables for code."""

    notes: Notes
    outline: Outline
    code: Linked
    threads: int | None

    def __post_init__(self) -> None:
        watched = ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)(pool().watches["graphc_watched"])
        self.compute: Native = partial(watched, self.code[COMPUTE])
        self.commit: Native = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(self.code[COMMIT])  # to its end

    @property
    def table(self) -> Table:
        return self.notes.table

    @cached_property
    def _numbers(self) -> Sequence[tuple[Size, int]]:
        return [(size, slot) for size, slot in self.table.slots.items() if isinstance(size, Expression)]

    @cached_property
    def _shown(self) -> Sequence[Buffer]:
        """The buffers that Python looks at: indices, where one is out of range."""
        return list(dict.fromkeys(condition.index for condition in self._conditions.values()))

    @cached_property
    def _conditions(self) -> Mapping[int, IndexInRange]:
        """Of the checks, by their numbers."""
        return {
            number: failure.condition
            for number, failure in self.outline.failing.items()
            if isinstance(failure, Check) and isinstance(failure.condition, IndexInRange)
        }

    @cached_property
    def _sizes(self) -> Callable[[Sequence[int]], list[int]]:
        wanted: list[Size] = [size for size, _ in self._numbers]
        wanted += [condition.extent for condition in self._conditions.values()]
        wanted += [counted.number for counted in self.notes.counted]
        wanted += [size for planner in self.notes.planners for size in planner.sizes]
        wanted += [extent for buffer in self._shown for extent in buffer.shape]
        return compiled(wanted, self.outline.symbols)

    def shortcut(self, declared: Declared, fallback: Callable[..., Any]) -> Shortcut | None:
        """A native entry."""
        from graphc.backends.llvm.quick import quick

        outline, slots = self.outline, self.table.slots
        places = [slots[buffer] for buffer in (*outline.inputs, *outline.outputs)]
        return quick(self.notes.machine, (self.code[COMPUTE], self.code[COMMIT]), declared, places, fallback)

    def bind(
        self,
        memory: Array,
        offsets: Sequence[int],
        variables: Sequence[Array],
        constants: Sequence[Array],
        sizes: Sequence[int],
        fail: Fail,
    ) -> tuple[tuple[Prepared, ...], tuple[Prepared, ...]]:
        """What runs the steps in an arena, for these sizes."""
        outline, slots = self.outline, self.table.slots
        table = (ctypes.c_int64 * len(self.table))()
        table[THREADS] = pool().threads if self.threads is None else self.threads
        values = iter(self._sizes(sizes))
        for _, slot in self._numbers:
            table[slot] = next(values)
        limits = {number: next(values) for number in self._conditions}
        for counted in self.notes.counted:
            counted.require_small(next(values))
        plans = [planner.made([next(values) for _ in planner.sizes]) for planner in self.notes.planners]
        for planner, plan in zip(self.notes.planners, plans, strict=True):
            table[slots[planner]], table[slots[ChunksOf(planner)]] = _address(plan.numbers), plan.chunks
        shapes = {buffer: tuple([next(values) for _ in buffer.shape]) for buffer in self._shown}
        for buffers, arrays in ((outline.variables, variables), (outline.constants, constants)):
            for buffer, array in zip(buffers, arrays, strict=True):
                table[slots[buffer]] = _address(array)
        start = _address(memory)
        places = iter(offsets)
        for buffer in outline.temporaries:
            table[slots[buffer]] = start + next(places)
        for number, offset in enumerate(places):
            table[slots[RoomOf(number)]] = start + offset
        bound = _Bound(self, table, (memory, variables, constants, plans), shapes, limits, fail)
        return (_Piece(bound, self.compute),), ((_Last(bound, self.commit),) if outline.sets else ())


@final
@dataclass(eq=False)
class _Bound:
    """Code with a table: for one caller at a time.

    kept    what the table has addresses of
    shapes  of the buffers that Python looks at
    limits  of the indices that are checked
    """

    binder: _Binder
    table: Any  # an array of ctypes
    kept: tuple[object, ...]
    shapes: Mapping[Buffer, tuple[int, ...]]
    limits: Mapping[int, int]
    fail: Fail

    def __post_init__(self) -> None:
        outline, slots = self.binder.outline, self.binder.table.slots
        self.address = ctypes.addressof(self.table)
        self.inputs_at = [slots[buffer] for buffer in outline.inputs]
        self.outputs_at = [slots[buffer] for buffer in outline.outputs]
        if outline.stacks:
            weakref.finalize(self, _free, self.table, [slots[stack] for stack in outline.stacks]).atexit = False

    def place(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
        """Note where the arrays of a call are."""
        table = self.table
        for slot, array in zip(self.inputs_at, inputs, strict=True):
            table[slot] = _address(array)
        for slot, array in zip(self.outputs_at, outputs, strict=True):
            table[slot] = _address(array)

    def run(self, function: Native) -> None:
        """Run steps on the table."""
        status = function(self.address)
        if status:
            self._raise(status - 1)

    def _raise(self, number: int) -> NoReturn:
        if isinstance(self.binder.outline.failing[number], Limit):
            self.fail(number, int(self.table[FOUND]))
        condition = self.binder._conditions[number]
        self.fail(number, self._array(condition.index), self.limits[number])

    def _array(self, buffer: Buffer) -> Array:
        """The array of a buffer, where it is now."""
        shape = self.shapes[buffer]
        size = prod(shape) * buffer.dtype.itemsize
        address = self.table[self.binder.table.slots[buffer.root]]
        bytes = (ctypes.c_uint8 * size).from_address(address) if size else (ctypes.c_uint8 * 0)()
        return np.ctypeslib.as_array(bytes).view(buffer.dtype).reshape(shape)


@final
@dataclass(frozen=True, eq=False)
class _Piece:
    """Steps on a table."""

    bound: _Bound
    function: Native

    @property
    def address(self) -> int:
        """Of the table."""
        return self.bound.address

    def __call__(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
        self.bound.place(inputs, outputs)
        self.bound.run(self.function)


@final
@dataclass(frozen=True, eq=False)
class _Last:
    """The steps that follow on the same table, for the same arrays."""

    bound: _Bound
    function: Native

    def __call__(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
        self.bound.run(self.function)


def _address(array: Array) -> int:
    """Where the elements of an array begin.  To ask the array takes twenty times as long."""
    if supported():
        return ctypes.c_int64.from_address(id(array) + OFFSETS["data"]).value
    return int(array.__array_interface__["data"][0])


def _free(table: Any, slots: Sequence[int]) -> None:  # Any: an array of ctypes
    """Give back what addresses in a table are of."""
    free = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(c_functions(["free"])["free"])
    for slot in slots:
        free(table[slot])
