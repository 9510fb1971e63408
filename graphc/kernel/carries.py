"""What loops hand on from step to step, and what a step sees of arrays."""

from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer

__all__ = ["Carry", "Held", "Rows"]


@dataclass(frozen=True, eq=False, slots=True)
class Carry:
    """What a step of a loop hands on to the next.

    start   its value before the first step
    before  what a step reads, after: what it writes; rows of `rows`
    rows    two rows, by turns; or, if all values are kept, length + 1: row t is the value before step t and row
            t + 1 that after it, in a reverse loop the other way round
    last    gets the value after the last step
    """

    start: Buffer
    before: Buffer
    after: Buffer
    rows: Buffer
    is_kept: bool
    last: Buffer | None


@dataclass(frozen=True, eq=False, slots=True)
class Held:
    """A carry that every step changes where it lies: `start` is its value before the first step."""

    start: Buffer
    buffer: Buffer


@dataclass(frozen=True, eq=False, slots=True)
class Rows:
    """Step t of a loop sees row t + `shift` of an array."""

    row: Buffer
    of: Buffer
    shift: int = 0
