"""Homes of values: in the buffer where they are stored where nothing spoils that, else in scratch used again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from graphc.backends.numpy.values import Instruction, Value, View
from graphc.kernel.buffer import Buffer
from graphc.kernel.scalar import Axis
from graphc.sizes import Size
from graphc.types import DType

__all__ = ["Slot", "Wish", "grant", "number", "place"]

Slot = tuple[str, tuple[Size, ...], DType]


@dataclass(frozen=True, eq=False)
class Wish:
    """`value` is stored as the whole of `target`, a view of `buffer`, and had best be computed there."""

    value: Value
    buffer: Buffer
    target: View


def number(instructions: Sequence[Instruction]) -> None:
    """Note where each value is made, and where it is used last."""
    for place, instruction in enumerate(instructions):
        for value in instruction.reads:
            value.last_use = max(value.last_use, place)
        if instruction.result is not None:
            instruction.result.defined = place
            instruction.result.last_use = max(instruction.result.last_use, place)


def grant(instructions: list[Instruction], wishes: Sequence[Wish], storage: Callable[[Buffer], Buffer]) -> None:
    """Compute each stored value in its place, unless that would spoil what is read later: then copy it, last."""
    copies: list[Instruction] = []
    loads: dict[Buffer, list[tuple[int, bool]]] = {}
    for place, instruction in enumerate(instructions):
        for read in instruction.reads:
            if read.loaded is not None:
                loads.setdefault(storage(read.loaded), []).append((place, instruction.in_place))
    for wish in wishes:
        value = wish.value
        spoils = any(
            place > value.defined or (place == value.defined and not in_place)
            for place, in_place in loads.get(storage(wish.buffer), ())
        )
        has_gaps = value.is_solid and not wish.target.is_solid
        if value.name or spoils or has_gaps:
            copies.append(Instruction(_copying(wish.target.name, value), (value,), stored=wish.buffer))
        else:
            value.name, value.view = wish.target.name, wish.target
    instructions += copies
    if copies:
        number(instructions)


def _copying(target: str, value: Value) -> Callable[[], list[str]]:
    return lambda: [f"np.copyto({target}, {value.name})"]


def place(
    instructions: Sequence[Instruction],
    shape: Callable[[Value], tuple[Size, ...]],
    fresh: Callable[[str], str],
) -> list[Slot]:
    """Scratch for values without a home.  A slot is used again once its value is dead.

    A result may take the place of an operand that dies in its instruction, where the instruction allows that.
    """
    free: dict[tuple[frozenset[Axis], DType, Size], list[str]] = {}
    slots: list[Slot] = []
    ending: dict[int, list[Value]] = {}

    def give(value: Value) -> None:
        names = free.setdefault((value.axes, value.dtype, value.extent), [])
        if names:
            value.name = names.pop()
        else:
            value.name = fresh("s")
            slots.append((value.name, shape(value), value.dtype))

    for step, instruction in enumerate(instructions):
        dying = ending.setdefault(step, [])
        for room in instruction.scratch:
            give(room)
            dying.append(room)
        value = instruction.result
        if value is not None and not value.name:
            over = [x for x in instruction.reads if x in dying and (x.axes, x.dtype) == (value.axes, value.dtype)]
            if over and instruction.in_place:
                dying.remove(over[0])
                value.name = over[0].name
            else:
                give(value)
            ending.setdefault(value.last_use, []).append(value)
        for dead in ending.pop(step):
            free.setdefault((dead.axes, dead.dtype, dead.extent), []).append(dead.name)
    return slots
