"""The sources keep the import law, and each kind of breach is found where it is planted."""

from pathlib import Path

import pytest

from tests.repository.import_law import violations
from tests.repository.modules import ROOT


def test_sources_keep_the_import_law() -> None:
    found = violations(ROOT)
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("graphc/kernel/scalar.py", "from graphc.types import TensorType"),
        ("graphc/origin.py", "from graphc.errors import GraphError"),
        ("graphc/ops/linear.py", "from graphc.autodiff.reverse import grad"),
        ("graphc/driver.py", "from graphc.backends.numpy.emit import emit"),
        ("graphc/__init__.py", "from graphc import nn"),
        ("passes/fuse.py", "from graphc.passes.rules import exact"),
        ("passes/fuse.py", "def draw():\n    import networkx"),
        ("graphc/ops/custom.py", "if TYPE_CHECKING:\n    import sympy"),
    ],
)
def test_lawful_import_is_accepted(tmp_path: Path, path: str, source: str) -> None:
    plant(tmp_path, {path: source})
    assert violations(tmp_path) == []


@pytest.mark.parametrize(
    ("path", "source", "breach"),
    [
        ("backends/numpy/emit.py", "from graphc.ir.node import Node", "backends may not import ir"),
        ("backends/numpy/emit.py", "import graphc.ops.window", "backends may not import ops"),
        ("passes/fuse.py", "from graphc.autodiff.reverse import grad", "passes may not import autodiff"),
        ("graphc/ir/node.py", "from graphc.autodiff import reverse", "ir may not import autodiff"),
        ("graphc/kernel/loop.py", "from graphc.ir.node import Node", "kernel may not import ir"),
        ("graphc/nn/linear.py", "from graphc.optim.adam import Adam", "nn may not import optim"),
        ("graphc/inspection/text.py", "from graphc.ops import window", "inspection may not import ops"),
        ("graphc/errors.py", "from graphc.kernel import scalar", "errors may not import kernel"),
        ("graphc/ops/window.py", "from graphc.driver import compile", "ops may not import driver"),
        ("graphc/extra.py", "from graphc.ops import window", "extra has no place in the import law"),
        ("graphc/ops/window.py", "from graphc import exp", "imports from the root package"),
        ("graphc/ops/window.py", "import graphc", "imports from the root package"),
        ("graphc/ops/window.py", "from .movement import pad", "relative import"),
        ("graphc/ops/window.py", "def f():\n    import math", "math is imported inside a function"),
        ("graphc/ops/custom.py", "import sympy", "sympy is slow or optional"),
        ("graphc/ir/a.py", "if TYPE_CHECKING:\n    import graphc.ops.window", "ir may not import ops"),
    ],
)
def test_breach_is_named_with_its_line(tmp_path: Path, path: str, source: str, breach: str) -> None:
    plant(tmp_path, {path: source})
    (found,) = violations(tmp_path)
    assert found.startswith(f"{path}:{source.count(chr(10)) + 1}: {breach}")


def test_module_of_the_root_may_be_imported_whole(tmp_path: Path) -> None:
    plant(tmp_path, {"graphc/sizes.py": "from graphc import polynomials", "graphc/polynomials.py": ""})
    assert violations(tmp_path) == []


def test_cycle_is_named(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "passes/rewrite.py": "from graphc.passes.rules import table",
            "passes/rules/table.py": "from graphc.passes.rewrite import Rule",
        },
    )
    (found,) = violations(tmp_path)
    assert found.startswith("import cycle: ")
    assert "graphc.passes.rewrite <- graphc.passes.rules.table" in found


def plant(root: Path, sources: dict[str, str]) -> None:
    """Write a tree of sources, each file with the text given."""
    for path, source in sources.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(source)
