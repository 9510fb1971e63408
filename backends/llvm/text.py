"""The text of one function in LLVM IR: instructions in basic blocks, loops, and room on the stack."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

__all__ = ["Range", "Text"]

Range: TypeAlias = tuple[str, str]  # the first place along an axis, and the one behind the last


class Text:
    """Instructions, in order; each result has a name of its own.

    What `room` gives lies on the stack until a pass takes it into registers.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.head: list[str] = []  # what stands before all else: room on the stack, arguments
        self._values = 0
        self._blocks = 0

    def value(self, instruction: str) -> str:
        """The name of the result of an instruction."""
        name = f"%v{self._values}"
        self._values += 1
        self.lines.append(f"  {name} = {instruction}")
        return name

    def early(self, instruction: str) -> str:
        """The name of the result of an instruction that stands before all others."""
        name = f"%v{self._values}"
        self._values += 1
        self.head.append(f"  {name} = {instruction}")
        return name

    def least(self, x: str, y: str) -> str:
        """The smaller of two signed numbers of 64 bits."""
        return self.value(f"call i64 @llvm.smin.i64(i64 {x}, i64 {y})")

    def most(self, x: str, y: str) -> str:
        """The larger of two signed numbers of 64 bits."""
        return self.value(f"call i64 @llvm.smax.i64(i64 {x}, i64 {y})")

    def do(self, instruction: str) -> None:
        """An instruction without a result."""
        self.lines.append(f"  {instruction}")

    def note(self, comment: str) -> None:
        """A comment."""
        self.lines.append(f"  ; {comment}")

    def room(self, type: str, start: str | None = None) -> str:
        """The address of a place on the stack; it holds `start` from here on."""
        name = self.early(f"alloca {type}")
        if start is not None:
            self.do(f"store {type} {start}, ptr {name}")
        return name

    def label(self, stem: str) -> str:
        """A new name for a block."""
        self._blocks += 1
        return f"{stem}{self._blocks}"

    def begin(self, label: str) -> None:
        """What follows is the block of that name."""
        self.lines.append(f"{label}:")

    def go(self, label: str) -> None:
        """On to another block."""
        self.do(f"br label %{label}")

    def go_if(self, condition: str, then: str, otherwise: str) -> None:
        """On to one of two blocks."""
        self.do(f"br i1 {condition}, label %{then}, label %{otherwise}")

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """What stands inside is done where the condition holds."""
        inside, after = self.label("then"), self.label("after")
        self.go_if(condition, inside, after)
        self.begin(inside)
        yield
        self.go(after)
        self.begin(after)

    @contextmanager
    def either(self, condition: str) -> Iterator[Callable[[], None]]:
        """What stands inside is done where the condition holds, and what follows a call of what is given where not."""
        inside, otherwise, after = self.label("then"), self.label("else"), self.label("after")
        self.go_if(condition, inside, otherwise)
        self.begin(inside)

        def turn() -> None:
            self.go(after)
            self.begin(otherwise)

        yield turn
        self.go(after)
        self.begin(after)

    @contextmanager
    def loop(self, first: str, last: str, step: int | str = 1) -> Iterator[str]:
        """What stands inside is done for the counter, an i64, from `first` up to `last`, which is left out."""
        place = self.room("i64", first)
        test, body, after = self.label("while"), self.label("do"), self.label("after")
        self.go(test)
        self.begin(test)
        counter = self.value(f"load i64, ptr {place}")
        more = self.value(f"icmp slt i64 {counter}, {last}")
        self.go_if(more, body, after)
        self.begin(body)
        yield counter
        following = self.value(f"add nsw i64 {counter}, {step}")
        self.do(f"store i64 {following}, ptr {place}")
        self.go(test)
        self.begin(after)

    def function(self, name: str, parameters: str, result: str = "void", linkage: str = "internal ") -> str:
        """The whole function; its last instruction has been given."""
        body: Sequence[str] = (*self.head, "  br label %start", "start:", *self.lines)
        return "\n".join((f"define {linkage}{result} @{name}({parameters}) nounwind {{", *body, "}", ""))
