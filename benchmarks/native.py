"""The LLVM backend beside other frameworks: `python -m benchmarks.native [part of a name ...]`.

The others are the NumPy backend, NumPy, PyTorch as written and compiled, and JAX, where these are installed
(`pip install 'graphc[peers]'`).  All sides get the same arrays and are checked against float64 before they are timed.

    --rounds   at most so many of each workload
    --seconds  about so long for the rounds of each workload
"""

import os
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np

from benchmarks.measure.bandwidth import COPIES, copying
from benchmarks.measure.race import SAMPLE_NS, Contest, Ratio, Side, machine, race, time_of
from benchmarks.peers import numpy_side
from benchmarks.workloads import elementwise, products, rows
from benchmarks.workloads.workload import Array, Workload, compiled
from graphc.backends.llvm.cores import threads_wanted

Build: TypeAlias = Callable[[Workload], Side]

OURS, OUR_NUMPY, COPY = "graphc llvm", "graphc numpy", "copies"
LARGE = 1 << 20  # bytes; less stays in caches
OWN: Mapping[str, Build] = {OURS: lambda work: compiled(work, "llvm"), OUR_NUMPY: lambda work: compiled(work, "numpy")}
OTHERS = {
    "torch": ("torch_side", "EAGER"),
    "torch.compile": ("torch_side", "COMPILED"),
    "jax.jit": ("jax_side", "JITTED"),
}
CALLS = 6  # compared with float64: the first ones are made through Python, later ones go straight to native code


@dataclass(frozen=True, eq=False)
class Entrant:
    """One side of a workload.

    seconds   from nothing to the first result: declaring, compiling and one call
    problem   why it is not timed: what it raised, or how far off it is
    """

    seconds: float
    call: Side | None = None
    problem: str = ""


@dataclass(frozen=True)
class Report:
    """What is printed of a workload: some lines, and a row of the table at the end."""

    text: str
    row: str


def main() -> None:
    """Race every workload whose name contains one of the words."""
    parser = ArgumentParser(prog="python -m benchmarks.native")
    parser.add_argument("words", nargs="*", metavar="part of a name")
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--seconds", type=float, default=6.0)
    chosen = parser.parse_args()
    without_caches()
    for module in ("graphc.driver", "graphc.nn", "graphc.optim", "llvmlite.binding"):
        import_module(module)  # they load late, and imports of the others are not timed either
    sides, missing = available()
    print(f"{machine()}, threads of graphc: {threads_wanted()}", *missing, sep="\n", flush=True)
    found = []
    for work in workloads():
        if not chosen.words or any(word in work.name for word in chosen.words):
            found.append(measured(work, sides, chosen.rounds, chosen.seconds))
            print(found[-1].text, flush=True)
    head = ["workload", "median", "least", "best peer", "its median", "ratio", "rate", "first result", "that of peers"]
    print("", _row(head), "|---" * len(head) + "|", *(report.row for report in found), sep="\n")


def workloads() -> Iterator[Workload]:
    """All, at the sizes that have goals."""
    yield elementwise.call("call_overhead", 8)
    yield elementwise.gelu("ew_gelu", 10_000_000)
    yield elementwise.gelu("ew_gelu_small", 10_000)
    yield elementwise.black_scholes("ew_blackscholes", 1_000_000)
    yield elementwise.chain("ew_chain", 2048)
    yield rows.softmax("red_softmax", 4096, 1024)
    yield rows.layer_norm("red_layernorm", 4096, 1024)
    yield rows.layer_norm_gradient("red_layernorm_grad", 4096, 1024)
    yield rows.logsumexp_of_columns("red_logsumexp0", 4096, 1024)
    yield rows.batch_norm_training("red_batchnorm_train", 128, 64, 16)
    yield rows.cross_entropy("red_xent", 512, 10_000)
    for n, m, k in ((32, 128, 64), (128, 1024, 784), (1024, 1024, 1024)):
        yield products.gemm_bias_relu(f"gemm_bias_relu_{n}x{m}x{k}", n, m, k)
    yield products.mlp_step("mlp_small_step", (64, 128, 10), 32)
    yield products.mlp_step("mlp_step", (784, 1024, 1024, 10), 128)
    yield products.logistic_step("logreg_step", 10_000, 100)
    yield products.hessian_vector("hvp_mlp", (64, 128, 10), 32)
    yield products.lenet_step("lenet_step", 64)
    yield products.attention("attention_fwd", 4, 8, 512, 64)
    yield products.lstm("lstm_small_step", 32, 8, 32, 64)


def without_caches() -> None:
    """The first results are those of a machine that has never seen the workload."""
    os.environ["GRAPHC_CACHE"] = "off"
    os.environ["TORCHINDUCTOR_FORCE_DISABLE_CACHES"] = "1"


def available() -> tuple[Mapping[str, Mapping[str, Build]], Sequence[str]]:
    """What builds the sides, by kinds of workloads, and a line on each that is missing."""
    sides: dict[str, Mapping[str, Build]] = {"numpy": numpy_side.SIDES}
    missing = []
    for name, (module, table) in OTHERS.items():
        try:
            sides[name] = getattr(import_module(f"benchmarks.peers.{module}"), table)
        except ImportError as error:
            missing.append(f"{name} is left out: {error}")
    return sides, missing


def measured(work: Workload, sides: Mapping[str, Mapping[str, Build]], rounds: int, seconds: float) -> Report:
    """A race of all sides that give the right results."""
    exact = expected(work)
    builds = dict(OWN) | {name: table[work.kind] for name, table in sides.items() if work.kind in table}
    entrants = {name: entrant(build, work, exact) for name, build in builds.items()}
    calls = {name: each.call for name, each in entrants.items() if each.call is not None}
    if not calls:
        return report(work, entrants, None)
    if work.moved > LARGE:
        calls[COPY] = copying(work.moved, threads_wanted())
    one_round = sum(max(_seconds(call), SAMPLE_NS / 1e9) for call in calls.values())
    return report(work, entrants, race(calls, rounds=min(rounds, max(3, int(seconds / one_round)))))


def expected(work: Workload) -> Sequence[Sequence[Array]]:
    """The results of the first calls in float64: by NumPy where it is a side, else by the NumPy backend."""
    exact = work.exact()
    side = numpy_side.SIDES[work.kind](exact) if work.kind in numpy_side.SIDES else compiled(exact, "numpy")
    return [flat(side()) for _ in range(CALLS if work.start else 1)]


def entrant(build: Build, work: Workload, exact: Sequence[Sequence[Array]]) -> Entrant:
    """A side, called and compared.  What it raises is its own affair and does not end the run."""
    start = perf_counter()
    seconds = 0.0
    try:
        call = build(work)
        result = call()
        seconds = perf_counter() - start
        errors = []
        for number in range(CALLS):
            result = call() if number else result
            errors.append(error_of(flat(result), exact[min(number, len(exact) - 1)]))
    except Exception as error:
        return Entrant(seconds, problem=f"raised {type(error).__name__}: {str(error).strip().partition(chr(10))[0]}")
    worst = float(np.max(errors))
    if not worst <= work.tolerance:  # neither is nan
        return Entrant(seconds, problem=f"is off by {worst:.1e} of the largest element")
    return Entrant(seconds, call)


def flat(result: Any) -> list[Array]:  # Any: an array of any framework, or several
    """The arrays of a result, copied: a side may write the next ones over them."""
    if isinstance(result, list | tuple):
        return [array for part in result for array in flat(part)]
    return [np.asarray(result.detach() if hasattr(result, "detach") else result).copy()]


def error_of(found: Sequence[Array], exact: Sequence[Array]) -> float:
    """The largest difference over the largest element, of the worst of several arrays."""
    if [a.shape for a in found] != [a.shape for a in exact]:
        raise AssertionError(f"shapes {[a.shape for a in found]}, not {[a.shape for a in exact]}")
    pairs = zip(found, exact, strict=True)
    return float(np.max([np.abs(a - b).max() / max(np.abs(b).max(), 1e-30) for a, b in pairs]))


def report(work: Workload, entrants: Mapping[str, Entrant], contest: Contest | None) -> Report:
    """The lines and the row of a workload."""
    lines = [work.name]
    for name, each in entrants.items():
        if contest is None or each.call is None:
            lines.append(f"  {name:14} {each.problem}")
            continue
        times = f"{time_of(contest.nanoseconds[name])}  least {time_of(contest.least[name])}"
        lines.append(f"  {name:14} {times}  first result {each.seconds:7.3f} s{_ratio(contest, name)}")
    if contest is None or OURS not in contest.nanoseconds:
        return Report("\n".join(lines), _row([work.name, entrants[OURS].problem, *[""] * 7]))
    rate = _rate(work, contest)
    peers = [name for name in contest.nanoseconds if name not in (OURS, OUR_NUMPY, COPY)]
    first = ", ".join(f"{name} {entrants[name].seconds:.2f}" for name in peers if name != "numpy")
    middle, least = time_of(contest.nanoseconds[OURS]).strip(), time_of(contest.least[OURS]).strip()
    cells = [work.name, middle, least, "", "", "", rate, f"{entrants[OURS].seconds:.2f} s", first]
    if peers:
        best = min(peers, key=lambda name: contest.nanoseconds[name])
        cells[3:6] = [best, time_of(contest.nanoseconds[best]).strip(), _quartiles(contest.ratios[best])]
        lines.append(f"  ratio to {best}, the best peer: {cells[5]}; above 1 is faster")
    if rate:
        lines.append(f"  {rate}")
    return Report("\n".join(lines), _row(cells))


def _ratio(contest: Contest, name: str) -> str:
    return f"  x {_quartiles(contest.ratios[name])}" if name in contest.ratios and contest.peer == OURS else ""


def _quartiles(ratio: Ratio) -> str:
    return f"{ratio.middle:.2f} [{ratio.low:.2f} .. {ratio.high:.2f}]"


def _rate(work: Workload, contest: Contest) -> str:
    """Bytes a second beside those of a copy of as many bytes in the same rounds, or operations a second."""
    nanoseconds = contest.nanoseconds[OURS]
    if COPY in contest.ratios:
        return f"{work.moved / nanoseconds:.1f} GB/s, {contest.ratios[COPY].middle / COPIES:.0%} of a copy"
    return f"{work.operations / nanoseconds:.1f} GFLOP/s" if work.operations else ""


def _seconds(call: Side) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
