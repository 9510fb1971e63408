"""Rows less the logarithm of the sum of their powers, and x less its softplus, keep their digits in every spelling."""

from collections.abc import Callable

import numpy as np
import pytest

import graphc as gx
from graphc.kernel.steps import Kernel


def total(x: gx.Node) -> gx.Node:
    return gx.log(gx.sum(gx.exp(x), -1, keepdims=True))


LOG_SHARES: dict[str, Callable[[gx.Node], gx.Node]] = {
    "x - log(sum(exp(x)))": lambda x: x - total(x),
    "-log(sum(exp(x))) + x": lambda x: -total(x) + x,
    "-(log(sum(exp(x))) - x)": lambda x: -(total(x) - x),
    "log(exp(x)) - log(sum(exp(x)))": lambda x: gx.log(gx.exp(x)) - total(x),
    "x - log(sum(exp(x)))[:, None]": lambda x: x - gx.log(gx.sum(gx.exp(x), -1))[:, None],
    "of all": lambda x: gx.stack([row - gx.log(gx.sum(gx.exp(row))) for row in (x[0], x[1])]),
    "half of twice": lambda x: (2 * x) * 0.5 - total((2 * x) * 0.5),
    "x - logsumexp(x)": lambda x: x - gx.logsumexp(x, -1, keepdims=True),
    "-(logsumexp(x) - x)": lambda x: -(gx.logsumexp(x, -1, keepdims=True) - x),
    "its own largest": lambda x: x - (gx.max(x, -1, keepdims=True) + total(x - gx.max(x, -1, keepdims=True))),
    "log(exp(x - log(sum(exp(x)))))": lambda x: gx.log(gx.exp(x - total(x))),
    "log(exp(x - logsumexp(x)))": lambda x: gx.log(gx.exp(x - gx.logsumexp(x, -1, keepdims=True))),
}


@pytest.mark.parametrize("name", LOG_SHARES)
def test_a_row_less_its_logsumexp_is_a_log_softmax_of_one_kernel(name: str) -> None:
    x, w = gx.input("x", (2, 3)), gx.input("w", (2, 3))
    y = LOG_SHARES[name](x)
    f = gx.compile([x, w], [y, gx.exp(y), gx.grad(gx.sum(y * w), x)])
    rows, weights = np.array([[1000, 0, 999], [-3e4, -3e4 + 2, -3e4]], "float32"), np.ones((2, 3), "float32")
    weights[:, 1] = -4
    shifted = rows.astype("float64") - rows.max(1, keepdims=True)
    exact = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    slopes = weights - np.exp(exact) * weights.sum(1, keepdims=True)
    for found, wanted in zip(f(rows, weights), (exact, np.exp(exact), slopes), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=4e-7)
    if name != "of all":
        assert sum(isinstance(step, Kernel) for step in f.program.steps) == 1


def test_a_row_less_another_logsumexp_stays() -> None:
    x, y = gx.input("x", (3, 4)), gx.input("y", (3, 4))
    formulas = x - total(y), x - gx.softplus(2 * x), x * y - gx.softplus(x), y + gx.softplus(x)
    notes = gx.compile([x, y], formulas).trace["stabilise"].notes
    assert {note.what for note in notes} == {"log in stable form"}


@pytest.mark.parametrize(
    "formula",
    [
        lambda x, y: y - gx.log(gx.sum(gx.exp(x - gx.max(x, -1, keepdims=True)), -1, keepdims=True)) - total(y),
        lambda x, y: y - gx.log(gx.exp(total(x - gx.max(x, -1, keepdims=True))) * gx.exp(total(y))),
        lambda x, y: y - gx.log(gx.sum(gx.exp(x - gx.max(x, -1, keepdims=True)), -1) * gx.sum(gx.exp(y), -1))[:, None],
        lambda x, y: gx.exp(gx.log(y * gx.exp(x))) * gx.exp(-x),
        lambda x, y: gx.exp(x - gx.log(y * gx.sum(gx.exp(x), -1, keepdims=True))),
        lambda x, y: x - gx.log(-gx.sum(gx.exp(x), -1, keepdims=True)) * gx.exp(y),
        lambda x, y: x + y - gx.log(gx.mean(gx.exp(x), -1, keepdims=True)),
    ],
)
def test_what_else_is_in_a_logarithm_counts(formula: Callable[[gx.Node, gx.Node], gx.Node]) -> None:
    """Other factors, which may be negative, and sums that the user keeps in range."""
    x, y = gx.input("x", (2, 3)), gx.input("y", (2, 3))
    value = formula(x, y)
    plain, stable = (gx.compile([x, y], [value, *gx.grad(gx.sum(value), [x, y])], level=level) for level in (0, 2))
    rows = np.array([[1, 2, 0.5], [-1, 0.25, 3]], "float32"), np.array([[0.5, -2, 1], [3, 1, -1]], "float32")
    with np.errstate(invalid="ignore"):
        for found, wanted in zip(stable(*rows), plain(*rows), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=3e-6, atol=1e-6)


@pytest.mark.parametrize(
    "formula",
    [
        lambda x: x - gx.log(1 + gx.exp(x)),
        lambda x: x - gx.log1p(gx.exp(x)),
        lambda x: x - gx.softplus(x),
        lambda x: -(gx.softplus(x) - x),
        lambda x: -x * -1.0 - gx.log(gx.exp(x) + 1),
        lambda x: -(gx.softplus(-x * -1.0) - x),
    ],
)
def test_x_less_its_softplus_keeps_its_digits(formula: Callable[[gx.Node], gx.Node]) -> None:
    x = gx.input("x", ("n",))
    y = formula(x)
    at = np.array([-80, -1, 0.5, 10, 20, 50, 85], "float32")
    value, slope = gx.compile(x, [y, gx.grad(gx.sum(y), x)])(at)
    wide = at.astype("float64")
    np.testing.assert_allclose(value, -np.log1p(np.exp(-wide)), rtol=5e-7)
    np.testing.assert_allclose(slope, 1 / (1 + np.exp(wide)), rtol=5e-7)
