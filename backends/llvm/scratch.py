"""Memory that a function has while it runs: of the stack where that is enough, else of malloc."""

from graphc.backends.llvm.arguments import Arguments
from graphc.backends.llvm.text import Text
from graphc.sizes import Size

__all__ = ["ALIGNED", "allocated", "padded", "taken"]

ALIGNED = 64  # bytes that scratch starts at a multiple of
ON_STACK = 1 << 16  # bytes, at most


def padded(bytes: Size) -> Size:
    """Bytes after which something else may start."""
    return (bytes + (ALIGNED - 1)) // ALIGNED * ALIGNED


def allocated(bytes: Size) -> Size:
    """What is taken from malloc for so many bytes: nothing where the stack is enough."""
    return 0 if isinstance(bytes, int) and bytes <= ON_STACK else bytes + ALIGNED


def taken(text: Text, arguments: Arguments, bytes: Size) -> tuple[str, str]:
    """The address of so many bytes, and that of what is to be given back; nothing where that is nothing."""
    amount = allocated(bytes)
    if amount == 0:
        assert isinstance(bytes, int), bytes
        return text.early(f"alloca [{max(bytes, 1)} x i8], align {ALIGNED}"), ""
    heap = text.value(f"call ptr @malloc(i64 {arguments.number(amount)})")
    number = text.value(f"ptrtoint ptr {heap} to i64")
    gap = text.value(f"and i64 {text.value(f'sub i64 0, {number}')}, {ALIGNED - 1}")
    return text.value(f"getelementptr i8, ptr {heap}, i64 {gap}"), heap
