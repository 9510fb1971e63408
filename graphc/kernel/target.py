"""What a backend can do, as plain data; passes decide by it and never ask which backend it is."""

from math import inf

from graphc.dataclass import dataclass
from graphc.types import DType

__all__ = ["Target"]


@dataclass(frozen=True)
class Target:
    """Costs and abilities of a backend.  Costs are in bytes of memory traffic that take as long.

    largest_kernel   nodes in one kernel, at most
    cache_bytes      an array of so many bytes is still in cache when it is read next
    cached           what a byte costs that is found in cache
    addition         what adding two elements costs, for each byte of the result: see `graphc.kernel.costs` for others
    let              what one more let costs a kernel, however few its elements: a call, where every let is one
    kernel           what one more kernel costs
    alignment        of every array, in bytes
    tiled            the dtypes of products that are made in tiles: each element is one chain of terms, in the order of
                     the axes of the sum, that goes on from what a result holds that is added to; what is read crosswise
                     is packed each time
    products     how many of their multiplications, each with an addition, take as long as a byte of memory traffic
    reads_narrow     whether products read operands of float16 and bfloat16 that are added up in float32
    reads_outside    whether windows of products may reach outside of an array, as if zeros were there
    chunk_bytes      steps that hand large arrays on are made in chunks of about so many bytes of these; 0: in one go
    undisturbed      what sets variables in place may take in all, where it is mostly computing: no signal ends a call
                     meanwhile
    """

    name: str
    largest_kernel: int = 128
    cache_bytes: int = 1 << 20
    cached: float = 0.25
    addition: float = 0.1
    let: float = 0.0
    kernel: float = 20_000.0
    alignment: int = 64
    tiled: tuple[DType, ...] = ()
    products: float = 8.0
    reads_narrow: bool = False
    reads_outside: bool = False
    chunk_bytes: int = 0
    undisturbed: float = inf
