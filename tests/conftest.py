"""Options and fixtures for every test: the full tier, native calls that are watched, and golden texts."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.golden_text import Golden
from tests.guard_pages import guard_native_calls

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run the tests marked `full` as well")
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden texts, then read the diff")
    parser.addoption(
        "--guarded", action="store_true", help="run native calls twice, between pages that end the process"
    )


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault("GRAPHC_CACHE", "off")  # everything is compiled, and nothing of the user's is touched
    # No database and no chance: a failure seen once is seen by everyone.
    settings.register_profile("quick", derandomize=True, deadline=None, database=None, max_examples=50)
    settings.register_profile("full", settings.get_profile("quick"), max_examples=500)
    settings.load_profile("full" if config.getoption("--full") else "quick")
    if config.getoption("--guarded"):
        guard_native_calls(pytest.MonkeyPatch())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    unwanted = {"full": not config.getoption("--full"), "unguarded": config.getoption("--guarded")}
    for marker in [marker for marker, is_unwanted in unwanted.items() if is_unwanted]:
        left_out = [item for item in items if item.get_closest_marker(marker)]
        items[:] = [item for item in items if not item.get_closest_marker(marker)]
        if left_out:
            config.hook.pytest_deselected(items=left_out)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """`golden(name, text)` asserts that `text` is what `tests/golden/<name>.txt` holds."""
    return Golden(GOLDEN, update=request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def full_tier(request: pytest.FixtureRequest) -> bool:
    """Whether this is the full tier: for a test that draws more samples there."""
    return bool(request.config.getoption("--full"))
