"""Every Python block of the documents runs, and prints what stands beside it."""

import pytest

from tests.docs.document import Document
from tests.repository.modules import ROOT

PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_page_prints_what_it_says(page: str, request: pytest.FixtureRequest) -> None:
    Document(ROOT / page).check(update=request.config.getoption("--update-golden"))
