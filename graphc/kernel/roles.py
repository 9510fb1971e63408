"""What a contraction is to a machine: rows and columns of tiles, sums, and products that stand side by side."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias, final

from graphc.dataclass import dataclass
from graphc.kernel.affine import AffineIndex, axes_in
from graphc.kernel.buffer import Buffer
from graphc.kernel.guards import Guard, guards_of
from graphc.kernel.steps import Contract
from graphc.sizes import Size, estimate, product

__all__ = ["Roles", "Walk", "roles_of"]

Steps: TypeAlias = dict[int, Size]


@final
@dataclass(frozen=True, slots=True)
class Walk:
    """An axis of a product, and how many elements one step along it goes in `a`, `b` and the result `c`."""

    number: int
    extent: Size
    a: Size
    b: Size
    c: Size

    @property
    def count(self) -> int:
        """About how many points it has, at least one."""
        return max(estimate(self.extent), 1)

    @property
    def flipped(self) -> "Walk":
        """The axis where the operands change places."""
        return replace(self, a=self.b, b=self.a)


LARGE = 1 << 20  # elements of a matrix that no cache holds
SINGLE = Walk(-1, 1, 0, 0, 0)  # of one row, one column, or one product to add


@final
@dataclass(frozen=True)
class Roles:
    """c[batch, rows, columns] += sum over `sums` of a[batch, rows, sums] * b[batch, columns, sums].

    serial   axes of which several points meet in one element: they are walked one after the other
    meeting  the axes that they meet with, whose parts cannot be made at the same time
    offsets  elements before the first one, of a, b and c
    guards   parts of the indices of a and b that may be outside of them: no axis there is one with another
    adds     the result starts at what it holds
    """

    a: Buffer
    b: Buffer
    c: Buffer
    batch: tuple[Walk, ...]
    rows: tuple[Walk, ...]
    columns: tuple[Walk, ...]
    sums: tuple[Walk, ...]
    serial: tuple[Walk, ...]
    meeting: frozenset[int]
    offsets: tuple[Size, Size, Size]
    adds: bool
    guards: tuple[tuple[Guard, ...], tuple[Guard, ...]] = ((), ())

    @property
    def flipped(self) -> "Roles":
        """The same with the other operand first."""
        batch, rows, columns, sums, serial = (
            tuple([walk.flipped for walk in walks])
            for walks in (self.batch, self.columns, self.rows, self.sums, self.serial)
        )
        a, b, c = self.offsets
        return replace(
            self, a=self.b, b=self.a, batch=batch, rows=rows, columns=columns, sums=sums, serial=serial,
            offsets=(b, a, c), guards=(self.guards[1], self.guards[0]),
        )  # fmt: skip

    @property
    def work(self) -> int:
        """About how many products of elements there are."""
        return count_of((*self.batch, *self.rows, *self.columns, *self.sums, *self.serial))


def count_of(walks: Iterable[Walk]) -> int:
    """About how many points axes have."""
    result = 1
    for walk in walks:
        result *= walk.count
    return result


def roles_of(contract: Contract, one: frozenset[tuple[int, int]] = frozenset()) -> Roles | None:
    """The roles of the axes, those that step alike as one; None where kernels do as well.

    Axes that an epilogue walks are one only in the pairs `one`.
    """
    windows = _windows(contract)
    if windows is None:
        return None
    serial, meeting = windows
    a, a_offset = _steps(contract.left, contract.left_index)
    b, b_offset = _steps(contract.right, contract.right_index)
    c, c_offset = _steps(contract.out, contract.out_index)
    found: dict[tuple[bool, bool, bool], list[Walk]] = {}
    apart: list[Walk] = []
    for number, extent in enumerate(contract.extents):
        if extent == 1:
            continue
        walk = Walk(number, extent, a.get(number, 0), b.get(number, 0), c.get(number, 0))
        if number in serial:
            apart.append(walk)
        else:
            found.setdefault((number in a, number in b, number in c), []).append(walk)
    rows, columns = found.pop((True, False, True), []), found.pop((False, True, True), [])
    batch, sums = found.pop((True, True, True), []), found.pop((True, True, False), [])
    if found or not (rows or columns):
        return None
    is_thin = _is_thin(columns, sums, 0) or _is_thin(rows, sums, 1)
    if not (rows and columns and sums) and not serial and not (is_thin and not batch):
        return None

    guards = (
        guards_of(contract, contract.left, contract.left_index),
        guards_of(contract, contract.right, contract.right_index),
    )
    guarded = axes_in([guard.part for each in guards for guard in each])

    def may_be_counted(before: int, after: int) -> bool:
        return not guarded.intersection((before, after))

    def may_be_one(before: int, after: int) -> bool:
        if not may_be_counted(before, after):
            return False
        return not meeting.intersection((before, after)) if contract.then is None else (before, after) in one

    return Roles(
        a=contract.left,
        b=contract.right,
        c=contract.out,
        batch=_alike(batch, may_be_one),
        rows=_alike(rows, may_be_one) or (SINGLE,),
        columns=_alike(columns, may_be_one) or (SINGLE,),
        sums=_alike(sums, may_be_counted) or (SINGLE,),
        serial=tuple(apart),
        meeting=meeting,
        offsets=(a_offset, b_offset, c_offset),
        adds=contract.adds or not contract.is_whole,
        guards=guards,
    )


def _is_thin(across: Sequence[Walk], sums: Sequence[Walk], side: int) -> bool:
    """Whether one row is multiplied by a large matrix whose rows lie in one piece."""
    if not across or not sums or count_of((*across, *sums)) < LARGE:
        return False
    return any((walk.a if side else walk.b) == 1 for walk in across)


def _steps(buffer: Buffer, index: Sequence[AffineIndex]) -> tuple[Steps, Size]:
    """How many elements one step along each axis goes, and how many stand before the first."""
    steps: Steps = {}
    offset: Size = 0
    stride: Size = 1
    for extent, part in zip(reversed(buffer.shape), reversed(index), strict=True):
        for axis, factor in part.terms:
            steps[axis] = steps.get(axis, 0) + factor * stride
        offset = offset + part.offset * stride
        stride = stride * extent
    return steps, offset


def _windows(contract: Contract) -> tuple[frozenset[int], frozenset[int]] | None:
    """Axes such that at each of their points no others meet in one element, and the axes that they meet with.

    Of each window it is the shorter axis.  None where an element is told in another way.
    """
    serial: set[int] = set()
    meeting: set[int] = set()
    seen: set[int] = set()
    for part in contract.out_index:
        terms = sorted(part.terms, key=lambda term: estimate(contract.extents[term[0]]))
        for axis, factor in terms:
            if axis in seen or not isinstance(factor, int) or factor == 0:
                return None
            seen.add(axis)
        if len(terms) > 1:
            *others, longest = [axis for axis, _ in terms]
            serial.update(others)
            meeting.add(longest)
    return frozenset(serial), frozenset(meeting)


def _alike(walks: Sequence[Walk], may_be_one: Callable[[int, int], bool]) -> tuple[Walk, ...]:
    """Axes in the order of their steps; neighbours that all arrays step through alike are one where they may be.

    It has the number of the last of them.
    """
    result: list[Walk] = []
    for walk in sorted(walks, key=lambda x: (-_size(x.c), -max(_size(x.a), _size(x.b)), -_size(x.a), x.number)):
        if result and may_be_one(result[-1].number, walk.number):
            before, n = result[-1], walk.extent
            if (before.a, before.b, before.c) == (n * walk.a, n * walk.b, n * walk.c):
                result[-1] = replace(walk, extent=product((before.extent, n)))
                continue
        result.append(walk)
    return tuple(result)


def _size(step: Size) -> int:
    return abs(estimate(step))
