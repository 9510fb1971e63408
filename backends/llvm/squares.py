"""Squares of vectors that are turned over: rows become columns, by shuffles of pairs of vectors."""

from collections.abc import Sequence
from typing import TypeAlias

from graphc.backends.llvm.registers import vector
from graphc.backends.llvm.text import Text

__all__ = ["turned"]

Step: TypeAlias = Sequence[tuple[int, int, Sequence[int]]]  # two vectors each, and what is taken of them

PART = 16  # bytes: shuffles that stay inside of such parts, or move whole ones, need no table of places

EXCHANGES = {  # how groups of as many rows as a part has elements exchange their parts
    1: (),
    2: (((0, 1, (0, 2)), (0, 1, (1, 3))),),
    4: (
        ((0, 1, (0, 1, 4, 5)), (0, 1, (2, 3, 6, 7)), (2, 3, (0, 1, 4, 5)), (2, 3, (2, 3, 6, 7))),
        ((0, 2, (0, 2, 4, 6)), (0, 2, (1, 3, 5, 7)), (1, 3, (0, 2, 4, 6)), (1, 3, (1, 3, 5, 7))),
    ),
}


def turned(text: Text, type: str, bytes: int, rows: Sequence[str]) -> Sequence[str]:
    """The columns of a square of at most a line of the cache, whose rows are vectors of elements of so many bytes."""
    size = len(rows)
    inside = min(PART // bytes, size)
    whole, values = vector(type, size), rows
    for step in (*_of_elements(size, inside), *_of_parts(size, inside)):
        chosen = [(values[x], values[y], ", ".join(f"i32 {n}" for n in order)) for x, y, order in step]
        values = [
            text.value(f"shufflevector {whole} {x}, {whole} {y}, <{size} x i32> <{order}>") for x, y, order in chosen
        ]
    return values


def _of_elements(size: int, inside: int) -> Sequence[Step]:
    """As many rows as a part has elements are squares side by side: to interleave halves again and again turns them."""
    half = inside // 2
    pairs = [n for place in range(half) for n in (place, size + place)]
    firsts = range(0, size, inside)
    lows, highs = ([first + start + n for first in firsts for n in pairs] for start in (0, half))
    step = [(first + n, first + n + half, order) for first in firsts for n in range(half) for order in (lows, highs)]
    return [step] * (inside.bit_length() - 1)


def _of_parts(size: int, inside: int) -> Sequence[Step]:
    """What is one column of each group of rows lies in one vector of each: parts of these become columns as a whole."""
    return [
        [
            (x * inside + n, y * inside + n, [part * inside + place for part in order for place in range(inside)])
            for x, y, order in step
            for n in range(inside)
        ]
        for step in EXCHANGES[size // inside]
    ]
