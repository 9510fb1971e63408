"""Text of users that is safe to print: names, paths and source lines on one line, and of bounded length."""

import re

from graphc.printable import printable, shortened

__all__ = ["excerpt", "markup", "quoted"]

_FIRST, _LAST, _LONGEST = 150, 50, 400  # lines, lines, characters of a line
_PLAIN = r"[\w.:/\[\]-]+"


def quoted(name: str, limit: int = 40) -> str:
    """`name` as it is where it is a plain word, otherwise in quotes, so that it ends where it seems to."""
    if re.fullmatch(_PLAIN, name):
        return printable(name, limit)
    name = shortened(name, 2 * limit).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{printable(name, limit)}"'


def markup(text: str) -> str:
    """`text` inside an element or a quoted attribute of HTML or SVG."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def excerpt(text: str) -> str:
    """The beginning and the end of a text that is too long for a page, and what is between as a number of lines."""
    lines = [shortened(line, _LONGEST) for line in text.splitlines()]
    left = len(lines) - _FIRST - _LAST
    if left > 1:
        lines[_FIRST:-_LAST] = [f"... {left:,} lines more; print them with print(gx.show(...))"]
    return "\n".join(lines)
