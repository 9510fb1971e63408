"""docs/stability.md has a row for every formula of the table of cases, with what is written and what runs."""

import re

from benchmarks.stability_cases import CASES
from benchmarks.stability_errors import END, PAGE, START


def test_every_case_has_a_row_in_the_order_of_the_table() -> None:
    rows = PAGE.read_text(encoding="utf-8").partition(START)[2].partition(END)[0]
    found = re.findall(r"^\| `(.*?)` \| `(.*?)` \| (\w+) \|", rows, re.MULTILINE)
    assert found == [(case.label.replace("|", r"\|"), case.runs.replace("|", r"\|"), case.dtype) for case in CASES]
