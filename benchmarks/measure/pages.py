"""Tables of figures that stand in a page of the documents."""

import sys
from pathlib import Path

__all__ = ["print_or_write"]


def print_or_write(table: str, page: Path, start: str, end: str) -> None:
    """Print a table; where the command says `--write`, put it into the page between two marks as well."""
    print(table)
    if "--write" in sys.argv[1:]:
        before, _, rest = page.read_text(encoding="utf-8").partition(start)
        page.write_text(before + start + table + rest[rest.index(end) :], encoding="utf-8")
