"""The wheel holds every module of the three folders under one top-level name."""

import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from tests.repository.modules import FOLDERS, ROOT, source_modules


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the sources; a copy, for setuptools leaves files behind."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for name in FOLDERS.values():
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "."],
        cwd=folder,
        check=True,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def files_in_wheel(wheel: Path) -> set[PurePosixPath]:
    return {PurePosixPath(name) for name in zipfile.ZipFile(wheel).namelist()}


def test_wheel_holds_every_module(files_in_wheel: set[PurePosixPath]) -> None:
    expected = {installed_path(name, path) for name, path in source_modules().items()}
    assert {path for path in files_in_wheel if path.suffix == ".py"} == expected


def test_wheel_says_that_it_is_typed(files_in_wheel: set[PurePosixPath]) -> None:
    assert {PurePosixPath("graphc/py.typed"), PurePosixPath("graphc/__init__.pyi")} <= files_in_wheel


def test_wheel_owns_one_top_level_name(files_in_wheel: set[PurePosixPath]) -> None:
    top = {path.parts[0] for path in files_in_wheel}
    assert {name for name in top if not name.endswith(".dist-info")} == {"graphc"}


USER = """
import numpy as np
import graphc as gx
from graphc import exp, nn

x = gx.input("x", ("batch", 3))
loss = gx.sum(nn.Linear(3, 3, rng=np.random.default_rng(0))(exp(gx.divide(x, 2))))
f = gx.compile([x], {"loss": loss, "dx": gx.grad(loss, x)})
reveal_type(loss)
reveal_type(f)
gx.tnah(x)
gx.tanh("text")
"""


def test_program_of_a_user_is_checked_strictly(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, symlinks=True)
    (packages,) = environment.glob("lib/*/site-packages")
    zipfile.ZipFile(wheel).extractall(packages)
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"))  # NumPy and the others
    (tmp_path / "user.py").write_text(USER)
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", f"--python-executable={environment}/bin/python", "user.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    found = [line.partition(" ")[2] for line in ran.stdout.splitlines()]
    assert found[:3] == [
        'note: Revealed type is "graphc.ir.node.Node"',
        'note: Revealed type is "graphc.function.CompiledFunction"',
        'error: Module has no attribute "tnah"  [attr-defined]',
    ]
    assert found[3].startswith('error: Argument 1 to "tanh" has incompatible type "str"')
    assert found[4].startswith("2 errors")


def test_package_list_equals_the_folders() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    packages = {
        name if path.name == "__init__.py" else name.rpartition(".")[0] for name, path in source_modules().items()
    }
    assert setuptools["package-dir"] == FOLDERS
    assert setuptools["packages"] == sorted(packages)


def installed_path(name: str, path: Path) -> PurePosixPath:
    """Where the module `name`, at `path` in the repository, lies in an install."""
    folder = PurePosixPath(name.replace(".", "/"))
    return folder / "__init__.py" if path.name == "__init__.py" else folder.with_suffix(".py")
