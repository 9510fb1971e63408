"""Variables: set by calls, read by all, before or after a call and never between."""

import numpy as np
import pytest

import graphc as gx

LEVELS = pytest.mark.parametrize("level", [0, 1, 2])


def test_an_update_is_made_by_each_call() -> None:
    count, x = gx.state("count", 0), gx.input("x")
    f = gx.compile([x], count + x, updates={count: count + 1})
    assert [f(10), f(10), f(10)] == [10, 11, 12]
    assert count.value == 3


@LEVELS
def test_two_variables_change_places(level: int) -> None:
    a, b = gx.state("a", np.arange(3.0)), gx.state("b", np.ones(3))
    f = gx.compile([], [a, b], updates={a: b, b: a}, level=level)
    f()
    assert (a.value.tolist(), b.value.tolist()) == ([1, 1, 1], [0, 1, 2])
    f()
    assert (a.value.tolist(), b.value.tolist()) == ([0, 1, 2], [1, 1, 1])


@LEVELS
def test_three_variables_move_round(level: int) -> None:
    a, b, c = (gx.state(name, float(n)) for n, name in enumerate("abc"))
    gx.compile([], None, updates={a: b, b: c, c: a}, level=level)()
    assert [a.value, b.value, c.value] == [1, 2, 0]


@LEVELS
def test_updates_read_the_values_before_the_call(level: int) -> None:
    a, b = gx.state("a", np.array([1.0, 2.0])), gx.state("b", np.array([10.0, 20.0]))
    f = gx.compile([], [a, b, a * b], updates={a: a + b, b: b + a}, level=level)
    found = f()
    assert [y.tolist() for y in found] == [[1, 2], [10, 20], [10, 40]]
    assert a.value.tolist() == b.value.tolist() == [11, 22]


@LEVELS
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_updates_that_read_other_places_of_each_other(level: int, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    start = {name: rng.standard_normal(shape) for name in "abc"}
    a, b, c = (gx.state(name, value) for name, value in start.items())
    flipped = gx.flip(a) if shape else a
    updates = {a: gx.exp(a) * b, b: flipped - c, c: gx.cumsum(c, 0) if shape else c}
    f = gx.compile([], gx.sum(a) + gx.sum(b), updates=updates, level=level)
    total = f()
    A, B, C = start.values()
    assert total == pytest.approx(A.sum() + B.sum())
    np.testing.assert_allclose(a.value, np.exp(A) * B)
    np.testing.assert_allclose(b.value, (np.flip(A) if shape else A) - C)
    np.testing.assert_allclose(c.value, C.cumsum(0) if shape else C)


@LEVELS
def test_an_output_beside_its_update_is_the_old_value(level: int) -> None:
    w = gx.param("w", np.zeros(3))
    new = w + 1
    outputs = {"old": w, "new": new, "sum": gx.sum(new), "flat": w.reshape(1, 3)}
    f = gx.compile([], outputs, updates={w: new}, level=level)
    found = f()
    assert (found["old"].tolist(), found["new"].tolist(), found["sum"]) == ([0, 0, 0], [1, 1, 1], 3)
    found["new"][...] = 9
    assert w.value.tolist() == [1, 1, 1]
    assert found["flat"].tolist() == [[0, 0, 0]]


@LEVELS
def test_a_reshape_of_a_variable_may_be_its_next_value(level: int) -> None:
    w = gx.state("w", np.arange(4.0).reshape(2, 2))
    f = gx.compile([], None, updates={w: gx.flip(w.reshape(4)).reshape(2, 2)}, level=level)
    f()
    assert w.value.tolist() == [[3, 2], [1, 0]]


@LEVELS
def test_a_transpose_of_a_variable_may_be_its_next_value(level: int) -> None:
    w = gx.state("w", np.arange(9.0).reshape(3, 3))
    gx.compile([], None, updates={w: w.T}, level=level)()
    assert w.value.tolist() == np.arange(9.0).reshape(3, 3).T.tolist()


def test_parameters_are_shared_by_functions() -> None:
    w, x = gx.param("w", 1.0), gx.input("x")
    read, step = gx.compile([x], w * x), gx.compile([], None, updates={w: w + 1})
    step()
    assert read(10) == 20
    w.value = 5
    assert read(10) == 50
    step()
    assert (read(10), float(w.value)) == (60, 6)


def test_updates_may_come_in_several_mappings() -> None:
    a, b = gx.state("a", 0), gx.state("b", 0)
    f = gx.compile([], None, updates=[{a: a + 1}, {b: b + 2}])
    f()
    assert (float(a.value), float(b.value)) == (1, 2)
    assert list(f.updates) == [a, b]


def test_numbers_may_be_next_values() -> None:
    a, b = gx.state("a", 1.5), gx.state("b", np.uint8(7))
    gx.compile([], None, updates={a: 0, b: 3})()
    assert (float(a.value), float(b.value)) == (0, 3)


# Updates that travel with a value.


def test_two_carried_updates_compose() -> None:
    count, x = gx.state("count", 0), gx.input("x")
    y = gx.with_update(x, count, lambda old: old + 1)
    z = gx.with_update(y * 2, count, lambda old: old * 10)
    f = gx.compile([x], z)
    assert (f(1), float(count.value)) == (2, 10)
    assert (f(1), float(count.value)) == (2, 110)


def test_a_named_update_wins_over_a_carried_one() -> None:
    count, x = gx.state("count", 0), gx.input("x")
    y = gx.with_update(x, count, lambda old: old + 1)
    f = gx.compile([x], y, updates={count: 7})
    f(1)
    assert count.value == 7


def test_a_gradient_goes_through_a_carried_update() -> None:
    count, x = gx.state("count", 0), gx.input("x")
    y = gx.with_update(x * x, count, lambda old: old + 1)
    f = gx.compile([x], gx.grad(y, x))
    assert f(3) == 6


def test_evaluate_never_updates() -> None:
    count, x = gx.state("count", 0), gx.input("x")
    y = gx.with_update(x, count, lambda old: old + 1)
    assert gx.evaluate([y, count], {x: 2}) == [2, 0]
    assert count.value == 0


# Values of variables.


def test_a_value_is_a_snapshot_that_cannot_be_written() -> None:
    w = gx.param("w", np.zeros(2))
    before = w.value
    w.value = np.ones(2)
    assert before.tolist() == [0, 0]
    with pytest.raises(ValueError, match="read-only"):
        before[0] = 1


def test_a_variable_owns_a_copy() -> None:
    start = np.zeros(2)
    w = gx.param("w", start)
    start[...] = 9
    assert w.value.tolist() == [0, 0]
    new = np.ones(2)
    w.value = new
    new[...] = 9
    assert w.value.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1.0, "float32"),
        (1, "int64"),
        (True, "bool"),
        ([1.0, 2.0], "float32"),
        (np.zeros(2), "float64"),
        (np.float16(1), "float16"),
        (np.zeros(2, ">i4"), "int32"),
    ],
    ids=str,
)
def test_dtype_of_a_variable(value: object, dtype: str) -> None:
    assert gx.param("w", value).value.dtype == dtype


def test_a_value_of_another_kind_is_refused_and_changes_nothing() -> None:
    w, count = gx.param("w", np.array([1, 2], np.float32)), gx.state("count", np.int8(3))
    wrong_floats = [(w, np.zeros(2)), (w, [1j, 2]), (w, ["a", "b"])]
    wrong_integers = [(count, 300), (count, 1.5), (count, np.int64(1))]
    for variable, wrong in wrong_floats + wrong_integers:
        with pytest.raises(gx.DTypeError):
            variable.value = wrong
    with pytest.raises(gx.ShapeError):
        w.value = np.zeros(3, np.float32)
    with pytest.raises(gx.ShapeError):
        w.value = [[1.0], [1.0, 2.0]]
    assert (w.value.tolist(), int(count.value)) == ([1, 2], 3)
    w.value = [3, 4.5]
    count.value = -128
    assert (w.value.tolist(), int(count.value)) == ([3, 4.5], -128)


def test_only_variables_have_values() -> None:
    with pytest.raises(gx.ArgumentError, match="only parameters and states"):
        _ = gx.input("x").value


# Finding variables, exchanging nodes, labels.


def test_parameters_and_variables_of_nodes_by_name() -> None:
    w, b, count = gx.param("w", 1.0), gx.param("b", 1.0), gx.state("count", 0.0)
    y = w * 2 + count
    assert list(gx.parameters(y)) == ["w"]
    assert gx.parameters(y)["w"] is w
    assert list(gx.variables(y, b)) == ["w", "count", "b"]


def test_parameters_of_a_structure_of_nodes_that_share_one() -> None:
    w = gx.param("w", 1.0)
    assert list(gx.parameters([w * 2, {"a": w + 1}])) == ["w"]


def test_two_variables_of_one_name_clash() -> None:
    with pytest.raises(gx.ArgumentError, match="two variables are named 'w'"):
        gx.parameters(gx.param("w", 1.0) + gx.param("w", 2.0))


def test_replace_exchanges_all_at_once() -> None:
    a, b = gx.input("a"), gx.input("b")
    y = gx.replace({"y": a - 2 * b}, {a: b, b: a})
    assert gx.evaluate(y, {a: 1, b: 10}) == {"y": 8}


def test_replace_refuses_another_type() -> None:
    a, x = gx.input("a"), gx.input("x", 3)
    with pytest.raises(gx.ShapeError, match="cannot stand for"):
        gx.replace(a * 2, {a: x})
    with pytest.raises(gx.DTypeError, match="cannot stand for"):
        gx.replace(a * 2, {a: gx.input("d", (), "float64")})


def test_replace_takes_numbers() -> None:
    a = gx.input("a")
    assert gx.evaluate(gx.replace(a * 3, {a: 2.0})) == 6


def test_a_scope_labels_nodes() -> None:
    x = gx.input("x")
    with gx.scope("outer"), gx.scope("inner"):
        y = gx.exp(x)
    assert (y.origin.scope, gx.exp(x).origin.scope) == ("outer/inner", "")
