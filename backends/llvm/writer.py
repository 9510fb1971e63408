"""Instructions that routines are written in: numbers of 64 bits, elements of arrays, memory of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field
from typing import final

from graphc.backends.llvm.arguments import Arguments
from graphc.backends.llvm.text import Text
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.sizes import Size

__all__ = ["Writer"]


@final
@dataclass
class Writer:
    """Writes one function, whose operands are registers, or numbers as text."""

    text: Text = field(default_factory=Text)
    arguments: Arguments = field(init=False)
    _taken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.arguments = Arguments(self.text)

    def size(self, size: Size) -> str:
        """The value of a size."""
        return self.arguments.number(size)

    def array(self, buffer: Buffer) -> str:
        """Where the elements of a buffer begin."""
        return self.arguments.pointer(buffer)

    # Numbers.

    def op(self, instruction: str, x: str, y: str, type: str = "i64") -> str:
        """The result of an instruction of two operands."""
        return self.text.value(f"{instruction} {type} {x}, {y}")

    def add(self, x: str, y: str) -> str:
        return y if x == "0" else x if y == "0" else self.op("add", x, y)

    def sub(self, x: str, y: str) -> str:
        return self.op("sub", x, y)

    def mul(self, x: str, y: str) -> str:
        return y if x == "1" else x if y == "1" else self.op("mul", x, y)

    def least(self, x: str, y: str) -> str:
        """The smaller of two signed numbers."""
        return self.text.least(x, y)

    def most(self, x: str, y: str) -> str:
        """The larger of two signed numbers."""
        return self.text.most(x, y)

    def chosen(self, condition: str, x: str, y: str, type: str = "i64") -> str:
        """x where the condition holds, else y."""
        return self.text.value(f"select i1 {condition}, {type} {x}, {type} {y}")

    def called(self, name: str, type: str, *operands: str) -> str:
        """The result of a function of numbers of one type."""
        return self.text.value(f"call {type} @{name}({', '.join(f'{type} {x}' for x in operands)})")

    def cast(self, instruction: str, x: str, of: str, to: str) -> str:
        """A value as one of another type; itself where the types are the same."""
        return x if of == to else self.text.value(f"{instruction} {of} {x} to {to}")

    def spread(self, x: str, type: str, lanes: int) -> str:
        """A value for each lane of a vector."""
        whole = f"<{lanes} x {type}>"
        first = self.text.value(f"insertelement {whole} poison, {type} {x}, i64 0")
        return self.text.value(f"shufflevector {whole} {first}, {whole} poison, <{lanes} x i32> zeroinitializer")

    # Memory.

    def at(self, type: str, base: str, place: str) -> str:
        """The address of an element."""
        return base if place == "0" else self.text.value(f"getelementptr {type}, ptr {base}, i64 {place}")

    def load(self, type: str, base: str, place: str = "0", align: int = 0) -> str:
        """An element; `align` where it may lie less well than its type says."""
        return self.text.value(f"load {type}, ptr {self.at(type, base, place)}{_aligned(align)}")

    def store(self, type: str, value: str, base: str, place: str = "0", align: int = 0) -> None:
        """Set an element."""
        self.text.do(f"store {type} {value}, ptr {self.at(type, base, place)}{_aligned(align)}")

    def copy(self, to: str, of: str, bytes: str) -> None:
        """Bytes from one place to another one."""
        self.text.do(f"call void @llvm.memcpy.p0.p0.i64(ptr {to}, ptr {of}, i64 {bytes}, i1 false)")

    def clear(self, base: str, bytes: str) -> None:
        """Zeros."""
        self.text.do(f"call void @llvm.memset.p0.i64(ptr {base}, i8 0, i64 {bytes}, i1 false)")

    def taken(self, bytes: str) -> str:
        """Memory that is given back where the function ends."""
        base = self.text.value(f"call ptr @malloc(i64 {self.most(bytes, '1')})")
        self._taken.append(base)
        return base

    # Order.

    @contextmanager
    def members(self, count: Size, per_chunk: Size) -> Iterator[str]:
        """What stands inside is done for each member of a batch that belongs to the chunk."""
        first = self.mul("%chunk", self.size(per_chunk))
        last = self.least(self.add(first, self.size(per_chunk)), self.size(count))
        with self.text.loop(first, last) as member:
            yield member

    @contextmanager
    def either(self, condition: str) -> Iterator["_Otherwise"]:
        """What stands inside is done where the condition holds, what follows `otherwise` where it does not."""
        text = self.text
        inside, other, after = text.label("then"), text.label("else"), text.label("after")
        text.go_if(condition, inside, other)
        text.begin(inside)
        part = _Otherwise(text, other, after)
        yield part
        text.go(after)
        if not part.is_begun:
            text.begin(other)
            text.go(after)
        text.begin(after)

    def function(self) -> str:
        """The whole of it."""
        for base in self._taken:
            self.text.do(f"call void @free(ptr {base})")
        self.text.do("ret void")
        return self.text.function("KERNEL", "ptr %args, i64 %chunk")


@final
@dataclass
class _Otherwise:
    """The second part of a choice."""

    text: Text
    label: str
    after: str
    is_begun: bool = False

    def otherwise(self) -> None:
        """Begin it."""
        self.text.go(self.after)
        self.text.begin(self.label)
        self.is_begun = True


def _aligned(align: int) -> str:
    return f", align {align}" if align else ""
