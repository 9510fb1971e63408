"""Digits of places: sums of axes divided by a size, without dividing wherever axes can be cut at their digits."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import field
from math import gcd
from typing import NamedTuple, TypeAlias, Union

from graphc.dataclass import dataclass
from graphc.kernel.scalar import Axis
from graphc.sizes import Size, equal, estimate, lower_bound, product, total
from graphc.types import Shape

__all__ = [
    "Cuts",
    "Linear",
    "Piece",
    "Quotient",
    "digits_of",
    "exact_quotient",
    "is_exact",
    "is_natural",
    "linear",
    "quotient",
    "remainder",
    "row_major",
    "scaled",
    "summed",
]

LONG = 8  # elements of a stretch along which nothing is divided: of shorter ones each costs a division of its own


class Piece(NamedTuple):
    """A part of an axis: `axis` is the sum of its pieces, each times its step."""

    axis: Axis
    step: Size
    extent: Size


class Quotient(NamedTuple):
    """`of` divided by a size, rounded down."""

    of: "Linear"
    divisor: Size

    @property
    def pieces(self) -> "frozenset[Piece]":
        """What it is a quotient of sums of."""
        found: set[Piece] = set()
        for atom, _ in self.of.terms:
            found |= {atom} if isinstance(atom, Piece) else atom.pieces
        return frozenset(found)


Atom: TypeAlias = Union[Piece, Quotient]  # noqa: UP007  # a name that is defined by itself


class Linear(NamedTuple):
    """offset + sum of atom * coefficient; no coefficient is 0."""

    terms: tuple[tuple[Atom, Size], ...]
    offset: Size = 0

    @property
    def divides(self) -> bool:
        """Whether some of it is a quotient."""
        return any(isinstance(atom, Quotient) for atom, _ in self.terms)


def linear(terms: Iterable[tuple[Atom, Size]], offset: Size = 0) -> Linear:
    """The sum of terms, of which several may have one atom."""
    found: dict[Atom, Size] = {}
    for atom, factor in terms:
        found[atom] = found.get(atom, 0) + factor
    return Linear(tuple([(atom, factor) for atom, factor in found.items() if factor != 0]), offset)


def summed(*forms: Linear) -> Linear:
    """The sum of forms."""
    return linear([term for form in forms for term in form.terms], total([form.offset for form in forms]))


def scaled(a: Linear, by: Size) -> Linear:
    """A form times a size."""
    return linear([(atom, factor * by) for atom, factor in a.terms], a.offset * by)


def row_major(shape: Shape, index: Sequence[Linear]) -> Linear:
    """How many elements of an array come before the one at an index."""
    return summed(*[scaled(form, product(shape[axis + 1 :])) for axis, form in enumerate(index)])


def digits_of(place: Linear, shape: Shape) -> tuple[list[Linear], list[tuple[Linear, Size]]]:
    """The index of a place in the order of a shape, and which forms are divided to get there, by what."""
    index: list[Linear] = []
    divided: list[tuple[Linear, Size]] = []
    for extent in reversed(shape[1:]):
        divided.append((place, extent))
        index.insert(0, remainder(place, extent))
        place = quotient(place, extent)
    return [place, *index] if shape else [], divided


def exact_quotient(size: Size, by: Size) -> "Size | None":
    """The size that is `size` when multiplied by `by`; None where none is known."""
    if by == 0:
        return None
    found = size // by
    return found if found * by == size else None


@dataclass
class Cuts:
    """How axes are cut into pieces, so that fewer places need a division.

    axes    those that may be cut
    pieces  axis -> its pieces, the one of the largest step first
    """

    axes: Collection[Axis]
    pieces: dict[Axis, tuple[Piece, ...]] = field(default_factory=dict)

    def of(self, axis: Axis) -> Linear:
        """An axis as the sum of its pieces."""
        return linear([(piece, piece.step) for piece in self.pieces_of(axis)])

    def pieces_of(self, axis: Axis) -> tuple[Piece, ...]:
        return self.pieces.get(axis) or (Piece(axis, 1, axis.extent),)

    def cut_for(self, form: Linear, divisor: Size) -> bool:
        """Cut an axis, if that saves dividing a form, or some of the divisions.  Then the form is to be made again."""
        before = dict(self.pieces)
        seen = form
        while (found := _cut_between_digits(seen, divisor, self.axes)) is not None:
            self._cut(*found)
            seen = self._again(seen)
            if not quotient(seen, divisor).divides:
                return True
        self.pieces = before
        stretch = _stretch(form, divisor, self.axes)
        if stretch is not None:
            self._cut(*stretch)
        return stretch is not None

    def _cut(self, piece: Piece, length: Size) -> None:
        """Make two pieces of one, of which the lower has a length."""
        high = Piece(piece.axis, piece.step * length, piece.extent // length)
        both = (high, Piece(piece.axis, piece.step, length))
        old = self.pieces_of(piece.axis)
        at = old.index(piece)
        self.pieces[piece.axis] = (*old[:at], *both, *old[at + 1 :])

    def _again(self, form: Linear) -> Linear:
        """A form of pieces some of which are cut by now."""
        terms: list[tuple[Atom, Size]] = []
        for atom, factor in form.terms:
            if isinstance(atom, Quotient) or atom in self.pieces_of(atom.axis):
                terms.append((atom, factor))
                continue
            lower = [x for x in self.pieces_of(atom.axis) if _is_within(x, atom)]
            terms += [(x, factor * (x.step // atom.step)) for x in lower]
        return linear(terms, form.offset)


def _is_within(piece: Piece, of: Piece) -> bool:
    """Whether a piece is a part of what another one was."""
    steps = exact_quotient(piece.step, of.step)
    return steps is not None and exact_quotient(of.extent, steps * piece.extent) is not None


def quotient(form: Linear, divisor: Size) -> Linear:
    """A form divided by a size: what the size divides divided, and a quotient of the rest if that is no part of one."""
    whole: list[tuple[Atom, Size]] = []
    rest: list[tuple[Atom, Size]] = []
    for atom, factor in form.terms:
        share = exact_quotient(factor, divisor)
        if share is None:
            rest.append((atom, factor))
        else:
            whole.append((atom, share))
    down = _least(rest)
    share, left = (0, form.offset) if down is None else _parted(form.offset + down, divisor)
    if down is not None and _is_below(rest, left - down, divisor):
        return Linear(tuple(whole), share)
    share, left = _parted(form.offset, divisor)
    found = Linear(tuple(whole), share)
    common = _common(rest, left, divisor)
    if common > 1:
        rest = [(atom, factor // common) for atom, factor in rest if factor % common == 0]
        return summed(found, Linear(((_chained(Linear(tuple(rest), left // common), divisor // common), 1),)))
    return summed(found, Linear(((_chained(Linear(tuple(rest), left), divisor), 1),)))


def remainder(form: Linear, divisor: Size) -> Linear:
    """What is left of a form when it is divided."""
    return summed(form, scaled(quotient(form, divisor), -divisor))


def is_exact(form: Linear) -> bool:
    """Whether a form surely stays within int64, in which it is computed, whatever the user's factors are."""
    return _largest(form) < 1 << 62


def _largest(form: Linear) -> int:
    """About how far from 0 a form can be; open sizes are taken at their hints, with room for much larger ones."""
    most = _size_of(form.offset)
    for atom, factor in form.terms:  # recursion is as deep as reshapes are
        most += _size_of(factor) * (_size_of(atom.extent) if isinstance(atom, Piece) else _largest(atom.of))
    return most


def _size_of(size: Size) -> int:
    return abs(size) if isinstance(size, int) else abs(estimate(size)) << 8


def _chained(form: Linear, divisor: Size) -> Quotient:
    """A quotient of a quotient is one, by the product of both divisors."""
    match form:
        case Linear(terms=((Quotient(of=inner, divisor=by), 1),), offset=0):
            return Quotient(inner, by * divisor)
    return Quotient(form, divisor)


def _parted(offset: Size, divisor: Size) -> tuple[Size, Size]:
    if isinstance(offset, int) and isinstance(divisor, int) and divisor:
        return divmod(offset, divisor)
    share = exact_quotient(offset, divisor)
    return (0, offset) if share is None else (share, 0)


def _least(terms: Iterable[tuple[Atom, Size]]) -> "Size | None":
    """The least that a sum of pieces can be, and of quotients of such; None where that is not known."""
    least: Size = 0
    for atom, factor in terms:
        bounds = _bounds(atom)
        if bounds is None or not (is_natural(factor) or is_natural(-factor)):
            return None
        least = least + factor * bounds[is_natural(-factor)]
    return least


def _bounds(atom: Atom) -> tuple[Size, Size] | None:
    """The least and the most of an atom; None where that is not known."""
    if isinstance(atom, Piece):
        return 0, atom.extent - 1
    (terms, offset), divisor = atom  # within itself as deep as reshapes are
    least, most = _least(terms), _least([(inner, -factor) for inner, factor in terms])
    if not (isinstance(least, int) and isinstance(most, int) and isinstance(offset, int) and isinstance(divisor, int)):
        return None
    return (offset + least) // divisor, (offset - most) // divisor


def _is_below(terms: Sequence[tuple[Atom, Size]], offset: Size, bound: Size) -> bool:
    """Whether a sum is never below 0, nor as large as `bound`."""
    least, most = _least(terms), _least([(atom, -factor) for atom, factor in terms])
    if least is None or most is None:
        return False
    return is_natural(offset + least) and is_natural(bound - 1 - offset + most)


def is_natural(size: Size) -> bool:
    """Whether a size is surely not below 0."""
    least = lower_bound(size)
    return least is not None and least >= 0


def _common(terms: Sequence[tuple[Atom, Size]], offset: Size, divisor: Size) -> int:
    """A number that divides the divisor and all terms but some that stay below it, and so change no quotient."""
    numbers = [factor for _, factor in terms]
    if not isinstance(divisor, int) or not isinstance(offset, int) or not all(isinstance(n, int) for n in numbers):
        return 1
    for low in sorted({abs(n) for n in numbers if isinstance(n, int)} | {0}):
        common = gcd(divisor, *[n for n in numbers if isinstance(n, int) and abs(n) > low])
        small = [(atom, factor) for atom, factor in terms if isinstance(factor, int) and abs(factor) <= low]
        if common > 1 and _is_below(small, offset % common, common):
            return common
    return 1


def _cut_between_digits(form: Linear, divisor: Size, axes: Collection[Axis]) -> tuple[Piece, Size] | None:
    """Where a piece goes over from one digit into the next."""
    for atom, factor in form.terms:
        if isinstance(atom, Piece) and atom.axis in axes and exact_quotient(factor, divisor) is None:
            length = exact_quotient(divisor, -factor if is_natural(-factor) else factor)
            if length is not None and length != 1 and is_natural(length) and equal(length, atom.extent) is not True:
                count = exact_quotient(atom.extent, length)
                if count is not None and count != 0:
                    return atom, length
    return None


def _stretch(form: Linear, divisor: Size, axes: Collection[Axis]) -> tuple[Piece, int] | None:
    """The longest stretch of elements side by side along which no quotient changes."""
    if not isinstance(divisor, int) or not isinstance(form.offset, int):
        return None
    last = next((atom for atom, factor in form.terms if factor == 1), None)
    if not isinstance(last, Piece) or last.axis not in axes or not isinstance(last.extent, int):
        return None
    others = [factor for atom, factor in form.terms if atom is not last]
    if not all(isinstance(n, int) for n in others):
        return None
    length = gcd(divisor, last.extent, form.offset, *[n for n in others if isinstance(n, int)])
    return (last, length) if LONG <= length < last.extent else None
