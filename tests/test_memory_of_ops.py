"""What every op, and models, allocate: by the plan and the report, and nothing besides."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

import graphc as gx
from graphc import sizes
from graphc.autodiff.batching import batched
from graphc.autodiff.reverse import pull_back
from graphc.driver import compile
from graphc.ir.arithmetic import ones_like
from graphc.ir.declare import input
from graphc.types import is_floating
from tests.allocation import allocated, slack
from tests.case import Array, Case
from tests.cases import CASES
from tests.test_cases import nodes_for, results

BATCH = 96
STEPS = 20  # that a row's loop may make, where a condition ends it
ELEMENTS = 200_000  # of the largest operand: a copy that nobody planned shows

DTYPES = ["float32", *(pytest.param(dtype, marks=pytest.mark.full) for dtype in ("float64", "float16", "bfloat16"))]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_op_and_its_slope_allocate_what_the_report_says(case: Case, dtype: str) -> None:
    arrays = case.arrays(dtype)
    nodes = nodes_for(arrays)
    wide = [input(f"x{i}", ("n", *array.shape), array.dtype) for i, array in enumerate(arrays)]
    outputs = batched(results(case, nodes), dict(zip(nodes, wide, strict=True)), sizes.symbol("n"))
    if case.order:
        floats = [y for y in outputs if is_floating(y.dtype)]
        wrt = [x for x in wide if is_floating(x.dtype)]
        outputs += [slope for slope in pull_back(floats, list(map(ones_like, floats)), wrt) if slope is not None]
    n = ELEMENTS // max(1, *(array.size for array in arrays))
    require_report(compile(wide, outputs), [np.stack([array] * n) for array in arrays], n)


def require_report(f: gx.CompiledFunction, arrays: Sequence[Array], n: int) -> None:
    """Raise unless a first call allocates what the report says; `n` is the only size."""
    f(*arrays)  # what Python itself keeps after a first call is not of this call
    f.release()
    report = f.memory(**dict.fromkeys(f.program.symbols, n))
    assert allocated(f, arrays) <= report.call_bytes + STEPS * report.step_bytes + slack(f)


def perceptron() -> tuple[gx.CompiledFunction, list[Array]]:
    """A training step of the example that reads digits."""
    x, t = gx.input("x", ("batch", 64)), gx.input("t", "batch", "int64")
    model = gx.nn.mlp((64, 128, 64, 10), rng=np.random.default_rng(0))
    loss = gx.nn.softmax_cross_entropy(model(x), t)
    opt = gx.optim.Adam(model, gx.optim.cosine_decay(3e-3, 100))
    f = gx.compile([x, t], loss, updates=opt(gx.grad(loss, opt.params)), debug=True)
    return f, [np.ones((BATCH, 64), np.float32), np.arange(BATCH) % 10]


def convolutions() -> tuple[gx.CompiledFunction, list[Array]]:
    """The loss of a small convolutional network, and the gradient of all it has."""
    rng = np.random.default_rng(0)
    x = gx.input("x", ("batch", 1, 16, 16))
    k = gx.param("k", rng.standard_normal((4, 1, 5, 5)).astype("float32"))
    w = gx.param("w", rng.standard_normal((4 * 8 * 8, 10)).astype("float32"))
    h = gx.relu(gx.max_pool(gx.conv2d(x, k, padding="same"), 2))
    loss = gx.mean(gx.logsumexp(gx.reshape(h, (x.shape[0], 256)) @ w, 1))
    f = gx.compile([x], [loss, *gx.grad(loss, [k, w, x])], debug=True)
    return f, [rng.standard_normal((BATCH, 1, 16, 16)).astype("float32")]


def linear_algebra() -> tuple[gx.CompiledFunction, list[Array]]:
    """A normal density by way of a Cholesky factor, and the largest of its slopes."""
    a, b = gx.input("a", (60, 60)), gx.input("b", ("batch", 60))
    factor = gx.cholesky(a)
    white = gx.triangular_solve(factor, b.T)
    density = gx.sum(gx.square(white)) + gx.sum(gx.log(gx.diagonal(factor)))
    slopes = gx.grad(density, [a, b])
    f = gx.compile([a, b], [density, gx.sort(slopes[1], 0), gx.argmax(slopes[1], 0), slopes[0]], debug=True)
    return f, [np.eye(60, dtype=np.float32) * 2, np.ones((BATCH, 60), np.float32)]


@pytest.mark.parametrize("model", [perceptron, convolutions, linear_algebra])
def test_a_model_keeps_to_its_report_and_its_arena(
    model: Callable[[], tuple[gx.CompiledFunction, list[Array]]],
) -> None:
    f, arrays = model()
    f(*arrays)
    report = f.memory(batch=BATCH)
    assert f.arena_use is not None
    assert 0 < f.arena_use.touched_bytes <= report.peak_bytes
    assert report.bound_bytes <= report.peak_bytes <= report.total_bytes
    f.debug = False
    require_report(f, arrays, BATCH)
