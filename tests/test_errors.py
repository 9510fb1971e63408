"""What users are told: each mistake of mistakes.py, control_mistakes.py and habits.py as a golden text."""

import ast
import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

import graphc as gx
from tests import control_mistakes, habits, mistakes
from tests.golden_text import Golden

MISTAKES = [
    f for module in (mistakes, habits, control_mistakes) for f in vars(module).values() if inspect.isfunction(f)
]


def told(mistake: Callable[[], object]) -> str:
    """The kind of the error, and all its lines."""
    with pytest.raises(gx.GraphError) as caught:
        mistake()
    return f"{type(caught.value).__name__}: {caught.value}"


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_mistake_is_explained(mistake: Callable[[], object], golden: Golden) -> None:
    text = told(mistake)
    golden(f"errors/{mistake.__name__}", text)
    file = Path(mistake.__code__.co_filename).name
    assert f"at {file}:{mistake.__code__.co_firstlineno}\n" not in text, "not the line of its function"
    assert f"at {file}:" in text
    assert f" in {mistake.__name__}" in text
    assert all(line.isprintable() for line in text.splitlines())


def test_a_graph_error_is_what_python_would_raise() -> None:
    kinds = {gx.ShapeError: ValueError, gx.DTypeError: TypeError, gx.IndexRangeError: IndexError}
    for ours, theirs in (kinds | {gx.ArgumentError: TypeError}).items():
        assert issubclass(ours, theirs)
        assert issubclass(ours, gx.GraphError)


# The function that the user called is named, whichever function of ours refuses.

X, Y, Z = gx.input("x", ("n", 3)), gx.input("y", ("n", 4)), gx.input("z", ("n", 3), "complex64")
SAID_OF: dict[str, Callable[[], object]] = {
    "add: shapes": lambda: X + Y,
    "remainder: shapes": lambda: X % Y,
    "power: shapes": lambda: X**Y,
    "matmul: inner": lambda: X @ np.ones((4, 2)),
    "indexing: 1.5 is no index": lambda: X[1.5],
    "mean: axis 2": lambda: X.mean(2),
    "dot: inner": lambda: gx.dot(X, np.ones(4)),
    "nanmax: axis 2": lambda: gx.nanmax(X, 2),
    "silu has no meaning": partial(gx.silu, Z),
    "vstack: there is nothing": lambda: gx.vstack([]),
    "at().set: values": lambda: gx.at(X)[0].set(np.ones(4)),
    "twice has no meaning": lambda: gx.op("twice", lambda x: x + x)(Z),
    "cosine_decay: ": lambda: gx.optim.cosine_decay("fast", 3)(gx.constant(1)),  # type: ignore[arg-type]
    "Adam: a rate": lambda: gx.optim.Adam(gx.param("w", 1.0), np.ones(2)),  # type: ignore[arg-type]
    "Linear (matmul): inner": lambda: gx.nn.Linear(4, 2, rng=np.random.default_rng(0))(X),
}


@pytest.mark.parametrize("beginning", SAID_OF)
def test_an_error_is_said_of_the_function_that_was_called(beginning: str) -> None:
    with pytest.raises(gx.GraphError) as caught:
        SAID_OF[beginning]()
    assert caught.value.problem.startswith(beginning)


def test_a_call_fails_in_the_name_of_the_function_that_was_called() -> None:
    i = gx.input("i", ("k",), "int64")
    table = gx.param("table", np.zeros((4, 2)))
    made = {
        "embedding": gx.embedding(table, i),
        "indexing": table[i],
        "at().add": gx.at(table)[i].add(1.0),
        "softmax_cross_entropy": gx.nn.softmax_cross_entropy(table, i),
        "split": gx.sum(gx.split(i, 2)[0]),
        "zeros": gx.sum(gx.zeros(i.shape[0] - 2)),
    }
    for name, node in made.items():
        with pytest.raises(gx.GraphError) as caught:
            gx.compile([i], node)(np.array([9] if name in ("split", "zeros") else [9] * 4))
        assert caught.value.problem.startswith(f"{name}: "), caught.value


# Names that attack what prints or runs them.

HOSTILE = [
    "line\nbreak",
    '"""\n__import__("os").abort()\n"""',
    "'; __import__('os').abort() #",
    "\x1b[2J\x1b[31mred\x1b[0m",
    "{x}{0}%s%n",
    "x0",
    "np",
    "\u202eright to left\u2066",
    "\x00\ud800",
    "a" * 10_000,
    "__class__",
]


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:16])
@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize(("backend", "comment"), [("llvm", ";"), ("numpy", "#")])
def test_hostile_names_compute_and_stay_out_of_the_source(
    name: str, level: int, backend: Literal["llvm", "numpy"], comment: str
) -> None:
    with gx.scope(name):
        x, n = gx.input(name, (name, 3)), gx.size(name)
        w, s = gx.param(name, np.ones(3, np.float32)), gx.state(f"{name}2", 0.0)
        y = gx.sum(gx.tanh(x * w)) * n
        f = gx.compile([x], {name: y, "slope": gx.grad(y, w)}, updates={s: s + y}, level=level, backend=backend)
    found = f(**{name: np.ones((2, 3), np.float32)})
    assert found[name] == pytest.approx(12 * np.tanh(1))
    assert s.value == pytest.approx(12 * np.tanh(1))
    assert f.memory(**{name: 5}).output_bytes == 16
    if backend == "numpy":
        assert "__import__" not in {node.id for node in ast.walk(ast.parse(f.source)) if isinstance(node, ast.Name)}
    assert all(line.isprintable() for line in f.source.splitlines())
    if name not in ("np", "x0"):
        assert not any(name in line for line in f.source.splitlines() if not line.lstrip().startswith(comment))


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:16])
def test_hostile_names_stay_on_their_line_in_errors_and_texts(name: str) -> None:
    with gx.scope(name):
        x, y = gx.input(name, (name, 3)), gx.input(f"{name}2", (name, 4))
    with pytest.raises(gx.ShapeError) as caught, gx.scope(name):
        x + y
    f = gx.compile([x], gx.exp(x))
    texts = [str(caught.value), repr(x), str(gx.show(f.graph)), repr(f.trace)]
    given: list[list[object]] = [[], [1, 2], [np.zeros(4)], [np.zeros((2, 4), np.float32)]]
    texts += [told(partial(f, *arguments)) for arguments in given]
    texts.append(told(partial(f, wrong=1)))
    for text in texts:
        assert all(line.isprintable() for line in text.splitlines()), text
        assert all(len(line) <= 500 for line in text.splitlines())


def test_a_mistake_in_a_lambda_or_at_the_prompt_is_located_too() -> None:
    code = compile("import graphc as gx\nx = gx.input('x', (3,))\nx + gx.input('y', (4,))", "<stdin>", "exec")
    with pytest.raises(gx.ShapeError, match=r"at <stdin>:3"):
        exec(code, {"__name__": "__main__"})
