"""Squares of numbers in vectors turned over: rows become columns."""

from collections.abc import Sequence

from graphc.backends.llvm.waves import Waves

__all__ = ["SIDE", "transposed"]

SIDE = 8  # of a square, at most: a larger one takes more registers than there are


def transposed(waves: Waves, rows: Sequence[str]) -> list[str]:
    """As many registers as lanes: lane i of register j becomes lane j of register i.

    Blocks of half the side change places, then those of a quarter, and so on.
    """
    lanes, type = waves.lanes, waves.type
    assert len(rows) == lanes, rows
    found = list(rows)
    half = lanes // 2
    while half:
        low = [lane if lane & half == 0 else lanes + lane - half for lane in range(lanes)]
        high = [lane + half if lane & half == 0 else lanes + lane for lane in range(lanes)]
        for i in (i for i in range(lanes) if i & half == 0):
            pair = found[i], found[i + half]
            found[i], found[i + half] = (_shuffled(waves, type, pair, lanes_) for lanes_ in (low, high))
        half //= 2
    return found


def _shuffled(waves: Waves, type: str, pair: tuple[str, str], lanes: Sequence[int]) -> str:
    chosen = ", ".join(f"i32 {lane}" for lane in lanes)
    return waves.on.text.value(f"shufflevector {type} {pair[0]}, {type} {pair[1]}, <{len(lanes)} x i32> <{chosen}>")
