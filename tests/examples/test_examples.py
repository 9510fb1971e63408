"""Each example runs and ends where it says."""

from pathlib import Path

import pytest

from examples import chain_rule, digits, xor


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
