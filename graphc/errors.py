"""What goes wrong, in the user's words: the op, the shapes, the user's line, and a hint where one is known."""

from collections.abc import Sequence
from typing import Self

from graphc.origin import here, place_of
from graphc.printable import printable

__all__ = [
    "ArgumentError",
    "DTypeError",
    "DeviceError",
    "DeviceMemoryError",
    "GraphError",
    "IndexRangeError",
    "MemoryBudgetError",
    "ShapeError",
    "StepLimitError",
    "UnconnectedError",
    "UnsupportedError",
    "VerificationError",
]

LONGEST = 400  # characters of a line


class GraphError(Exception):
    """A mistake in a graph or in a call.  `problem` says what, `lines` say where, `hint` says what to do.

    Where it is made it notes the user's line.  Rules raise with what they know; whoever applies the rule adds
    where the operands were made, with `located`.  Each part is one line, whatever names and source lines it quotes.
    """

    def __init__(self, problem: str, *, hint: str | None = None) -> None:
        self.problem = printable(problem, LONGEST)
        self.hint = None if hint is None else printable(hint, LONGEST)
        super().__init__(self.problem)
        self._is_located = False
        self.lines = _printable(place_of(here()))

    def located(self, lines: Sequence[str], function: str = "") -> Self:
        """The same error, with more to say of the place it happened.  The first place given stays.

        `function` is the one that the user called: the problem begins with its name.
        """
        if not self._is_located:
            self._is_located = True
            self.lines = _printable(lines)
            if function:
                self.problem = printable(_of_function(self.problem, function), LONGEST)
                self.args = (self.problem,)
        return self

    def __str__(self) -> str:
        hint = () if self.hint is None else (f"  hint: {self.hint}",)
        return "\n".join((self.problem, *self.lines, *hint))


def _of_function(problem: str, function: str) -> str:
    """`problem`, said of the function that the user called, whichever function of ours found it.

    Of an object, which does several things, the one that refused is named too: `Linear (matmul): ...`.
    """
    for mark in (": ", " has no meaning"):
        inner, _, rest = problem.partition(mark)
        if inner.isidentifier() and rest:
            is_class = function[0].isupper() and inner != function
            return f"{function} ({inner}){mark}{rest}" if is_class else f"{function}{mark}{rest}"
    return f"{function}: {problem}"


def _printable(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(printable(line, LONGEST) for line in lines)


class ShapeError(GraphError, ValueError):
    """Ranks, extents or sizes that do not fit together."""


class DTypeError(GraphError, TypeError):
    """A dtype that is unknown, that an op has no meaning for, or that would be narrowed silently."""


class IndexRangeError(GraphError, IndexError):
    """An index outside the extent it indexes."""


class StepLimitError(GraphError, RuntimeError):
    """A loop that goes on after as many steps as it may make."""


class MemoryBudgetError(GraphError, MemoryError):
    """A function for which more memory is needed than it was given, whatever is computed again."""


class DeviceError(GraphError, RuntimeError):
    """A device that failed: what it says, and which kernel it ran."""


class DeviceMemoryError(GraphError, MemoryError):
    """A device that has not enough memory for a call."""


class ArgumentError(GraphError, TypeError):
    """An argument that is missing, unknown, given twice, or of the wrong form."""


class UnconnectedError(GraphError, ValueError):
    """A derivative was asked for with respect to something that the result does not depend on."""


class UnsupportedError(GraphError, NotImplementedError):
    """Something a static graph, or this backend, cannot do; the hint says what to use instead."""


class VerificationError(GraphError, AssertionError):
    """A pass or a backend that changed what is computed: a mistake of graphc, which `compile(verify=True)` found."""
