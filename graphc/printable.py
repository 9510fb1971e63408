"""Text of users on one line and of bounded length: names, paths and source lines."""

__all__ = ["printable", "shortened"]


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
