"""What a call costs: the bytes that its steps move, and their operations, known before it runs."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import final

from graphc.dataclass import dataclass
from graphc.kernel.program import Program, kind_of
from graphc.kernel.provenance import lines_behind
from graphc.kernel.steps import Branch, Loop, Step, within
from graphc.kernel.work import work_of
from graphc.sizes import compiled

__all__ = ["CostReport", "StepCost", "cost_of"]


@final
@dataclass(frozen=True)
class StepCost:
    """What one step costs, each time that the list of steps it stands in is run.

    number          where it stands among all steps, as in the printed program
    kind            what it is: `kernel`, `contraction`
    lines           the user's lines behind it
    read_bytes      of every buffer that it reads each element once, of what is looked up as many as are looked up
    written_bytes   of every buffer that it writes each element once
    flops           operations on floats, see CostReport
    transcendental  how many of these are exponentials, logarithms, sines and the like
    parts           for a loop or a branch, the lists of steps inside
    times           how often those of a loop are run, at most where it may end earlier; None: without limit
    """

    number: int
    kind: str
    lines: tuple[str, ...]
    read_bytes: int
    written_bytes: int
    flops: int
    transcendental: int
    parts: tuple[tuple["StepCost", ...], ...] = ()
    times: int | None = 1

    @property
    def bytes(self) -> int:
        """What it moves."""
        return self.read_bytes + self.written_bytes


@final
@dataclass(frozen=True)
class CostReport:
    """What one call costs, step by step, for some values of the sizes: a property of the program, not of a machine.

    Bytes are those that have to pass between memory and the steps: of every buffer that a step reads, each
    element once (a broadcast operand once, one that is looked up by the number of elements that are looked up), and
    of every buffer that it writes.  What lives inside a step, as the rows of a softmax, moves nothing.

    Flops are operations on floats, of any width, real or complex.  A function counts one, be it an addition, a
    comparison or a transcendental, which are listed apart; a fused multiplication and addition two; a reduction one
    for each element; a contraction over m, n and k counts 2 m n k.  Conversions and arithmetic of integers, bools
    and indices count nothing; what a routine does (a sort, a factorisation, a Fourier transform) is not known here.

    A loop costs the steps inside, as often as they are run: where it ends by a condition or by a number that is
    known late, as often as it may be run at most; without a limit, once.  A branch costs the part that moves most
    bytes; of several such, that of most flops.
    """

    steps: tuple[StepCost, ...]

    @property
    def read_bytes(self) -> int:
        """Of all steps."""
        return sum(step.read_bytes for step in self.steps)

    @property
    def written_bytes(self) -> int:
        """Of all steps."""
        return sum(step.written_bytes for step in self.steps)

    @property
    def bytes(self) -> int:
        """What all steps move."""
        return self.read_bytes + self.written_bytes

    @property
    def flops(self) -> int:
        """Of all steps."""
        return sum(step.flops for step in self.steps)

    @property
    def transcendental(self) -> int:
        """How many of the flops are exponentials, logarithms, sines and the like."""
        return sum(step.transcendental for step in self.steps)

    def __repr__(self) -> str:
        return f"<cost: {self.bytes:,} bytes, {self.flops:,} flops>"

    def __str__(self) -> str:
        rows: list[tuple[str, ...]] = [("step", "read", "written", "flops", "transcendental", "", "")]
        rows += chain.from_iterable(_rows(step, "") for step in self.steps)
        total = (self.read_bytes, self.written_bytes, self.flops, self.transcendental)
        rows.append(("total", *[f"{count:,}" for count in total], "", ""))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(_aligned(row, widths) for row in rows)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    """A row of the table: its counts to the right, all else to the left."""
    cells = enumerate(zip(row, widths, strict=True))
    padded = [text.rjust(width) if 1 <= place <= 4 else text.ljust(width) for place, (text, width) in cells]
    return "  ".join(padded).rstrip()


def _rows(step: StepCost, indent: str) -> Iterator[tuple[str, ...]]:
    """A step and those inside it.  Recursion is over the depth to which loops and branches are nested."""
    is_known = step.kind != "extern"
    flops = [f"{count:,}" if is_known else "?" for count in (step.flops, step.transcendental)]
    times = "" if step.times == 1 else f" x {'?' if step.times is None else f'{step.times:,}'}"
    counts = (f"{step.read_bytes:,}", f"{step.written_bytes:,}", *flops)
    yield f"{indent}{step.number}", *counts, f"{indent}{step.kind}{times}", "; ".join(step.lines)
    for part in step.parts:
        for inside in part:
            yield from _rows(inside, f"{indent}  ")


def cost_of(program: Program, values: Sequence[int]) -> CostReport:
    """What the steps of a program cost, for these values of its symbols."""
    timeline = program.timeline
    lengths = {step: step.length for step in timeline if isinstance(step, Loop) and step.length is not None}
    sizes = [*lengths.values(), *[size for step in timeline for size in work_of(step).sizes]]
    numbers = iter(compiled(sizes, program.symbols)(values))
    times: dict[Step, int] = {step: max(next(numbers), 0) for step in lengths}
    counts = {step: (next(numbers), next(numbers), next(numbers), next(numbers)) for step in timeline}
    return CostReport(_Costing(program.numbers, times, counts).steps(program.steps))


_Counts = tuple[int, int, int, int]


@dataclass(frozen=True)
class _Costing:
    """The costs of steps, from what each does by itself."""

    numbers: Mapping[Step, int]
    times: Mapping[Step, int]
    counts: Mapping[Step, _Counts]

    def steps(self, steps: Sequence[Step]) -> tuple[StepCost, ...]:
        """Those of a list.  Recursion is over the depth to which loops and branches are nested."""
        return tuple([self._step(step) for step in steps if step.reads or step.writes])

    def _step(self, step: Step) -> StepCost:
        own = self.counts[step]
        parts = tuple([self.steps(part) for part in within(step)])
        times: int | None = 1
        if isinstance(step, Loop):
            times = self.times.get(step)
            own = _sum([own, *[_scaled(_total(part), 1 if times is None else times) for part in parts]])
        elif isinstance(step, Branch):
            own = _sum([own, max(map(_total, parts), key=lambda counts: (counts[0] + counts[1], counts[2]))])
        lines = tuple(lines_behind(step.origins, limit=2))
        return StepCost(self.numbers[step], kind_of(step), lines, *own, parts, times)


def _total(steps: Sequence[StepCost]) -> _Counts:
    return _sum([(x.read_bytes, x.written_bytes, x.flops, x.transcendental) for x in steps])


def _sum(counts: Sequence[_Counts]) -> _Counts:
    read, written, flops, transcendental = (sum(column) for column in zip(*counts, strict=True)) if counts else (0,) * 4
    return read, written, flops, transcendental


def _scaled(counts: _Counts, times: int) -> _Counts:
    read, written, flops, transcendental = counts
    return times * read, times * written, times * flops, times * transcendental
