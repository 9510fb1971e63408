"""Affine indices as NumPy views."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from graphc.kernel.buffer import Buffer
from graphc.kernel.indices import Affine, axes_of, is_plain
from graphc.kernel.scalar import Axis
from graphc.sizes import Size, lower_bound

__all__ = ["SizeText", "is_solid", "view_text"]

SizeText: TypeAlias = Callable[[Size], str]


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
    used = axes_of(index)
    if not is_plain(index):
        shape = ", ".join(text(axis.extent) if axis in used else "1" for axis in dims)
        start = ", ".join(text(part.offset) for part in index)
        steps = ", ".join(
            "(" + "".join(f"{text(dict(part.terms).get(axis, 0))}, " for part in index).rstrip() + ")" for axis in dims
        )
        return f"windows({base}, ({start},), ({shape},), ({steps},))"
    order = [part.terms[0][0] for part in index if part.terms]
    cuts = [_cut(part, extent, text) for part, extent in zip(index, buffer.shape, strict=True)]
    result = base
    while cuts and cuts[-1] == ":":
        cuts.pop()
    if cuts:
        whole = "" if order else ", ..."  # an array still, not a copied number
        result += f"[{', '.join(cuts)}{whole}]"
    inside = _is_inside(index, buffer, text) if any(not lower_bound(axis.extent) for axis in dims) else ""
    if inside:  # NumPy would raise, also where the loop has no turns
        shape = "".join([f"{text(axis.extent)}, " for axis in order]).rstrip()
        result = f"({result} if {inside} else np.zeros(({shape}), {base}.dtype))"
    sorted_order = [axis for axis in dims if axis in used]
    if order != sorted_order:
        is_reversed = order[::-1] == sorted_order
        turn = ", ".join([str(order.index(axis)) for axis in sorted_order])
        result += ".T" if is_reversed else f".transpose({turn})"
    if len(sorted_order) < len(dims):
        result += f"[{', '.join(':' if axis in used else 'None' for axis in dims)}]"
    return result


def _is_inside(index: Sequence[Affine], buffer: Buffer, text: SizeText) -> str:
    """What says that the numbers of an index are places; nothing where they surely are."""
    asked: list[str] = []
    for part, extent in zip(index, buffer.shape, strict=True):
        if part.terms:
            continue
        least = lower_bound(part.offset)
        if least is None or least < 0:
            asked.append(f"{text(part.offset)} >= 0")
        if (lower_bound(extent - part.offset) or 0) <= 0:
            asked.append(f"{text(part.offset)} < {text(extent)}")
    return " and ".join(asked)


def _cut(part: Affine, extent: Size, text: SizeText) -> str:
    if not part.terms:
        return text(part.offset)
    ((axis, step),) = part.terms
    if step == 1 and part.offset == 0 and axis.extent == extent:
        return ":"
    return f"span({text(part.offset)}, {text(step)}, {text(axis.extent)})"
