"""Arrays on a device, as calls take and give them; and the space where a device has its arrays."""

import operator
from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any, TypeVar, TypeVarTuple, Unpack, final

import numpy as np

from graphc.backends.cuda.device import Array, Device, DriverError, FullError, Memory, with_room
from graphc.backends.cuda.dlpack import CUDA, Shared, exported, imported
from graphc.backends.space import Located, Rooms, Space, Waiting
from graphc.dataclass import dataclass
from graphc.errors import ArgumentError, DeviceError, DeviceMemoryError, IndexRangeError
from graphc.kernel.failures import places
from graphc.kernel.resident import Copy, Resident
from graphc.printable import a_thing, counted, described

__all__ = ["DeviceArray", "DeviceSpace", "ValueOf", "allocated", "told"]

OTHERS = "np.asarray(x) copies it to the host; torch.from_dlpack(x), cupy.from_dlpack(x) share its memory"

Given = TypeVar("Given")
Things = TypeVarTuple("Things")


@final
@dataclass(frozen=True, eq=False)
class DeviceArray(Located):
    """An array in the memory of a device, in row-major order.

    `np.asarray(x)` copies it to the host; `torch.from_dlpack(x)`, `cupy.from_dlpack(x)` and
    `jax.dlpack.from_dlpack(x)` share its memory.  What has one element converts to a number, what has no axes compares
    and formats as one; anything else that computes is left to those libraries.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    address: int
    device: Device
    owner: object  # what gives the memory back when nobody holds it

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("an array on a device is copied to the host")
        found = np.empty(self.shape, self.dtype)
        told(self.device, self.device.download, found, self.address)
        return found if dtype is None else found.astype(dtype, copy=False)

    def item(self) -> Any:
        """The only element, as a number of Python."""
        return self._number().item()

    def __float__(self) -> float:
        return float(self._number())

    def __int__(self) -> int:
        return int(self._number())

    def __bool__(self) -> bool:
        return bool(self._number())

    def __complex__(self) -> complex:
        return complex(self._number())

    def __index__(self) -> int:
        if self.ndim or self.dtype.kind not in "iu":
            raise ArgumentError(f"an array of {self.dtype} with {counted(self.ndim, 'axis', 'axes')} is no index")
        return operator.index(self._number())

    def __format__(self, form: str) -> str:
        return format(self.item(), form) if form else str(self)

    def __eq__(self, other: object) -> Any:
        return self._compared(operator.eq, other)

    def __ne__(self, other: object) -> Any:
        return self._compared(operator.ne, other)

    def __lt__(self, other: object) -> Any:
        return self._compared(operator.lt, other)

    def __le__(self, other: object) -> Any:
        return self._compared(operator.le, other)

    def __gt__(self, other: object) -> Any:
        return self._compared(operator.gt, other)

    def __ge__(self, other: object) -> Any:
        return self._compared(operator.ge, other)

    __hash__ = object.__hash__

    def __len__(self) -> int:
        if not self.ndim:
            raise ArgumentError("an array without axes has no length")
        return self.shape[0]

    def __iter__(self) -> "Iterator[DeviceArray]":
        return map(self._row, range(len(self)))

    def __getitem__(self, place: object) -> "DeviceArray":
        if isinstance(place, bool) or not isinstance(place, int | np.integer) or not self.ndim:
            raise ArgumentError(f"an array on a device has rows, as x[0], and no x[{described(place)}]", hint=OTHERS)
        if not -len(self) <= place < len(self):
            raise IndexRangeError(f"row {place} of an array on a device that has {len(self)}")
        return self._row(int(place) % len(self))

    def _row(self, place: int) -> "DeviceArray":
        """Elements that share memory with this array."""
        shape = self.shape[1:]
        address = self.address + place * prod(shape) * self.dtype.itemsize
        return DeviceArray(shape, self.dtype, address, self.device, self.owner)

    def _number(self) -> Any:
        """The only element."""
        if self.size != 1:
            raise ArgumentError(f"an array of shape {self.shape} is no number", hint=OTHERS)
        return np.asarray(self).reshape(-1)[0]

    def _compared(self, compare: Callable[[Any, Any], Any], other: object) -> Any:
        """An array without axes compares as the number it is."""
        if self.ndim or getattr(other, "ndim", 0):
            raise ArgumentError("an array on a device is not compared element by element", hint=OTHERS)
        return compare(self._number(), other._number() if isinstance(other, DeviceArray) else other)

    def __str__(self) -> str:
        return repr(self) if self.ndim else str(self._number())

    def __repr__(self) -> str:
        return f"<array on a device: {self.dtype}{list(self.shape)}>"

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device.place

    def __dlpack__(
        self,
        *,
        stream: int | None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> object:
        if copy or dl_device not in (None, self.device.place):
            raise BufferError("it is not copied: np.asarray(x) is a copy on the host")
        told(self.device, self.device.follow, stream)
        return exported(self.address, self.shape, self.dtype, self.device.place, self)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        kind, _ = self.device.place
        if kind != CUDA or self.dtype.kind == "V":
            raise AttributeError("this array has no interface of CUDA")
        shown = {"shape": self.shape, "typestr": self.dtype.str, "data": (self.address, False)}
        return {**shown, "version": 3, "strides": None, "stream": self.device.stream}


@final
@dataclass(frozen=True, eq=False)
class ValueOf(Copy):
    """The value of a variable on a device."""

    device: Device
    memory: Memory

    def fetch(self, into: Array) -> None:
        told(self.device, self.device.download, into, self.memory.address)


@final
@dataclass(frozen=True)
class DeviceSpace(Space):
    """The memory of a device.  Results are arrays of it where an input is one, else of NumPy."""

    device: Device

    def arena(self, size: int, alignment: int) -> Memory | None:
        return told(self.device, _given, self.device, self.device.arena, size, "the arena of this call")

    def adopted(self, value: object) -> DeviceArray | None:
        if isinstance(value, DeviceArray) and value.device == self.device:
            return value
        if isinstance(value, np.ndarray | np.generic | bool | int | float | complex | list | tuple):
            return None
        place = getattr(value, "__dlpack_device__", None)
        if place is None or not self.device.is_there:
            return None
        kind, number = map(int, place())
        if kind != self.device.place[0]:
            return None
        if number != self.device.place[1]:
            runs = f"the function runs on device {self.device.place[1]}"
            raise ArgumentError(f"{a_thing(value)} lies on device {number}, and {runs}")
        shared = self._shared(value)
        return DeviceArray(shared.shape, shared.dtype, shared.address, self.device, shared)

    def _shared(self, value: Any) -> Shared:
        """What another library shows of an array, when it is ready for what is begun here."""
        try:
            capsule = value.__dlpack__() if self.device.stream is None else value.__dlpack__(stream=self.device.stream)
        except (BufferError, RuntimeError, TypeError, ValueError) as error:
            raise ArgumentError(f"{a_thing(value)} is not shared: {error}") from None
        return imported(capsule)

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> DeviceArray:
        memory = allocated(self.device, prod(shape) * dtype.itemsize, "a result")
        return DeviceArray(shape, dtype, memory.address, self.device, memory)

    def uploaded(self, array: Array) -> DeviceArray:
        """An array on the device with the elements of one of NumPy."""
        found = self.empty(array.shape, array.dtype)
        told(self.device, self.device.upload, found.address, array)
        return found

    def results(self, rooms: Rooms, inputs: Sequence[Any]) -> list[Any]:
        stay = any(isinstance(x, DeviceArray) for x in inputs)
        return [self.empty(shape, dtype) if stay else np.empty(shape, dtype) for shape, dtype in rooms]

    def overlap(self, one: Any, other: Any) -> bool:
        if isinstance(one, DeviceArray) and isinstance(other, DeviceArray):
            first, second = sorted((one, other), key=lambda array: array.address)
            return bool(second.nbytes) and first.address + first.nbytes > second.address
        are_here = isinstance(one, np.ndarray) and isinstance(other, np.ndarray)
        return are_here and np.may_share_memory(one, other)

    def assign(self, to: Any, value: Any) -> None:
        if not isinstance(to, DeviceArray):
            np.copyto(to, np.asarray(value))
        elif isinstance(value, np.ndarray):
            told(self.device, self.device.upload, to.address, value)
        elif to.address != value.address:
            told(self.device, self.device.copy, to.address, value.address, value.nbytes)
            told(self.device, self.device.hold, to, value)

    def bound(self, variables: Sequence[Resident]) -> Sequence[Resident]:
        return variables

    def is_settled(self, variables: Sequence[Resident]) -> bool:
        return all(one.is_away and self._is_here(one.copy) for one in variables)

    def settle(self, variables: Sequence[Resident]) -> None:
        for one in variables:
            if one.is_away and self._is_here(one.copy):
                continue
            one.fetch()  # from another device
            copy = one.copy
            if not isinstance(copy, ValueOf) or not self._is_here(copy):
                copy = ValueOf(self.device, allocated(self.device, one.array.nbytes, "a variable"))
            told(self.device, self.device.upload, copy.memory.address, one.array)
            one.leave(copy)

    def note(self, waiting: Waiting) -> None:
        self.device.idle.note(waiting)

    def release(self, variables: Sequence[Resident]) -> None:
        for one in variables:
            if self._is_here(one.copy):
                one.come_home()
        if self.device.is_there:
            told(self.device, self.device.trim)

    def _is_here(self, copy: Copy | None) -> bool:
        return isinstance(copy, ValueOf) and copy.device == self.device


def allocated(device: Device, bytes: int, what: str) -> Memory:
    """Memory of a device.  Raises DeviceMemoryError where there is not enough."""
    return told(device, _given, device, device.allocate, bytes, what)


def _given(device: Device, ask: Callable[[int], Given], bytes: int, what: str) -> Given:
    """The memory that `ask` gives.  Raises DeviceMemoryError that says what it is for."""
    try:
        return with_room(device, ask, bytes)
    except FullError:
        problem = f"{what} takes {bytes:,} bytes, and {_free(device)}"
        hint = "`f.memory()` says what a call takes; gx.compile(..., memory=...) limits it"
        raise DeviceMemoryError(problem, hint=hint) from None


def _free(device: Device) -> str:
    return f"of {device.limits.bytes:,} bytes of the device {device.free_bytes():,} are free"


def told(device: Device, work: Callable[[Unpack[Things]], Given], *given: *Things) -> Given:
    """What `work(*given)` returns, done where the device is that of the thread, which then has its own again.

    Raises DeviceError that names the kernels behind a fault, or DeviceMemoryError.
    """
    before = device.current
    try:
        device.enter()
        return work(*given)
    except FullError as fault:
        raise DeviceMemoryError(f"the device has no memory left: {fault}; {_free(device)}") from None
    except DriverError as fault:
        raise _fault_of(device, fault) from None
    finally:
        device.leave(before)


def _fault_of(device: Device, fault: DriverError) -> DeviceError:
    """The error of a device that failed: which kernel, and of which lines, if that is known."""
    launches = list(device.pending)
    device.pending.clear()
    if not launches:
        return DeviceError(f"the device failed: {fault}")
    names = list(dict.fromkeys(launch.kernel for launch in launches))  # those of other functions may be the same
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    which = names[0] if len(launches) == 1 else f"one of the kernels {shown}"
    origins = tuple(dict.fromkeys(origin for launch in launches for origin in launch.origins))
    hint = (
        "the process has to start anew" if len(launches) == 1 else "gx.compile(..., debug=True) says which kernel it is"
    )
    return DeviceError(f"the device failed in {which}: {fault}", hint=hint).located(places(origins))
