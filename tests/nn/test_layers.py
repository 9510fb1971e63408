"""Layers build graph, know their variables by path, and start where they are told to."""

import numpy as np
import pytest

import graphc as gx


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_linear_is_product_and_bias() -> None:
    layer = gx.nn.Linear(3, 2, rng=rng())
    assert layer.bias is not None
    layer.bias.value = np.array([1, -1], "float32")
    x = rng().normal(size=(5, 4, 3)).astype("float32")
    wanted = x @ layer.weight.value + layer.bias.value
    np.testing.assert_allclose(gx.evaluate(layer(gx.constant(x))), wanted, rtol=1e-5, atol=1e-6)


def test_linear_without_bias_has_one_variable() -> None:
    assert list(gx.variables(gx.nn.Linear(3, 2, rng=rng(), bias=False))) == ["weight"]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_dtype_is_kept(dtype: str) -> None:
    model = gx.nn.mlp((4, 3, 2), rng=rng(), dtype=dtype)
    assert {w.dtype.name for w in gx.parameters(model).values()} == {dtype}
    assert model(gx.input("x", ("batch", 4), dtype)).dtype.name == dtype


def test_layers_are_float32_unless_asked() -> None:
    assert {w.dtype.name for w in gx.variables(gx.nn.mlp((4, 3, 2), rng=rng())).values()} == {"float32"}


def test_same_generator_gives_same_layers() -> None:
    one, other = gx.nn.mlp((4, 3, 2), rng=rng()), gx.nn.mlp((4, 3, 2), rng=rng())
    for a, b in zip(gx.variables(one).values(), gx.variables(other).values(), strict=True):
        np.testing.assert_array_equal(a.value, b.value)


def test_mlp_has_no_activation_at_the_end() -> None:
    model = gx.nn.mlp((4, 3, 2), rng=rng(), activation=gx.tanh)
    first, activation, last = model.stages
    assert isinstance(first, gx.nn.Linear)
    assert activation is gx.tanh
    assert isinstance(last, gx.nn.Linear)


def test_mlp_of_one_width_is_refused() -> None:
    with pytest.raises(gx.ArgumentError, match="mlp: 1 width of two or more"):
        gx.nn.mlp((4,), rng=rng())


def test_variables_are_named_by_path() -> None:
    model = gx.nn.mlp((4, 3, 2), rng=rng())
    assert list(gx.variables({"net": model})) == [
        "net.stages.0.weight",
        "net.stages.0.bias",
        "net.stages.2.weight",
        "net.stages.2.bias",
    ]


def test_variables_in_structures_are_named_by_path_and_alone_by_label() -> None:
    a, b = gx.param("w", 1.0), gx.param("w", 2.0)
    assert gx.variables({"a": a, "b": [b]}) == {"a": a, "b.0": b}
    assert list(gx.variables(a)) == ["w"]


def test_two_variables_of_one_name_raise() -> None:
    model = gx.nn.mlp((4, 3, 2), rng=rng())
    with pytest.raises(gx.ArgumentError, match="two variables are named 'weight'"):
        gx.parameters(model(gx.input("x", 4)))


class Residual(gx.nn.Layer):
    """A user's layer: a layer, a list of layers, a state, an option and a node that is no variable."""

    def __init__(self) -> None:
        self.inner = gx.nn.Linear(4, 4, rng=rng())
        self.more = [gx.nn.Linear(4, 4, rng=rng(), bias=False)]
        self.calls = gx.state("calls", 0)
        self.scale = 0.5
        self.mask = gx.constant(np.ones(4, "float32"))

    def __call__(self, x: gx.Node, *, train: object = None) -> gx.Node:
        y = gx.relu(self.inner(x, train=train)) * self.mask
        return gx.with_update(x + self.scale * y, self.calls, lambda n: n + 1) if train else x + self.scale * y


def test_layer_of_a_user_finds_its_variables() -> None:
    layer = Residual()
    assert list(gx.variables(layer)) == ["inner.weight", "inner.bias", "more.0.weight", "calls"]
    assert list(gx.parameters(layer)) == ["inner.weight", "inner.bias", "more.0.weight"]


def test_sequential_tells_layers_whether_it_trains() -> None:
    layer = Residual()
    model, x = gx.nn.Sequential(gx.tanh, layer), gx.input("x", ("batch", 4))
    data = np.ones((2, 4), "float32")
    gx.compile([x], model(x))(data)
    assert layer.calls.value == 0
    gx.compile([x], model(x, train=True))(data)
    assert layer.calls.value == 1


@pytest.mark.parametrize(
    ("initial", "variance"),
    [
        (gx.nn.glorot_uniform, 2 / 500),
        (gx.nn.glorot_normal, 2 / 500),
        (gx.nn.he_uniform, 2 / 300),
        (gx.nn.he_normal, 2 / 300),
    ],
)
def test_initialisers_have_their_variance(initial: gx.nn.Initialiser, variance: float) -> None:
    drawn = initial(rng(), (300, 200))
    assert drawn.dtype == np.float32
    assert abs(float(drawn.mean())) < 0.01 * variance**0.5
    assert float(drawn.var()) == pytest.approx(variance, rel=0.02)


def test_fans_of_kernels_count_their_taps() -> None:
    drawn = gx.nn.he_normal(rng(), (64, 32, 3, 3))
    assert float(drawn.var()) == pytest.approx(2 / (32 * 9), rel=0.05)


def test_vector_has_no_fans() -> None:
    with pytest.raises(gx.ArgumentError, match="rank 1"):
        gx.nn.he_normal(rng(), (3,))
