"""Each example runs and ends where it says."""

import re
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares
from sklearn.datasets import load_digits
from sklearn.gaussian_process import GaussianProcessRegressor, kernels

import graphc as gx
from examples import (
    chain_rule,
    clipped_gradients,
    copy_task,
    deconvolution,
    digits,
    gaussian_process,
    logistic_regression,
    lynx,
    metropolis,
    roots,
    second_order,
    xor,
)

Array: TypeAlias = npt.NDArray[Any]  # Any: whatever an example gives


def test_digits_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = digits.main(tmp_path)
    assert figures["accuracies"][-1] >= 0.97
    assert sum(figures["losses"][-40:]) < 0.05 * sum(figures["losses"][:40])
    printed = capsys.readouterr().out
    assert "grad of tanh" in printed
    assert "np.tanh" in printed
    assert "arena" in printed
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8").startswith("<svg")
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_only_the_hidden_layer_solves_xor() -> None:
    answers = xor.main()
    assert answers["linear"] == pytest.approx([0.5] * 4, abs=1e-3)
    assert answers["one hidden layer"] == pytest.approx(xor.ANSWERS.tolist(), abs=1e-2)


def test_chain_rule_prints_graphs_formulas_and_values(capsys: pytest.CaptureFixture[str]) -> None:
    product, neuron = chain_rule.main()
    assert product == {"f": -12, "x": -4, "y": -4, "z": 3}
    s = 0.7310585786300049  # 1 / (1 + e^-1)
    assert neuron["y"] == pytest.approx([s])
    assert neuron["dw"] == pytest.approx([-s * (1 - s), -2 * s * (1 - s)])
    assert neuron["db"] == pytest.approx([s * (1 - s)])
    assert neuron["curvature"] == pytest.approx([s * (1 - s) * (1 - 2 * s)])
    printed = capsys.readouterr().out
    assert "df/dx = z" in printed
    assert "grad of sigmoid" in printed


def test_newton_finds_the_coefficients_of_scikit_learn(capsys: pytest.CaptureFixture[str]) -> None:
    found = logistic_regression.main()
    np.testing.assert_allclose(found["ours"], found["theirs"], atol=1e-6)
    printed = capsys.readouterr().out
    assert "grad of softplus" in printed
    assert re.search(r"sub +f64\[rows\]", printed)  # p - y


def test_products_of_the_hessian_find_its_largest_curvature_and_the_best_weights() -> None:
    found = second_order.main()
    assert found["sizes"][-1] < 1e-12
    images, digits = load_digits(return_X_y=True)
    w = gx.param("w", np.zeros((64, 10)))
    loss = gx.nn.softmax_cross_entropy((images / 16) @ w, digits) + second_order.PENALTY / 2 * gx.sum(w * w)
    whole = np.asarray(gx.evaluate(gx.hessian(loss, w))).reshape(640, 640)
    assert found["largest"] == pytest.approx(np.linalg.eigvalsh(whole)[-1], rel=1e-6)


def test_the_marginal_likelihood_and_its_gradient_are_those_of_scikit_learn() -> None:
    found = gaussian_process.main()
    assert found["last"] > found["first"] + 10
    assert found["left"] < 0.5
    theta, (x, y), d = found["theta"], found["given"], 10
    kernel = kernels.ConstantKernel() * kernels.RBF(np.ones(d)) + kernels.WhiteKernel()
    peer = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None).fit(x, y)
    value, slope = found["loss"](theta, x, y)
    theirs, their_slope = peer.log_marginal_likelihood(theta, eval_gradient=True)
    assert -value == pytest.approx(theirs, rel=1e-8)
    np.testing.assert_allclose(-slope, their_slope, rtol=1e-5, atol=1e-6)


def test_a_photograph_is_sharper_after_deconvolution(tmp_path: Path) -> None:
    found = deconvolution.main(tmp_path)
    assert found["restored"] > found["taken"] + 3
    assert (tmp_path / "deconvolution.png").read_bytes().startswith(b"\x89PNG")


def test_a_recurrent_net_recalls_what_it_saw_60_steps_ago(capsys: pytest.CaptureFixture[str]) -> None:
    found = copy_task.main()
    first, last = found["accuracies"]
    assert first < 0.4
    assert last > 0.98
    plain, sparing = found["gradients"]
    for name, g in plain.items():
        np.testing.assert_array_equal(g, sparing[name])
    assert found["memory"]["sqrt"].kept_bytes < 0.4 * found["memory"]["plain"].kept_bytes
    assert "kept" in capsys.readouterr().out


def test_slopes_of_roots_are_those_of_the_implicit_function_theorem(capsys: pytest.CaptureFixture[str]) -> None:
    found = roots.main()
    for name in "roots", "halved":
        np.testing.assert_allclose(found[name] - found["e"] * np.sin(found[name]), found["mean"], atol=1e-11)
    np.testing.assert_allclose(found["slopes"], found["theory"], atol=1e-8)
    np.testing.assert_allclose(found["polished slopes"], found["theory"], atol=1e-11)
    assert found["steps"].min() < found["steps"].max() < 15
    assert "only through steps that have no derivative" in capsys.readouterr().out


def test_chains_find_the_distribution_of_student() -> None:
    found = metropolis.main()
    draws, exact, error = found["draws"], found["exact"], found["error"]
    assert error < 0.005
    assert draws.mean() == pytest.approx(exact.mean(), abs=4 * error)
    assert draws.std() == pytest.approx(exact.std(), rel=0.02)
    tenths = exact.ppf(np.arange(1, 10) / 10)
    np.testing.assert_allclose([np.mean(draws < tenth) for tenth in tenths], np.arange(1, 10) / 10, atol=0.01)
    assert 0.2 < found["moves"] < 0.6
    assert found["agreement"] < 1.01


def test_a_differential_equation_is_fitted_to_hares_and_lynxes() -> None:
    found = lynx.main()
    assert found["losses"] == sorted(found["losses"], reverse=True)
    assert found["scatter"] == pytest.approx(1.27, abs=0.01)

    def course(z: Array) -> Array:
        a, b, c, d, *first = np.exp(z)

        def slope(_: float, y: Array) -> list[float]:
            return [y[0] * (a - b * y[1]), y[1] * (c * y[0] - d)]

        return np.asarray(solve_ivp(slope, (0, 20), first, t_eval=range(21), rtol=1e-9, atol=1e-9).y.T)

    np.testing.assert_allclose(found["populations"], course(found["z"]), rtol=1e-5)

    def residuals(z: Array) -> Array:
        return np.asarray(np.log(course(z) / lynx.CATCHES).ravel())

    best = least_squares(residuals, found["z"] + 0.1)
    np.testing.assert_allclose(found["z"], best.x, atol=1e-4)


def test_no_example_moves_the_sum_of_clipped_gradients_by_more_than_the_limit() -> None:
    found = clipped_gradients.main()
    assert found["accuracy"] > 0.9
    assert found["epsilon"] < 2.5
    assert clipped_gradients.epsilon(4, 0.01, 10_000, 1e-5) == pytest.approx(1.26, abs=0.005)  # Abadi, figure 2
    images, labels = found["held"]
    each, lengths = found["look"](images, labels)
    after = np.sqrt(sum(np.sum(g**2, axis=tuple(range(1, g.ndim))) for g in each.values()))
    np.testing.assert_allclose(after, np.minimum(lengths, clipped_gradients.LIMIT), rtol=1e-5)
    assert np.any(lengths > clipped_gradients.LIMIT)
    longest = int(np.argmax(lengths))
    alone = gx.grad(found["loss"](gx.constant(images[longest]), gx.constant(labels[longest])), found["weights"])
    for name, g in gx.evaluate(alone).items():
        np.testing.assert_allclose(each[name][longest] * lengths[longest], g, rtol=1e-4, atol=1e-6)
