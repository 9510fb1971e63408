"""The body of a function that runs on a table: instructions that find what stands in its slots."""

from dataclasses import dataclass, field
from typing import final

from graphc.backends.llvm.table import FOUND, Table
from graphc.backends.llvm.text import Text
from graphc.kernel.buffer import Buffer
from graphc.sizes import Size

__all__ = ["Frame"]


@final
@dataclass
class Frame:
    """Instructions on a table."""

    table: Table
    text: Text = field(default_factory=Text)

    def slot(self, slot: int) -> str:
        """The address of a slot."""
        return self.text.value(f"getelementptr i64, ptr %table, i64 {slot}")

    def pointer(self, buffer: Buffer) -> str:
        """The address of the bytes of a buffer."""
        return self.text.value(f"load ptr, ptr {self.slot(self.table.of(buffer.root))}")

    def number(self, size: Size) -> str:
        """The value of a size."""
        if isinstance(size, int):
            return str(size)
        return self.text.value(f"load i64, ptr {self.slot(self.table.of(size))}")

    def fail(self, condition: str, number: int, found: str) -> None:
        """Give up where the condition holds: `found` is what step `number` says of it."""
        text = self.text
        bad, good = text.label("bad"), text.label("good")
        text.go_if(condition, bad, good)
        text.begin(bad)
        text.do(f"store i64 {found}, ptr {self.slot(FOUND)}")
        text.do(f"ret i64 {number + 1}")
        text.begin(good)
