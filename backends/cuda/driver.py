"""NVIDIA's driver, as its package cuda-bindings has it, with what graphc keeps open of one GPU."""

from collections.abc import Callable
from typing import Any, NoReturn, final

from graphc.backends.cuda.device import WITHOUT, DriverError, FullError, Limits
from graphc.dataclass import dataclass
from graphc.errors import UnsupportedError

__all__ = ["Opened", "opened"]

LEAST_DRIVER = 13000  # what code of NVRTC 13.0 needs
LEAST_CAPABILITY = (8, 0)
OUT_OF_MEMORY = 2
NO_DEVICES = (100, 101)  # none there, or none of this number


@final
@dataclass(frozen=True)
class Opened:
    """The driver, with the context of one device, which is the one that other libraries use too.

    default   the stream where all work goes; `recorder` is only recorded
    pool      of graphc's own: what it keeps for later is its own decision
    """

    api: Any
    context: Any
    default: Any
    recorder: Any
    pool: Any
    limits: Limits
    architecture: int
    name: str

    def done(self, result: tuple[Any, ...]) -> Any:
        """What a function of the driver gave, without its status.  Raises DriverError."""
        status, *values = result
        if int(status):
            raise (FullError if int(status) == OUT_OF_MEMORY else DriverError)(_said(self.api, status))
        return values[0] if values else None

    def finish(self, function: Callable[..., object], *given: object) -> None:
        """Let something go that the driver made.  After a fault there is nothing to give back.

        It may come at any moment, as finalisers do, in a thread that is at work on another device.
        """
        if not int(self.api.cuCtxPushCurrent(self.context)[0]):
            function(*given)
            self.api.cuCtxPopCurrent()

    def free(self, address: int) -> None:
        """Give memory back, when all that was begun before is done."""
        self.finish(self.api.cuMemFreeAsync, address, self.default)

    def unload(self, module: Any) -> None:
        """Let functions go, when all that was begun before is done."""
        self.finish(self.api.cuStreamSynchronize, self.default)
        self.finish(self.api.cuModuleUnload, module)

    def forget(self, graph: Any, made: Any) -> None:
        """Let a recording go; one that runs is done first."""
        self.finish(self.api.cuGraphExecDestroy, made)
        self.finish(self.api.cuGraphDestroy, graph)


def opened(ordinal: int) -> Opened:
    """The driver, and the GPU of this number.  Raises UnsupportedError that says what is missing."""
    try:
        from cuda.bindings import driver as api
    except ImportError:
        _refuse("NVIDIA's package cuda-bindings is not installed: pip install 'graphc[cuda]'")

    def asked(result: tuple[Any, ...]) -> Any:
        status, *values = result
        if int(status):
            _refuse(f"the GPU does not start: {_said(api, status)}")
        return values[0] if values else None

    _start(api, ordinal)
    device = asked(api.cuDeviceGet(ordinal))

    def attribute(name: str) -> int:
        return int(
            asked(api.cuDeviceGetAttribute(getattr(api.CUdevice_attribute, f"CU_DEVICE_ATTRIBUTE_{name}"), device))
        )

    capability = (attribute("COMPUTE_CAPABILITY_MAJOR"), attribute("COMPUTE_CAPABILITY_MINOR"))
    if capability < LEAST_CAPABILITY:
        least = ".".join(map(str, LEAST_CAPABILITY))
        _refuse(f"the GPU is of compute capability {capability[0]}.{capability[1]}, and {least} is needed")
    total = int(asked(api.cuDeviceTotalMem(device)))
    limits = Limits(attribute("MAX_GRID_DIM_X"), attribute("MAX_THREADS_PER_BLOCK"), total)
    name = _text(asked(api.cuDeviceGetName(256, device))).rstrip("\0")
    context = asked(api.cuDevicePrimaryCtxRetain(device))
    asked(api.cuCtxPushCurrent(context))
    try:
        recorder = asked(api.cuStreamCreate(api.CUstream_flags.CU_STREAM_NON_BLOCKING))
        pool = asked(api.cuMemPoolCreate(_pool_of(api, ordinal)))
        every = api.cuuint64_t((1 << 64) - 1)  # what is given back waits for the next that asks, and not for a pause
        asked(api.cuMemPoolSetAttribute(pool, api.CUmemPool_attribute.CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, every))
    finally:
        asked(api.cuCtxPopCurrent())
    return Opened(api, context, api.CUstream(1), recorder, pool, limits, 10 * capability[0] + capability[1], name)


def _start(api: Any, ordinal: int) -> None:
    """Let the driver begin.  Raises UnsupportedError where there is none, or one that is too old."""
    try:
        status = api.cuInit(0)[0]
    except RuntimeError:  # of cuda-pathfinder, which found no libcuda
        _refuse("this machine has no NVIDIA driver")
    if int(status) in NO_DEVICES:
        _refuse("the NVIDIA driver finds no GPU")
    if int(status):
        _refuse(f"the NVIDIA driver does not start: {_said(api, status)}")
    (told, version), (counted, count) = api.cuDriverGetVersion(), api.cuDeviceGetCount()
    for status in (told, counted):
        if int(status):
            _refuse(f"the NVIDIA driver does not answer: {_said(api, status)}")
    if int(version) < LEAST_DRIVER:
        _refuse(f"the NVIDIA driver is of CUDA {_version(version)}, and {_version(LEAST_DRIVER)} is needed")
    if ordinal >= int(count):
        _refuse(f"there is no GPU {ordinal}: the NVIDIA driver finds {count}")


def _pool_of(api: Any, ordinal: int) -> Any:
    """What a pool is asked for with: memory of one device."""
    wanted = api.CUmemPoolProps()
    wanted.allocType = api.CUmemAllocationType.CU_MEM_ALLOCATION_TYPE_PINNED
    wanted.handleTypes = api.CUmemAllocationHandleType.CU_MEM_HANDLE_TYPE_NONE
    wanted.location.type = api.CUmemLocationType.CU_MEM_LOCATION_TYPE_DEVICE
    wanted.location.id = ordinal
    return wanted


def _refuse(why: str) -> NoReturn:
    raise UnsupportedError(f"the cuda backend runs nothing here: {why}", hint=WITHOUT)


def _said(api: Any, status: Any) -> str:
    """A status in words."""
    name, text = (function(status)[1] for function in (api.cuGetErrorName, api.cuGetErrorString))
    return f"{_text(name)}, {_text(text)}"


def _text(given: object) -> str:
    return given.decode() if isinstance(given, bytes) else str(given)


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"
