"""Text of users in C++: in comments, which must end with their lines, and in strings."""

import re
from collections.abc import Iterable

__all__ = ["comments", "string"]

_TRIGRAPH = re.compile(r"\?(?=\?[=/'()!<>-])")  # compilers warn of them, wherever they stand


def comments(lines: Iterable[str]) -> str:
    """Lines of printable text as comments.

    A backslash at the end would make the next line of code a part of the comment: a mark stands behind it.
    """
    return "".join(f"// {_ended(line)}".rstrip() + "\n" for line in lines)


def string(text: str) -> str:
    """A string that holds `text`, in ASCII."""
    return '"' + "".join(map(_quoted, text)) + '"'


def _ended(line: str) -> str:
    text = _TRIGRAPH.sub("?\\\\", line.rstrip())
    return f"{text}…" if text.endswith("\\") else text


def _quoted(character: str) -> str:
    if character in '"\\?':
        return f"\\{character}"
    if character.isascii() and character.isprintable():
        return character
    return "".join(f"\\{byte:03o}" for byte in character.encode())
