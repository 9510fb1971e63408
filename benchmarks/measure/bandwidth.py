"""How fast this machine copies memory."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.measure.race import Side

__all__ = ["COPIES", "copying"]

COPIES = 4  # by one thread in a row: waking it takes some µs


def copying(size: int, threads: int) -> Side:
    """Some copies, each of which reads and writes `size` bytes in all, by so many threads."""
    source = np.ones(max(size // 8, threads), np.float32)
    target = np.empty_like(source)
    shares = list(zip(np.array_split(source, threads), np.array_split(target, threads), strict=True))
    pool = ThreadPoolExecutor(threads)

    def copy(share: int) -> None:
        for _ in range(COPIES):
            np.copyto(shares[share][1], shares[share][0])

    if threads == 1:
        return lambda: copy(0)
    return lambda: list(pool.map(copy, range(threads)))
