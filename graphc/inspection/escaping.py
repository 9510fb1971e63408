"""Text of users that is safe to print: names, paths and source lines on one line, and of bounded length."""

import re

__all__ = ["markup", "printable", "quoted"]

_PLAIN = r"[\w.:/\[\]-]+"


def printable(text: str, limit: int) -> str:
    """`text` on one line of at most `limit` characters.

    Control characters, line breaks, invisible marks and lone surrogates are written as Python escapes them.
    What is too long loses its middle.
    """
    text = _shortened(text, 2 * limit)  # before escaping: a name may have a million characters
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return _shortened(text, limit)


def quoted(name: str, limit: int = 40) -> str:
    """`name` as it is where it is a plain word, otherwise in quotes, so that it ends where it seems to."""
    if re.fullmatch(_PLAIN, name):
        return printable(name, limit)
    name = _shortened(name, 2 * limit).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{printable(name, limit)}"'


def markup(text: str) -> str:
    """`text` inside an element or a quoted attribute of HTML or SVG."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    tail = limit // 3
    return f"{text[: limit - tail - 1]}…{text[len(text) - tail :]}"
