"""docs/coverage.md has every op of the table with the dtypes that it takes and its largest error in float32."""

import pytest

from tests.dtype_coverage import COLUMNS, Covered, covered
from tests.repository.modules import ROOT

PAGE = ROOT / "docs" / "coverage.md"
START, END = "<!-- table -->\n", "<!-- end of table -->"


def line(name: str, op: Covered) -> str:
    """A row of the table, without the error."""
    cells = ["same" if op.results.get(column) == column else op.results.get(column, "") for column in COLUMNS]
    return f"| `{name}` | " + " | ".join(cells)


def test_every_op_has_a_row_with_its_dtypes_and_its_error(request: pytest.FixtureRequest) -> None:
    found = covered()
    if request.config.getoption("--update-golden"):
        head = [
            "| op | " + " | ".join(f"`{column}`" for column in COLUMNS) + " | error |",
            "|---" * (len(COLUMNS) + 2) + "|",
        ]
        rows = [f"{line(name, op)} | {op.error:.1f} |" for name, op in sorted(found.items())]
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
        PAGE.write_text(before + START + "\n".join([*head, *rows]) + "\n" + rest[rest.index(END) :], encoding="utf-8")
    _, _, *rows = PAGE.read_text(encoding="utf-8").partition(START)[2].partition(END)[0].splitlines()
    stated = {row.rpartition(" | ")[0]: float(row.rpartition(" | ")[2].strip(" |")) for row in rows}
    assert list(stated) == [line(name, op) for name, op in sorted(found.items())], "is it meant? --update-golden"
    for (row, error), (_, op) in zip(stated.items(), sorted(found.items()), strict=True):
        assert op.error <= 2 * error + 1, row  # another machine adds up in another order
