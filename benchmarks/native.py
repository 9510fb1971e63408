"""The LLVM backend beside other frameworks: `python -m benchmarks.native [part of a name ...]`.

The others are the NumPy backend, NumPy, PyTorch as written and compiled, JAX, ONNX Runtime and PyTensor, where
these are installed (`pip install 'graphc[peers]'`).  All sides get the same arrays and are checked against float64
before they are timed.

    --rounds        at most so many of each workload
    --seconds       about so long for the rounds of each workload
    --one-process   no first results and no memory: these take processes of their own
"""

import os
from argparse import ArgumentParser
from collections.abc import Mapping
from time import perf_counter

from benchmarks.measure import report
from benchmarks.measure.alone import alone
from benchmarks.measure.bandwidth import copying
from benchmarks.measure.entrants import entrant, expected
from benchmarks.measure.multiplying import multiplying
from benchmarks.measure.race import SAMPLE_NS, Side, machine, race
from benchmarks.measure.report import COPY, MULTIPLY, Measured
from benchmarks.peers.sides import Table, available, builders
from benchmarks.workloads.named import WORKLOADS, named
from benchmarks.workloads.workload import Workload
from graphc.backends.llvm.cores import threads_wanted

LARGE = 1 << 20  # bytes or operations; less is not what takes the time


def main() -> None:
    """Race every workload whose name contains one of the words."""
    parser = ArgumentParser(prog="python -m benchmarks.native")
    parser.add_argument("words", nargs="*", metavar="part of a name")
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--one-process", action="store_true")
    chosen = parser.parse_args()
    without_caches()
    tables, missing = available()
    print(f"{machine()}, threads of graphc: {threads_wanted()}", *missing, sep="\n", flush=True)
    rows = []
    for name in WORKLOADS:
        if not chosen.words or any(word in name for word in chosen.words):
            processes = not chosen.one_process
            found = measured(named(name), tables, chosen.rounds, chosen.seconds, processes=processes)
            print(report.lines(found), flush=True)
            rows.append(report.row(found))
    print("", report.head(), *rows, sep="\n")


def without_caches() -> None:
    """Nothing of an earlier run is found, so that all are told to compile."""
    os.environ["GRAPHC_CACHE"] = "off"
    os.environ["TORCHINDUCTOR_FORCE_DISABLE_CACHES"] = "1"


def measured(
    work: Workload, tables: Mapping[str, Table], rounds: int, seconds: float, *, processes: bool = False
) -> Measured:
    """A race of all sides that give the right results; `processes` asks for those of their own too."""
    exact = expected(work)
    entrants = {name: entrant(build, work, exact) for name, build in builders(work.kind, tables).items()}
    calls: dict[str, Side] = {name: each.call for name, each in entrants.items() if each.call is not None}
    if not calls:
        return Measured(work, entrants, None)
    found = {name: alone(name, work.name) for name in calls} if processes else {}
    threads, multiplied = threads_wanted(), 0
    if work.moved > LARGE:
        calls[COPY] = copying(work.moved, threads)
    elif work.operations > LARGE:
        most = multiplying(threads)
        calls[MULTIPLY], multiplied = most.call, most.operations
    one_round = sum(max(_seconds(call), SAMPLE_NS / 1e9) for call in calls.values())
    contest = race(calls, rounds=min(rounds, max(3, int(seconds / one_round))))
    return Measured(work, entrants, contest, multiplied, found)


def _seconds(call: Side) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


if __name__ == "__main__":
    main()
