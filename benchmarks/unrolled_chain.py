"""A long formula and its gradient, from nothing to a result: `python -m benchmarks.unrolled_chain [steps ...]`.

    for _ in range(steps): y = y * sin(y) + exp(-y * y)

over 100 doubles is declared, differentiated, compiled at level 2 for NumPy and run once, in a fresh process that finds
nothing in a cache; and the same as native code.  JAX, where it is installed, jits the same.  Compilers that look at all
of a kernel for each part of it take minutes here.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from time import perf_counter, process_time
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from benchmarks.measure.race import machine

__all__ = ["main", "seconds_of"]

Array: TypeAlias = npt.NDArray[np.float64]

STEPS = (100, 200, 400, 800)
LIMIT = 1.5  # seconds for 400 steps


def main(words: Sequence[str]) -> None:
    """Print the seconds of every side for each number of steps."""
    print(f"{machine()}; limit {LIMIT} s for 400 steps")
    for steps in [int(word) for word in words] or STEPS:
        sides = [side for side in SIDES if find_spec(side.split()[0])]
        best = {side: min(seconds_of(side, steps) for _ in range(3)) for side in sides}
        texts = [f"{side} {wall:.2f} s ({core:.2f} s of a core)" for side, (wall, core) in best.items()]
        print(f"{steps:5} steps   " + "   ".join(texts), flush=True)


def seconds_of(side: str, steps: int) -> tuple[float, float]:
    """From the import of a library to the value and the gradient, in a process of its own; and those of a core."""
    command = [sys.executable, "-m", "benchmarks.unrolled_chain", "--one", side, str(steps)]
    environment = os.environ | {"GRAPHC_CACHE": "off"}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if ran.returncode:
        raise RuntimeError(f"{side} with {steps} steps failed:\n{ran.stderr[-2000:]}")
    wall, core = json.loads(ran.stdout.splitlines()[-1])
    return wall, core


def by_graphc(x: Array, steps: int, backend: Literal["numpy", "llvm"] = "numpy") -> tuple[Array, Array]:
    """The last value, and the gradient of its sum."""
    import graphc as gx

    y = start = gx.input("x", x.shape, "float64")
    for _ in range(steps):
        y = y * gx.sin(y) + gx.exp(-y * y)
    value, slope = gx.compile([start], [y, gx.grad(gx.sum(y), start)], backend=backend)(x)
    return value, slope


def by_jax(x: Array, steps: int) -> tuple[Array, Array]:
    """The same by JAX, in float64."""
    jax: Any = import_module("jax")
    jax.config.update("jax_enable_x64", True)

    def total(y: Any) -> tuple[Any, Any]:
        for _ in range(steps):
            y = y * jax.numpy.sin(y) + jax.numpy.exp(-y * y)
        return y.sum(), y

    (_, value), slope = jax.jit(jax.value_and_grad(total, has_aux=True))(x)
    return np.asarray(value), np.asarray(slope)


def by_hand(x: Array, steps: int) -> tuple[Array, Array]:
    """By NumPy, and the chain rule."""
    y, slope = x, np.ones_like(x)
    for _ in range(steps):
        slope = slope * (np.sin(y) + y * np.cos(y) - 2 * y * np.exp(-y * y))
        y = y * np.sin(y) + np.exp(-y * y)
    return y, slope


SIDES: Mapping[str, Callable[[Array, int], tuple[Array, Array]]] = {
    "graphc": by_graphc,
    "graphc native": partial(by_graphc, backend="llvm"),
    "jax": by_jax,
}


def _measured(side: str, steps: int) -> tuple[float, float]:
    x = np.linspace(-1, 1, 100)
    start, begin = perf_counter(), process_time()
    found = SIDES[side](x, steps)
    seconds = perf_counter() - start, process_time() - begin
    few = SIDES[side](x, 8)
    for one, other in zip(few, by_hand(x, 8), strict=True):  # longer ones double every error many times
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    assert all(np.isfinite(array).all() for array in found)
    return seconds


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(_measured(sys.argv[2], int(sys.argv[3]))))
    else:
        main(sys.argv[1:])
