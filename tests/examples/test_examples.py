"""Each example runs and ends where it says."""

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.gaussian_process import GaussianProcessRegressor, kernels

import graphc as gx
from examples import (
    chain_rule,
    deconvolution,
    digits,
    gaussian_process,
    logistic_regression,
    second_order,
    xor,
)


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
