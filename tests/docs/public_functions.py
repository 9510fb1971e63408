"""The public functions, by the headings of docs/operations.md, and those of them that take arrays."""

import inspect
import re
from collections.abc import Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

import graphc as gx
from graphc.ir.node import Like
from tests.repository.modules import ROOT

__all__ = ["families", "functions_of_arrays", "public_name"]

PAGE = ROOT / "docs" / "operations.md"


@cache
def families() -> Mapping[str, str]:
    """Every public name, and the heading of docs/operations.md that it stands under."""
    found, heading = {}, ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif row := re.match(r"- `([\w.]+)`:", line):
            found[row[1]] = heading
    return found


@cache
def functions_of_arrays() -> Sequence[str]:
    """The names of all public functions that take a `Like`, or several, and no function: then that is what they do."""
    return sorted(name for name in families() if _takes_arrays(attrgetter(name)(gx)))


def _takes_arrays(function: Any) -> bool:  # Any: whatever is public
    if not inspect.isfunction(function):
        return False
    wanted = [str(parameter.annotation) for parameter in inspect.signature(function).parameters.values()]
    if any("Callable" in text for text in wanted):
        return False
    return any("Like" in text or str(Like) in text for text in wanted)


def public_name(name: str) -> str | None:
    """The name under which a function of arrays is public: `linalg.solve` of solve; the shortest of several."""
    found = (other for other in functions_of_arrays() if other.rpartition(".")[2] == name)
    return min(found, key=len, default=None)
