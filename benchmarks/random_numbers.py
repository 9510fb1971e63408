"""Random numbers beside NumPy's own Philox: `python -m benchmarks.random_numbers`."""

import numpy as np

import graphc as gx
from benchmarks.measure.race import Side, machine, race, report_of

__all__ = ["main", "sides"]

COUNT = 1_000_000


def main() -> None:
    """Race every distribution that both have."""
    print(machine())
    for name, contest in sides(COUNT).items():
        print(report_of(f"{name}, {COUNT:,} of them", race(contest, rounds=21), None), flush=True)


def sides(count: int) -> dict[str, dict[str, Side]]:
    """Of each distribution both sides, NumPy first; dropout is beside a mask of NumPy's and a product."""
    rng = np.random.Generator(np.random.Philox(0))
    key, x = gx.random.key(0), gx.input("x", (count,))
    given = rng.standard_normal(count, "float32")
    keep = 0.9
    uniform = gx.compile([], gx.random.uniform(key, (count,)))
    normal = gx.compile([], gx.random.normal(key, (count,)))
    gamma = gx.compile([], gx.random.gamma(key, 2.0, (count,)))
    dropout = gx.compile([x], gx.where(gx.random.bernoulli(key, keep, (count,)), x / keep, 0.0))
    return {
        "uniform float32": {"numpy": lambda: rng.random(count, "float32"), "graphc": uniform},
        "normal float32": {"numpy": lambda: rng.standard_normal(count, "float32"), "graphc": normal},
        "gamma float32": {"numpy": lambda: rng.standard_gamma(2.0, count, "float32"), "graphc": gamma},
        "dropout float32": {
            "numpy": lambda: np.where(rng.random(count, "float32") < keep, given / np.float32(keep), np.float32(0)),
            "graphc": lambda: dropout(given),
        },
    }


if __name__ == "__main__":
    main()
