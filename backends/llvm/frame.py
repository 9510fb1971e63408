"""The body of a function that runs on a table: instructions that find what stands in its slots."""

from dataclasses import field
from typing import final

from graphc.backends.llvm.table import BUDGET, FOUND, INTERRUPTED, STOPPED, Table
from graphc.backends.llvm.text import Text
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.sizes import Size

__all__ = ["Frame"]

STEPS = 1024  # that are made between two looks: one that is not looked into takes less than some 100 us


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

    def look(self, steps: int) -> None:
        """Give up where the run is interrupted; so many steps were made since the last look here."""
        text = self.text
        budget_at = self.slot(BUDGET)
        left = text.value(f"sub i64 {text.value(f'load i64, ptr {budget_at}')}, {steps}")
        text.do(f"store i64 {left}, ptr {budget_at}")
        with text.when(text.value(f"icmp slt i64 {left}, 0")):
            text.do(f"store i64 {STEPS}, ptr {budget_at}")
            self.return_if(text.value("call i1 @graphc_look(ptr %table)"), str(INTERRUPTED))

    def stop_if_stopped(self) -> None:
        """Give up where a step has."""
        stopped = self.text.value(f"load atomic i64, ptr {self.slot(STOPPED)} monotonic, align 8")
        self.return_if(self.text.value(f"icmp ne i64 {stopped}, 0"), str(INTERRUPTED))

    def return_if(self, condition: str, result: str) -> None:
        """The function ends here where the condition holds."""
        text = self.text
        over, on = text.label("over"), text.label("on")
        text.go_if(condition, over, on)
        text.begin(over)
        text.do(f"ret i64 {result}")
        text.begin(on)
