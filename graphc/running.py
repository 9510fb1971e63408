"""A program that is bound to one arena, and how it runs: variables are set last, and all of them or none."""

import _signal  # type: ignore[import-not-found]  # what `signal` is made of, without enums: a twelfth of the time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import get_ident, main_thread
from typing import Any

import numpy as np
import numpy.typing as npt

from graphc.backends.backend import Prepared
from graphc.types import DType

__all__ = ["Bound", "run", "run_and_commit"]

Array = npt.NDArray[Any]
_SIGINT = 2


@dataclass(eq=False, slots=True)
class Bound:
    """Views into one arena for one set of sizes: one caller at a time.

    rooms   shape and dtype of each output
    """

    compute: tuple[Prepared, ...]
    commit: tuple[Prepared, ...]
    rooms: tuple[tuple[tuple[int, ...], DType], ...]


def run(bound: Bound, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
    """Run the pieces that set no variable."""
    with np.errstate(all="ignore"):
        for piece in bound.compute:
            piece(inputs, outputs)


def run_and_commit(bound: Bound, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
    """Run all pieces.  A Ctrl-C that comes while variables are set is delivered when all are."""
    with np.errstate(all="ignore"):
        for piece in bound.compute:
            piece(inputs, outputs)
        _commit(bound, inputs, outputs)


def _commit(bound: Bound, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
    """Set all variables.  Nothing here may raise; a Ctrl-C waits until they are set."""
    handler = _signal.getsignal(_SIGINT) if get_ident() == main_thread().ident else None
    if not callable(handler):  # another thread, or a handler that raises nothing in Python
        for piece in bound.commit:
            piece(inputs, outputs)
        return
    arrived: list[Any] = []
    _signal.signal(_SIGINT, lambda *given: arrived.append(given))
    try:
        for piece in bound.commit:
            piece(inputs, outputs)
    finally:
        _signal.signal(_SIGINT, handler)
    if arrived:
        handler(*arrived[0])
