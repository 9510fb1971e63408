"""docs/coverage.md has every function of arrays with the dtypes that it takes and its largest error in float32."""

import pytest

from tests.docs.public_functions import functions_of_arrays, public_name
from tests.dtype_coverage import COLUMNS, Covered, covered, covered_functions
from tests.repository.modules import ROOT

PAGE = ROOT / "docs" / "coverage.md"
START, END = "<!-- table -->\n", "<!-- end of table -->"


def line(name: str, op: Covered) -> str:
    """A row of the table, without the error."""
    cells = ["same" if op.results[column] == column else op.results[column] for column in COLUMNS]
    return f"| `{name}` | " + " | ".join(cells)


#: functions of structures, and what makes a node of an array
NO_ROW = {"compile", "constant", "replace", "optim.clip_by_global_norm"}


def test_every_function_of_arrays_is_in_the_table_of_cases() -> None:
    covered_here = {name.partition("(")[0] for name in covered_functions()}
    known = {public_name(name.rpartition(".")[2]) for name in functions_of_arrays()}
    assert known - covered_here == NO_ROW


def test_every_function_has_a_row_with_its_dtypes_and_its_error(request: pytest.FixtureRequest) -> None:
    found = covered()
    if request.config.getoption("--update-golden"):
        head = [
            "| function | " + " | ".join(f"`{column}`" for column in COLUMNS) + " | error |",
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
