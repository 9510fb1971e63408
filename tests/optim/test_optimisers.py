"""Optimisers against reference loops in NumPy that share no code with them."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest

import graphc as gx

Array: TypeAlias = npt.NDArray[Any]
Reference: TypeAlias = Callable[[Array, Sequence[Array]], Array]

RATE = 0.05


def sgd(w: Array, gradients: Sequence[Array]) -> Array:
    for g in gradients:
        w = w - RATE * g
    return w


def momentum(w: Array, gradients: Sequence[Array]) -> Array:
    v = np.zeros_like(w)
    for g in gradients:
        v = 0.9 * v + g
        w = w - RATE * v
    return w


def nesterov(w: Array, gradients: Sequence[Array]) -> Array:
    v = np.zeros_like(w)
    for g in gradients:
        v = 0.9 * v + g
        w = w - RATE * (0.9 * v + g)
    return w


def adam(w: Array, gradients: Sequence[Array]) -> Array:
    """Algorithm 1 of Kingma and Ba, 2015, line by line."""
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        m = 0.9 * m + (1 - 0.9) * g
        v = 0.999 * v + (1 - 0.999) * g**2
        w = w - RATE * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return w


CASES: list[tuple[Callable[..., gx.optim.Optimiser], Reference]] = [
    (lambda w: gx.optim.SGD(w, RATE), sgd),
    (lambda w: gx.optim.Momentum(w, RATE), momentum),
    (lambda w: gx.optim.Momentum(w, RATE, nesterov=True), nesterov),
    (lambda w: gx.optim.Adam(w, RATE), adam),
]


@pytest.mark.parametrize(("make", "reference"), CASES, ids=["sgd", "momentum", "nesterov", "adam"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 2e-5)])
def test_twenty_steps_follow_the_reference(
    make: Callable[..., gx.optim.Optimiser], reference: Reference, dtype: str, tolerance: float
) -> None:
    rng = np.random.default_rng(3)
    start, gradients = rng.normal(size=(4, 3)).astype(dtype), rng.normal(size=(20, 4, 3)).astype(dtype)
    w, g = gx.param("w", start), gx.input("g", (4, 3), dtype)
    opt = make(w)
    step = gx.compile([g], None, updates=opt(g))
    for gradient in gradients:
        step(gradient)
    wanted = reference(start.astype("float64"), list(gradients.astype("float64")))
    np.testing.assert_allclose(w.value, wanted, rtol=tolerance, atol=tolerance)
    assert opt.step.value == 20


def test_adam_is_one_block_per_parameter_in_place() -> None:
    w, g = gx.param("w", np.ones((1000, 1000), "float32")), gx.input("g", (1000, 1000))
    step = gx.compile([g], None, updates=gx.optim.Adam(w, 1e-3)(g), backend="numpy")
    assert step.memory().peak_bytes < w.value.nbytes / 4  # blocks of scratch, no temporary of the size of w
    assert step.source.count("np.sqrt") == 2  # of the correction, which is a number, and of v
    assert step.source.count("for start, stop") == 1, step.source


def test_steps_are_counted_by_what_corrects_their_rate() -> None:
    w, g = gx.param("w", np.ones((8, 4), "float32")), gx.input("g", (8, 4))
    step = gx.compile([g], None, updates=gx.optim.Adam(w, 1e-3)(g))
    assert len(step.program.steps) == 2  # numbers, and the param with its slots


def test_first_step_of_adam_is_the_rate() -> None:
    w, g = gx.param("w", np.zeros(3)), gx.input("g", 3, "float64")
    gx.compile([g], None, updates=gx.optim.Adam(w, 0.1)(g))(np.array([1e-3, -1.0, 1e3]))
    np.testing.assert_allclose(w.value, [-0.1, 0.1, -0.1], rtol=1e-4)


def test_params_keep_their_form() -> None:
    a, b = gx.param("a", np.ones(2)), gx.param("b", np.ones(3))
    params = {"a": a, "b": [b]}
    opt = gx.optim.SGD(params, 0.5)
    assert opt.params is params
    loss = gx.sum(a) + gx.sum(b)
    gx.compile([], None, updates=opt(gx.grad(loss, opt.params)))()
    np.testing.assert_array_equal(a.value, [0.5, 0.5])
    np.testing.assert_array_equal(b.value, [0.5, 0.5, 0.5])


def test_params_of_a_layer_and_slots_are_named_by_path() -> None:
    model = gx.nn.Linear(3, 2, rng=np.random.default_rng(0))
    opt = gx.optim.Adam(model, 1e-3)
    assert opt.params == {"weight": model.weight, "bias": model.bias}
    names = ["step", "m.weight", "v.weight", "m.bias", "v.bias"]
    assert list(opt.variables()) == names
    assert list(gx.variables({"opt": opt})) == [f"opt.{name}" for name in names]
    assert gx.parameters(opt) == {}


def test_rate_may_be_an_input() -> None:
    w, rate = gx.param("w", np.ones(2, "float32")), gx.input("rate")
    step = gx.compile([rate], None, updates=gx.optim.SGD(w, rate)(gx.grad(gx.sum(w), w)))
    step(0.25)
    step(rate=0.5)
    np.testing.assert_array_equal(w.value, [0.25, 0.25])
    assert step.compile_count == 1


def test_two_byte_params_are_updated_in_float32() -> None:
    w, g = gx.param("w", np.ones(2), dtype="bfloat16"), gx.input("g", 2, "bfloat16")
    opt = gx.optim.Adam(w, 2**-7)
    assert {slot.dtype.name for slot in opt.slots[w]} == {"float32"}
    gx.compile([g], None, updates=opt(g))(np.array([1e-3, -1e-3], w.dtype))
    np.testing.assert_array_equal(w.value.astype("float32"), [1 - 2**-7, 1 + 2**-7])


def test_gradients_in_another_form_are_refused() -> None:
    a, b = gx.param("a", np.ones(2)), gx.param("b", np.ones(2))
    with pytest.raises(gx.ArgumentError, match="SGD: 1 gradient for 2 params"):
        gx.optim.SGD([a, b], 0.1)([a])


@pytest.mark.parametrize("make", [lambda w: gx.optim.Adam(w, beta2=1.0), lambda w: gx.optim.Momentum(w, 1, -0.1)])
def test_fractions_are_checked(make: Callable[[gx.Node], object]) -> None:
    with pytest.raises(gx.ArgumentError, match="at least 0 and below 1"):
        make(gx.param("w", 1.0))


def test_optimiser_of_nothing_is_refused() -> None:
    with pytest.raises(gx.ArgumentError, match="SGD: there are no params"):
        gx.optim.SGD([], 0.1)


def test_adam_without_memory_of_the_mean_square() -> None:
    w, g = gx.param("w", np.zeros(2)), gx.input("g", 2, "float64")
    gx.compile([g], None, updates=gx.optim.Adam(w, 0.1, 0.0, 0.0)(g))(np.array([3.0, -5.0]))
    np.testing.assert_allclose(w.value, [-0.1, 0.1], rtol=1e-7)


RATE64 = np.float64(RATE)
SCHEDULES: dict[str, gx.optim.Schedule] = {
    "constant": gx.optim.constant(RATE64),
    "cosine": gx.optim.cosine_decay(RATE64, 10, floor=np.float64(1e-3)),
    "exponential": gx.optim.exponential_decay(RATE64, 10, np.float64(0.5)),
    "step": gx.optim.step_decay(RATE64, 10, np.float64(0.5)),
    "warmup": gx.optim.linear_warmup(3, gx.optim.constant(RATE64)),
    "own": lambda step: RATE64 * gx.astype(step, "float32"),
}


@pytest.mark.parametrize("rate", [RATE64, *SCHEDULES.values()], ids=["number", *SCHEDULES])
def test_numbers_of_float64_do_not_widen_a_param(rate: float | gx.Node | gx.optim.Schedule) -> None:
    w, g = gx.param("w", np.ones(3, np.float32)), gx.input("g", 3)
    for opt in (
        gx.optim.SGD(w, rate),
        gx.optim.Momentum(w, rate, np.float64(0.9)),
        gx.optim.Adam(w, rate, np.float64(0.9), np.float64(0.999), np.float64(1e-8)),
    ):
        updates = opt(gx.optim.clip_by_global_norm(g, np.float64(1.0)))
        assert {x.dtype.name for x in updates if x is not opt.step} == {"float32"}
        assert all(value.dtype == x.dtype for x, value in updates.items())
        gx.compile([g], None, updates=updates)(np.ones(3, np.float32))
