"""Text of users on one line and of bounded length: names, paths and source lines."""

from collections.abc import Iterable

__all__ = ["a_thing", "counted", "described", "printable", "shortened", "tuple_text"]


def printable(text: str, limit: int) -> str:
    """`text` on one line of at most `limit` characters.

    Control characters, line breaks, invisible marks and lone surrogates are written as Python escapes them.
    What is too long loses its middle.
    """
    text = shortened(text, 2 * limit)  # before escaping: a name may have a million characters
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return shortened(text, limit)


def shortened(text: str, limit: int) -> str:
    """`text`, with a dot of ellipsis for its middle where it is longer than `limit`."""
    if len(text) <= limit:
        return text
    tail = limit // 3
    return f"{text[: limit - tail - 1]}…{text[len(text) - tail :]}"


def described(value: object) -> str:
    """What a user gave, for an error: as Python writes it, or `a list` where it cannot write it or takes pages."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    try:
        text = repr(value)
    except Exception:  # a user's `__repr__`, or containers nested too deeply: the error is about something else
        text = ""
    return text if text and len(text) <= 80 and "\n" not in text and " at 0x" not in text else a_thing(value)


def a_thing(value: object) -> str:
    """`a list`, `an int`: what kind of thing a user gave."""
    name = type(value).__name__
    return f"{'an' if name[:1] in 'aeioAEIO' else 'a'} {name}"


def counted(count: int, what: str, several: str = "") -> str:
    """`1 axis`, `2 axes`: a number of things; `several` where these have more than an s."""
    return f"{count} {what if count == 1 else several or what + 's'}"


def tuple_text(parts: Iterable[object]) -> str:
    """`(n, 3)`, `(5,)`: as Python writes a tuple, its parts as they print."""
    texts = [*map(str, parts)]
    return f"({texts[0]},)" if len(texts) == 1 else f"({', '.join(texts)})"
