"""What a backend can do, as plain data; passes decide by it and never ask which backend it is."""

from dataclasses import dataclass

__all__ = ["Target"]


@dataclass(frozen=True)
class Target:
    """Costs and abilities of a backend.

    `keeps_whole_arrays`: every let becomes an array of its own (NumPy), so a value may be kept but a
    recomputation costs a pass, and index arithmetic inside a formula costs one too.
    `pass_bytes`, `kernel_bytes`: cost of touching a byte in cache, and of a kernel, in bytes of memory traffic.
    """

    name: str
    keeps_whole_arrays: bool
    largest_kernel: int = 128  # nodes
    flop_bytes: float = 4.0  # a computed element costs as much as moving so many bytes
    alignment: int = 64
