"""Arrays that a caller gives for the outputs hold all results of a call, or what they held before."""

import numpy as np
import pytest

import graphc as gx
from tests.allocation import allocated


def test_nothing_is_written_where_an_index_is_wrong_after_a_result_is_there() -> None:
    x, i = gx.input("x", ("n", 3)), gx.input("i", 2, "int64")
    total = gx.state("total", 0)
    places = gx.argmax(x, 1)[:2] + i  # known when `exp(x)` is computed
    f = gx.compile([x, i], [gx.exp(x), gx.take(gx.exp(x) * 2, places, 0)], updates={total: total + 1}, level=0)
    array = np.zeros((4, 3), np.float32)
    out = [np.full((4, 3), 7, np.float32), np.full((2, 3), 7, np.float32)]
    with pytest.raises(gx.IndexRangeError):
        f(array, np.array([0, 9]), out=out)
    assert all((part == 7).all() for part in out)
    assert total.value == 0
    assert f(array, np.array([0, 1]), out=out) is out
    assert (out[0] == 1).all()
    assert (out[1] == 2).all()
    assert total.value == 1


def test_results_go_straight_to_their_place_where_nothing_can_fail_late() -> None:
    x = gx.input("x", ("n",))
    f = gx.compile([x], gx.exp(x))
    array, out = np.zeros(1_000_000, np.float32), np.empty(1_000_000, np.float32)
    f(array, out=out)
    assert (out == 1).all()
    assert allocated(lambda: f(array, out=out), []) < out.nbytes


def test_an_array_whose_elements_share_memory_is_refused_as_out() -> None:
    x = gx.input("x", (3, 2), "float64")
    f = gx.compile([x], gx.cumsum(x, 0))
    X = np.ones((3, 2))
    inside = np.lib.stride_tricks.as_strided(np.zeros(5), (3, 2), (8, 8))
    for shared in (np.lib.stride_tricks.as_strided(np.zeros(1), (3, 2), (0, 0)), inside):
        with pytest.raises(gx.ArgumentError, match="elements that share memory"):
            f(X, out=shared)
    for own in (np.zeros((2, 3)).T, np.zeros((6, 4))[::2, ::-2], np.zeros((3, 2), order="F")):
        np.testing.assert_array_equal(f(X, out=own), np.cumsum(X, 0))
