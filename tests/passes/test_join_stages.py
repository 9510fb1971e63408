"""Stages of a kernel that compute the same at the same points."""

import numpy as np
import pytest

import graphc as gx
from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.scalar import Axis, Formula, Let, Load
from graphc.kernel.steps import Kernel, Stage, Store
from graphc.passes.stages import joined_stages
from graphc.types import FLOAT32, INT64


def stages(f: gx.CompiledFunction) -> list[int]:
    """How many things each stage of the one kernel stores."""
    (kernel,) = f.program.steps
    assert isinstance(kernel, Kernel)
    return [len(stage.effects) for stage in kernel.stages]


def test_what_parts_share_is_computed_once() -> None:
    x = gx.input("x", (8, 12))
    y = gx.exp(x)
    f = gx.compile(x, gx.stack([y, y + 1, y * x], 1), backend="llvm")
    assert stages(f) == [3]
    assert [note.what for note in f.trace["stages"].notes] == ["3 stages share what they compute: 1"]
    a = np.linspace(-1, 1, 96, dtype="float32").reshape(8, 12)
    np.testing.assert_allclose(f(a), np.stack([np.exp(a), np.exp(a) + 1, np.exp(a) * a], 1), rtol=3e-7)


def test_parts_side_by_side_along_the_last_axis() -> None:
    x = gx.input("x", (4, 6))
    y = gx.reshape(gx.stack([gx.sin(x), gx.sin(x) * 2], 2), (4, 12))
    f = gx.compile(x, y, backend="llvm")
    assert stages(f) == [2]
    a = np.linspace(-1, 1, 24, dtype="float32").reshape(4, 6)
    np.testing.assert_allclose(f(a), np.stack([np.sin(a), np.sin(a) * 2], 2).reshape(4, 12), rtol=3e-7)


def test_parts_that_share_nothing_stay() -> None:
    x, y = gx.input("x", (8, 12)), gx.input("y", (8, 12))
    assert stages(gx.compile([x, y], gx.stack([x, y], 1), backend="llvm")) == [1, 1]


def test_what_lies_over_each_other_keeps_its_order() -> None:
    """Both parts are made of the same elements, and the second is stored over the first."""
    x = gx.input("x", (6,))
    padded = gx.pad(gx.exp(x), (1, 1))
    y = gx.at(padded)[1:7].set(gx.exp(x) * 2)
    a = np.linspace(-1, 1, 6, dtype="float32")
    expected = np.pad(np.exp(a) * 2, 1)
    np.testing.assert_allclose(gx.compile(x, y, backend="llvm")(a), expected, rtol=3e-7)


def test_parts_that_share_something_are_joined_across_others() -> None:
    x, y = gx.input("x", (8, 12)), gx.input("y", (9, 12))
    assert stages(gx.compile([x, y], gx.concat([gx.exp(x), y, gx.exp(x) * 2], 0), backend="llvm")) == [2, 1]


def stored_at(out: Buffer, start: int, read: Buffer) -> Stage:
    """Six elements of an array, stored side by side."""
    formula = Formula()
    axis = formula.axis(Axis(0, 6))
    value = formula.add(Load(read, (axis,), read.dtype))
    place = formula.affine(AffineIndex(((0, 1),), start), [axis])
    return Stage((Axis(0, 6),), tuple(formula.lets), (Store(out, (place,), value),))


@pytest.mark.parametrize(("start", "left"), [(2, 3), (20, 2)])
def test_none_is_joined_across_what_it_meets(start: int, left: int) -> None:
    x, y = (Buffer(Role.INPUT, np.dtype("float32"), (6,), slot) for slot in range(2))
    out = Buffer(Role.OUTPUT, np.dtype("float32"), (40,), 0)
    assert len(joined_stages([stored_at(out, 8, x), stored_at(out, start, y), stored_at(out, 0, x)])) == left


def test_backends_whose_lets_are_calls_keep_stages() -> None:
    x = gx.input("x", (8, 12))
    f = gx.compile(x, gx.stack([gx.exp(x), gx.exp(x) + 1], 1), backend="numpy")
    assert "stages" not in {record.name for record in f.trace.records}


def test_many_parts_are_joined_in_a_time_that_is_linear(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counted(first: Stage, second: Stage) -> Stage | None:
        asked.append(1)
        return None

    monkeypatch.setattr("graphc.passes.stages._both", counted)
    x, y = Buffer(Role.INPUT, FLOAT32, (300, 4)), Buffer(Role.OUTPUT, FLOAT32, (300, 4))
    axis = Axis(0, 4)

    def part(row: int) -> Stage:
        formula = Formula()
        place = (formula.constant(row, INT64), formula.axis(axis))
        return Stage((axis,), *_read_and_stored(formula, x, y, place))

    assert len(joined_stages([part(row) for row in range(300)])) == 300
    assert len(asked) <= 300 * 32


def _read_and_stored(
    formula: Formula, x: Buffer, y: Buffer, place: tuple[int, ...]
) -> tuple[tuple[Let, ...], tuple[Store]]:
    value = formula.add(Load(x, place, x.dtype))
    return tuple(formula.lets), (Store(y, place, value),)
