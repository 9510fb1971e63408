"""Second order without a Hessian: products of it with vectors, derived from the loss as graphs.

Softmax regression on handwritten digits (Alpaydin, Kaynak, 1998, from scikit-learn) has 640 weights.  Its largest
curvature is found by power iteration, and the best weights by Newton's method, each step of which is solved by
conjugate gradients: both only ever multiply the Hessian by a vector.  Pearlmutter: Fast Exact Multiplication by the
Hessian, 1994.  Nocedal, Wright: Numerical Optimization, 2006, section 7.1.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_digits

import graphc as gx

Array: TypeAlias = npt.NDArray[Any]
PENALTY = 1e-3


def largest_curvature(product: Callable[[Array], Array], v: Array, steps: int = 300) -> float:
    """The largest eigenvalue, by power iteration from `v`."""
    value = 0.0
    for _ in range(steps):
        hv = product(v)
        value, v = float(np.vdot(v, hv) / np.vdot(v, v)), hv / np.linalg.norm(hv)
    return value


def solved(product: Callable[[Array], Array], b: Array, tolerance: float) -> Array:
    """x with H x = b, by conjugate gradients."""
    x, rest = np.zeros_like(b), b
    along, size = rest, np.vdot(rest, rest)
    while np.sqrt(size) > tolerance:
        curved = product(along)
        rate = size / np.vdot(along, curved)
        x, rest = x + rate * along, rest - rate * curved
        before, size = size, np.vdot(rest, rest)
        along = rest + size / before * along
    return x


def main(steps: int = 8) -> dict[str, Any]:
    """The largest curvature at zero weights, and the size of the gradient before every Newton step."""
    images, digits = load_digits(return_X_y=True)
    images = images / 16
    x, t = gx.input("x", ("batch", 64), "float64"), gx.input("t", "batch", "int64")
    w, v = gx.param("w", np.zeros((64, 10))), gx.input("v", (64, 10), "float64")
    loss = gx.nn.softmax_cross_entropy(x @ w, t) + PENALTY / 2 * gx.sum(w * w)
    slope = gx.compile([x, t], gx.grad(loss, w))
    curved = gx.compile([x, t, v], gx.hvp(loss, w, v))
    print(f"The product of the Hessian with v, as a graph:\n\n{gx.show(gx.hvp(loss, w, v))}\n")

    def product(v: Array) -> Array:
        return np.asarray(curved(images, digits, v))

    largest = largest_curvature(product, np.random.default_rng(0).standard_normal((64, 10)))
    print(f"largest curvature at zero weights: {largest:.6f}\n")
    sizes: list[float] = []
    for number in range(steps):
        g = np.asarray(slope(images, digits))
        sizes.append(float(np.linalg.norm(g)))
        print(f"Newton step {number}   |gradient| {sizes[-1]:.2e}")
        w.value = w.value - solved(product, g, tolerance=min(0.1, sizes[-1]) * sizes[-1])
    return {"largest": largest, "sizes": sizes}


if __name__ == "__main__":
    main()
