"""Index lets as affine expressions, and those as NumPy views."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from graphc.kernel.buffer import Buffer
from graphc.kernel.scalar import Axis, AxisIndex, Call, Const, Fn, Let, SizeValue
from graphc.sizes import Size

__all__ = ["Affine", "SizeText", "affine_of", "axes_of", "is_plain", "is_solid", "view_text"]

SizeText: TypeAlias = Callable[[Size], str]


@dataclass(frozen=True, slots=True)
class Affine:
    """offset + sum of axis * coefficient."""

    terms: tuple[tuple[Axis, Size], ...]
    offset: Size = 0


def affine_of(lets: Sequence[Let]) -> list[Affine | None]:
    """For each let of a list, the affine index it is; None for all others."""
    found: list[Affine | None] = []
    for let in lets:
        match let:
            case AxisIndex(axis=axis):
                found.append(Affine(((axis, 1),)))
            case Const(value=int(value)) if not isinstance(value, bool):
                found.append(Affine((), value))
            case SizeValue(size=size):
                found.append(Affine((), size))
            case Call(fn=Fn.ADD | Fn.MUL, args=(left, right)):
                found.append(_combined(let.fn, found[left], found[right]))
            case _:
                found.append(None)
    return found


def _combined(fn: Fn, left: Affine | None, right: Affine | None) -> Affine | None:
    if left is None or right is None:
        return None
    if fn is Fn.ADD:
        terms = dict(left.terms)
        for axis, coefficient in right.terms:
            terms[axis] = terms.get(axis, 0) + coefficient
        return Affine(tuple(terms.items()), left.offset + right.offset)
    if left.terms and right.terms:
        return None
    scale, other = (left.offset, right) if not left.terms else (right.offset, left)
    return Affine(tuple((axis, c * scale) for axis, c in other.terms), other.offset * scale)


def axes_of(index: Sequence[Affine]) -> frozenset[Axis]:
    """The axes along which an index moves."""
    return frozenset(axis for part in index for axis, _ in part.terms)


def is_plain(index: Sequence[Affine]) -> bool:
    """Whether every part walks one axis at most, and no axis twice: a slice, a transpose, no window."""
    axes: set[Axis] = set()
    for part in index:
        if part.terms:
            if len(part.terms) > 1 or part.terms[0][0] in axes:
                return False
            axes.add(part.terms[0][0])
    return True


def is_solid(index: Sequence[Affine], shape: Sequence[Size]) -> bool:
    """Whether the elements at an index lie in the order of the axes and without gaps: a stretch of the buffer."""
    walked: list[Axis] = []
    for part, extent in zip(index, shape, strict=True):
        if not part.terms:
            if walked and extent != 1:
                return False
            continue
        ((axis, step), *others) = part.terms
        if others or step != 1 or (walked and axis.extent != extent) or (walked and axis.number <= walked[-1].number):
            return False
        walked.append(axis)
    return True


def view_text(
    base: str,
    buffer: Buffer,
    index: Sequence[Affine],
    dims: Sequence[Axis],
    text: SizeText,
) -> str:
    """The view of `base` whose axes are `dims`; those that the index does not use have extent 1."""
    used = {axis for part in index for axis, _ in part.terms}
    if not is_plain(index):
        shape = ", ".join(text(axis.extent) if axis in used else "1" for axis in dims)
        start = ", ".join(text(part.offset) for part in index)
        steps = ", ".join(
            "(" + "".join(f"{text(dict(part.terms).get(axis, 0))}, " for part in index).rstrip() + ")" for axis in dims
        )
        return f"windows({base}, ({start},), ({shape},), ({steps},))"
    cuts = [_cut(part, extent, text) for part, extent in zip(index, buffer.shape, strict=True)]
    order = [part.terms[0][0] for part in index if part.terms]
    result = base
    while cuts and cuts[-1] == ":":
        cuts.pop()
    if cuts:
        whole = "" if order else ", ..."  # an array still, not a copied number
        result += f"[{', '.join(cuts)}{whole}]"
    sorted_order = [axis for axis in dims if axis in used]
    if order != sorted_order:
        is_reversed = order[::-1] == sorted_order
        turn = ", ".join([str(order.index(axis)) for axis in sorted_order])
        result += ".T" if is_reversed else f".transpose({turn})"
    if len(sorted_order) < len(dims):
        result += f"[{', '.join(':' if axis in used else 'None' for axis in dims)}]"
    return result


def _cut(part: Affine, extent: Size, text: SizeText) -> str:
    if not part.terms:
        return text(part.offset)
    ((axis, step),) = part.terms
    if step == 1 and part.offset == 0 and axis.extent == extent:
        return ":"
    return f"span({text(part.offset)}, {text(step)}, {text(axis.extent)})"
