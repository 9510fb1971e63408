"""The calls by which forms are compared, made for one graph."""

import numpy as np
import pytest

import graphc as gx
from graphc.ir.graph import Graph
from graphc.verification.points import accepted_calls, refused_points
from graphc.verification.values import Point


def points(graph: Graph) -> list[Point]:
    return [values.point for values in accepted_calls(graph)]


def test_a_graph_is_called_with_several_kinds_of_values_and_sizes() -> None:
    x = gx.input("x", ("n", 5))
    found = points(Graph((x,), (gx.tanh(x),)))
    assert [point.title for point in found] == [
        "ordinary values, n = 3", "zeros and ties, n = 3", "infinities, nan and denormals, n = 3",
        "large and small values, n = 3", "values of about a hundred, n = 3", "infinities, nan and denormals, n = 1",
        "ordinary values, n = 0",
    ]  # fmt: skip
    special = found[2].arrays[x]
    assert np.isnan(special).any()
    assert np.isinf(special).any()
    assert ((special != 0) & (np.abs(special) < np.finfo(np.float32).tiny)).any()


@pytest.mark.parametrize("shape", [(), (1,), (2,), (3,), (4,), (2, 2), (3, 2), (10,), ("n",), ("b", 3), ("b", "d")])
def test_every_special_number_is_in_every_input(shape: tuple[int | str, ...]) -> None:
    inputs = [gx.input("x", shape), gx.input("y", shape)]
    found = points(Graph(tuple(inputs), (inputs[0] * inputs[1],)))
    least = np.finfo(np.float32).tiny
    for x in inputs:
        numbers = np.concatenate([point.arrays[x].reshape(-1) for point in found])
        assert np.isnan(numbers).any()
        assert {np.inf, -np.inf} <= {*numbers[np.isinf(numbers)].tolist()}
        assert {"0.0", "-0.0"} == {str(zero) for zero in numbers[numbers == 0].tolist()}
        assert ((numbers != 0) & (np.abs(numbers) < least)).any()


def test_sizes_are_ones_that_the_graph_admits() -> None:
    x, y = gx.input("x", ("n", 3)), gx.input("y", ("m", 3))
    found = points(Graph((x, y), (x.reshape(-1) + y.reshape(-1),)))
    assert found
    assert all(point.sizes["n"] == point.sizes["m"] for point in found)


def test_indices_reach_both_ends_of_their_range() -> None:
    table, at = gx.input("table", ("n", 2)), gx.input("at", (6,), "int64")
    found = points(Graph((table, at), (gx.take(table, at, 0),)))
    assert {(int(point.arrays[at].min()), int(point.arrays[at].max())) for point in found[:3]} == {(-3, 2)}


def test_integers_reach_the_limits_of_their_dtype() -> None:
    k = gx.input("k", (20,), "int16")
    limits = np.iinfo(np.int16)
    special = points(Graph((k,), (abs(k) * 3,)))[2].arrays[k]
    assert (special.min(), special.max()) == (limits.min, limits.max)


def test_variables_have_their_values_at_first() -> None:
    w = gx.param("w", np.array([1.0, 2.0]))
    assert points(Graph((), (w * 2,)))[0].arrays[w].tolist() == [1.0, 2.0]


def test_calls_that_fail_are_among_them() -> None:
    x, y, at = gx.input("x", ("n", 3)), gx.input("y", ("m", 3)), gx.input("at", (2,), "int64")
    graph = Graph((x, y, at), (gx.take(x.reshape(-1) + y.reshape(-1), at),))
    titles = [point.title.partition(",")[0] for point, _ in refused_points(graph)]
    assert titles == ["sizes that do not agree", "an index out of range"]


def test_a_loop_without_end_is_no_call() -> None:
    x = gx.input("x", (), "int64")
    number = gx.while_loop(lambda k: k != x, lambda k: k + 1, gx.constant(0))
    assert all(int(point.arrays[x]) >= 0 for point in points(Graph((x,), (number,))))


def test_a_call_that_reads_where_nothing_is_goes_on_to_be_refused() -> None:
    x = gx.input("x", ("n", 4))
    resized = gx.interpolate(x[0:0][None, None], (2, 3), mode="bilinear")
    gx.compile([x], gx.grad(gx.mean(gx.tanh(resized)), x), verify=True)


def test_sizes_are_ones_that_bodies_admit_to_which_no_call_comes() -> None:
    x = gx.input("x", ("n", 3))
    found = gx.cond(gx.mean(x) > 0, lambda s: gx.cond(gx.mean(s) > 1, lambda t: gx.max(t, 0), summed, s), summed, x)
    assert all(point.sizes["n"] > 0 for point in points(Graph((x,), (found,))))
    gx.compile([x], found, verify=True)


def summed(x: gx.Node) -> gx.Node:
    return gx.sum(x, 0)


def test_random_keys_at_the_limit_are_no_floats() -> None:
    key = gx.input("key", (40,), "uint64")
    (found,) = [x for x in points(Graph((key,), (key + 1,))) if x.title.startswith("large")]
    assert {0, 1, np.iinfo(np.uint64).max} <= {*found.arrays[key].tolist()}
