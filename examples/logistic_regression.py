"""Logistic regression by Newton's method, with gradient and Hessian derived from the loss.

The gradient X^T (p - y) + w, simplified, is a graph that can be read.  The data are 569 tumours with 30 measurements
each (Wolberg, Street, Mangasarian: Breast Cancer Wisconsin, 1993, from scikit-learn), the penalty is |w|^2 / 2 without
the intercept: what scikit-learn fits, and the coefficients agree.  Bishop: Pattern Recognition, 2006, section 4.3.3.
"""

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

import graphc as gx

STEPS = 12


def newton(features: npt.NDArray[np.float64], truth: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The weights, then the intercept, that fit best."""
    x = gx.input("x", ("rows", features.shape[1] + 1), "float64")
    y = gx.input("y", "rows", "float64")
    w = gx.param("w", np.zeros(features.shape[1] + 1))
    z = x @ w
    loss = gx.sum(gx.softplus(z) - y * z) + gx.sum(w[:-1] ** 2) / 2
    slope, curvature = gx.grad(loss, w), gx.hessian(loss, w)
    simplified = gx.compile([x, y], slope).trace["rewrite"].after
    print(f"The gradient, X^T (p - y) and the weights of the penalty:\n\n{gx.show(simplified)}\n")

    factor = gx.cholesky(curvature)  # the loss is strictly convex
    step = gx.triangular_solve(factor, gx.triangular_solve(factor, slope), transposed=True)
    fit = gx.compile([x, y], [loss, gx.sum(slope**2) ** 0.5], updates={w: w - step})
    ones = np.concatenate([features, np.ones((len(features), 1))], axis=1)
    for number in range(STEPS):
        value, size = fit(ones, truth)
        print(f"step {number:2}   loss {value:.12f}   |gradient| {size:.1e}")
    return np.array(w.value)


def main() -> dict[str, npt.NDArray[np.float64]]:
    """The coefficients found here, and those of scikit-learn."""
    features, truth = load_breast_cancer(return_X_y=True)
    features = (features - features.mean(0)) / features.std(0)
    ours = newton(features, truth.astype("float64"))
    peer = LogisticRegression(tol=1e-12, max_iter=10_000, solver="newton-cholesky").fit(features, truth)
    theirs = np.append(peer.coef_, peer.intercept_)
    print(f"\nlargest difference from scikit-learn's coefficients: {abs(ours - theirs).max():.1e}")
    return {"ours": ours, "theirs": theirs}


if __name__ == "__main__":
    main()
