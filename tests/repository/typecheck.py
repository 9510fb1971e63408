"""Check the types of all folders, strictly: `python -m tests.repository.typecheck`.

mypy finds packages by folder and does not read the mapping in pyproject.toml: `mypy -p graphc` reports
success while it skips `passes` and `backends`.  So it runs in `.layout/`, a folder of links that shows every
module where an install would put it.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.repository.modules import FOLDERS, ROOT

OTHER_PACKAGES = ("tests", "examples", "benchmarks", "docs")


def main() -> int:
    """Print what mypy reports, with the paths of the real files; 0 if it finds nothing."""
    status, report = check(ROOT)
    print(report, end="")
    return status


def check(root: Path) -> tuple[int, str]:
    """The exit status of mypy and its report for the repository at `root`."""
    packages = [name for name in ("graphc", *OTHER_PACKAGES) if any((root / name).rglob("*.py"))]
    options = [f"--config-file={root}/pyproject.toml", f"--cache-dir={root}/.mypy_cache"]
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *(f"--package={name}" for name in packages)],
        cwd=build_layout(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return ran.returncode, re.sub(r"^graphc/(passes|backends)/", r"\1/", ran.stdout, flags=re.MULTILINE)


def build_layout(root: Path) -> Path:
    """Make `.layout/` anew and return it: links only, so it never shows an old text."""
    layout = root / ".layout"
    shutil.rmtree(layout, ignore_errors=True)
    (layout / "graphc").mkdir(parents=True)
    for entry in sorted((root / "graphc").iterdir()):
        (layout / "graphc" / entry.name).symlink_to(entry)
    for package, folder in FOLDERS.items():
        if package != "graphc":
            (layout / package.replace(".", "/")).symlink_to(root / folder)
    for name in OTHER_PACKAGES:
        (layout / name).symlink_to(root / name)
    return layout


if __name__ == "__main__":
    sys.exit(main())
