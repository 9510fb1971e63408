"""Matrices that every step of a loop multiplies by: copied before it, as tiles read them."""

import numpy as np
import pytest

import graphc as gx
from graphc.backends.backend import Artifact
from graphc.backends.llvm import backend
from graphc.backends.llvm.contractions import blocking_for
from graphc.backends.llvm.machine import NAMED, WIDTHS, restricted
from graphc.passes.lower import Lowered
from graphc.passes.memory import layout
from tests.backends.llvm.test_products import Case, contract_of


def recurrent(steps: int | str, rows: int | str, width: int | str, *, crosswise: bool) -> gx.CompiledFunction:
    """h = tanh(h w + x), again and again."""
    many, count, wide = (size if isinstance(size, int) else gx.size(size, hint=40) for size in (steps, rows, width))
    start, w = gx.input("h", (count, wide)), gx.input("w", (wide, wide))
    xs = gx.input("xs", (many, wide))
    last, every = gx.scan(lambda h, x: 2 * (gx.tanh(h @ (w.T if crosswise else w) + x),), start, xs)
    return gx.compile([start, w, xs], [last, every])


def expected(h: np.ndarray, w: np.ndarray, xs: np.ndarray) -> np.ndarray:
    for x in xs:
        h = np.tanh(h @ w + x)
    return h


@pytest.mark.parametrize("bytes", WIDTHS)
@pytest.mark.parametrize("crosswise", [False, True])
@pytest.mark.parametrize(("rows", "width"), [(5, 50), (1, 33), (32, 160)])
def test_steps_read_panels(rows: int, width: int, crosswise: bool, bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = restricted(bytes)
    monkeypatch.setattr(backend, "host", lambda: machine)
    rng = np.random.default_rng(width)
    h, xs = rng.normal(size=(rows, width)), rng.normal(size=(6, width))
    w = rng.normal(size=(width, width)) / width
    f = recurrent(6, rows, width, crosswise=crosswise)
    last, every = f(*(a.astype("f") for a in (h, w, xs)))
    wanted = expected(h, w.T if crosswise else w, xs)
    np.testing.assert_allclose(last, wanted, atol=1e-5)
    np.testing.assert_array_equal(every[-1], last)


def test_panels_of_open_sizes() -> None:
    f = recurrent(9, "n", 40, crosswise=False)
    rng = np.random.default_rng(0)
    for rows in (0, 1, 7, 40):
        h, xs, w = rng.normal(size=(rows, 40)), rng.normal(size=(9, 40)), rng.normal(size=(40, 40)) / 40
        last, _ = f(*(a.astype("f") for a in (h, w, xs)))
        np.testing.assert_allclose(last, expected(h, w, xs), atol=1e-5)


def test_panels_of_an_open_width_and_of_no_steps() -> None:
    f = recurrent("t", 6, "n", crosswise=True)
    rng = np.random.default_rng(0)
    for steps, width in ((0, 3), (3, 1), (2, 17), (7, 50), (1, 160)):
        h, xs, w = rng.normal(size=(6, width)), rng.normal(size=(steps, width)), rng.normal(size=(width, width)) / width
        last, _ = f(*(a.astype("f") for a in (h, w, xs)))
        np.testing.assert_allclose(last, expected(h, w.T, xs), atol=1e-5)


def test_a_matrix_that_is_fixed_is_copied_once() -> None:
    contract = contract_of(case := Case("i k", "k j", "i j", {"i": 32, "j": 256, "k": 1024}), case.extents)
    machine = NAMED["x86-64-v4"]
    fixed, changing = blocking_for(contract, machine, [contract.right]), blocking_for(contract, machine)
    assert fixed is not None
    assert changing is not None
    assert fixed.keeps_b
    assert not changing.keeps_b
    assert fixed.of_columns not in fixed.copies


def test_panels_of_two_threads_are_as_many() -> None:
    for columns in (128, 256, 1024):
        case = Case("i k", "k j", "i j", {"i": 32, "j": columns, "k": 256})
        contract = contract_of(case, case.extents)
        found = blocking_for(contract, NAMED["x86-64-v4"], [contract.right])
        assert found is not None
        assert isinstance(found.chunks, int)
        (part,) = [part for part in found.parts if part.walk is found.columns.axis]
        most = -(-found.chunks // 2) * int(str(part.block))
        assert most <= 1.1 * columns / 2


def test_panels_live_as_long_as_their_loop() -> None:
    f = recurrent(6, 32, 160, crosswise=False)
    artifact, lowered = f.trace["emit"].after, f.trace["reuse"].after
    assert isinstance(artifact, Artifact)
    assert isinstance(lowered, Lowered)
    program = lowered.program
    plan = layout(program, artifact.rooms, 64)
    ((place, first),) = [(n, room.step) for n, room in enumerate(artifact.rooms) if room.step in program.ends]
    assert first is not None
    interval = plan.intervals[plan.rooms[place]]
    assert (interval.first, interval.last) == (first, program.ends[first])
