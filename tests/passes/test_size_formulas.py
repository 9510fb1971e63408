"""Numbers of sizes are computed where they are read: by no kernel of their own, with the bits that they had."""

from collections.abc import Callable

import numpy as np
import pytest

import graphc as gx
from tests.passes.one_kernel import BACKENDS, Backend, kernels


def normed(x: gx.Node) -> gx.Node:
    shifted = x - gx.mean(x, -1, keepdims=True)
    return shifted / gx.sqrt(gx.mean(shifted * shifted, -1, keepdims=True) + 1e-5)


def compared(inputs: list[gx.Node], outputs: list[gx.Node], backend: Backend) -> gx.CompiledFunction:
    """The compiled function, which gives the bits of single ops where open sizes are 5."""
    f, plain = (gx.compile(inputs, outputs, backend=backend, level=level, verify=True) for level in (1, 0))
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal([n if isinstance(n, int) else 5 for n in x.shape]).astype(np.float32) for x in inputs]
    for found, exact in zip(f(*arrays), plain(*arrays), strict=True):
        np.testing.assert_array_equal(found, exact)
    return f


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_norm_of_open_rows_is_one_kernel(backend: Backend) -> None:
    x = gx.input("x", ("n", "m"))
    assert len(kernels(compared([x], [normed(x)], backend))) == 1


def gradients(x: gx.Node) -> list[gx.Node]:
    loss = gx.mean(gx.square(x))
    return [loss, gx.grad(loss, x)]


BUILDS: dict[str, Callable[[gx.Node], list[gx.Node]]] = {
    "gradients": gradients,
    "read by a product": lambda x: [x @ gx.transpose(x) / gx.mean(gx.ones_like(x))],
    "an output": lambda x: [1 / gx.astype(x.shape[0], "float32"), x / x.shape[0]],
    "in a loop": lambda x: [gx.scan(lambda c, row: (c + row / x.shape[0], c), gx.zeros(3), x)[0]],
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("build", BUILDS)
def test_values_stay(build: str, backend: Backend) -> None:
    x = gx.input("x", ("n", 3))
    compared([x], BUILDS[build](x), backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_number_that_is_a_result_is_stored(backend: Backend) -> None:
    x = gx.input("x", ("n", 3))
    each = 1 / gx.astype(x.shape[0], "float32")
    f = gx.compile([x], [each, x * each], backend=backend)
    one, rows = f(np.ones((4, 3), np.float32))
    assert one == 0.25
    np.testing.assert_array_equal(rows, np.full((4, 3), 0.25, np.float32))


@pytest.mark.parametrize(("backend", "count"), [("numpy", 5), ("llvm", 4)])
def test_where_each_function_is_a_call_a_number_that_many_read_is_made_once(backend: Backend, count: int) -> None:
    xs = [gx.input(f"x{k}", ("n", k)) for k in range(2, 6)]
    each = 1 / gx.astype(xs[0].shape[0], "float32")
    assert len(kernels(compared(list(xs), [x * each for x in xs], backend))) == count
