"""docs/rules.md lists every rewrite rule, whether it is exact, and what it is good for."""

from collections.abc import Iterator, Sequence

import pytest

from graphc.passes.rewrite import Rule
from graphc.passes.standard import ALL_RULES, RULES
from tests.repository.modules import ROOT

PAGE = ROOT / "docs" / "rules.md"
START, END = "<!-- rules -->\n", "<!-- end of rules -->"


def test_every_rule_is_listed(request: pytest.FixtureRequest) -> None:
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    _, _, after = rest.partition(END)
    wanted = before + START + "\n".join(["", *lines(), ""]) + END + after
    if request.config.getoption("--update-golden"):
        PAGE.write_text(wanted, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == wanted, "rules.md differs; is it meant? --update-golden"


def test_all_rules_are_those_of_the_subjects() -> None:
    assert tuple(rule for rules in RULES.values() for rule in rules) == ALL_RULES


def lines() -> Iterator[str]:
    """The tables, one for each subject."""
    for subject, rules in RULES.items():
        yield from (f"## {subject}", "", *table(rules), "")


def table(rules: Sequence[Rule]) -> Iterator[str]:
    """One row for each rule."""
    yield "| identity | |"
    yield "|---|---|"
    for rule in rules:
        yield f"| `{rule.name}` | {'exact' if rule.exact else rule.because} |"
