"""Runs of the like, written short: places in equal steps as slices, lines that differ in one name as a loop."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, islice

__all__ = ["looped", "progressions"]

TRIED = 3  # steps from the first number of a progression
WORTH = 1.5  # how much more numbers a wider step must find
LEAST_LINES = 8  # that are worth a loop

#: a term that is added to, or otherwise combined with, what is there: np.add(s0, t3, out=s0)
TERM = re.compile(r"(np\.\w+)\(([^\s,()]+), ([^\s,()]+), out=\2\)")


def progressions(numbers: Sequence[int]) -> Iterator[range]:
    """Different numbers as ranges, each as long as can be found at once."""
    left = dict.fromkeys(sorted(numbers))
    while left:
        start, *following = islice(left, TRIED + 1)
        longest = range(start, start + 1)
        for other in following:
            step, stop = other - start, other
            while stop in left:
                stop += step
            found = range(start, stop, step)
            if len(found) > WORTH * len(longest):
                longest = found
        for number in longest:
            del left[number]
        yield longest


def looped(lines: Sequence[str]) -> list[str]:
    """The same lines, where many terms in a row are combined with one array in a loop over the terms."""
    found: list[str] = []
    for key, group in groupby(lines, _combination):
        run = list(group)
        if key is None or len(run) < LEAST_LINES:
            found += run
            continue
        function, total = key
        terms = ", ".join([match[3] for match in map(TERM.fullmatch, run) if match is not None])
        found += [f"for term in ({terms}):", f"    {function}({total}, term, out={total})"]
    return found


def _combination(line: str) -> tuple[str, str] | None:
    """The function and the array that a line combines a term with."""
    match = TERM.fullmatch(line)
    return None if match is None or match[3] == match[2] else (match[1], match[2])
