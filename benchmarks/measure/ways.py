"""The ways to compute a function of floats on one thread: by graphc, by NumPy or SciPy, by libmvec."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import graphc as gx
from benchmarks.measure.floats import Function
from benchmarks.measure.libmvec import loop
from benchmarks.measure.numpy_functions import IN_NUMPY

__all__ = ["WAYS", "Way", "ways"]

Way: TypeAlias = Callable[..., Any]  # of the operands and room for the result, which it gives; Any: an array

WAYS = ("graphc", "NumPy, SciPy", "libmvec")

#: names in libmvec that are not ours
IN_C = {"power": "pow"}


def ways(function: Function, dtype: str, count: int) -> Mapping[str, Way]:
    """Those that there are, by their names in `WAYS`, for so many points: of libmvec, whole vectors."""
    nodes = [gx.input(f"x{n}", count, dtype) for n in range(function.arity)]
    f = gx.compile(nodes, function.build(*nodes), backend="llvm")
    found: dict[str, Way] = {"graphc": lambda *arrays: f(*arrays[:-1])}  # what is dropped is its room again
    if function.name in IN_NUMPY:
        found["NumPy, SciPy"] = IN_NUMPY[function.name]
    in_c = loop(IN_C.get(function.name, function.name), len(nodes), dtype) if len(nodes) <= 2 else None
    if in_c is not None:
        found["libmvec"] = in_c
    return found
