"""How arrays in the arena are defined: those of one type in one line, as a line for each takes long to compile."""

from collections.abc import Sequence
from dataclasses import dataclass

from graphc.backends.numpy.runs import progressions
from graphc.value import quick

__all__ = ["Defined", "arrays_text", "tuple_text"]


@quick
@dataclass(frozen=True, slots=True)
class Defined:
    """A name, the number of its place in the plan, and how many bytes after that it begins, as text."""

    name: str
    place: int
    after: str = ""


def arrays_text(group: Sequence[Defined], shape: str, dtype: str) -> str:
    """The line that defines arrays of one type."""
    if len(group) == 1:
        return f'{group[0].name} = array(memory, {_offset(group[0])}, {shape}, "{dtype}")'
    at_place: dict[int, str] = {}
    others: list[Defined] = []
    for one in group:
        if one.after or one.place in at_place:
            others.append(one)
        else:
            at_place[one.place] = one.name
    runs = list(progressions(list(at_place)))
    names = [at_place[place] for run in runs for place in run] + [one.name for one in others]
    offsets = [_slice(run) for run in runs]
    if len(runs) == 1 and not others:
        text = offsets[0].removeprefix("*")
    else:
        text = tuple_text([*offsets, *map(_offset, others)])
    return f'{", ".join(names)} = arrays(memory, {text}, {shape}, "{dtype}")'


def _offset(one: Defined) -> str:
    start = f"at[{one.place}]"
    return f"{start} + {one.after}" if one.after else start


def _slice(run: range) -> str:
    """The offsets at some places of the plan, to stand in a tuple."""
    if len(run) == 1:
        return f"at[{run.start}]"
    return f"*at[{run.start}:{run.stop}{f':{run.step}' if run.step != 1 else ''}]"


def tuple_text(items: Sequence[str]) -> str:
    """Texts as the text of a tuple."""
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
