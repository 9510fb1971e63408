"""Markdown that runs: the Python blocks of a page, one after the other, and the output printed beside them."""

import contextlib
import io
import linecache
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
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
@dataclass
class Document:
    """A page.  A block of Python followed by a block of text prints just that text."""

    path: Path
    namespace: dict[str, Any] = field(default_factory=lambda: {"__name__": "page"})  # Any: whatever the page makes

    def check(self, *, update: bool) -> None:
        """Run the page and compare what it prints with what it says; or write that down."""
        page = self.path.read_text(encoding="utf-8")
        linecache.cache[self.path.name] = (len(page), None, page.splitlines(keepends=True), self.path.name)
        corrections: list[tuple[Block, str]] = []
        for block, shown in self.blocks(page):
            printed = self.run(block, page)
            if shown is None:
                assert not printed, f"{self.path.name}: a block prints what the page does not show:\n{printed}"
            elif not update:
                assert printed == shown.text, f"{self.path.name} differs; is it meant? --update-golden"
            else:
                corrections.append((shown, printed))
        for block, printed in reversed(corrections):
            page = page[: block.start] + printed + page[block.end :]
        if update:
            self.path.write_text(page, encoding="utf-8")

    def blocks(self, page: str) -> Iterator[tuple[Block, Block | None]]:
        """Each block of Python, with the block of text that follows it if nothing else comes between."""
        found = [Block(m[1], m[2], m.start(2), m.end(2)) for m in _BLOCK.finditer(page)]
        for block, after in zip_longest(found, found[1:]):
            if block.language == "python":
                beside = after is not None and after.language == "text" and not _fence_between(page, block, after)
                yield block, after if beside else None

    def run(self, block: Block, page: str) -> str:
        """What a block prints, without spaces at the ends of lines."""
        lines_before = page.count("\n", 0, block.start)
        code = compile("\n" * lines_before + block.text, self.path.name, "exec")
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(code, self.namespace)
        text = "".join(f"{line.rstrip()}\n" for line in output.getvalue().splitlines())
        return text.strip("\n") + "\n" if text.strip() else ""


def _fence_between(page: str, block: Block, after: Block) -> bool:
    """Whether there is more than the two fences and an empty line between two blocks."""
    return page[block.end : after.start].replace("```text", "").replace("```", "").strip() != ""
