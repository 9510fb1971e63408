"""How many warps a multiprocessor of a GPU holds at a time, by what a kernel takes.

NVIDIA: CUDA C++ Programming Guide, version 13.0, technical specifications per compute capability.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from graphc.backends.cuda.nvrtc import Resources

__all__ = ["Multiprocessor", "occupancy"]

WARP = 32  # threads
REGISTERS = 1 << 16
REGISTERS_AT_ONCE = 256  # which a warp is given
QUARTERS = 4  # of a multiprocessor, each with a quarter of the registers
SHARED_AT_ONCE = 128  # bytes, which a block is given
RESERVED = 1024  # bytes of shared memory, of each block


@final
@dataclass(frozen=True)
class Multiprocessor:
    """What there is room for: warps, blocks, and bytes of shared memory."""

    warps: int
    blocks: int
    shared: int


MULTIPROCESSORS: Mapping[str, Multiprocessor] = {
    "sm_80": Multiprocessor(64, 32, 164 << 10),
    "sm_86": Multiprocessor(48, 16, 100 << 10),
    "sm_89": Multiprocessor(48, 24, 100 << 10),
    "sm_90": Multiprocessor(64, 32, 228 << 10),
    "sm_100": Multiprocessor(64, 32, 228 << 10),
}


def occupancy(architecture: str, used: Resources, threads: int) -> float | None:
    """The part of the warps that are there when all blocks are that fit; None for a GPU that is not known."""
    room = MULTIPROCESSORS.get(architecture)
    if room is None:
        return None
    warps = -(-threads // WARP)
    registers = _rounded(max(used.registers, 1) * WARP, REGISTERS_AT_ONCE)
    blocks = min(
        room.blocks,
        room.warps // warps,
        REGISTERS // QUARTERS // registers * QUARTERS // warps,
        room.shared // (_rounded(used.shared, SHARED_AT_ONCE) + RESERVED),
    )
    return blocks * warps / room.warps


def _rounded(amount: int, step: int) -> int:
    return -(-amount // step) * step
