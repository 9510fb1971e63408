"""Loss scaling saves gradients that float16 would lose, and skips steps that overflow."""

import numpy as np
import pytest

import graphc as gx


def steps(start: float, interval: int = 3) -> tuple[gx.CompiledFunction, gx.Node, gx.optim.LossScale]:
    """One step along the gradient of w x, which is x itself; with the variables that it changes."""
    w, x = gx.param("w", np.zeros((), "float32")), gx.input("x", ())
    opt, scale = gx.optim.SGD(w, 1.0), gx.optim.LossScale(start, interval=interval)
    loss = w * x
    gradients = scale.unscaled(gx.grad(scale.scaled(loss), opt.params))
    return gx.compile([x], loss, updates=scale.guarded(opt(gradients), gradients)), w, scale


def test_scaling_changes_no_digit() -> None:
    step, w, scale = steps(2.0**15)
    step(0.3)
    assert w.value == -np.float32(0.3)
    assert scale.good.value == 1


def test_a_factor_that_is_no_power_of_two_is_taken_as_it_is() -> None:
    step, w, scale = steps(3.0)
    step(0.3)
    assert scale.scale.value == 3.0
    np.testing.assert_array_max_ulp(w.value, -np.float32(0.3), 1)


def test_a_step_that_overflows_changes_nothing_and_halves_the_factor() -> None:
    step, w, scale = steps(1024.0)
    step(0.25)
    for bad in (np.inf, np.nan, 3e38):
        step(bad)
    assert (float(w.value), float(scale.scale.value), int(scale.good.value)) == (-0.25, 128.0, 0)


def test_good_steps_in_a_row_double_the_factor() -> None:
    step, _, scale = steps(8.0)
    found = []
    for _ in range(7):
        step(1.0)
        found.append((float(scale.scale.value), int(scale.good.value)))
    assert found == [(8, 1), (8, 2), (16, 0), (16, 1), (16, 2), (32, 0), (32, 1)]


def test_the_factor_stays_within_its_bounds() -> None:
    step, _, scale = steps(2.0**24, interval=1)
    step(1e-9)
    assert scale.scale.value == 2.0**24
    step, _, scale = steps(2.0**-24)
    step(np.nan)
    assert scale.scale.value == 2.0**-24


def test_gradients_below_what_float16_holds_arrive() -> None:
    """The cotangent of a product's result is rounded to float16, where 1e-9 is 0."""
    w, x = gx.param("w", np.ones((2, 1), "float32")), gx.input("x", (3, 2))
    loss, scale = 1e-9 * gx.sum(x @ w), gx.optim.LossScale()
    plain = gx.grad(loss, w)
    scaled = scale.unscaled(gx.grad(scale.scaled(loss), w))
    lost, kept = gx.compile([x], [plain, scaled], precision="f16")(np.ones((3, 2), "float32"))
    assert lost.tolist() == [[0], [0]]
    np.testing.assert_allclose(kept, [[3e-9], [3e-9]], rtol=1e-3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: gx.optim.LossScale(0.0), "LossScale: the scale starts between 2\\^-24 and 2\\^24, not at 0.0"),
        (lambda: gx.optim.LossScale(-1024.0), "not at -1024.0"),
        (lambda: gx.optim.LossScale(np.nan), "not at nan"),
        (lambda: gx.optim.LossScale(np.inf), "not at inf"),
        (lambda: gx.optim.LossScale(2.0**25), "not at 33554432.0"),
        (lambda: gx.optim.LossScale(interval=0), "LossScale: the interval is an int of 1 or more, not 0"),
        (lambda: gx.optim.LossScale().guarded({}, []), "there are no gradients"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(gx.ArgumentError, match=message):
        make()


def test_an_integer_is_no_loss() -> None:
    with pytest.raises(gx.DTypeError, match="scaled: int64 holds no loss"):
        gx.optim.LossScale().scaled(gx.input("n", (), "int64"))
