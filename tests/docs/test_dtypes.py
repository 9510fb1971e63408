"""docs/dtypes.md holds the rule of promotion, cell by cell, and NumPy agrees where the two mean the same."""

import numpy as np
import pytest

from graphc.types import DTYPES, TensorType, promote
from tests.repository.modules import ROOT

PAGE = ROOT / "docs" / "dtypes.md"
START, END = "<!-- table -->\n", "<!-- end of table -->"

OPERANDS = {name: TensorType((), dtype) for name, dtype in DTYPES.items()} | {
    "int": TensorType((), DTYPES["int64"], weak=True),
    "float": TensorType((), DTYPES["float32"], weak=True),
    "complex": TensorType((), DTYPES["complex64"], weak=True),
}


def table() -> str:
    """The table as it should be."""
    lines = ["| | " + " | ".join(f"`{name}`" for name in OPERANDS) + " |", "|---" * (len(OPERANDS) + 1) + "|"]
    for name, left in OPERANDS.items():
        cells = (promote(left, right).name for right in OPERANDS.values())
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def cells() -> dict[tuple[str, str], str]:
    """The table as the page has it."""
    head, _, *rows = PAGE.read_text(encoding="utf-8").partition(START)[2].partition(END)[0].splitlines()
    columns = [name.strip(" `") for name in head.split("|")[2:-1]]
    found = {}
    for row in rows:
        name, *values = (cell.strip(" `") for cell in row.split("|")[1:-1])
        found.update({(name, column): value for column, value in zip(columns, values, strict=True)})
    return found


def test_every_cell_is_the_rule(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
        PAGE.write_text(before + START + table() + rest[rest.index(END) :], encoding="utf-8")
    found = cells()
    assert found.keys() == {(left, right) for left in OPERANDS for right in OPERANDS}
    for (left, right), dtype in found.items():
        assert promote(OPERANDS[left], OPERANDS[right]).name == dtype, (left, right)


def test_rule_is_symmetric() -> None:
    found = cells()
    assert all(found[left, right] == found[right, left] for left, right in found)


def test_same_kinds_are_those_of_numpy() -> None:
    names = [name for name in DTYPES if name != "bfloat16"]
    for left in names:
        for right in names:
            a, b = DTYPES[left], DTYPES[right]
            same = (a.kind in "iu") == (b.kind in "iu") and (a.kind == "c") == (b.kind == "c")
            if same or {a.kind, b.kind} == {"f", "c"}:
                assert promote(OPERANDS[left], OPERANDS[right]) == np.promote_types(a, b), (left, right)
