"""A Gaussian process whose hyper-parameters maximise the marginal likelihood, by its gradient through Cholesky.

log p(y) = -y^T K^-1 y / 2 - sum log L_ii - n log(2 pi) / 2, where K = L L^T is a Gaussian kernel of the inputs with
noise on its diagonal.  The data are 442 patients with ten measurements (Efron et al.: Least Angle Regression, 2004,
from scikit-learn).  Rasmussen, Williams: Gaussian Processes for Machine Learning, 2006, section 5.4.1.
"""

import math
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.datasets import load_diabetes

import graphc as gx

ROWS = 200  # of 442 to fit; the others are predicted


def kernel(a: gx.Node, b: gx.Node, scale: gx.Node, lengths: gx.Node) -> gx.Node:
    """scale exp(-|a_i - b_j|^2 / 2), lengths per input.   a [n, d]   b [m, d]   ->   [n, m]"""
    apart = a[:, None, :] / lengths - b[None, :, :] / lengths
    return scale * gx.exp(-0.5 * gx.sum(apart * apart, axis=-1))


def main() -> dict[str, Any]:
    """The likelihood before and after, the fit's hyper-parameters (logarithms), and errors on held-out patients."""
    inputs, target = load_diabetes(return_X_y=True)
    inputs, target = inputs / inputs.std(0), (target - target.mean()) / target.std()
    d = inputs.shape[1]

    x, y = gx.input("x", ("n", d), "float64"), gx.input("y", "n", "float64")
    new = gx.input("new", ("m", d), "float64")
    theta = gx.input("theta", d + 2, "float64")  # logarithms of scale, lengths and noise
    scale, lengths, noise = gx.exp(theta[0]), gx.exp(theta[1:-1]), gx.exp(theta[-1])
    rows = gx.iota(x.shape[0])
    covariance = kernel(x, x, scale, lengths) + gx.where(rows[:, None] == rows[None, :], noise, 0.0)
    factor = gx.cholesky(covariance)
    white = gx.triangular_solve(factor, y)
    loss = gx.sum(0.5 * white**2 + gx.log(gx.diagonal(factor)) + 0.5 * math.log(2 * math.pi))
    fit = gx.compile([theta, x, y], list(gx.value_and_grad(loss, theta)))
    mean = kernel(new, x, scale, lengths) @ gx.triangular_solve(factor, white, transposed=True)
    predict = gx.compile([theta, x, y, new], mean)

    start = np.concatenate([[0.0], np.full(d, math.log(3.0)), [math.log(0.5)]])
    given = inputs[:ROWS], target[:ROWS]
    found = minimize(fit, start, args=given, jac=True, method="L-BFGS-B", bounds=[(-8, 8)] * (d + 2))
    first = -float(fit(start, *given)[0])
    print(f"log marginal likelihood {first:.3f} at the start, {-found.fun:.3f} after {found.nit} steps")
    print(f"scale {math.exp(found.x[0]):.3f}   noise {math.exp(found.x[-1]):.3f}")
    print("lengths " + "  ".join(f"{length:.2f}" for length in np.exp(found.x[1:-1])))
    errors = predict(found.x, *given, inputs[ROWS:]) - target[ROWS:]
    left = float(np.mean(errors**2) / np.mean(target[ROWS:] ** 2))
    print(f"variance left on {len(errors)} held-out patients: {left:.1%}")
    return {"first": first, "last": -float(found.fun), "theta": found.x, "left": left, "loss": fit, "given": given}


if __name__ == "__main__":
    main()
