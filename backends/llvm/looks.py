"""Loops of a kernel that may be long: now and then they look whether the run has been given up."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

from graphc.backends.llvm.arguments import Arguments
from graphc.backends.llvm.text import Text
from graphc.dataclass import dataclass
from graphc.sizes import Size

__all__ = ["LETS", "Looks"]

LETS = 1 << 26  # that are computed between two looks, about: some 10 ms


@final
@dataclass
class Looks:
    """Writes the loops of one function.

    points  that are made between two looks, about
    """

    text: Text
    arguments: Arguments
    points: int
    _stop: str | None = None

    @contextmanager
    def loop(self, first: str, last: str, step: int, extent: Size, inside: Size) -> Iterator[str]:
        """As `Text.loop`; it is made for at most `extent` points, and each of them has `inside` others."""
        all = extent * inside
        if isinstance(all, int) and all <= self.points:
            with self.text.loop(first, last, step) as counter:
                yield counter
        elif isinstance(inside, int):
            with self.in_blocks(first, last, step, self.points // max(inside, 1)) as counter:
                yield counter
        else:
            left_at = self.text.room("i64", str(self.points))
            with self.text.loop(first, last, step) as counter:
                yield counter
                self.count(left_at, self.arguments.number(inside))

    @contextmanager
    def in_blocks(self, first: str, last: str, step: int, points: int) -> Iterator[str]:
        """With a look between two blocks of so many points: inside of one nothing is slower."""
        text, length = self.text, max(points // step, 1) * step
        start_at, end_at = text.room("i64", first), text.room("i64", self._end(first, last, length))
        body, between, after = text.label("block"), text.label("between"), text.label("after")
        text.go(body)
        text.begin(body)
        end = text.value(f"load i64, ptr {end_at}")
        with text.loop(text.value(f"load i64, ptr {start_at}"), end, step) as counter:
            yield counter
        text.go_if(text.value(f"icmp slt i64 {end}, {last}"), between, after)
        text.begin(between)
        self._look()
        text.do(f"store i64 {end}, ptr {start_at}")
        text.do(f"store i64 {self._end(end, last, length)}, ptr {end_at}")
        text.go(body)
        text.begin(after)

    def _end(self, start: str, last: str, length: int) -> str:
        """Where a block ends."""
        made = self.text.early if start == "0" and self.arguments.is_known(last) else self.text.value
        behind = str(length) if start == "0" else made(f"add nsw i64 {start}, {length}")
        is_over = made(f"icmp sgt i64 {behind}, {last}")
        return made(f"select i1 {is_over}, i64 {last}, i64 {behind}")

    def count(self, left_at: str, points: str) -> None:
        """Look when so many points more are as many as are made between two looks."""
        text = self.text
        left = text.value(f"sub i64 {text.value(f'load i64, ptr {left_at}')}, {points}")
        left = text.value(f"sub i64 {left}, 1")
        text.do(f"store i64 {left}, ptr {left_at}")
        with text.when(text.value(f"icmp slt i64 {left}, 0")):
            text.do(f"store i64 {self.points}, ptr {left_at}")
            self._look()

    def end(self) -> None:
        """Where loops go on that were given up."""
        if self._stop is not None:
            self.text.go(self._stop)
            self.text.begin(self._stop)

    def _look(self) -> None:
        text = self.text
        self._stop = self._stop or text.label("stop")
        on = text.label("on")
        text.go_if(text.value(f"call i1 @graphc_look(ptr {self.arguments.run()})"), self._stop, on)
        text.begin(on)
