"""Recordings whose arrays lie elsewhere in another call: the launches that pass their addresses are told."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias, final

from graphc.backends.cuda.device import Passed, Recording
from graphc.dataclass import dataclass

__all__ = ["Key", "Moving", "twins"]

Key: TypeAlias = tuple[int, ...]  # of each array that may lie elsewhere in another call, where it lies
NOWHERE = -1
Use: TypeAlias = tuple[int, int, int]  # a launch, the position of an argument, bytes from the start of the array


def twins(key: Key, bytes: Key) -> Sequence[int] | None:
    """Of each array, the first that lies in the same place; None where arrays share memory in any other way."""
    first: dict[tuple[int, int], int] = {}
    found = [first.setdefault(span, number) for number, span in enumerate(zip(key, bytes, strict=True))]
    is_clear = all(start + length <= behind for (start, length), (behind, _) in pairwise(sorted(first)))
    return found if is_clear else None


@final
@dataclass(eq=False)
class Moving:
    """A recording, and how it follows arrays.

    at     where they lie now
    same   of each, the first that lay in the same place when it was made; None where memory was shared in another way
    uses   of each, where its addresses are passed
    fixed  of each, whether they are passed where they cannot change too
    """

    recording: Recording
    at: list[int]
    same: Sequence[int] | None
    uses: Sequence[Sequence[Use]]
    fixed: Sequence[bool]

    @classmethod
    def of(cls, recording: Recording, key: Key, bytes: Key) -> "Moving":
        """A recording that was made while the arrays lay where `key` says."""
        uses = _uses(recording.passed, key, bytes)
        fixed = [bool(found) for found in _uses([recording.fixed], key, bytes)]
        return cls(recording, [*key], twins(key, bytes), uses, fixed)

    def move(self, key: Key) -> bool:
        """Let it work on arrays that lie here; False where that cannot be done."""
        moved = [number for number, (old, new) in enumerate(zip(self.at, key, strict=True)) if old != new]
        if not moved:
            return True
        if self.same is None or any(self.fixed[number] for number in moved):
            return False
        if any(key[number] != key[self.same[number]] for number in range(len(key))):
            return False
        changes: dict[int, dict[int, int]] = {}
        for number in moved:
            self.at[number] = NOWHERE  # until all is done: what is cut short is done again
            for launch, position, offset in self.uses[number]:
                changes.setdefault(launch, {})[position] = key[number] + offset
        for launch, addresses in changes.items():
            self.recording.change(launch, addresses)
        self.at[:] = key
        return True


def _uses(recorded: Sequence[Passed], key: Key, bytes: Key) -> Sequence[Sequence[Use]]:
    """Of each array, what passes an address in it; of several in one place the first."""
    found: list[list[Use]] = [[] for _ in key]
    numbers = sorted(
        {key[number]: number for number in reversed(range(len(key))) if bytes[number]}.values(), key=key.__getitem__
    )
    starts = [key[number] for number in numbers]
    for launch, passed in enumerate(recorded):
        for position, address in enumerate(passed):
            place = 0 if address is None else bisect_right(starts, address)
            if address is not None and place:
                number = numbers[place - 1]
                if address - key[number] < bytes[number]:
                    found[number].append((launch, position, address - key[number]))
    return found
