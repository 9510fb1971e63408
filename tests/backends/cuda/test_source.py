"""CUDA C++ as users see it: one text, the same every time, without a driver; and what is refused."""

import re
from itertools import combinations

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


def first_lines(f: gx.CompiledFunction) -> list[str]:
    """What the text says of the whole program."""
    return [line.removeprefix("// ") for line in f.source.split("\n\n")[0].splitlines()]


def test_the_first_lines_give_the_memory_plan() -> None:
    x, w = gx.input("x", (gx.size("n", hint=100), 64)), gx.param("w", np.ones((64, 64), np.float32))
    loss = gx.sum(gx.square(gx.tanh(gx.tanh(x @ w) @ w)))
    f = gx.compile([x], [loss, gx.grad(loss, w)], backend="cuda")
    lines = first_lines(f)
    start = next(place for place, line in enumerate(lines) if line.startswith("memory: "))
    report = f.memory(n=100)
    assert lines[start] == f"memory: an arena of {report.peak_bytes:,} bytes, where n0 = 100"
    found = []
    for line in lines[start + 1 :]:
        place = re.fullmatch(r" +([\d,]+) bytes at +([\d,]+) in steps? (\d+)(?: to (\d+))?: [\w ]+", line)
        assert place is not None
        count, offset, first = (int(number.replace(",", "")) for number in place.groups()[:3])
        found.append((range(offset, offset + count), range(first, int(place[4] or first) + 1)))
    assert len(found) == len(f.layout.intervals)
    assert sum(len(held) for held, _ in found) == report.total_bytes
    assert max(held.stop for held, _ in found) == report.peak_bytes
    for (held, steps), (others, later) in combinations(found, 2):
        assert not range(max(held[0], others[0]), min(held.stop, others.stop)) or not set(steps) & set(later)


def test_of_many_arrays_the_largest_are_named() -> None:
    x = gx.input("x", (8, 8))
    ys = [gx.transpose(gx.cumsum(gx.sort(x + n, 0), 1)) @ x for n in range(40)]
    lines = first_lines(gx.compile([x], sum(ys, x), backend="cuda"))
    assert sum(" bytes at " in line for line in lines) == 16
    assert re.fullmatch(r"  and \d+ more, of [\d,]+ bytes", lines[-1])


def test_usual_sizes_that_suit_no_call_give_no_plan() -> None:
    n = gx.size("n")
    y = gx.cumsum(gx.tanh(gx.ones((n - 100, 3)) @ gx.ones((3, 5))), 0)
    f = gx.compile([n], gx.softmax(gx.cumsum(y @ y.T, 1), 0), backend="cuda")
    assert first_lines(f)[-1] == "memory: an arena whose bytes follow from the sizes"


def test_each_function_names_the_steps_that_launch_it() -> None:
    x, w = gx.input("x", ("n", 32)), gx.param("w", np.ones((32, 32), np.float32))
    f = gx.compile([x], gx.tanh(gx.tanh(gx.tanh(x @ w) @ w) @ w), backend="cuda")
    named = [number for line in re.findall(r"(?m)^// steps? (.+)$", f.source) for number in line.split(", ")]
    assert sorted(map(int, named)) == [*range(len(f.program.timeline))]


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
