"""How many kernels models take, what these compute, and what merging keeps."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest

import graphc as gx
from graphc.kernel.reference import interpret
from graphc.kernel.steps import Contract, Kernel
from graphc.kernel.verify import verify
from tests.passes.fusion_models import MODELS, Model, Parts

Array: TypeAlias = npt.NDArray[Any]  # Any: floats and labels
EVERY = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
SMALL = 4  # the interpreter takes its time


def compiled(parts: Parts, level: int = 2) -> gx.CompiledFunction:
    return gx.compile(list(parts.inputs), list(parts.outputs), updates=dict(parts.updates), level=level)


def kernels(f: gx.CompiledFunction) -> int:
    return sum(isinstance(step, Kernel) for step in f.program.steps)


@EVERY
def test_a_model_takes_as_many_kernels_as_the_table_says(model: Model) -> None:
    f = compiled(model.build(16))
    contractions = sum(isinstance(step, Contract) for step in f.program.steps)
    assert (kernels(f), contractions) == (model.kernels, model.contractions)
    assert model.kernels >= model.fewest


@EVERY
def test_fused_kernels_compute_what_the_interpreter_and_single_ops_do(model: Model) -> None:
    parts = model.build(1 if model.name == "lenet" else SMALL)
    rng = np.random.default_rng(0)
    arrays: list[Array] = [
        rng.integers(0, 3, x.shape) if x.dtype.kind == "i" else rng.standard_normal(x.shape).astype(x.dtype)
        for x in parts.inputs
    ]
    start = {variable: np.array(variable.value) for variable in parts.updates}
    plain, _ = results(parts, arrays, start, level=0)
    fused, f = results(parts, arrays, start, level=2)
    found = [fused]
    if model.name != "lenet":
        values = [start.get(variable, variable.value) for variable in f.stored]
        interpreted, after = interpret(f.program, arrays, values, {}, f.constants)
        now = dict(zip(f.stored, after, strict=True))
        found.append([*interpreted, *(now[variable] for variable in parts.updates)])
    for other in found:
        for one, two in zip(plain, other, strict=True):
            np.testing.assert_allclose(two, one, rtol=2e-4, atol=2e-5)


def results(
    parts: Parts, arrays: Sequence[Array], start: Mapping[gx.Node, Array], level: int
) -> tuple[list[Array], gx.CompiledFunction]:
    """What a call gives from the first values of the variables, and what these are then."""
    for variable, value in start.items():
        variable.value = value
    f = compiled(parts, level)
    verify(f.program)
    outputs = [np.asarray(y) for y in f(*arrays)]
    return [*outputs, *(np.array(variable.value) for variable in parts.updates)], f


def test_totals_have_the_same_bits_at_every_call() -> None:
    rng = np.random.default_rng(0)
    X, G = rng.standard_normal((2, 3000, 96)).astype(np.float32)
    found = []
    for rows in (3000, "rows"):
        x, g = gx.input("x", (rows, 96)), gx.input("g", (rows, 96))
        gain = gx.param("gain", np.ones(96, np.float32))
        y = x * gx.rsqrt(gx.mean(gx.square(x), -1, keepdims=True)) * gain
        f = gx.compile([x, g], gx.vjp(y, [x, gain], g))
        assert kernels(f) == 1
        found += [f(X, G), f(X, G)]
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            assert one.tobytes() == two.tobytes()
    exact = (X * G / np.sqrt((X.astype("float64") ** 2).mean(-1, keepdims=True))).sum(0)
    np.testing.assert_allclose(found[0][1], exact, atol=1e-3)


def test_a_kernel_that_something_between_needs_stays_apart() -> None:
    x, w = gx.input("x", (8, 8)), gx.input("w", (8, 8))
    columns = gx.sum(gx.exp(x), 0)
    f = gx.compile([x, w], [columns, gx.sum(gx.exp(x) * gx.cumsum(columns), 1)])
    assert kernels(f) == 3
    X = np.random.default_rng(0).standard_normal((8, 8)).astype(np.float32)
    e = np.exp(X)
    np.testing.assert_allclose(f(X, X)[1], (e * np.cumsum(e.sum(0))).sum(1), rtol=1e-5)


def test_one_index_per_row_is_looked_up_and_added_to_in_the_row() -> None:
    x, at = gx.input("x", (6, 5)), gx.input("at", (6, 1), "int64")
    y = gx.softmax(x)
    f = gx.compile([x, at], [gx.take_along_axis(y, at, 1), gx.grad(gx.sum(gx.take_along_axis(y, at, 1)), x)])
    X, I = np.random.default_rng(0).standard_normal((6, 5)).astype(np.float32), np.arange(6)[:, None] % 5
    picked, back = f(X, I)
    e = np.exp(X)
    p = e / e.sum(1, keepdims=True)
    np.testing.assert_allclose(picked, np.take_along_axis(p, I, 1), rtol=1e-5)
    np.testing.assert_allclose(back, picked * ((np.arange(5) == I) - p), rtol=1e-4, atol=1e-6)


def test_what_is_looked_up_beside_a_total_stays_with_the_rows() -> None:
    x = gx.input("x", ("n", 3))
    t = gx.input("t", x.shape)
    values = [gx.percentile(x, 40, None), gx.average(x, 0)]
    slopes = gx.jvp(values, [x], [t])
    total = gx.sum(slopes[0].astype("float64")) + gx.sum(slopes[1].astype("float64"))
    arrays = np.arange(6, dtype="float32").reshape(2, 3), np.ones((2, 3), "float32")
    found, plain = (gx.compile([x, t], [*values, total], level=level)(*arrays) for level in (2, 0))
    for one, other in zip(found, plain, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_what_is_computed_wherever_it_is_read_stays_with_the_rows() -> None:
    x = gx.input("x", (1, 3))
    twice = gx.vstack((x, x))
    pooled = gx.adaptive_max_pool(gx.broadcast_to(x, (2, *x.shape)), 1)
    loss = gx.mean(gx.tanh(twice)) + gx.mean(gx.tanh(pooled))
    X = np.array([[0.4, 1.3, 0.9]], "float32")
    for level in (1, 2):
        found = gx.compile(x, [twice, gx.grad(loss, x)], level=level)(X)[1]
        np.testing.assert_allclose(
            found, (1 - np.tanh(X) ** 2) / 3 + (X.max() == X) * (1 - np.tanh(1.3) ** 2), rtol=1e-5
        )


def test_a_value_of_a_row_counts_as_often_as_it_repeats() -> None:
    x = gx.input("x", ("n", 3))
    f = gx.compile(x, gx.mean(x, None, where=gx.all(x > 0.5, axis=0)))
    X = np.array([[1, 2, 0.1], [3, 1, 2]], "float32")
    assert kernels(f) == 1
    np.testing.assert_allclose(f(X), X[:, :2].mean())


def _chains() -> Mapping[str, gx.Node]:
    x, y, z, v = (gx.input(name, shape) for name, shape in CHAINED.items())
    between = gx.pad(gx.exp(x), ((1, 1), (0, 0)))
    joined = gx.concat([gx.exp(x), gx.tanh(x)], 0)
    turned = gx.tanh(z)
    return {
        "padding": gx.exp(gx.pad(gx.tanh(x), ((1, 1), (2, 0)), 0.5)) * 2,
        "padding beside an array": gx.sigmoid(between + y) * 2,
        "parts": gx.sin(joined * z),
        "some of the parts": (joined * z)[:4] + 1,
        "a part of each": gx.exp(joined[4:12]) * 2,
        "parts, transposed": gx.exp(joined.T) * 2,
        "parts that end at different places": gx.exp(gx.pad(x, ((1, 0), (0, 0)))) + gx.pad(gx.sin(x), ((0, 1), (0, 0))),
        "rows that move round": gx.exp(gx.roll(gx.tanh(z), 1, 0)) * z,
        "halves that are turned": turned * gx.cos(z) + gx.concat([-turned[:, 4:], turned[:, :4]], 1) * gx.sin(z),
        "the gradient of a slice": _slope(gx.exp(gx.tanh(z)[1:]), z),
        "the gradient of padding": _slope(gx.exp(gx.pad(gx.tanh(x), ((1, 1), (0, 0)))), x),
        "the gradient of parts": _slope(gx.exp(joined), x),
        "a stack": gx.exp(gx.stack([gx.tanh(x), gx.sin(x)], 0)),
        "a transpose": gx.exp(gx.tanh(x).T) * 2,
        "every other row": gx.exp(gx.tanh(z)[::2]) * z[1::2],
        "backwards": gx.exp(gx.flip(gx.tanh(z), 0)) + z,
        "another shape": gx.exp(gx.reshape(gx.tanh(x), (64,))) * v,
        "another shape on both sides": gx.exp(gx.reshape(gx.tanh(x), (64,))) * gx.sin(v),
        "a total in another shape": gx.sum(gx.exp(gx.reshape(gx.tanh(x), (64,))) * v),
        "a few elements": gx.exp(gx.take(gx.tanh(z), np.array([1, 2, 3]), 0)) * 2,
    }


def _slope(y: gx.Node, x: gx.Node) -> gx.Node:
    slope = gx.grad(gx.sum(y), x)
    assert isinstance(slope, gx.Node)
    return slope


CHAINED = {"x": (8, 8), "y": (10, 8), "z": (16, 8), "v": (64,)}


@pytest.mark.parametrize("name", _chains())
def test_a_chain_of_elements_and_movements_is_one_kernel(name: str) -> None:
    y = _chains()[name]
    inputs = [node for node in gx.Graph((), (y,)).nodes if node.name in CHAINED]
    arrays = [np.random.default_rng(0).standard_normal(x.shape).astype("float32") for x in inputs]
    f, plain = (gx.compile(inputs, y, level=level) for level in (2, 0))
    assert kernels(f) == 1
    np.testing.assert_allclose(f(*arrays), plain(*arrays), rtol=1e-5, atol=1e-6)


def _open_ends() -> Mapping[str, gx.Node]:
    z = gx.input("z", ("n",), "float64")
    x, d = gx.input("x", (4 - z.shape[0],), "float64"), gx.input("d", (4,), "float64")
    both = gx.concat([gx.exp(z), x], 0)
    return {
        "a slice": gx.concat([z, x], 0)[1:3],
        "a slice below a function": gx.tanh(both[1:]),
        "ends that are open beside known ones": gx.concat([d[1:3], gx.exp(z), x], 0)
        * gx.concat([d[1:3], gx.exp(d)], 0),
    }


@pytest.mark.parametrize("name", _open_ends())
def test_parts_of_open_extents_may_fill_a_known_one(name: str) -> None:
    y = _open_ends()[name]
    inputs = sorted([node for node in gx.Graph((), (y,)).nodes if node.name in tuple("zxd")], key=lambda x: str(x.name))
    arrays = {"z": np.array([0.3]), "x": np.array([1.0, 2.0, 3.0]), "d": np.arange(4.0)}
    given = {str(x.name): arrays[str(x.name)] for x in inputs}
    fast, plain = (gx.compile(inputs, y, level=level)(**given) for level in (2, 0))
    np.testing.assert_allclose(fast, plain, rtol=1e-12)


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("shape", [(12, 10), ("b", 10), ("b", "k")])
@pytest.mark.parametrize("labels", ["int8", "int32", "int64"])
def test_a_loss_of_open_sizes_and_narrow_labels_is_one_kernel(
    backend: Literal["numpy", "llvm"], shape: tuple[int | str, int | str], labels: str
) -> None:
    z, t = gx.input("z", shape), gx.input("t", shape[:1], labels)
    loss = gx.nn.softmax_cross_entropy(z, t)
    f = gx.compile([z, t], [loss, gx.grad(loss, z)], backend=backend)
    assert kernels(f) == 1
    with pytest.raises(gx.IndexRangeError, match="a label is out of range, 10 is not in 0"):
        f(np.zeros((12, 10), "float32"), np.full(12, 10, labels))


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("shape", [("b", 8), ("b", 6, "d")])
def test_norms_of_open_sizes_are_one_kernel_each_way(
    backend: Literal["numpy", "llvm"], shape: tuple[int | str, ...]
) -> None:
    x, g = gx.input("x", shape), gx.input("g", shape)
    for axes in (-1, 0):
        centred = x - gx.mean(x, axes, keepdims=True)
        y = centred * gx.rsqrt(gx.mean(gx.square(centred), axes, keepdims=True) + 1e-5)
        (slope,) = gx.vjp(y, [x], g)
        assert kernels(gx.compile(x, y, backend=backend)) == 1
        assert kernels(gx.compile([x, g], slope, backend=backend)) == 1


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("n", [8, "n"])
def test_axes_of_extent_1_cost_nothing(backend: Literal["numpy", "llvm"], n: int | str) -> None:
    x = gx.input("x", (n, 5))
    mean, total = gx.mean(x, 1, keepdims=True), gx.sum(x, 1)
    array = np.random.default_rng(0).standard_normal((8, 5)).astype(np.float32)
    for outputs in (
        [mean],
        [mean, gx.var(x, 1, keepdims=True)],
        [total[:, None, None]],
        [gx.softmax(x), gx.logsumexp(x, 1, keepdims=True).T],
    ):
        f = gx.compile([x], outputs, backend=backend, verify=True)
        assert kernels(f) == 1
        plain = gx.compile([x], outputs, level=0)
        for found, wanted in zip(f(array), plain(array), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_a_batch_norm_of_channels_is_one_kernel_back(backend: Literal["numpy", "llvm"]) -> None:
    x, g = gx.input("x", ("n", 3, 4, 5)), gx.input("g", ("n", 3, 4, 5))
    gain, bias = gx.input("gain", (3, 1, 1)), gx.input("bias", (3, 1, 1))
    centred = x - gx.mean(x, (0, 2, 3), keepdims=True)
    y = centred * gx.rsqrt(gx.mean(gx.square(centred), (0, 2, 3), keepdims=True) + 1e-5) * gain + bias
    assert kernels(gx.compile([x, gain, bias, g], list(gx.vjp(y, [x, gain, bias], g)), backend=backend)) == 1


def test_a_variable_keeps_its_axes_of_extent_1() -> None:
    x, mean = gx.input("x", ("n", 3)), gx.state("mean", np.zeros((1, 3), "float32"))
    f = gx.compile([x], mean, updates={mean: 0.5 * mean + 0.5 * gx.mean(x, 0, keepdims=True)})
    f(np.ones((4, 3), "float32"))
    np.testing.assert_array_equal(mean.value, np.full((1, 3), 0.5, "float32"))
