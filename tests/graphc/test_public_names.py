"""Public names are found however a user asks for them, and the table, the stub and the definitions agree."""

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from operator import attrgetter
from pkgutil import resolve_name
from rlcompleter import Completer

import pytest

import graphc as gx
from tests.repository.modules import ROOT, source_modules

HOMES: dict[str, str] = vars(gx)["_HOMES"]
STUB = ROOT / "graphc" / "__init__.pyi"


def test_stub_and_table_agree() -> None:
    assert stubbed() == {name: home.replace(":", ".") for name, home in HOMES.items()}


def test_names_stand_in_order() -> None:
    assert gx.__all__ == sorted(gx.__all__, key=str.lower)


def test_every_name_is_what_its_home_defines() -> None:
    found = {name: inspect.unwrap(getattr(gx, name)) for name in HOMES}
    assert [name for name, home in HOMES.items() if found[name] is not resolve_name(home)] == []


def test_no_module_hides_a_public_name() -> None:
    for name in source_modules():
        import_module(name)
    modules = {name: f"graphc.{name}" for name in gx.__all__ if f"graphc.{name}" in sys.modules}
    assert modules == {name: HOMES[name] for name in modules}


@pytest.mark.parametrize(
    "program",
    [
        "from graphc import exp, nn; print(exp.__name__, nn.__name__)",
        "import graphc as gx; print(gx.exp.__name__, gx.nn.__name__)",
        "import graphc.nn; print(graphc.exp.__name__, graphc.nn.__name__)",
        "from graphc import *; print(exp.__name__, nn.__name__)",
    ],
)
def test_names_are_found_in_a_fresh_process(program: str) -> None:
    assert printed_by(program) == "exp graphc.nn"


def test_operators_work_where_only_a_node_was_made() -> None:
    operators = "-abs(x @ x.T)[0] ** 2 % 3 // 2 + (x.reshape(4).sum() < 1).astype('float32') / x.mean()"
    assert printed_by(f"import graphc; x = graphc.input('x', (2, 2)); print(({operators}).shape)") == "(2,)"


def test_unknown_name_raises_what_python_suggests_from() -> None:
    with pytest.raises(AttributeError, match="module 'graphc' has no attribute 'sotfmax'") as caught:
        gx.sotfmax  # type: ignore[attr-defined]  # noqa: B018
    assert (caught.value.name, caught.value.obj) == ("sotfmax", gx)  # from which Python suggests a similar name


def test_hints_for_names_of_other_libraries_are_public_names() -> None:
    elsewhere: dict[str, str] = vars(gx)["_ELSEWHERE"]
    assert sorted(elsewhere.keys() & set(gx.__all__)) == []
    for there in elsewhere.values():
        for name in there.split(" and "):
            assert callable(attrgetter(name)(gx)), name


def test_a_name_of_a_module_inside_is_found_there() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'inv'; it has linalg\.inv"):
        gx.inv  # type: ignore[attr-defined]  # noqa: B018


def test_names_are_listed_before_they_are_loaded() -> None:
    assert set(printed_by("import graphc; print(*dir(graphc))").split()) >= set(gx.__all__)


def test_names_are_completed() -> None:
    assert Completer({"gx": gx}).complete("gx.log_sof", 0) in ("gx.log_softmax", "gx.log_softmax(")


def test_first_use_by_many_threads() -> None:
    program = """
import graphc, random, sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
sys.setswitchinterval(1e-6)
threads = 8
together = Barrier(threads)
def found(seed):
    names = random.Random(seed).sample(graphc.__all__, len(graphc.__all__))
    together.wait()
    return {name: id(getattr(graphc, name)) for name in names}
with ThreadPoolExecutor(threads) as pool:
    first, *others = pool.map(found, range(threads))
print(all(other == first for other in others), len(first))
"""
    assert printed_by(program) == f"True {len(gx.__all__)}"


def stubbed() -> dict[str, str]:
    """The public names of the stub, and what each is: `graphc.ops.piecewise.abs`."""
    imported: dict[str, str] = {}
    public: dict[str, str] = {}
    for statement in ast.parse(STUB.read_text(encoding="utf-8")).body:
        match statement:
            case ast.ImportFrom(module=module, names=names):
                imported |= {alias.name: f"{module}.{alias.name}" for alias in names}
                public |= {alias.name: imported[alias.name] for alias in names if alias.asname == alias.name}
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name(id=value)):
                public[name] = imported[value]
    return public


def printed_by(program: str) -> str:
    """What a fresh Python prints that runs `program`."""
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return ran.stdout.strip()
