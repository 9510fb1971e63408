"""Sides that take part in a race: built, called, and compared with float64."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.measure.race import Side
from benchmarks.peers import numpy_side
from benchmarks.peers.sides import Build
from benchmarks.workloads.workload import Array, Workload, compiled

__all__ = ["Entrant", "entrant", "expected"]

CALLS = 6  # compared with float64: the first ones are made through Python, later ones go straight to native code


@dataclass(frozen=True, eq=False)
class Entrant:
    """One side of a workload.

    problem   why it is not timed: what it raised, or how far off it is
    """

    call: Side | None = None
    problem: str = ""


def expected(work: Workload) -> Sequence[Sequence[Array]]:
    """The results of the first calls in float64: by NumPy where it is a side, else by the NumPy backend."""
    exact = work.exact()
    side = numpy_side.SIDES[work.kind](exact) if work.kind in numpy_side.SIDES else compiled(exact, "numpy")
    return [_flat(side()) for _ in range(CALLS if work.start else 1)]


def entrant(build: Build, work: Workload, exact: Sequence[Sequence[Array]]) -> Entrant:
    """A side, called and compared.  What it raises is its own affair and does not end the run."""
    try:
        call = build(work)
        errors = [_error(_flat(call()), exact[min(number, len(exact) - 1)]) for number in range(CALLS)]
    except Exception as error:
        return Entrant(problem=f"raised {type(error).__name__}: {str(error).strip().partition(chr(10))[0]}")
    worst = float(np.max(errors))
    if not worst <= work.tolerance:  # neither is nan
        return Entrant(problem=f"is off by {worst:.1e} of the largest element")
    return Entrant(call)


def _flat(result: Any) -> list[Array]:  # Any: an array of any framework, or several
    """The arrays of a result, copied: a side may write the next ones over them."""
    if isinstance(result, list | tuple):
        return [array for part in result for array in _flat(part)]
    return [np.asarray(result.detach() if hasattr(result, "detach") else result).copy()]


def _error(found: Sequence[Array], exact: Sequence[Array]) -> float:
    """The largest difference over the largest element, of the worst of several arrays."""
    if [a.shape for a in found] != [a.shape for a in exact]:
        raise AssertionError(f"shapes {[a.shape for a in found]}, not {[a.shape for a in exact]}")
    pairs = zip(found, exact, strict=True)
    return float(np.max([np.abs(a - b).max() / max(np.abs(b).max(), 1e-30) for a, b in pairs]))
