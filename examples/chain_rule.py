"""The chain rule as a graph: (x + y) z, and the logistic neuron.

A derivative is a graph of the same kind as the function: it can be printed, written as a formula, and run.
"""

import numpy as np

import graphc as gx


def product() -> dict[str, float]:
    """f = (x + y) z at x = -2, y = 5, z = -4: df/dx = df/dy = z = -4 and df/dz = x + y = 3."""
    x, y, z = gx.input("x"), gx.input("y"), gx.input("z")
    f = (x + y) * z
    df = dict(zip("xyz", gx.grad(f, [x, y, z]), strict=True))

    print(f"f = (x + y) z and its derivatives, one graph:\n\n{gx.show([f, *df.values()])}\n")
    print(f"f = {gx.to_sympy(f)}")
    for name, slope in df.items():
        print(f"df/d{name} = {gx.to_sympy(slope)}")

    values = gx.compile([x, y, z], {"f": f, **df})(x=-2.0, y=5.0, z=-4.0)
    print(f"at x = -2, y = 5, z = -4: {values}\n")
    return {name: float(value) for name, value in values.items()}


def neuron() -> dict[str, list[float]]:
    """The neuron s(w . x + b), s the logistic function: its slope is s (1 - s), by which w and b are reached."""
    x = gx.input("x", 2)
    w = gx.param("w", np.array([2.0, -3.0], "float32"))
    b = gx.param("b", -3.0)
    y = gx.sigmoid(w @ x + b)
    dw, db = gx.grad(y, [w, b])
    curvature = gx.grad(db, b)  # a derivative is a node, and has derivatives

    print(f"The logistic neuron and the gradient of its weights:\n\n{gx.show([y, dw])}\n")
    values = gx.compile([x], {"y": y, "dw": dw, "db": db, "curvature": curvature})(np.array([-1.0, -2.0], "float32"))
    print(f"at x = (-1, -2), w = (2, -3), b = -3: {values}")
    return {name: np.ravel(value).tolist() for name, value in values.items()}


def main() -> tuple[dict[str, float], dict[str, list[float]]]:
    """The values and derivatives of both."""
    return product(), neuron()


if __name__ == "__main__":
    main()
