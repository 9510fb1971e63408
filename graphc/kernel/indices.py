"""Index lets as affine expressions in axes."""

from collections.abc import Callable, Sequence

from graphc.dataclass import dataclass
from graphc.kernel.scalar import Axis, AxisIndex, Call, Const, Fn, Let, Load, SizeValue
from graphc.kernel.steps import Stage, Store, Total
from graphc.sizes import Size
from graphc.types import INT64

__all__ = ["Affine", "affine_of", "axes_of", "behind", "is_plain", "needed"]


MOST = 2**62


@dataclass(frozen=True, slots=True)
class Affine:
    """offset + sum of axis * coefficient."""

    terms: tuple[tuple[Axis, Size], ...]
    offset: Size = 0

    @property
    def is_narrow(self) -> bool:
        """Whether all its numbers are much smaller than those of 64 bits, which wrap around."""
        numbers = (self.offset, *(coefficient for _, coefficient in self.terms))
        return not any(isinstance(number, int) and abs(number) >= MOST for number in numbers)


def affine_of(lets: Sequence[Let]) -> list[Affine | None]:
    """For each let of a list, the affine index it is; None for all others."""
    found: list[Affine | None] = []
    for let in lets:
        match let:
            case AxisIndex(axis=axis):
                found.append(Affine(((axis, 1),)))
            case Const(value=int(value), dtype=dtype) if dtype == INT64 and not isinstance(value, bool):
                found.append(Affine((), value))
            case SizeValue(size=size):
                found.append(Affine((), size))
            case Call(fn=Fn.ADD | Fn.MUL, args=(left, right), dtype=dtype) if dtype == INT64:
                found.append(_combined(let.fn, found[left], found[right]))
            case _:
                found.append(None)
    return found


def _combined(fn: Fn, left: Affine | None, right: Affine | None) -> Affine | None:
    """None where a number would be larger than those of 64 bits, which wrap around."""
    found = None if left is None or right is None else _joined(fn, left, right)
    return found if found is not None and found.is_narrow else None


def _joined(fn: Fn, left: Affine, right: Affine) -> Affine | None:
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


def needed(stage: Stage, affine: Sequence[Affine | None]) -> frozenset[int]:
    """The lets of a stage that are more than affine indices: of what is read or written, or of random numbers."""

    def operands(call: Call, _: int) -> Sequence[int]:
        match call:
            case Call(fn=Fn.PHILOX32 | Fn.PHILOX64, args=(key, purpose, index)) if affine[index]:
                return key, purpose
        return call.args

    return behind(stage, affine, operands)


def behind(
    stage: Stage, affine: Sequence[object | None], operands: Callable[[Call, int], Sequence[int]]
) -> frozenset[int]:
    """The lets that effects are made of, and places that are not affine; `operands` of the call of a number, too."""
    found: set[int] = set()
    waiting = [effect.value for effect in stage.effects]
    for effect in stage.effects:
        if isinstance(effect, Store | Total):
            waiting += [part for part in effect.index if affine[part] is None]
    while waiting:
        number = waiting.pop()
        if number in found:
            continue
        found.add(number)
        match stage.lets[number]:
            case Call() as call:
                waiting += operands(call, number)
            case Load() as load:
                waiting += [part for part in load.index if affine[part] is None]
                waiting += [other for other in (load.guard, load.otherwise) if other is not None]
    return frozenset(found)
