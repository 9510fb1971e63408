"""What a call costs beyond the arithmetic: x + 1 on 8 elements: `python -m benchmarks.call_overhead`."""

import numpy as np

import graphc as gx
from benchmarks.measure.race import ROUNDS, SAMPLE_NS, Contest, machine, race, report_of

LIMIT_NS = 3_000  # above np.add


def main() -> None:
    """Print the cost of a call."""
    print(machine())
    contest = measured()
    print(report_of("x + 1, 8 elements of float32", contest, None))
    for name in list(contest.nanoseconds)[1:]:
        above = contest.nanoseconds[name] - contest.nanoseconds[contest.peer]
        print(f"  {name:28} {above:8.0f} ns above np.add, limit {LIMIT_NS} ns")


def measured(rounds: int = ROUNDS, sample_ns: int = SAMPLE_NS) -> Contest:
    """np.add beside compiled functions of a fixed size, of any size, and one that counts its calls."""
    values, out = np.arange(8, dtype="float32"), np.empty(8, "float32")
    one = np.float32(1)
    x, n = gx.input("x", (8,)), gx.input("x", ("n",))
    fixed, symbolic = gx.compile([x], x + 1), gx.compile([n], n + 1)
    calls = gx.state("calls", np.zeros((), "int64"))
    counting = gx.compile([x], x + 1, updates={calls: calls + 1})
    for f in (fixed, symbolic, counting):
        np.testing.assert_array_equal(np.asarray(f(values)), values + 1)
    sides = {
        "np.add": lambda: np.add(values, one),
        "graphc": lambda: fixed(values),
        "graphc, out=": lambda: fixed(values, out=out),
        "graphc, symbolic size": lambda: symbolic(values),
        "graphc, with an update": lambda: counting(values),
    }
    return race(sides, rounds=rounds, sample_ns=sample_ns)


if __name__ == "__main__":
    main()
