"""Elements that meet in one place of the result, as a few strided additions: the adjoint of a window."""

from collections.abc import Sequence

from graphc.backends.numpy.values import Value
from graphc.backends.numpy.views import SizeText
from graphc.kernel.indices import Affine
from graphc.kernel.scalar import Axis
from graphc.types import Shape

__all__ = ["meeting_lines"]


def meeting_lines(
    ufunc: str, out: str, shape: Shape, index: Sequence[Affine], value: Value, dims: Sequence[Axis], size: SizeText
) -> list[str]:
    """Combine `value`, with axes `dims`, into `out` at an affine index: one call per step along meeting axes."""
    looped = _meeting(index)
    names = {axis: f"k{number}" for number, axis in enumerate(looped)}
    cuts: list[str] = []
    order: list[Axis] = []
    for part, extent in zip(index, shape, strict=True):
        walked = [(axis, step) for axis, step in part.terms if axis not in names]
        start = " + ".join(
            [
                size(part.offset),
                *(f"{names[axis]} * {size(step)}" for axis, step in part.terms if axis in names),
            ]
        )
        if walked:
            ((axis, step),) = walked
            order.append(axis)
            is_whole = part == Affine(((axis, 1),)) and axis.extent == extent
            cuts.append(":" if is_whole else f"span({start}, {size(step)}, {size(axis.extent)})")
        else:
            cuts.append(start)
    shown = [axis for axis in dims if axis in order]
    turn = "" if order == shown else f".transpose({', '.join(str(order.index(axis)) for axis in shown)})"
    operand = value.name
    if not value.is_number:
        taken = [names.get(axis, ":") if axis in value.axes else ":" if axis in order else "0" for axis in dims]
        operand += f"[{', '.join(taken)}]" if taken else ""
    whole = "" if order else ", ..."
    body = [
        f"part = {out}[{', '.join(cuts)}{whole}]{turn}" if cuts else f"part = {out}",
        f"{ufunc}(part, {operand}, out=part)",
    ]
    if not names:
        return body
    loop = ", ".join(names.values()) + ("," if len(names) == 1 else "")
    box = ", ".join(size(axis.extent) for axis in looped)
    return [f"for {loop} in taps({box}):", *(f"    {line}" for line in body)]


def _meeting(index: Sequence[Affine]) -> list[Axis]:
    """The axes to walk one by one, so that the others never meet: of each window, all but the longest axis."""
    looped: dict[Axis, None] = {}
    for part in index:
        if len(part.terms) > 1:
            fixed = [axis for axis, _ in part.terms if not isinstance(axis.extent, int)]
            longest = fixed[0] if fixed else max((axis for axis, _ in part.terms), key=lambda a: (a.extent, -a.number))
            looped |= dict.fromkeys(axis for axis, _ in part.terms if axis is not longest)
    return sorted(looped, key=lambda axis: axis.number)
