"""Mixed precision rounds operands of products, and nothing else."""

from collections.abc import Callable, Mapping
from typing import Literal

import ml_dtypes
import numpy as np
import pytest
from sklearn.datasets import load_digits

import graphc as gx
from graphc.ir.arithmetic import Cast
from graphc.ir.graph import Graph
from graphc.ops.tensor_float import ToTensorFloat
from graphc.passes.pipeline import Log
from graphc.passes.precision import NarrowProducts, TensorFloat, To16Bits
from graphc.types import BFLOAT16
from tests.case import Array
from tests.elementwise_cases import tensor_float

RNG = np.random.default_rng(0)
Precision = Literal["bf16", "f16", "tf32"]
NARROW: Mapping[Precision, Callable[[Array], Array]] = {
    "bf16": lambda x: x.astype(ml_dtypes.bfloat16).astype("float32"),
    "f16": lambda x: x.astype(np.float16).astype("float32"),
    "tf32": tensor_float,
}


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype("float32")


def casts(*outputs: gx.Node) -> int:
    """How many casts the pass adds."""
    before = Graph((), outputs)
    return NarrowProducts(To16Bits(BFLOAT16)).run(before, Log()).count(Cast) - before.count(Cast)


@pytest.mark.parametrize("precision", NARROW)
@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_product_is_that_of_rounded_operands_added_up_in_float32(precision: Precision, level: int) -> None:
    a, b = normal(5, 300), normal(300, 7)
    x, y = gx.input("x", a.shape), gx.input("y", b.shape)
    found = gx.compile([x, y], x @ y, precision=precision, level=level)(a, b)
    narrow = [NARROW[precision](v) for v in (a, b)]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, narrow[0] @ narrow[1], rtol=1e-5, atol=1e-5)
    assert not np.allclose(found, a @ b, rtol=1e-5, atol=1e-5)


def test_tf32_is_rounded_once_and_not_where_numbers_have_16_bits() -> None:
    x, narrow, w = gx.input("x", (4, 3)), gx.input("narrow", (4, 3), "bfloat16"), gx.param("w", normal(3, 2))
    before = Graph((), (x @ w, x.astype("float32") @ w, narrow.astype("float32") @ w))
    assert NarrowProducts(TensorFloat()).run(before, Log()).count(ToTensorFloat) == 2  # of x, and of w


def test_all_but_products_stays_as_wide_as_it_is() -> None:
    x, w = gx.input("x", (4, 3)), gx.param("w", normal(3))
    y = gx.softmax(x * w, -1)
    assert casts(y, gx.grad(gx.sum(y * y), w)) == 0
    assert casts(gx.input("z", (3, 3), "float64") @ np.eye(3)) == 0
    assert casts(gx.input("z", (3, 3), "int64") @ np.eye(3, dtype="int64")) == 0


def test_what_several_products_read_is_rounded_once_below_its_movements() -> None:
    x, w = gx.input("x", (4, 3)), gx.param("w", normal(3, 2))
    y = x @ w
    assert casts(y) == 4  # x and w, down and up
    assert casts(y, x.T @ y) == 6
    assert casts(y, gx.grad(gx.sum(y * y), w)) == 6  # and the cotangent


def test_what_is_narrow_already_is_not_rounded_again() -> None:
    x, w = gx.input("x", (4, 3), "bfloat16"), gx.param("w", normal(3, 2))
    assert casts(x.astype("float32") @ w) == 2
    assert casts(gx.full((4, 3), 0.5) @ w) == 2


def test_products_in_loops_are_rounded_too() -> None:
    w, x = gx.param("w", normal(8, 8)), gx.input("x", 8)
    last, _ = gx.scan(lambda h, _: (gx.tanh(w @ h), None), x, None, length=3)
    f, g = gx.compile([x], last), gx.compile([x], last, precision="bf16")
    h = v = normal(8)
    for _ in range(3):
        h = np.tanh(NARROW["bf16"](w.value) @ NARROW["bf16"](h))
    np.testing.assert_allclose(g(v), h, rtol=1e-2, atol=1e-2)
    assert not np.allclose(f(v), g(v), rtol=1e-4)


def test_the_trace_says_which_products_are_narrow() -> None:
    x = gx.input("x", (4, 3))
    f = gx.compile([x], x @ normal(3, 2), precision="f16")
    (note,) = f.trace["precision"].notes
    assert (note.what, note.origin.line) == ("matmul of f16", f.graph.outputs[0].origin.line)


def test_another_precision_is_refused() -> None:
    x = gx.input("x", 3)
    with pytest.raises(gx.ArgumentError, match="precision is 'bf16', 'f16' or 'tf32', not 'f8'"):
        gx.compile([x], x, precision="f8")  # type: ignore[arg-type]


def accuracy(precision: Precision | None, epochs: int) -> float:
    """Of a small net on held-out digits, in points of a hundred."""
    rng = np.random.default_rng(0)
    images, digits = load_digits(return_X_y=True)
    images, quarter = (images / 16).astype("float32"), len(images) // 4
    order = rng.permutation(len(images))
    held, rest = order[:quarter], order[quarter:]
    x, t = gx.input("x", ("batch", 64)), gx.input("t", "batch", "int64")
    model = gx.nn.mlp((64, 64, 10), rng=rng)
    loss, opt = gx.nn.softmax_cross_entropy(model(x), t), gx.optim.Adam(model, 3e-3)
    if precision == "f16":
        scale = gx.optim.LossScale()
        gradients = scale.unscaled(gx.grad(scale.scaled(loss), opt.params))
        updates = scale.guarded(opt(gradients), gradients)
    else:
        updates = opt(gx.grad(loss, opt.params))
    train = gx.compile([x, t], loss, updates=updates, precision=precision)
    classify = gx.compile([x], gx.argmax(model(x), -1), precision=precision)
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(rest), len(rest) // 32):
            train(images[rows], digits[rows])
    return 100 * float(np.mean(classify(images[held]) == digits[held]))


def test_digits_are_learnt_as_well_within_half_a_point() -> None:
    wide = accuracy(None, 12)
    assert wide > 96
    for precision in NARROW:
        assert abs(accuracy(precision, 12) - wide) <= 0.5
