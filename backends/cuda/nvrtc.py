"""Source compiled by NVRTC, which needs no GPU and no driver: code for a machine, and what each kernel takes of it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, final

from graphc.cache import Cache, standard
from graphc.dataclass import dataclass
from graphc.errors import UnsupportedError

__all__ = ["Compiled", "Resources", "compiled_for", "image_for", "is_installed"]

#: fma is written where it is meant: nothing else is contracted
OPTIONS = ("--std=c++17", "--fmad=false", "--ptxas-options=-v")

_FUNCTION = re.compile(r"Compiling entry function '(\w+)'")
_STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
_USED = re.compile(r"Used (\d+) registers")
_SHARED = re.compile(r"(\d+) bytes smem")


@final
@dataclass(frozen=True)
class Resources:
    """What one thread of a kernel takes, and one block.

    stack    bytes of local memory of a thread
    spilled  bytes of registers that are stored there and loaded again
    shared   bytes of a block
    """

    registers: int
    stack: int
    spilled: int
    shared: int


@final
@dataclass(frozen=True)
class Compiled:
    """Code for one architecture: `warnings` are the lines that the compiler had to say."""

    cubin: bytes
    ptx: str
    warnings: Sequence[str]
    resources: Mapping[str, Resources]


def is_installed() -> bool:
    """Whether this machine has NVRTC."""
    try:
        _nvrtc()
    except UnsupportedError:
        return False
    return True


def compiled_for(source: str, architecture: str) -> Compiled:
    """The code of a source for `sm_80`, say.  Raises UnsupportedError where NVRTC is not installed."""
    nvrtc = _nvrtc()

    def made(result: tuple[Any, ...]) -> Any:
        status, *values = result
        assert status == nvrtc.nvrtcResult.NVRTC_SUCCESS, status
        return values[0] if values else None

    program = made(nvrtc.nvrtcCreateProgram(source.encode(), b"graphc.cu", 0, [], []))
    options = [option.encode() for option in (*OPTIONS, f"--gpu-architecture={architecture}")]
    (status,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
    log = _text(nvrtc, made, program, "ProgramLog")
    if status != nvrtc.nvrtcResult.NVRTC_SUCCESS:
        raise AssertionError(f"{architecture}: NVRTC refuses the source\n{log}")
    cubin = bytearray(made(nvrtc.nvrtcGetCUBINSize(program)))
    made(nvrtc.nvrtcGetCUBIN(program, cubin))
    ptx = _text(nvrtc, made, program, "PTX")
    made(nvrtc.nvrtcDestroyProgram(program))
    return Compiled(bytes(cubin), ptx, _warnings(log), _resources(log))


def image_for(source: str, capability: int, cache: Cache | None = None) -> bytes:
    """What a GPU of this compute capability, 80 or 90, say, loads: code, or text that its driver compiles.

    It is kept on the disk for the next process.
    """
    nvrtc = _nvrtc()
    _, known = nvrtc.nvrtcGetSupportedArchs()
    chosen = max(number for number in known if number <= capability)
    cache = standard() if cache is None else cache
    key = repr((nvrtc.nvrtcVersion()[1:], OPTIONS, chosen, capability, source)).encode()
    image = cache.get(key)
    if image is None:
        made = compiled_for(source, f"sm_{chosen}")
        image = made.cubin if chosen == capability else made.ptx.encode() + b"\0"
        cache.put(key, image)
    return image


def _nvrtc() -> Any:
    try:
        from cuda.bindings import nvrtc

        nvrtc.nvrtcVersion()
    except (ImportError, RuntimeError):
        raise UnsupportedError("NVRTC is not installed", hint="pip install 'graphc[cuda]'") from None
    return nvrtc


def _text(nvrtc: Any, made: Any, program: Any, what: str) -> str:
    buffer = bytearray(made(getattr(nvrtc, f"nvrtcGet{what}Size")(program)))
    made(getattr(nvrtc, f"nvrtcGet{what}")(program, buffer))
    return buffer.rstrip(b"\0").decode()


def _warnings(log: str) -> list[str]:
    """The lines that are no report of ptxas."""
    return [
        line
        for line in log.splitlines()
        if line.strip() and not line.startswith(("ptxas info", "ptxas         .", "    "))
    ]


def _resources(log: str) -> dict[str, Resources]:
    found: dict[str, Resources] = {}
    name, stack, spilled = "", 0, 0
    for line in log.splitlines():
        if function := _FUNCTION.search(line):
            name = function[1]
        elif frame := _STACK.search(line):
            stack, spilled = int(frame[1]), int(frame[2]) + int(frame[3])
        elif used := _USED.search(line):
            shared = _SHARED.search(line)
            found[name] = Resources(int(used[1]), stack, spilled, int(shared[1]) if shared else 0)
    return found
