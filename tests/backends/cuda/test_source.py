"""CUDA C++ as users see it: one text, the same every time, without a driver; and what is refused."""

import numpy as np
import pytest

import graphc as gx
from graphc.backends.cuda.eigenvalues import EIGENVALUES
from tests.golden_text import Golden


def softmax() -> gx.CompiledFunction:
    x, w = gx.input("rows and more", ("some batch", 64)), gx.param("a weight", np.ones((64, 10), np.float32))
    return gx.compile([x], gx.softmax(gx.maximum(x @ w, 0.0)), backend="cuda")


def test_the_text_of_a_model(golden: Golden) -> None:
    golden("cuda_source", softmax().source)


def test_the_same_program_gives_the_same_text() -> None:
    assert softmax().source == softmax().source


def test_no_name_of_a_user_is_code() -> None:
    code = [line for line in softmax().source.splitlines() if not line.startswith("//")]
    assert not any("some batch" in line or "weight" in line for line in code)


def test_steps_that_differ_in_their_arrays_only_share_a_kernel() -> None:
    x = gx.input("x", ("n", 32))
    y = x
    for n in range(5):
        w = gx.param(f"w{n}", np.ones((32, 32), np.float32))
        y = gx.tanh(y @ w)
    source = gx.compile([x], y, backend="cuda").source
    assert source.count("__global__ void") < 5


def test_a_call_without_a_device_says_what_is_missing() -> None:
    f = softmax()
    with pytest.raises(gx.UnsupportedError, match="cuda") as caught:
        f(np.ones((2, 64), np.float32))
    assert "f.source" in str(caught.value)


def test_passes_are_verified_where_no_device_runs_the_kernels() -> None:
    x = gx.input("x", (3, 4))
    assert "exp_f32" in gx.compile([x], gx.sum(gx.exp(x)), backend="cuda", verify=True).source


def test_a_routine_without_a_kernel_is_refused_where_it_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(EIGENVALUES, "eig")  # every routine has one
    x = gx.input("x", (3, 3), "float64")
    with pytest.raises(gx.UnsupportedError, match="eig: the cuda backend has no kernel for it, of f64, c128") as caught:
        gx.compile([x], gx.linalg.eig(x), backend="cuda")
    assert "test_source.py" in str(caught.value)
