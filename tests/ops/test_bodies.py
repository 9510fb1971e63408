"""What bodies of loops and branches may use, give and set."""

from typing import Any

import numpy as np
import pytest

import graphc as gx


def test_nodes_of_the_scope_around_a_body_are_shared_by_all_steps() -> None:
    xs, w = gx.input("xs", ("time", 3)), gx.param("w", np.eye(3, dtype=np.float32) * 2)
    bias = gx.exp(gx.sum(w))
    last, _ = gx.scan(lambda h, x: (h @ w + x * bias, None), gx.zeros(3), xs)
    f = gx.compile([xs], last)
    rows = np.ones((4, 3), np.float32)
    expected = np.zeros(3)
    for row in rows:
        expected = expected @ (2 * np.eye(3)) + row * np.exp(6.0)
    np.testing.assert_allclose(f(rows), expected, rtol=1e-5)


def test_a_node_made_in_a_branch_is_an_ordinary_node_outside() -> None:
    x, kept = gx.input("x"), list[gx.Node]()

    def then() -> gx.Node:
        kept.append(gx.exp(x))
        return kept[-1]

    y = gx.cond(x > 0, then, lambda: x)
    assert gx.compile([x], [y, kept[0]])(0.0) == [0.0, 1.0]


@pytest.mark.parametrize("bounds", [(5, 3), (2, 2), (0, -1)])
def test_no_step_is_made_where_the_upper_bound_is_not_above_the_lower(bounds: tuple[int, int]) -> None:
    lower, upper = gx.input("lower", (), "int64"), gx.input("upper", (), "int64")
    fixed = gx.evaluate(gx.fori_loop(*bounds, lambda i, x: 2 * x, 1.0))
    computed = gx.compile([lower, upper], gx.fori_loop(lower, upper, lambda i, x: 2 * x, 1.0))(*bounds)
    assert (fixed, computed) == (1.0, 1.0)


def test_bounds_that_are_open_sizes() -> None:
    x = gx.input("x", ("n",))
    f = gx.compile([x], gx.fori_loop(2, x.shape[0], lambda i, total: total + i, 0))
    assert [f(np.zeros(n, np.float32)) for n in (1, 2, 5)] == [0, 0, 2 + 3 + 4]


def test_a_body_sets_no_variable_although_no_step_changes_what_is_set() -> None:
    calls, w = gx.state("calls", 0), gx.param("w", 1.0)

    def step(h: gx.Node, x: None) -> Any:
        return h + gx.with_update(w, calls, lambda old: old + 1), None

    with pytest.raises(gx.ArgumentError, match="scan: a body sets 'calls', and a variable is set once in a call"):
        gx.scan(step, gx.zeros(()), length=3)


def test_what_sets_a_variable_around_a_body_may_be_used_in_it() -> None:
    calls, x = gx.state("calls", 0), gx.input("x")
    counted = gx.with_update(x, calls, lambda old: old + 1)
    last, _ = gx.scan(lambda h, _: (h + counted, None), gx.zeros(()), length=3)
    f = gx.compile([x], last)
    assert f(2.0) == 6.0
    assert calls.value == 1


def test_a_condition_of_python_in_a_body_is_refused_with_what_to_use() -> None:
    with pytest.raises(gx.ArgumentError, match="no truth value") as caught:
        gx.scan(lambda h, x: (h + x if x > 0 else h, None), gx.zeros(()), gx.zeros(3))
    assert "gx.cond(" in str(caught.value.hint)


def test_a_condition_may_be_a_bool_of_python() -> None:
    x = gx.input("x")
    f = gx.compile([x], gx.cond(True, lambda: 2 * x, lambda: x))
    assert f(3.0) == 6.0


def test_a_loop_inside_a_function_for_one_place_names_the_loop_where_its_value_escapes() -> None:
    kept = list[gx.Node]()

    def each(x: gx.Node) -> Any:
        def step(h: gx.Node, x: gx.Node) -> Any:
            kept.append(h + x)
            return kept[-1], None

        return gx.scan(step, gx.zeros(()), x)[0]

    gx.vmap(each)(gx.ones((2, 3)))
    with pytest.raises(gx.ArgumentError, match="'the carry' has a value only inside scan"):
        gx.evaluate(kept[0])


def test_a_loop_of_another_name_is_named() -> None:
    kept = list[gx.Node]()
    gx.fori_loop(0, 3, lambda i, x: (kept.append(x * i), x)[1], gx.ones(()))  # type: ignore[func-returns-value]
    with pytest.raises(gx.ArgumentError, match="has a value only inside fori_loop"):
        gx.evaluate(kept[0])
