"""The pass protocol: a form goes in, a form comes out, and the trace keeps both."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import field
from enum import IntEnum
from time import perf_counter
from typing import ClassVar, Generic, TypeVar

from graphc.dataclass import dataclass
from graphc.display import Displayed
from graphc.ir.node import Node
from graphc.origin import Origin
from graphc.printable import counted

__all__ = ["Log", "Pass", "Record", "Replacement", "Spill", "Trace"]

Before = TypeVar("Before")
After = TypeVar("After")


@dataclass(frozen=True, slots=True)
class Note:
    """Something a pass did, and where the user wrote what it did it to."""

    what: str
    origin: Origin


class Spill(IntEnum):
    """What leaves the range of floats on the way to a result, or their digits, beside what did before."""

    AS_BEFORE = 0
    LESS = 1  # as in log(sum(exp(x))) that subtracts the largest x first
    ELSEWHERE = 2  # as in (x * y) * z instead of x * (y * z)
    AROUND = 3  # and what is small is rounded like what is large and lies near, as in a convolution in tiles


@dataclass(frozen=True, slots=True)
class Replacement:
    """A node, and what a pass takes in its place, both on the same operands: a claim that can be tested.

    `exact`: no bit differs.  `spill`: as of a pass.
    """

    rule: str
    old: Node
    new: Node
    exact: bool
    spill: Spill = Spill.AS_BEFORE


@dataclass
class Log:
    """What one pass has to say.  `witness` gets every replacement, where somebody asks for them."""

    notes: list[Note] = field(default_factory=list)
    witness: list[Replacement] | None = None

    def note(self, what: str, origin: Origin) -> None:
        """Keep a remark."""
        self.notes.append(Note(what, origin))

    def replaced(self, rule: str, old: Node, new: Node, *, exact: bool, spill: Spill = Spill.AS_BEFORE) -> None:
        """Say that a node is replaced by another, to whoever wants to test it."""
        if self.witness is not None:
            self.witness.append(Replacement(rule, old, new, exact, spill))


class Pass(ABC, Generic[Before, After]):
    """One improvement.  Returns a new form and leaves the old one as it was.

    `exact`: no bit of any result differs between the two.
    `spill`: what leaves the range of floats on the way to a result, or their digits.
    """

    name: ClassVar[str]
    exact: ClassVar[bool] = False
    spill: ClassVar[Spill] = Spill.AS_BEFORE

    @abstractmethod
    def run(self, form: Before, log: Log) -> After:
        """The improved form."""


@dataclass(frozen=True)
class Record:
    """One pass as it happened."""

    name: str
    before: object
    after: object
    seconds: float
    notes: Sequence[Note]
    exact: bool = False
    replacements: Sequence[Replacement] = ()
    spill: Spill = Spill.AS_BEFORE

    def __repr__(self) -> str:
        return f"<{self.name}: {1000 * self.seconds:.2f} ms, {len(self.notes)} notes>"


@dataclass
class Trace:
    """Every stage of a compilation, in order; by number or by the name of the pass (the last of that name).

    examine  what to ask of every pass, if anything: raises what names it
    """

    records: list[Record] = field(default_factory=list)
    examine: Callable[[Record], None] | None = None

    def apply(self, step: Pass[Before, After], form: Before) -> After:
        """Run a pass and keep the record."""
        log = Log() if self.examine is None else Log(witness=[])
        start = perf_counter()
        after = step.run(form, log)
        seconds = perf_counter() - start
        notes, replacements = tuple(log.notes), tuple(log.witness or ())
        spill = max([step.spill, *[replacement.spill for replacement in replacements]])
        self.records.append(Record(step.name, form, after, seconds, notes, step.exact, replacements, spill))
        if self.examine is not None:
            self.examine(self.records[-1])
        return after

    def stage(self, name: str, form: Before, make: Callable[[Before], After]) -> After:
        """Make the next form, where no pass makes it, and keep the record: of text, of memory, of code that runs."""
        start = perf_counter()
        after = make(form)
        self.records.append(Record(name, form, after, perf_counter() - start, ()))
        return after

    def __getitem__(self, key: str | int) -> Record:
        if isinstance(key, int):
            return self.records[key]
        for record in reversed(self.records):
            if record.name == key:
                return record
        raise KeyError(f"no pass {key!r}; there are {', '.join(dict.fromkeys(r.name for r in self.records))}")

    def __len__(self) -> int:
        return len(self.records)

    @property
    def seconds(self) -> float:
        """The time of all stages."""
        return sum(record.seconds for record in self.records)

    def __repr__(self) -> str:
        rows = [("", "ms", "share", "", "")]
        total = self.seconds or 1.0
        for record in self.records:
            share = record.seconds / total
            notes = counted(len(record.notes), "note") if record.notes else ""
            rows.append((record.name, f"{1000 * record.seconds:.2f}", f"{share:.0%}", _size(record.after), notes))
        rows.append(("all", f"{1000 * self.seconds:.2f}", "", "", ""))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = []
        for name, *numbers, size, notes in rows:
            right = [number.rjust(width) for number, width in zip(numbers, widths[1:3], strict=True)]
            lines.append("  ".join((name.ljust(widths[0]), *right, size.ljust(widths[3]), notes)).rstrip())
        return "\n".join(lines)


def _size(form: object) -> str:
    return form.measure if isinstance(form, Displayed) else ""
