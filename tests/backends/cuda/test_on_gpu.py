"""On a GPU, where there is one: the table of ops, derivatives, models, and arrays of other libraries."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import graphc as gx
from graphc.backends.cuda.arrays import DeviceArray, DeviceSpace, told
from graphc.backends.cuda.gpu import gpu
from graphc.driver import compile
from graphc.structure import leaves
from tests.backends.cuda.emulated import arrays_for, near
from tests.case import Array
from tests.cases import CASES
from tests.random_graphs import random_graph
from tests.test_cases import BOTH, nodes_for, results, slopes_of
from tests.thirty_models import MODELS
from tests.tolerance import assert_close

pytestmark = pytest.mark.skipif(not gpu().is_there, reason="there is no GPU here")

SLOPES = [pair for pair in BOTH if pair[0].order]
WIDER = [pytest.param(dtype, marks=pytest.mark.full) for dtype in ("float64", "bfloat16")]
CALLS = 3  # the first runs launches, the second records them, the third asks for the recording


def some(count: int, step: int) -> list[object]:
    """Places: one of so many in the default tier, all in the full one."""
    return [pytest.param(place, marks=() if place % step == 0 else pytest.mark.full) for place in range(count)]


def on_gpu(inputs: Any, outputs: Any, updates: Any = None, level: int = 2) -> gx.CompiledFunction:
    """A function for the GPU."""
    return compile(inputs, outputs, updates=updates, backend="cuda", level=level)


def free() -> int:
    """Bytes of the device that nobody has."""
    return told(gpu(), gpu().free_bytes)


@pytest.mark.parametrize(
    "dtype", ["float32", *(pytest.param(d, marks=pytest.mark.full) for d in ("float64", "bfloat16"))]
)
@pytest.mark.parametrize("place", some(len(CASES), 16))
def test_values_are_those_of_numpy(place: int, dtype: str) -> None:
    case = CASES[place]
    arrays = case.arrays(dtype)
    nodes = nodes_for(arrays)
    function = on_gpu(list(nodes), results(case, nodes))
    expected = case.expected(arrays)
    first: Sequence[Array] | None = None
    for _ in range(CALLS):
        found = [np.asarray(x) for x in function(*arrays)]
        for actual, exact in zip(found, expected, strict=True):
            assert actual.shape == exact.shape, case
            assert_close(actual, exact, case.terms)
        first = first or found
        for x, y in zip(found, first, strict=True):
            np.testing.assert_array_equal(x, y)  # the same bits every run


@pytest.mark.parametrize("place", some(len(SLOPES), 60))
def test_derivatives_are_those_of_the_numpy_backend(place: int) -> None:
    case, dtype = SLOPES[place]
    arrays = case.arrays(dtype)
    made = slopes_of(case, arrays)
    plain = compile(list(made.nodes), list(made.derivatives), backend="numpy")
    function = on_gpu(list(made.nodes), list(made.derivatives))
    for found, exact in zip(function(*arrays), plain(*arrays), strict=True):
        assert float(found) == pytest.approx(float(exact), rel=1e-8, abs=1e-8), case


@pytest.mark.parametrize("name", [name for name in MODELS if not name.startswith("random")])
def test_models(name: str) -> None:
    plain = MODELS[name]()
    arrays = arrays_for(plain)
    start = {variable: variable.value for variable in plain.variables}
    expected = [leaves(plain(*arrays)) for _ in range(CALLS)]
    after = {variable: variable.value for variable in plain.variables}
    for variable, value in start.items():
        variable.value = value
    level = plain.compilation().options.level
    function = on_gpu(plain.graph.inputs, list(plain.graph.outputs), plain.updates, level)
    for exact in expected:
        for x, y in zip(function(*arrays), exact, strict=True):
            near(x, y)
    for variable, value in after.items():
        near(variable.value, value)


@pytest.mark.parametrize("seed", some(240, 40))
def test_random_graphs(seed: int) -> None:
    graph = random_graph(seed)
    plain = graph.compile()
    function = on_gpu(plain.graph.inputs, list(plain.graph.outputs), plain.updates)
    arrays = graph.arrays(5)
    for x, y in zip(graph.results(function, arrays), graph.results(plain, arrays), strict=True):
        near(x, y)


@pytest.mark.parametrize("library", ["torch", "cupy", "jax"])
def test_arrays_of_other_libraries_are_shared(library: str) -> None:
    other: Any = pytest.importorskip(library)
    given = np.arange(4096, dtype=np.float32).reshape(8, 512) / 4096
    x = gx.input("x", ("n", 512))
    f = on_gpu([x], gx.softmax(x, 1))
    expected = f(given)
    for _ in range(CALLS):
        match library:
            case "torch":
                theirs = other.from_numpy(given).cuda()
                y = f(theirs)
                back = other.from_dlpack(y)
                assert back.data_ptr() == y.address
                np.testing.assert_array_equal(back.cpu().numpy(), expected)
                out = other.empty_like(theirs)
                assert f(theirs, out=out) is out
                np.testing.assert_array_equal(out.cpu().numpy(), expected)
            case "cupy":
                y = f(other.asarray(given))
                np.testing.assert_array_equal(other.asnumpy(other.from_dlpack(y)), expected)
            case _:
                y = f(other.numpy.asarray(given))
                np.testing.assert_array_equal(np.asarray(other.dlpack.from_dlpack(y)), expected)
        assert isinstance(y, DeviceArray)


def test_a_loop_of_steps_takes_no_more_memory_after_the_third() -> None:
    x = gx.input("x", ("n", 256))
    w = gx.param("w", np.eye(256, dtype=np.float32))
    f = on_gpu([x], gx.sum(gx.tanh(x @ w)), {w: w * 0.99})
    array = np.ones((64, 256), np.float32)
    for _ in range(CALLS):
        f(array)
    before = free()
    for _ in range(50):
        f(array)
    assert free() == before


def test_one_recording_follows_batches_in_new_places() -> None:
    x, w = gx.input("x", ("n", 64)), gx.param("w", np.eye(64, dtype=np.float32) / 2)
    loss = gx.sum(gx.square(gx.tanh(x @ w)))
    updates = {w: w - 0.01 * gx.grad(loss, w)}
    plain = compile([x], loss, updates=updates, backend="numpy")
    rng, start = np.random.default_rng(0), w.value
    batches = [rng.standard_normal((32, 64)).astype(np.float32) for _ in range(12)]
    expected = [float(plain(batch)) for batch in batches]
    w.value = start
    f = on_gpu([x], loss, updates)
    kept = [(array := DeviceSpace(gpu()).uploaded(batch), f(array)) for batch in batches]
    np.testing.assert_allclose([float(y) for _, y in kept], expected, rtol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_large_products_have_the_same_bits_in_every_call(dtype: Any) -> None:
    x, w = gx.input("x", ("n", 512), dtype), gx.input("w", (512, 512), dtype)
    f = on_gpu([x, w], [gx.maximum(x @ w, 0), x @ w.mT])
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype(x.dtype) for shape in ((512, 512), (512, 512))]
    a, b = (array.astype(np.float64) for array in arrays)
    first = [np.asarray(y) for y in f(*arrays)]
    for found, exact in zip(first, (np.maximum(a @ b, 0), a @ b.T), strict=True):
        bound = 0.3 if x.dtype.itemsize == 2 else 1e-3
        np.testing.assert_allclose(found.astype(np.float64), exact, rtol=0, atol=bound)
    for _ in range(CALLS):
        for y, before in zip(f(*arrays), first, strict=True):
            np.testing.assert_array_equal(np.asarray(y), before)


def test_release_gives_the_device_back() -> None:
    x = gx.input("x", ("n", 1024))
    f = on_gpu([x], gx.cumsum(gx.softmax(x, 1), 0))
    f(np.ones((2, 1024), np.float32))  # its code stays
    f.release()
    before = free()
    f(np.ones((4096, 1024), np.float32))
    assert free() < before
    f.release()
    assert free() == before
