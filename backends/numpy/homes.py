"""Homes of values: in the buffer where they are stored where nothing spoils that, else in scratch used again."""

from collections.abc import Callable, Iterable, Sequence

from graphc.backends.numpy.values import Instruction, Value, View
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.scalar import Axis
from graphc.sizes import Size
from graphc.types import DType

__all__ = ["Home", "Slot", "Wish", "grant", "note_dims", "number", "place"]

_Kind = tuple[tuple[Axis, ...] | None, frozenset[Axis], DType, Size]
Slot = tuple[str, tuple[Size, ...], DType]


@dataclass(frozen=True, eq=False)
class Wish:
    """`value` is stored as the whole of `target`, a view of `buffer`, and had best be computed there.

    at    how many instructions there were before: those of earlier stages, and of its own
    """

    value: Value
    buffer: Buffer
    target: View
    at: int = 0


def number(instructions: Sequence[Instruction]) -> None:
    """Note where each value is made, and where it is used last."""
    for place, instruction in enumerate(instructions):
        for value in instruction.reads:
            value.last_use = max(value.last_use, place)
        if instruction.result is not None:
            instruction.result.defined = place
            instruction.result.last_use = max(instruction.result.last_use, place)


@dataclass(eq=False, slots=True)
class Home:
    """The place of a stored value, which earlier values may have until it is computed there.

    free    from this instruction on, no element that is there is read; the last that reads some may write there too
    filled  the instruction that computes the stored value
    holds   the value that is there
    """

    wish: Wish
    free: int
    filled: int
    holds: Value | None = None

    def takes(self, value: Value, at: int, instructions: Sequence[Instruction]) -> bool:
        """Whether `value`, computed by instruction `at`, may be there."""
        target = self.wish.target
        before = self.free if self.holds is None else max(self.free, self.holds.last_use)
        return (
            _kind(value) == (*_kind(self.wish.value)[:3], 0)
            and (target.is_solid or not value.is_solid)
            and (before < at or (before == at and instructions[at].in_place))
            and (value.last_use < self.filled or (value.last_use == self.filled and instructions[self.filled].in_place))
        )


def note_dims(instructions: Sequence[Instruction], dims: tuple[Axis, ...]) -> None:
    """Note the axes of the arrays that a stage makes."""
    for instruction in instructions:
        for value in (instruction.result, *instruction.scratch):
            if value is not None:
                value.dims = dims


def grant(
    parts: Sequence[list[Instruction]], wishes: Sequence[Sequence[Wish]], storage: Callable[[Buffer], Buffer]
) -> Sequence[Home]:
    """Compute each stored value in its place, unless that would spoil what is read later: then copy it, last.

    The wishes of each part of the instructions are copied at its end.  Gives the places that hold nothing else, for
    other values.
    """
    granted: list[Wish] = []
    for part, wished in zip(parts, wishes, strict=True):
        instructions = [instruction for each in parts for instruction in each]
        number(instructions)
        found, copies = _granted(instructions, wished, storage)
        granted += found
        _append(part, copies, granted, storage)
    instructions = [instruction for part in parts for instruction in part]
    number(instructions)
    owners = [storage(wish.buffer) for wish in granted]
    stored = [storage(x.stored) for x in instructions if x.stored is not None] + owners
    loads = _loads(instructions, storage)
    last = [max((place for place, _ in loads.get(owner, ())), default=-1) for owner in owners]
    return [
        Home(wish, free, wish.value.defined)
        for wish, owner, free in zip(granted, owners, last, strict=True)
        if stored.count(owner) == 1
    ]


def _loads(
    instructions: Sequence[Instruction], storage: Callable[[Buffer], Buffer]
) -> dict[Buffer, list[tuple[int, bool]]]:
    """Where each owner of bytes is read, and whether in place."""
    loads: dict[Buffer, list[tuple[int, bool]]] = {}
    for place, instruction in enumerate(instructions):
        for read in instruction.reads:
            if read.loaded is not None:
                loads.setdefault(storage(read.loaded), []).append((place, instruction.in_place))
    return loads


def _granted(
    instructions: Sequence[Instruction], wishes: Iterable[Wish], storage: Callable[[Buffer], Buffer]
) -> tuple[list[Wish], list[Wish]]:
    """The wishes that are granted, and those whose values are copied."""
    found: list[Wish] = []
    copies: list[Wish] = []
    loads = _loads(instructions, storage)
    for wish in wishes:
        value = wish.value
        spoils = any(
            place > value.defined or (place == value.defined and not in_place)
            for place, in_place in loads.get(storage(wish.buffer), ())
        )
        has_gaps = value.is_solid and not wish.target.is_solid
        if value.name or spoils or has_gaps:
            copies.append(wish)
        else:
            value.name, value.view = wish.target.name, wish.target
            found.append(wish)
    return found, copies


def _append(
    instructions: list[Instruction],
    copies: Iterable[Wish],
    granted: Iterable[Wish],
    storage: Callable[[Buffer], Buffer],
) -> None:
    """Copy last, but before what later stages write there, or combine with the copy."""
    before = tuple(instructions)
    for wish in copies:
        owner = storage(wish.buffer)
        made = [other.value for other in granted if storage(other.buffer) is owner]
        later = [
            x
            for x in before[wish.at :]
            if (x.stored is not None and storage(x.stored) is owner) or any(x.result is value for value in made)
        ]
        copy = Instruction(_copying(wish.target.name, wish.value), (wish.value,), stored=wish.buffer)
        instructions.insert(instructions.index(later[0]) if later else len(instructions), copy)


def _copying(target: str, value: Value) -> Callable[[], list[str]]:
    return lambda: [f"np.copyto({target}, {value.name})"]


def place(
    instructions: Sequence[Instruction],
    homes: Sequence[Home],
    shape: Callable[[Value], tuple[Size, ...]],
    fresh: Callable[[str], str],
) -> list[Slot]:
    """Scratch for values without a home.  A slot is used again once its value is dead.

    A result may take the place of an operand that dies in its instruction, where the instruction allows that, or
    that of a value which is stored later.
    """
    free: dict[_Kind, list[str]] = {}
    slots: list[Slot] = []
    ending: dict[int, list[Value]] = {}

    def give(value: Value) -> None:
        names = free.setdefault(_kind(value), [])
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
            over = [x for x in instruction.reads if x in dying and _kind(x)[:3] == _kind(value)[:3]]
            home = next((home for home in homes if home.takes(value, step, instructions)), None)
            if home is not None:
                home.holds = value
                value.name, value.view = home.wish.target.name, home.wish.target
            elif over and instruction.in_place:
                dying.remove(over[0])
                value.name = over[0].name
                ending.setdefault(value.last_use, []).append(value)
            else:
                give(value)
                ending.setdefault(value.last_use, []).append(value)
        for dead in ending.pop(step):
            free.setdefault(_kind(dead), []).append(dead.name)
    return slots


def _kind(value: Value) -> _Kind:
    """What values have in common that may take each other's place."""
    return value.dims, value.axes, value.dtype, value.extent
