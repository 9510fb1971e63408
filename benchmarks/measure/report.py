"""What is printed of a workload: lines on each side, and a row of a table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.measure.alone import Alone
from benchmarks.measure.bandwidth import COPIES
from benchmarks.measure.entrants import Entrant
from benchmarks.measure.race import Contest, Ratio, time_of
from benchmarks.peers.sides import OUR_NUMPY, OURS
from benchmarks.workloads.workload import Workload

__all__ = ["COPY", "MULTIPLY", "Measured", "head", "lines", "row"]

COPY, MULTIPLY = "copies", "multiplications"  # sides that tell what the machine can do

HEAD = (
    "workload", "median", "least", "best peer", "its median", "ratio", "rate",
    "first result", "again", "memory", "first results of peers", "again", "memory",
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """Figures of one workload.

    contest      of the sides that are right; None if none is
    multiplied   operations of one call of `MULTIPLY`, where that took part
    alone        of the sides that were measured in processes of their own, or why there are no figures
    """

    work: Workload
    entrants: Mapping[str, Entrant]
    contest: Contest | None
    multiplied: int = 0
    alone: Mapping[str, Alone | str] = field(default_factory=dict)

    @property
    def peers(self) -> Sequence[str]:
        """The others that were timed, the best first."""
        if self.contest is None:
            return []
        times = self.contest.nanoseconds
        return sorted((name for name in times if name not in (OURS, OUR_NUMPY, COPY, MULTIPLY)), key=times.__getitem__)

    @property
    def rate(self) -> str:
        """Beside a copy of as many bytes in the same rounds, or beside multiplications on registers."""
        if self.contest is None or OURS not in self.contest.nanoseconds:
            return ""
        nanoseconds, ratios = self.contest.nanoseconds[OURS], self.contest.ratios
        if COPY in ratios:
            return f"{self.work.moved / nanoseconds:.1f} GB/s, {ratios[COPY].middle / COPIES:.0%} of a copy"
        if MULTIPLY in ratios:
            fraction = ratios[MULTIPLY].middle * self.work.operations / self.multiplied
            return f"{self.work.operations / nanoseconds:.1f} GFLOP/s, {fraction:.0%} of peak"
        return ""


def head() -> str:
    """The first lines of the table."""
    return f"{_joined(HEAD)}\n{'|---' * len(HEAD)}|"


def lines(found: Measured) -> str:
    """Of all sides."""
    contest, text = found.contest, [found.work.name]
    for name, each in found.entrants.items():
        if contest is None or each.call is None:
            text.append(f"  {name:14} {each.problem}")
            continue
        times = f"{time_of(contest.nanoseconds[name])}  least {time_of(contest.least[name])}"
        ratio = f"  x {_quartiles(contest.ratios[name])}" if name in contest.ratios and contest.peer == OURS else ""
        text.append(f"  {name:14} {times}{_alone(found.alone.get(name))}{ratio}")
    if contest is not None and OURS in contest.nanoseconds:
        if found.peers:
            best = found.peers[0]
            text.append(f"  ratio to {best}, the best peer: {_quartiles(contest.ratios[best])}; above 1 is faster")
        if found.rate:
            text.append(f"  {found.rate}")
    return "\n".join(text)


def row(found: Measured) -> str:
    """Of graphc, its best peer, and what peers take for a first result."""
    contest, name = found.contest, found.work.name
    if contest is None or OURS not in contest.nanoseconds:
        return _joined([name, found.entrants[OURS].problem, *[""] * (len(HEAD) - 2)])
    cells = [name, time_of(contest.nanoseconds[OURS]).strip(), time_of(contest.least[OURS]).strip()]
    if found.peers:
        best = found.peers[0]
        cells += [best, time_of(contest.nanoseconds[best]).strip(), _quartiles(contest.ratios[best])]
    else:
        cells += [""] * 3
    ours = found.alone.get(OURS)
    cells += [found.rate, *([part(ours) for part in _PARTS] if isinstance(ours, Alone) else [""] * 3)]
    others = {name: each for name in found.peers if isinstance(each := found.alone.get(name), Alone)}
    cells += [", ".join(f"{name} {part(each)}" for name, each in others.items()) for part in _PARTS]
    return _joined(cells)


#: what is told of a process
_PARTS: Sequence[Callable[[Alone], str]] = (
    lambda alone: f"{alone.first:.2f} s",
    lambda alone: f"{alone.again:.3f} s",
    lambda alone: "" if alone.resident is None else f"{alone.resident / 1e6:.0f} MB",
)


def _alone(found: Alone | str | None) -> str:
    if not isinstance(found, Alone):
        return f"  {found}" if found else ""
    first, again, memory = (part(found) for part in _PARTS)
    return f"  first result {first:>8}, again {again:>8}{f', {memory:>7}' if memory else ''}"


def _quartiles(ratio: Ratio) -> str:
    return f"{ratio.middle:.2f} [{ratio.low:.2f} .. {ratio.high:.2f}]"


def _joined(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
