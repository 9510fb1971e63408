"""Hares and lynxes: a differential equation fitted to data, by derivatives through its solver.

    dh/dt = h (a - b l)        dl/dt = l (c h - d)

The equations of Lotka and Volterra are solved by steps of Runge-Kutta in `gx.scan`.  The rates a, b, c, d and both
populations of the first year, all as logarithms, are fitted to the pelts that the Hudson's Bay Company took from 1900
to 1920, in thousands (Howard: Modeling Basics, 2009): by least squares of logarithms, as catches scatter by factors.

Steps s of Levenberg and Marquardt solve (J^T J + m I) s = -J^T r.  The Jacobian J of the residuals r goes through all
steps of the solver, forward, as there are 6 columns and 42 rows: `gx.vmap` of `gx.jvp` over the columns of an identity.
Nocedal, Wright: Numerical Optimization, 2006, section 10.3.
"""

import math
from typing import Any

import numpy as np

import graphc as gx

HARES = [30.0, 47.2, 70.2, 77.4, 36.3, 20.6, 18.1, 21.4, 22.0, 25.4, 27.1,
         40.3, 57.0, 76.6, 52.3, 19.5, 11.2, 7.6, 14.6, 16.2, 24.7]  # fmt: skip
LYNXES = [4.0, 6.1, 9.8, 35.2, 59.4, 41.7, 19.0, 13.0, 8.3, 9.1, 7.4,
          8.0, 12.3, 19.5, 45.7, 51.1, 29.7, 15.8, 9.7, 10.1, 8.6]  # fmt: skip
CATCHES = np.stack([HARES, LYNXES], axis=1)
SUBSTEPS = 20  # in a year
NAMES = "a", "b", "c", "d", "hares of 1900", "lynxes of 1900"
START = np.log([1.0, 0.05, 0.05, 1.0, 30.0, 4.0])


def slope(y: gx.Node, rates: gx.Node) -> gx.Node:
    """What both populations gain in a year.   y [2]   rates [4]   ->   [2]"""
    a, b, c, d = gx.unstack(rates)
    hares, lynxes = gx.unstack(y)
    return gx.stack([hares * (a - b * lynxes), lynxes * (c * hares - d)])


def solved(z: gx.Node) -> gx.Node:
    """Both populations, year after year.   z [6]   ->   [years, 2]"""
    rates, first = gx.exp(z[:4]), gx.exp(z[4:])
    h = 1 / SUBSTEPS

    def runge_kutta(_: gx.Node, y: gx.Node) -> gx.Node:
        k1 = slope(y, rates)
        k2 = slope(y + h / 2 * k1, rates)
        k3 = slope(y + h / 2 * k2, rates)
        k4 = slope(y + h * k3, rates)
        return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    def year(y: gx.Node, _: None) -> tuple[gx.Node, gx.Node]:
        return gx.fori_loop(0, SUBSTEPS, runge_kutta, y), y

    populations: gx.Node = gx.scan(year, first, length=len(CATCHES))[1]
    return populations


def main() -> dict[str, Any]:
    """The fitted logarithms, the sum of squares after every step that was taken, and the populations."""
    z, damping = gx.input("z", 6, "float64"), gx.input("damping", (), "float64")
    populations = solved(z)
    residuals = gx.ravel(gx.log(populations / CATCHES))
    loss = gx.sum(residuals**2)
    columns = gx.vmap(lambda along: gx.jvp(residuals, z, along))(gx.eye(6, dtype="float64"))
    curvature = columns @ columns.T + damping * gx.eye(6, dtype="float64")
    step = -gx.linalg.solve(curvature, columns @ residuals)
    fit = gx.compile([z, damping], [loss, step, populations])

    at, m = START, 1.0
    value, move, course = fit(at, m)
    losses = [float(value)]
    while np.abs(move).max() > 1e-7:
        print(f"sum of squares {value:.8f}   damping {m:.0e}   next step {np.linalg.norm(move):.1e}")
        tried = fit(at + move, m / 10)
        if tried[0] < value:
            at, m = at + move, m / 10
            value, move, course = tried
            losses.append(float(value))
        else:
            m = m * 10
            value, move, course = fit(at, m)
    print("  ".join(f"{name} {value:.4f}" for name, value in zip(NAMES, np.exp(at), strict=True)))
    scatter = math.exp(math.sqrt(losses[-1] / (CATCHES.size - 6)))
    print(f"catches scatter by a factor of {scatter:.2f} about the solution")
    return {"z": at, "losses": losses, "populations": course, "scatter": scatter}


if __name__ == "__main__":
    main()
