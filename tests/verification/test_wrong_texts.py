"""A backend that writes something else is named, with step, op and line of the user; no pass is blamed for it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, final

import numpy as np
import pytest

import graphc as gx
from graphc.backends.backend import Artifact, Backend, Loaded
from graphc.backends.llvm.backend import LlvmBackend
from graphc.backends.numpy import emit as numpy_text
from graphc.backends.numpy.backend import NumpyBackend
from graphc.kernel.program import Program
from graphc.kernel.target import Target
from graphc.passes.pipeline import Trace
from graphc.passes.standard import improve, standard
from graphc.verification.texts import wrong_op, wrong_step
from graphc.verification.verification import Verification
from tests.verification.models import counted, deciding, keeping, looping, mixed, recurrent, swapping
from tests.verification.mutants import Model, verified
from tests.verification.wrong_programs import WRONG_BACKENDS, WrongBackend


@pytest.mark.parametrize("backend", WRONG_BACKENDS, ids=lambda backend: backend.new)
def test_a_wrong_text_is_named(backend: WrongBackend) -> None:
    with pytest.raises(gx.VerificationError) as caught:
        verified(mixed(), backend=backend)
    first, line, source, *_ = str(caught.value).splitlines()
    assert first.startswith(
        f"compile: the backend 'wrong' changes what is computed, in step 2, in the op {backend.op!r}"
    )
    assert line.startswith("  at models.py:")
    assert source.strip() == backend.line


OWN_LINES = {
    "add": "y = gx.sin(x) + gx.tanh(x)",
    "tanh": "y = gx.sin(x) + gx.tanh(x)",
    "exp": "y = gx.exp(y)",
    "div": "y = x / y",
}


@pytest.mark.parametrize("name", ["numpy", "llvm"])
@pytest.mark.parametrize("wrong", WRONG_BACKENDS, ids=lambda backend: backend.new)
def test_no_pass_is_blamed_for_the_backend_by_which_graphs_are_run(
    wrong: WrongBackend, name: Literal["numpy", "llvm"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NumpyBackend, "emit", lambda self, program: wrong.emit(program))
    x = gx.input("x", (f"{wrong.op} of {name}", 4))  # a name of its own: of ops that were compiled before none is used
    y = gx.sin(x) + gx.tanh(x)
    y = gx.exp(y)
    y = x / y
    with pytest.raises(gx.VerificationError) as caught:
        gx.compile([x], y, verify=True, backend=name)
    first, _, source, *_ = str(caught.value).splitlines()
    assert first == f"compile: the backend 'numpy' changes what is computed, in the op {wrong.op!r}"
    assert source.strip() == OWN_LINES[wrong.op]


@pytest.mark.parametrize("wrong", WRONG_BACKENDS, ids=lambda backend: backend.new)
def test_numpy_is_found_to_be_wrong_where_all_else_is_too_large(
    wrong: WrongBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NumpyBackend, "emit", lambda self, program: wrong.emit(program))
    x = gx.input("x", (f"more {wrong.op}", 4000))
    y = gx.sin(x) + gx.tanh(x)
    y = gx.exp(y)
    y = x / y
    with pytest.raises(gx.VerificationError) as caught:
        gx.compile([x], y, verify=True, backend="numpy")
    first, _, source, *_ = str(caught.value).splitlines()
    assert first == f"compile: the backend 'numpy' changes what is computed, in the op {wrong.op!r}"
    assert source.strip() == OWN_LINES[wrong.op]


@final
@dataclass(frozen=True)
class WrongTogether(Backend):
    """A backend that writes sin for tanh in kernels that add something as well."""

    name: ClassVar[str] = "wrong"
    target: ClassVar[Target] = NumpyBackend.target

    def emit(self, program: Program) -> Artifact:
        found = numpy_text.emit(program)
        pieces = [piece.replace("np.tanh(", "np.sin(") if "np.add(" in piece else piece for piece in found.pieces]
        return replace(found, pieces=tuple(pieces))

    def load(self, artifact: Artifact, name: str) -> Loaded:
        return NumpyBackend().load(artifact, name)


def chained() -> Model:
    """A kernel whose result only a product reads."""
    x, w = gx.input("x", ("n", 3)), gx.param("w", np.linspace(-1, 1, 9).reshape(3, 3).astype(np.float32))
    hidden = gx.tanh(x + 0.5)
    return Model([x], [hidden @ w])


def test_a_step_that_writes_no_result_is_named_where_each_op_by_itself_is_right() -> None:
    with pytest.raises(gx.VerificationError) as caught:
        verified(chained(), backend=WrongTogether())
    said = str(caught.value)
    assert said.startswith("compile: the backend 'wrong' changes what is computed, in step 0\n")
    assert "hidden = gx.tanh(x + 0.5)" in said


def test_a_text_that_cannot_be_run_is_named_with_its_step() -> None:
    backend = WrongBackend("np.tanh(", "np.no_such(", "tanh", "")
    with pytest.raises(gx.VerificationError) as caught:
        verified(chained(), backend=backend)
    said = str(caught.value)
    assert said.startswith("compile: the backend 'wrong' changes what is computed, in step 0\n")
    assert "hidden = gx.tanh(x + 0.5)" in said
    assert "its text cannot be run: AttributeError: " in said


@pytest.mark.parametrize(
    ("backend", "model"),
    [
        *((NumpyBackend(), model) for model in (chained, looping, mixed, deciding, counted, recurrent, swapping)),
        *((LlvmBackend(), model) for model in (deciding, keeping)),
    ],
)
def test_no_step_and_no_op_is_blamed_that_is_right(backend: Backend, model: Callable[[], Model]) -> None:
    graph = model().graph()
    lowered = improve(graph, standard(graph, backend.target, 2), Trace())
    for call in Verification(graph).calls:
        assert wrong_step(call, lowered, backend) is None
        assert wrong_op(call, graph) is None


def test_a_loop_is_run_by_itself_too() -> None:
    with pytest.raises(gx.VerificationError, match=r"the backend 'wrong' .*, in step \d+") as caught:
        verified(looping(), backend=WrongTogether())
    assert "models.py:" in str(caught.value)
