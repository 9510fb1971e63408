"""Which functions may be called without Python between the caller and native code, and how they are declared to be."""

from collections.abc import Iterable, Mapping, Sequence
from math import prod

from graphc.arguments import Arguments
from graphc.backends.backend import Declared
from graphc.cost import cost_of
from graphc.ir.storage import Guard
from graphc.kernel.outline import Outline
from graphc.kernel.program import Program
from graphc.kernel.steps import Extern, Loop
from graphc.sizes import Size, name_of
from graphc.structure import Structure, leaves, rebuild

__all__ = ["declared", "is_brief", "work_of"]

LONG = 20_000  # bytes and operations: a call of more lets other threads of Python run
ROUTINE = 64  # operations for each byte that a routine moves, about: matrices are worked on many times
HELD = 4_000_000  # the same: a call that sets variables and does more goes through Python


def declared(outline: Outline, work: float, arguments: Arguments, outputs: Structure, guard: Guard) -> Declared | None:
    """The plain form of calls of a program that does some work, or None where it has none.

    It has one where each argument is an array, every extent a number or a symbol, and what is returned an array or made
    of tuples, lists and dicts, and is short for the hints of its sizes: see `is_brief`.
    """
    form = _form(outputs)
    if form is None or not arguments.are_arrays or not is_brief(outline, work, arguments.hints, arguments.hints):
        return None
    places = {name: str(place) for place, name in enumerate(outline.symbols)}
    given = [(buffer.dtype, _extents(buffer.shape, places)) for buffer in outline.inputs]
    results = [(buffer.dtype, _extents(buffer.shape, places)) for buffer in outline.outputs]
    bound = {extent for _, extents in given for extent in extents or () if isinstance(extent, str)}
    if any(extents is None for _, extents in (*given, *results)) or bound != set(places.values()):
        return None
    return Declared(
        tuple([(dtype, extents or ()) for dtype, extents in given]),
        tuple([(dtype, extents or ()) for dtype, extents in results]),
        len(places),
        form,
        not outline.variables and (bool(outline.symbols) or work > LONG),
        not outline.fails_late,
        guard.root().inside if outline.variables else None,
        _strings(arguments.names) or (),
    )


def is_brief(outline: Outline, work: float, hints: Sequence[int], sizes: Sequence[int]) -> bool:
    """Whether a call may keep other threads of Python, and Ctrl-C, waiting for its end.

    It does so only where it has variables: they are read and set while no other thread of Python runs.  What it does
    for the hints of its sizes is `work`; it is taken to grow with the cube of a size.
    """
    growth = prod(max(size / max(hint, 1), 1.0) for size, hint in zip(sizes, hints, strict=True))
    return not outline.variables or work * growth**3 <= HELD


def work_of(program: Program, hints: Sequence[int]) -> float:
    """The bytes and operations of a call where sizes have the values of their hints; without limit where loops have."""
    if any(isinstance(step, Loop) and step.length is None for step in program.timeline):
        return float("inf")
    cost = cost_of(program, hints)
    has_routines = any(isinstance(step, Extern) for step in program.timeline)
    return cost.bytes * (ROUTINE if has_routines else 1) + cost.flops


def _strings(names: Iterable[object]) -> tuple[str, ...] | None:
    """Names or keys that are what they seem; None where some are of a subclass, or no strings."""
    listed = list(names)
    found = tuple([name for name in listed if type(name) is str])
    return found if len(found) == len(listed) else None


def _form(outputs: Structure) -> Structure:
    """The numbers of the results in their form; None where that has containers of other classes."""
    form = rebuild(outputs, range(len(leaves(outputs))))
    left = [form]
    while left:
        part = left.pop()
        if type(part) is dict and _strings(part) is not None:
            left.extend(part.values())
        elif type(part) in (tuple, list):
            left.extend(part)
        elif part is not None and type(part) is not int:
            return None
    return form


def _extents(shape: Sequence[Size], places: Mapping[str, str]) -> tuple[int | str, ...] | None:
    found: list[int | str] = []
    for extent in shape:
        if isinstance(extent, int):
            found.append(extent)
            continue
        place = places.get(name_of(extent) or "")
        if place is None:
            return None
        found.append(place)
    return tuple(found)
