"""Text with indentation."""

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Writer"]


class Writer:
    """Lines, each at the present depth."""

    def __init__(self, unit: str = "    ") -> None:
        self.lines: list[str] = []
        self._unit = unit
        self._indent = ""

    def line(self, text: str = "") -> None:
        """Add a line."""
        self.lines.append(self._indent + text if text else "")

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Lines inside stand one deeper, under `head`."""
        self.line(head)
        self.indent()
        yield
        self.dedent()

    def indent(self) -> None:
        """Lines from here on stand one deeper."""
        self._indent += self._unit

    def dedent(self) -> None:
        """Lines from here on stand one less deep."""
        self._indent = self._indent.removesuffix(self._unit)

    def __str__(self) -> str:
        return "\n".join(self.lines) + "\n"
