"""What a call costs beyond the arithmetic: `python -m benchmarks.call_overhead`.

That is x + 1 on 8 elements, by either backend: plain, into `out=`, of any size, and with a variable that is set.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

import graphc as gx
from benchmarks.measure.race import ROUNDS, SAMPLE_NS, Contest, Side, machine, race, report_of

BACKENDS: Sequence[Literal["numpy", "llvm"]] = ("numpy", "llvm")
LIMIT_NS = 3_000  # above np.add, of the NumPy backend


def main() -> None:
    """Print the cost of a call."""
    print(machine())
    contest = measured()
    print(report_of("x + 1, 8 elements of float32", contest, None))
    for name in list(contest.nanoseconds)[1:]:
        above = contest.least[name] - contest.least[contest.peer]
        limit = f", limit {LIMIT_NS} ns" if name.startswith("numpy") else ""
        print(f"  {name:28} {contest.least[name]:8.0f} ns at least, {above:6.0f} ns above np.add{limit}")


def measured(rounds: int = ROUNDS, sample_ns: int = SAMPLE_NS) -> Contest:
    """np.add beside compiled functions of a fixed size, of any size, and one that counts its calls."""
    values, one = np.arange(8, dtype="float32"), np.float32(1)
    sides: dict[str, Side] = {"np.add": lambda: np.add(values, one)}
    for backend in BACKENDS:
        sides |= {f"{backend}{name}": side for name, side in _calls(backend, values).items()}
    for name, side in sides.items():
        np.testing.assert_array_equal(np.asarray(side()), values + 1, err_msg=name)
    return race(sides, rounds=rounds, sample_ns=sample_ns)


def _calls(backend: Literal["numpy", "llvm"], values: npt.NDArray[np.float32]) -> Mapping[str, Side]:
    out, x, n = np.empty(8, "float32"), gx.input("x", (8,)), gx.input("x", ("n",))
    fixed, symbolic = gx.compile([x], x + 1, backend=backend), gx.compile([n], n + 1, backend=backend)
    calls = gx.state("calls", np.zeros((), "int64"))
    counting = gx.compile([x], x + 1, updates={calls: calls + 1}, backend=backend)
    return {
        "": lambda: fixed(values),
        ", out=": lambda: fixed(values, out=out),
        ", symbolic size": lambda: symbolic(values),
        ", with an update": lambda: counting(values),
    }


if __name__ == "__main__":
    main()
