"""Every Python block of the documents runs, and prints what stands beside it."""

import pytest

from tests.docs.document import Document
from tests.docs.picture import FOLDER, PICTURES
from tests.repository.modules import ROOT

PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_page_prints_what_it_says(page: str, request: pytest.FixtureRequest) -> None:
    document = Document(ROOT / page)
    if request.config.getoption("--update-golden"):
        document.update()
    document.check()


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_the_one_drawn(name: str, request: pytest.FixtureRequest) -> None:
    path, drawn = FOLDER / name, PICTURES[name]()
    if request.config.getoption("--update-golden"):
        path.write_text(drawn, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == drawn
