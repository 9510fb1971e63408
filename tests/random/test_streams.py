"""Streams: a new key at every use and at every call, and keys that are used twice."""

import warnings

import numpy as np
import pytest

import graphc as gx
from graphc.ops.scan import scan
from graphc.structure import Structure
from tests.case import Array


def mask(stream: gx.random.Stream, n: int = 64) -> gx.Node:
    return gx.random.bits(stream.key(), n)


def test_every_use_and_every_call_has_its_own_bits() -> None:
    stream = gx.random.Stream("masks", 0)
    f = gx.compile([], [mask(stream), mask(stream)])
    g = gx.compile([], mask(stream))
    seen = {array.tobytes() for array in (*f(), *f(), g(), *f(), g())}
    assert len(seen) == 8


def test_streams_of_one_seed_differ_by_name() -> None:
    one, other = gx.random.Stream("one", 0), gx.random.Stream("other", 0)
    assert (gx.compile([], mask(one))() != gx.compile([], mask(other))()).any()


def test_a_function_that_uses_a_key_advances_the_stream() -> None:
    stream = gx.random.Stream("masks", 0)
    f = gx.compile([], [mask(stream), mask(stream)])
    before = stream.state.value
    f()
    f()
    np.testing.assert_array_equal(stream.state.value - before, np.array([0, 4], np.uint64))
    gx.evaluate(mask(stream))
    np.testing.assert_array_equal(stream.state.value - before, np.array([0, 4], np.uint64))


def test_with_its_value_back_a_stream_goes_on_with_the_same_bits() -> None:
    def program() -> tuple[gx.random.Stream, gx.CompiledFunction]:
        stream = gx.random.Stream("masks", 3)
        return stream, gx.compile([], [mask(stream), mask(stream)])

    stream, f = program()
    f()
    saved = stream.state.value
    wanted = [f(), f()]
    other, again = program()
    other.state.value = saved
    for expected in wanted:
        for one, two in zip(expected, again(), strict=True):
            np.testing.assert_array_equal(one, two)


def test_a_stream_is_a_variable_of_the_layer_that_holds_it() -> None:
    class Noisy(gx.nn.Layer):
        def __init__(self) -> None:
            self.noise = gx.random.Stream("noise", 0)
            self.inner = gx.nn.Linear(3, 2, rng=np.random.default_rng(0))

        def __call__(self, x: gx.Node, *, train: object = None) -> gx.Node:
            return self.inner(x) + gx.random.normal(self.noise.key(), 2)

    assert set(gx.variables(Noisy())) == {"noise.state", "inner.weight", "inner.bias"}
    assert set(gx.parameters(Noisy())) == {"inner.weight", "inner.bias"}


# Dropout.


def dropped(rate: float, x: Array) -> tuple[Array, Array]:
    """The result and the gradient of its sum."""
    node = gx.input("x", x.shape)
    y = gx.nn.Dropout(rate)(node, train=gx.random.Stream("drop", 1))
    found, slope = gx.compile([node], [y, gx.grad(gx.sum(y), node)])(x)
    return found, slope


def test_dropout_keeps_the_mean_and_its_gradient_has_the_same_mask() -> None:
    y, slope = dropped(0.25, np.ones((400, 500), np.float32))
    np.testing.assert_array_equal(y, slope)
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs(float(y.mean()) - 1) < 0.01


def test_dropout_of_infinity_is_zero_or_infinity() -> None:
    y, _ = dropped(0.5, np.full(100, np.inf, np.float32))
    assert set(y) == {0, np.inf}


def test_dropout_that_evaluates_is_the_identity() -> None:
    x = gx.input("x", (3,))
    assert gx.nn.Dropout(0.5)(x) is x
    assert gx.compile([x], gx.nn.Sequential(gx.nn.Dropout(0.5))(x)).program.commit == 1


def test_layers_never_share_a_mask() -> None:
    x = gx.input("x", (1000,))
    stream = gx.random.Stream("drop", 1)
    layer = gx.nn.Dropout(0.5)
    f = gx.compile([x], [layer(x, train=stream), layer(x, train=stream)])
    ones = np.ones(1000, np.float32)
    masks = [*f(ones), *f(ones)]
    for i, one in enumerate(masks):
        for other in masks[:i]:
            assert 400 < int((one != other).sum()) < 600


# Keys that are used twice.


def twice() -> list[gx.Node]:
    key = gx.random.key(1)
    return [gx.random.normal(key, 3), gx.random.uniform(gx.random.key(1), 4)]


def test_a_key_that_is_used_twice_is_warned_of_at_the_second_use() -> None:
    nodes = twice()
    with pytest.warns(UserWarning, match="one key has 2 uses") as caught:
        gx.compile([], nodes)
    assert caught[0].filename == __file__
    assert caught[0].lineno == twice.__code__.co_firstlineno + 2


def test_a_key_that_is_used_twice_raises_or_is_allowed_on_request() -> None:
    nodes = twice()
    with pytest.raises(gx.ArgumentError, match="one key has 2 uses"):
        gx.compile([], nodes, reused_keys="raise")
    with warnings.catch_warnings(action="error"):
        gx.compile([], nodes, reused_keys="allow")
        gx.evaluate(nodes)


def test_show_says_which_key_is_used_twice() -> None:
    key = gx.input("key", (), "uint64")
    shown = str(gx.show([gx.random.normal(key, 3), gx.random.split(key)[0]]))
    assert "note: one key, %0, has 2 uses, which depend on each other: %" in shown


def drawn_if(p: gx.Node, key: gx.Node, other: gx.Node) -> gx.Node:
    """A number of one of two keys."""

    def first() -> gx.Node:
        return gx.random.normal(key)

    def second() -> gx.Node:
        return gx.random.uniform(other)

    y: gx.Node = gx.cond(p, first, second)
    return y


@pytest.mark.parametrize("is_given", [True, False])
def test_a_key_that_is_used_in_a_branch_and_around_it_is_used_twice(is_given: bool) -> None:
    p, seed = gx.input("p", (), "bool"), gx.input("seed", (), "int64")
    key = gx.random.key(seed if is_given else 1)
    first, second = gx.random.split(gx.random.fold_in(key, 2))
    for other in (gx.random.normal(key, 3), drawn_if(p, second, key)):
        with pytest.raises(gx.ArgumentError, match="one key has 2 uses"):
            gx.compile([p, seed], [drawn_if(p, key, first), other], reused_keys="raise")


def test_a_key_that_is_used_by_two_branches_of_which_one_runs_is_used_once() -> None:
    p, w = gx.input("p", (), "bool"), gx.input("w", ())
    key = gx.random.key(1)
    y = gx.cond(p, lambda: gx.random.normal(key) * w**3, lambda: gx.random.uniform(key, 2)[0] * w**2)
    g = gx.grad(y, w)
    gx.compile([p, w], [y, g, gx.grad(g, w), gx.jvp(g, w, 1.0)], reused_keys="raise")


def test_keys_that_are_made_of_one_are_not_the_same() -> None:
    key = gx.random.key(1)
    first, second = gx.random.split(key)
    nodes = [gx.random.normal(one, 3) for one in (first, second, gx.random.fold_in(second, 1))]
    with warnings.catch_warnings(action="error"):
        gx.compile([], nodes, reused_keys="raise")
    assert "note" not in str(gx.show(nodes))


def test_the_same_part_of_one_split_is_one_key() -> None:
    keys = gx.random.keys(gx.random.key(1), 3)
    with pytest.raises(gx.ArgumentError, match="one key has 2 uses"):
        gx.compile([], [gx.random.normal(keys[0]), gx.random.normal(keys[0])], reused_keys="raise")


def test_a_key_that_is_used_twice_in_a_body_is_reported() -> None:
    def step(key: Structure, _: Structure) -> tuple[Structure, Structure]:
        assert isinstance(key, gx.Node)
        return gx.random.split(key)[0], gx.random.normal(key)

    _, steps = scan(step, gx.random.key(0), None, length=10)
    with pytest.warns(UserWarning, match="one key has 2 uses"):
        gx.compile([], steps)
    assert "note: one key, input" in str(gx.show(steps))


def test_a_key_that_is_carried_is_new_at_every_step() -> None:
    def step(key: Structure, _: Structure) -> tuple[Structure, Structure]:
        assert isinstance(key, gx.Node)
        now, later = gx.random.split(key)
        return later, gx.random.normal(now)

    _, steps = scan(step, gx.random.key(0), None, length=500)
    drawn = gx.compile([], steps, reused_keys="raise")()
    assert len(set(drawn)) > 490
    assert abs(float(np.std(drawn)) - 1) < 0.1
