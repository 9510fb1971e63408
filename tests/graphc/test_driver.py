"""What compiled functions take and give: forms, names, updates, fresh outputs."""

from typing import Any, NamedTuple

import numpy as np
import pytest

import graphc as gx


class Pair(NamedTuple):
    left: Any
    right: Any


def vector(name: str = "x") -> gx.Node:
    """An input of any length."""
    return gx.input(name, ("n",))


ONES = np.ones(3, np.float32)


# Arguments.


def test_inputs_are_given_by_position_or_by_name() -> None:
    a, b = gx.input("a"), gx.input("b")
    f = gx.compile([a, b], a - 2 * b)
    assert f(5, 1) == f(5, b=1) == f(b=1, a=5) == 3


def test_an_input_may_be_called_self() -> None:
    a = gx.input("self")
    assert gx.compile([a], a + 1)(self=2) == 3


def test_an_unused_input_is_allowed_with_a_size_of_its_own() -> None:
    x, unused = vector(), gx.input("unused", ("m", 2))
    assert gx.compile([x, unused], gx.sum(x))(ONES, np.zeros((5, 2), np.float32)) == 3


def test_one_input_needs_no_list() -> None:
    x = vector()
    assert gx.compile(x, gx.sum(x))(ONES) == 3


def test_inputs_may_be_nested_and_dicts_go_by_key() -> None:
    a, b, c = (gx.input(name) for name in "abc")
    f = gx.compile([{"a": a, "b": b}, [c, None]], a - b + 10 * c)
    assert f({"b": 1.0, "a": 3.0}, [2.0, None]) == 22
    assert f({"a": 3.0, "b": 1.0}, (2.0, None)) == 22


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ([1.0], "is 1 items, not a list of 2"),
        ([1.0, {"b": 1.0}], "is a dict of 'b', not a dict of 'k'"),
        ([1.0, 2.0], "is a float, not a dict of 'k'"),
        (1.0, "is a float, not a list of 2"),
    ],
)
def test_arguments_of_another_form_are_refused(given: object, problem: str) -> None:
    a, b = gx.input("a"), gx.input("b")
    with pytest.raises(gx.ArgumentError, match=problem):
        gx.compile([[a, {"k": b}]], a + b)(given)


def test_an_input_whose_parts_are_nested_takes_python_lists_as_arrays() -> None:
    x, a = vector(), gx.input("a")
    assert gx.compile([[x, a]], gx.sum(x) + a)([[1.0, 2.0], 3.0]) == 6


# Outputs.


@pytest.mark.parametrize("level", [0, 1, 2])
def test_outputs_have_the_form_of_the_caller(level: int) -> None:
    x = vector()
    y = gx.sum(x)
    form = {"list": [y, None], "tuple": (y, (x,)), "pair": Pair(x, {}), "none": None, "empty": []}
    found = gx.compile([x], form, level=level)(ONES)
    assert found["list"] == [3, None]
    assert found["tuple"][0] == 3
    assert isinstance(found["tuple"][1], tuple)
    assert isinstance(found["pair"], Pair)
    assert found["pair"].left.tolist() == [1, 1, 1]
    assert (found["none"], found["empty"], found["pair"].right) == (None, [], {})


def test_a_scalar_is_a_numpy_scalar() -> None:
    x = vector()
    found = gx.compile([x], [gx.sum(x), gx.argmax(x), gx.all(x > 0)])(ONES)
    assert [type(value) for value in found] == [np.float32, np.int64, np.bool_]


def test_no_outputs_give_none() -> None:
    assert gx.compile([], None)() is None


@pytest.mark.parametrize("level", [0, 1, 2])
def test_outputs_are_fresh_arrays(level: int) -> None:
    x, w = vector(), gx.param("w", np.arange(3.0))
    one = gx.constant(np.ones(3))
    y = gx.exp(x)
    outputs = [x, x, w, w, one, x.reshape(-1, 1), gx.flip(x), y, y, y.reshape(1, -1), w.reshape(3, 1)]
    given = np.arange(3, dtype=np.float32)
    f = gx.compile([x], outputs, level=level)
    first, second = f(given), f(given)
    arrays = [*first, *second]
    for n, array in enumerate(arrays):
        assert array.flags.writeable
        assert not np.shares_memory(array, given)
        assert not any(np.shares_memory(array, other) for other in arrays[:n])
    for array in arrays:
        array[...] = 7
    assert w.value.tolist() == given.tolist() == [0, 1, 2]
    assert f(given)[4].tolist() == [1, 1, 1]


def test_outputs_may_be_given_room() -> None:
    x = vector()
    f = gx.compile([x], {"double": 2 * x, "sum": gx.sum(x)})
    room = {"sum": np.empty((), np.float32), "double": np.empty(6, np.float32)[::-2]}
    assert f(ONES, out=room) is room
    assert (room["sum"], room["double"].tolist()) == (3, [2, 2, 2])


def test_room_that_overlaps_an_input_is_written_last() -> None:
    x = vector()
    f = gx.compile([x], gx.cumsum(x) + gx.flip(x))
    memory = np.arange(5, dtype=np.float32)
    expected = f(memory[:4].copy())
    assert f(memory[:4], out=memory[1:]).tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("room", "error"),
    [
        (np.empty(4, np.float32), gx.ShapeError),
        (np.empty(3), gx.DTypeError),
        ([1.0, 2.0, 3.0], gx.ArgumentError),
        (np.broadcast_to(np.float32(0), 3), gx.ArgumentError),
    ],
)
def test_room_that_does_not_fit_is_refused(room: object, error: type[gx.GraphError]) -> None:
    x = vector()
    with pytest.raises(error, match="out"):
        gx.compile([x], 2 * x)(ONES, out=room)


def test_two_outputs_need_two_rooms() -> None:
    x = vector()
    room = np.empty(4, np.float32)
    with pytest.raises(gx.ArgumentError, match="share memory"):
        gx.compile([x], [x, 2 * x])(ONES, out=[room[:3], room[1:]])


# Derivatives of structures.


def test_gradients_have_the_form_of_what_they_are_taken_by() -> None:
    a, b, c = (gx.input(name) for name in "abc")
    slope = gx.grad(a * b + c * c, {"ab": (a, b), "c": [c]})
    assert gx.evaluate(slope, {a: 2, b: 3, c: 4}) == {"ab": (3, 2), "c": [8]}


def test_a_tangent_goes_by_key() -> None:
    a, b = gx.input("a"), gx.input("b")
    y = gx.jvp(3 * a + 5 * b, {"a": a, "b": b}, {"b": 1.0, "a": 0.0})
    assert gx.evaluate(y, {a: 0, b: 0}) == 5


def test_an_unconnected_input_is_reported_or_zero() -> None:
    a, b = gx.input("a"), gx.input("b")
    with pytest.raises(gx.UnconnectedError):
        gx.grad(a * a, b)
    assert gx.evaluate(gx.grad(a * a, [a, b], unconnected="zero"), {a: 3, b: 1}) == [6, 0]


# Compiling once.


def test_one_compilation_serves_all_sizes() -> None:
    x = vector()
    f = gx.compile([x], [gx.mean(x), 2 * x])
    for n in (1, 2, 3, 5, 8, 13, 21, 34, 55, 0):
        mean, double = f(np.full(n, 4, np.float32))
        assert double.shape == (n,)
        assert np.isnan(mean) if n == 0 else mean == 4
    assert f.compile_count == 1


def test_more_sizes_than_are_kept_still_work() -> None:
    x = vector()
    f = gx.compile([x], gx.sum(gx.exp(x) * x, 0))
    for _ in range(2):
        for n in range(40):
            assert f(np.zeros(n, np.float32)) == 0
    f.release()
    assert f(ONES) == pytest.approx(3 * np.e, rel=1e-6)


def test_evaluate_takes_inputs_of_one_name() -> None:
    a, b = gx.input("a"), gx.input("a")
    assert gx.evaluate(a - b, {a: 3, b: 1}) == 2


def test_two_numbers_of_a_program_never_share_a_name() -> None:
    x = [gx.input(f"x{i}", (3,), dtype) for i, dtype in enumerate(("float64", "float32", "float16", "int64"))]
    outputs = [gx.where(x[0] > 0.1, x[0] * 0.1, 0.0), *(gx.where(other > 0, other, 0) for other in x[1:])]
    values = [np.array([-1, 0, 2]).astype(node.dtype) for node in x]  # 0.1 and the second 0 would both be n_0_1
    assert [y.tolist() for y in gx.compile(x, outputs)(*values)] == [[0, 0, 0.2], *[[0, 0, 2]] * 3]
