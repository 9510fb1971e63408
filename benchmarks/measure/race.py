"""Timing several ways to compute the same, side by side: rounds A B C, C B A, A B C ..."""

import gc
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter_ns, process_time_ns, sleep
from typing import TypeAlias

__all__ = ["Contest", "Ratio", "Side", "machine", "race", "report_of", "time_of"]

Side: TypeAlias = Callable[[], object]
SAMPLE_NS = 5_000_000  # long enough that the clock does not show; many short samples outlive a busy machine best
ROUNDS = 61
PAUSE_NS = 12_000_000  # three ticks of a kernel that counts 250 a second: it books the time of a thread only then
MOST_PAUSES = 20


@dataclass(frozen=True)
class Ratio:
    """How much longer one side takes than the peer: the quartiles of the ratios of single rounds."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Contest:
    """What a race found.

    nanoseconds   side -> median time of one call
    least         side -> its least
    ratios        side -> its time by that of the peer, in the same round
    """

    peer: str
    nanoseconds: Mapping[str, float]
    least: Mapping[str, float]
    ratios: Mapping[str, Ratio]


def race(sides: Mapping[str, Side], *, rounds: int = ROUNDS, sample_ns: int = SAMPLE_NS) -> Contest:
    """Time all sides; the first is the peer.  What disturbs the machine for a while disturbs all sides alike.

    Before each sample threads come to rest, and one call wakes those of the side.
    """
    repeats = {name: _repeats(side, sample_ns) for name, side in sides.items()}
    times: dict[str, list[float]] = {name: [] for name in sides}
    order = list(sides)
    with _no_collections():
        for _ in range(rounds):
            for name in order:
                _settle()
                sides[name]()
                times[name].append(_sample(sides[name], repeats[name]))
            order.reverse()
    peer = next(iter(sides))
    ratios = {
        name: _ratio([a / b for a, b in zip(times[name], times[peer], strict=True)]) for name in sides if name != peer
    }
    middle = {name: median(found) for name, found in times.items()}
    return Contest(peer, middle, {name: min(found) for name, found in times.items()}, ratios)


def report_of(title: str, contest: Contest, limit: float | None) -> str:
    """A contest as lines of text."""
    lines = [f"{title}", f"  {contest.peer:28} {time_of(contest.nanoseconds[contest.peer])}"]
    for name, ratio in contest.ratios.items():
        against = "" if limit is None else f"  limit {limit:.2f} {'kept' if ratio.middle <= limit else 'MISSED'}"
        lines.append(
            f"  {name:28} {time_of(contest.nanoseconds[name])}  x {ratio.middle:5.2f}"
            f"  [{ratio.low:.2f} .. {ratio.high:.2f}]{against}"
        )
    return "\n".join(lines)


def machine() -> str:
    """What the figures depend on."""
    threads = {key: os.environ[key] for key in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS") if key in os.environ}
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    return f"{os.cpu_count()} cores, load {load}, threads of BLAS: {threads or 'its default'}"


def _repeats(side: Side, sample_ns: int) -> int:
    """How many calls make one sample."""
    side()
    taken = min(_sample(side, 1) for _ in range(3))
    return max(1, round(sample_ns / max(taken, 1)))


def _settle() -> None:
    """Wait until threads of the last side are asleep: those of OpenBLAS look for work for 100 ms, on a core that
    the next side would share with them."""
    for _ in range(MOST_PAUSES):
        before = process_time_ns()
        sleep(PAUSE_NS / 1e9)
        if process_time_ns() - before < PAUSE_NS // 10:
            return


def _sample(side: Side, repeats: int) -> float:
    """Nanoseconds of one call, from several in a row."""
    start = perf_counter_ns()
    for _ in range(repeats):
        side()
    return (perf_counter_ns() - start) / repeats


def _ratio(found: list[float]) -> Ratio:
    if len(found) < 2:
        return Ratio(found[0], found[0], found[0])
    return Ratio(*quantiles(found, n=4))


def time_of(nanoseconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, size in (("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:8.3f} {unit}"
    return f"{nanoseconds:8.1f} ns"


@contextmanager
def _no_collections() -> Iterator[None]:
    """No garbage collection meanwhile: it would fall on one side or the other."""
    gc.collect()
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
