"""Equations solved in loops, with the derivative of the root by differentiation through the loop.

Kepler's equation, E - e sin E = M, tells where a planet is on its ellipse: M is the time since perihelion as an angle,
e the eccentricity.  Newton's method runs in `gx.while_loop` until it has converged; reverse mode goes back through the
steps that it made, and the slope dE/de = sin E / (1 - e cos E), which the implicit function theorem gives, comes out.

Bisection only asks on which side the root is, and each of its iterates is a sum of fractions of the first interval: as
e moves a little, none of them moves.  Their derivative is zero, or would be that of the interval.  One step of Newton's
method at the end, from a point that is held fixed, has the right one: E - f(E) / f'(E) has the derivative
-(df/de) / f'(E) where f(E) = 0.

Eccentricities: NASA Planetary Fact Sheet.  Danby: Fundamentals of Celestial Mechanics, 1988, section 6.6.
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

    low, high = gx.while_loop(
        lambda between: between[1] - between[0] > TOLERANCE,
        halved,
        (np.float64(0), np.float64(2 * math.pi)),
        max_steps=50,
    )
    return (low + high) / 2


def main() -> dict[str, Any]:
    """Roots and slopes dE/de of all bodies at all times, by both methods, and the steps of Newton's method."""
    e = gx.input("e", "n", "float64")
    mean = gx.input("mean", "n", "float64")
    roots, steps = gx.vmap(newton)(e, mean)
    slopes = gx.grad(gx.sum(roots), e)
    halved = gx.vmap(bisection)(e, mean)
    try:
        gx.grad(gx.sum(halved), e)
    except gx.UnconnectedError as error:
        print(f"Bisection alone has no derivative:\n\n{error}\n")
    polished = step(gx.stop_gradient(halved), e, mean)
    polished_slopes = gx.grad(gx.sum(polished), e)
    solve = gx.compile([e, mean], {
        "e": e, "mean": mean, "roots": roots, "steps": steps, "slopes": slopes,
        "halved": halved, "polished": polished, "polished slopes": polished_slopes,
    })  # fmt: skip

    times = 2 * np.pi * (np.arange(TIMES) + 0.5) / TIMES
    found = solve(np.repeat(list(ECCENTRICITIES.values()), TIMES), np.tile(times, len(ECCENTRICITIES)))
    theory = np.sin(found["roots"]) / (1 - found["e"] * np.cos(found["roots"]))
    print("                   e   E at M = pi / 12      dE/de   steps")
    for place, (name, value) in enumerate(ECCENTRICITIES.items()):
        row = place * TIMES
        print(
            f"{name:14} {value:.4f}   {found['roots'][row]:16.12f} {found['slopes'][row]:10.6f} {found['steps'][row]:7}"
        )
    for what in "slopes", "polished slopes":
        print(f"{what}: furthest from the implicit function theorem {abs(found[what] - theory).max():.1e}")
    return {**found, "theory": theory}


if __name__ == "__main__":
    main()
