"""Markdown that runs: the Python blocks of a page, one after the other, and the output printed beside them."""

import contextlib
import io
import linecache
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, final

__all__ = ["Document"]

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@final
@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, and where that text stands in the page."""

    language: str
    text: str
    start: int
    end: int


@final
@dataclass(frozen=True)
class Document:
    """A page.  A block of Python followed by a block of text prints just that text."""

    path: Path

    def check(self) -> None:
        """Run the page and compare what it prints with what it says."""
        page = self.path.read_text(encoding="utf-8")
        for printed, shown in self.run(page):
            if shown is None:
                assert not printed, f"{self.path.name}: a block prints what the page does not show:\n{printed}"
            else:
                assert printed, f"{self.path.name}: a block prints nothing, where the page shows that it does"
                assert printed == shown.text, f"{self.path.name} differs; is it meant? --update-golden"

    def update(self) -> None:
        """Write down what the page prints, until nothing changes: what is printed holds numbers of lines."""
        page, before = self.path.read_text(encoding="utf-8"), None
        while page != before:
            before = page
            for printed, shown in reversed(list(self.run(before))):
                if shown is not None:
                    page = page[: shown.start] + printed + page[shown.end :]
        self.path.write_text(page, encoding="utf-8")

    def run(self, page: str) -> Iterator[tuple[str, Block | None]]:
        """What each block of Python prints, and the block of text that says so."""
        name = self.path.name
        linecache.cache[name] = (len(page), None, page.splitlines(keepends=True), name)
        namespace: dict[str, Any] = {"__name__": "page"}  # Any: whatever the page makes
        for block, shown in self.blocks(page):
            code = compile("\n" * page.count("\n", 0, block.start) + block.text, name, "exec")
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                exec(code, namespace)
            text = "\n".join(line.rstrip() for line in output.getvalue().splitlines()).strip("\n")
            yield text + "\n" if text else "", shown

    def blocks(self, page: str) -> Iterator[tuple[Block, Block | None]]:
        """Each block of Python, with the block of text that follows it if nothing else comes between."""
        found = [Block(m[1], m[2], m.start(2), m.end(2)) for m in _BLOCK.finditer(page)]
        for block, after in zip_longest(found, found[1:]):
            if block.language == "python":
                beside = after is not None and after.language == "text" and not _fence_between(page, block, after)
                yield block, after if beside else None


def _fence_between(page: str, block: Block, after: Block) -> bool:
    """Whether there is more than the two fences and an empty line between two blocks."""
    return page[block.end : after.start].replace("```text", "").replace("```", "").strip() != ""
