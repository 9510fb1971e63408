"""Equations solved in loops, with the derivative of the root by differentiation through the loop.

Kepler's equation, E - e sin E = M, tells where a planet is on its ellipse: M is the time since it was nearest to the
sun, as an angle, and e the eccentricity.  Newton's method runs in `gx.while_loop` until it has converged.  Reverse mode
goes back through the steps that were made, and finds the slope that the implicit function theorem gives,
dE/de = sin E / (1 - e cos E).  It is as good as the root one step before: slopes converge a step later than values.

Bisection asks only on which side the root is.  As e moves a little, no answer changes, and all middles stay where they
are: they have no derivative.  A step of Newton's method at the end, from a point held fixed, has that of the root: the
derivative of E - f / f' by e is -(df/de) / f' where f = 0.

`gx.vmap` solves for many bodies and times at once; each has its own number of steps.  Eccentricities: NASA, Planetary
Fact Sheet.  Gilbert: Automatic Differentiation and Iterative Processes, 1992.
"""

import math
from typing import Any

import numpy as np

import graphc as gx

ECCENTRICITIES = {
    "Mercury": 0.2056, "Venus": 0.0068, "Earth": 0.0167, "Mars": 0.0935, "Jupiter": 0.0487,
    "Saturn": 0.0520, "Uranus": 0.0469, "Neptune": 0.0097, "Pluto": 0.2444, "Halley's comet": 0.9671,
}  # fmt: skip
TIMES = 12  # in a period
TOLERANCE = 1e-12


def apart(anomaly: gx.Node, e: gx.Node, mean: gx.Node) -> gx.Node:
    """How far E is from solving Kepler's equation."""
    return anomaly - e * gx.sin(anomaly) - mean


def step(anomaly: gx.Node, e: gx.Node, mean: gx.Node) -> gx.Node:
    """E after one step of Newton's method."""
    return anomaly - apart(anomaly, e, mean) / (1 - e * gx.cos(anomaly))


def newton(e: gx.Node, mean: gx.Node) -> tuple[gx.Node, gx.Node]:
    """The root, from E = pi, from where it converges for every e < 1, and the number of steps."""
    root, steps = gx.while_loop(
        lambda state: gx.abs(apart(state[0], e, mean)) > TOLERANCE,
        lambda state: (step(state[0], e, mean), state[1] + 1),
        (np.float64(math.pi), np.int64(0)),
        max_steps=30,
    )
    return root, steps


def bisection(e: gx.Node, mean: gx.Node) -> gx.Node:
    """The root, between 0 and 2 pi."""

    def halved(between: tuple[gx.Node, gx.Node]) -> tuple[gx.Node, gx.Node]:
        low, high = between
        middle = (low + high) / 2
        is_beyond = apart(middle, e, mean) > 0
        return gx.where(is_beyond, low, middle), gx.where(is_beyond, middle, high)

    found: tuple[gx.Node, gx.Node] = gx.while_loop(
        lambda between: between[1] - between[0] > TOLERANCE,
        halved,
        (np.float64(0), np.float64(2 * math.pi)),
        max_steps=50,
    )
    return (found[0] + found[1]) / 2


def main() -> dict[str, Any]:
    """Roots and slopes dE/de of all bodies at all times, by both methods, and the steps of Newton's method."""
    e, mean = gx.input("e", "n", "float64"), gx.input("mean", "n", "float64")
    roots, steps = gx.vmap(newton)(e, mean)
    halved = gx.vmap(bisection)(e, mean)
    try:
        gx.grad(gx.sum(halved), e)
    except gx.UnconnectedError as error:
        print(f"Bisection alone:\n\n{error}\n")
    polished = step(gx.stop_gradient(halved), e, mean)
    slopes, polished_slopes = gx.grad(gx.sum(roots), e), gx.grad(gx.sum(polished), e)
    solve = gx.compile([e, mean], [roots, steps, slopes, halved, polished_slopes])

    times = 2 * np.pi * (np.arange(TIMES) + 0.5) / TIMES
    each, angles = np.repeat(list(ECCENTRICITIES.values()), TIMES), np.tile(times, len(ECCENTRICITIES))
    names = "roots", "steps", "slopes", "halved", "polished slopes"
    found = dict(zip(names, solve(each, angles), strict=True))
    theory = np.sin(found["roots"]) / (1 - each * np.cos(found["roots"]))
    print("                    e   E at M = pi / 12      dE/de   steps")
    for row, (name, eccentricity) in enumerate(ECCENTRICITIES.items()):
        root, slope, count = (found[name][row * TIMES] for name in ("roots", "slopes", "steps"))
        print(f"{name:14} {eccentricity:.4f} {root:18.12f} {slope:10.6f} {count:7}")
    for name in "slopes", "polished slopes":
        print(f"{name}: furthest from the implicit function theorem {abs(found[name] - theory).max():.1e}")
    return {**found, "e": each, "mean": angles, "theory": theory}


if __name__ == "__main__":
    main()
