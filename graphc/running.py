"""A program that is bound to one arena, and how it runs: variables are set last, and all of them or none."""

import _signal  # type: ignore[import-not-found]  # what `signal` is made of, without enums: a twelfth of the time
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import field
from threading import get_ident, main_thread
from typing import Any, TypeVarTuple, Unpack

import numpy as np
import numpy.typing as npt

from graphc.backends.backend import Prepared
from graphc.dataclass import dataclass
from graphc.types import DType

__all__ = ["Bound", "run", "run_and_commit", "undisturbed"]

Array = npt.NDArray[Any]
Given = TypeVarTuple("Given")
_SIGINT = 2


def _quiet() -> Context:
    """A context in which NumPy ignores overflow, division by zero and invalid operations."""
    context = Context()
    context.run(np.seterr, all="ignore")
    return context


@dataclass(eq=False, slots=True)
class Bound:
    """Views into one arena for one set of sizes: one caller at a time.

    compute, commit   the pieces of the program, in turn
    rooms    shape and dtype of each output
    context  where NumPy reports no overflow and no nan: to enter it takes a twentieth of the time of np.errstate
    """

    compute: tuple[Prepared, ...]
    commit: tuple[Prepared, ...]
    rooms: tuple[tuple[tuple[int, ...], DType], ...]
    context: Context = field(default_factory=_quiet)


def run(bound: Bound, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
    """Run the pieces that set no variable."""
    _in_turn(bound, bound.compute, inputs, outputs)


def run_and_commit(bound: Bound, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
    """Run all pieces.  A Ctrl-C that comes while variables are set is delivered when all are."""
    _in_turn(bound, bound.compute, inputs, outputs)
    _commit(bound, inputs, outputs)


def _in_turn(bound: Bound, pieces: Sequence[Prepared], inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
    for piece in pieces:
        bound.context.run(piece, inputs, outputs)


def _commit(bound: Bound, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
    """Set all variables.  Nothing here may raise."""
    undisturbed(_in_turn, bound, bound.commit, inputs, outputs)


def undisturbed(work: Callable[[Unpack[Given]], None], *given: *Given) -> None:
    """Do `work(*given)`; a Ctrl-C waits for its end."""
    handler = _signal.getsignal(_SIGINT) if get_ident() == main_thread().ident else None
    if not callable(handler):  # another thread, or a handler that raises nothing in Python
        work(*given)
        return
    arrived: list[Any] = []
    _signal.signal(_SIGINT, lambda *given: arrived.append(given))
    try:
        work(*given)
    finally:
        _signal.signal(_SIGINT, handler)
    if arrived:
        handler(*arrived[0])
