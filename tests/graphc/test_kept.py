"""Programs that an earlier compilation, or another process, has left on the disk."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as gx
from graphc.backends.llvm.backend import LlvmBackend
from graphc.driver import compile
from graphc.function import CompiledFunction
from graphc.ir.graph import Graph
from graphc.kept import Kept
from graphc.keys import key_of
from graphc.runnable import Options
from graphc.testing.program import Recipe, random_program
from tests.case import Case
from tests.cases import CASES
from tests.test_cases import nodes_for, results

SEEDS = 40


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRAPHC_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each compilation found its program."""
    seen: list[bool] = []
    get = Kept.get

    def noted(kept: Kept) -> Any:
        runnable = get(kept)
        seen.append(runnable is not None)
        return runnable

    monkeypatch.setattr(Kept, "get", noted)
    return seen


def twice(*given: Any, **options: Any) -> tuple[CompiledFunction, CompiledFunction]:
    """The function compiled, and found."""
    first = compile(*given, backend="llvm", **options)
    return first, compile(*given, backend="llvm", **options)


def rows(n: int = 3) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.arange(n * 4, dtype=np.float32).reshape(n, 4)


@pytest.mark.parametrize("case", CASES[::9], ids=lambda case: case.name)
def test_a_row_of_the_table_of_ops_is_found_and_gives_the_same_bits(case: Case, found: list[bool]) -> None:
    arrays = case.arrays("float32")
    nodes = nodes_for(arrays)
    one, other = twice(list(nodes), results(case, nodes))
    assert found == [False, True]
    for first, second in zip(one(*arrays), other(*arrays), strict=True):
        assert np.asarray(first).tobytes() == np.asarray(second).tobytes()
    assert str(one.memory()) == str(other.memory())


@pytest.mark.full
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_row_has_a_key(case: Case) -> None:
    nodes = nodes_for(case.arrays("float32"))
    assert key_of(Graph(tuple(nodes), tuple(results(case, nodes)))) is not None


@pytest.mark.parametrize("seed", [*range(8), *(pytest.param(n, marks=pytest.mark.full) for n in range(8, SEEDS))])
def test_a_random_program_is_found_and_gives_the_same_bits(seed: int, found: list[bool]) -> None:
    program = random_program(Recipe.of(9000 + seed, 8), "llvm")
    arrays = program.arrays({"n": 3, "m": 2})
    outcomes = []
    for _ in range(2):
        function = program.compile()
        outcomes.append([y.tobytes() for y in program.results(function, arrays)])
    assert outcomes[0] == outcomes[1]
    assert found == [False, True]


def test_people_see_what_they_saw() -> None:
    x = gx.input("x", ("n", 4))
    one, other = twice([x], gx.softmax(x) @ gx.constant(rows(4)))
    assert one(rows()).tobytes() == other(rows()).tobytes()
    assert (one.source, one.assembly) == (other.source, other.assembly)
    assert repr(one) == repr(other)
    assert str(one.cost(n=5)) == str(other.cost(n=5))
    assert str(one.memory(n=5).plot()) == str(other.memory(n=5).plot())
    assert [record.name for record in one.trace.records][:-1] == [record.name for record in other.trace.records]


def test_variables_are_those_of_the_graph_that_is_compiled() -> None:
    def step(start: float) -> tuple[gx.Node, CompiledFunction]:
        w, k = gx.param("w", np.full(4, start, np.float32)), gx.state("k", np.int64(0))
        x = gx.input("x", (4,))
        return w, compile([x], gx.sum(w * x), updates={w: w - x, k: k + 1}, backend="llvm")

    ones = np.ones(4, np.float32)
    for start in (1.0, 5.0):
        w, f = step(start)
        assert float(f(ones)) == 4 * start
        assert np.array_equal(w.value, np.full(4, start - 1))


def test_calls_fail_as_they_did() -> None:
    x, i = gx.input("x", ("n", 4)), gx.input("i", ("m",), "int64")
    y = gx.input("y", ("k", 4))
    for function in twice([x, i, y], (gx.take(x, i, axis=0), x + y)):
        assert np.array_equal(function(rows(), np.array([1, -1]), rows())[0], rows()[[1, -1]])
        for wrong, kind, said in (
            ((rows(), np.array([1, 3]), rows()), gx.IndexRangeError, r"3 is not in -3 \.\. 2"),
            ((rows(), np.array([1]), rows(5)), gx.ShapeError, "n = 3 and k = 5"),
        ):
            with pytest.raises(kind, match=said) as caught:
                function(*wrong)
            assert "test_kept.py" in str(caught.value)


def test_loops_end_as_they_did() -> None:
    x = gx.input("x", ())
    for function in twice([x], gx.while_loop(lambda v: v < 100, lambda v: v * 2, x, max_steps=10)):
        assert float(function(np.float32(3))) == 192
        with pytest.raises(gx.StepLimitError, match="10 steps"):
            function(np.float32(0))


def one_way(x: gx.Node) -> gx.Node:
    return gx.exp(x) + 1


@pytest.mark.parametrize(
    "other",
    [
        lambda x: gx.exp(x) + 2,
        lambda x: gx.exp(x) + 1.5,
        lambda x: gx.exp(x) * 1,
        lambda x: gx.exp(x) + gx.constant(np.float32(1)),
        lambda x: gx.exp(x.astype("float64")) + 1,
        lambda x: gx.exp(x) + gx.constant(rows()[:, :1]),
    ],
)
def test_other_graphs_are_not_taken_for_each_other(other: Callable[[gx.Node], gx.Node], found: list[bool]) -> None:
    for make in (one_way, other):
        x = gx.input("x", (3, 4))
        compile([x], make(x), backend="llvm")
    assert found == [False, False]


@pytest.mark.parametrize(
    "declare",
    [
        lambda: gx.input("x", (3, 5)),
        lambda: gx.input("x", ("n", 4)),
        lambda: gx.input("x", (gx.size("n", hint=9), 4)),
        lambda: gx.input("x", (gx.size("n", hint=10), 4)),
        lambda: gx.input("x", (3, 4), "float64"),
        lambda: gx.input("z", (3, 4)),
    ],
)
def test_other_inputs_are_not_taken_for_each_other(declare: Callable[[], gx.Node], found: list[bool]) -> None:
    for x in (gx.input("x", (3, 4)), declare()):
        compile([x], one_way(x), backend="llvm")
    assert found == [False, False]


def test_options_and_lines_are_part_of_the_key(found: list[bool]) -> None:
    x = gx.input("x", (3, 4))
    y = one_way(x)
    for options in ({}, {"level": 1}, {"precision": "bf16"}, {"memory": "1MB"}, {}):
        compile([x], y, backend="llvm", **options)
    assert found == [False, False, False, False, True]
    compile([x], gx.exp(x) + 1, backend="llvm")  # the same at another line
    assert found[-1] is False


def test_nothing_is_kept_where_the_user_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHC_CACHE", "off")
    x = gx.input("x", (3, 4))
    assert np.allclose(compile([x], one_way(x), backend="llvm")(rows()), np.exp(rows()) + 1)
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 40, b"\x11" + bytes(15) + b"[[],[[0],[1],[2]]]", b"\x02" + bytes(15) + b"[]"]
)
def test_what_says_nothing_is_made_again(content: bytes, found: list[bool]) -> None:
    x = gx.input("x", (3, 4))
    y = one_way(x)
    kept = Kept.of(Graph((x,), (y,)), LlvmBackend(), Options())
    assert kept is not None
    kept.store.put(kept.key, content)
    assert np.allclose(compile([x], y, backend="llvm")(rows()), np.exp(rows()) + 1)
    assert found == [False]


SECOND = """
import sys
import numpy as np
import graphc as gx
x, w = gx.input("x", ("n", 4)), gx.param("w", np.ones((4, 4), np.float32))
loss = gx.sum(gx.softmax(x @ w))
f = gx.compile([x], loss, updates=gx.optim.Adam([w], 0.1)(gx.grad(loss, [w])), backend="llvm")
for _ in range(5):
    found = f(np.ones((3, 4), np.float32))
print(found, w.value.sum(), "graphc.compilation" in sys.modules)
"""


def test_another_process_runs_no_pass(tmp_path: Path, folder: Path) -> None:
    script = tmp_path / "net.py"
    script.write_text(SECOND)
    environment = {**os.environ, "GRAPHC_CACHE": str(folder / "kept")}
    said = [
        subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    first, second = (run.stdout.split() for run in said)
    assert first[:2] == second[:2]
    assert (first[2], second[2]) == ("True", "False")
