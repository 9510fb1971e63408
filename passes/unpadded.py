"""Padding: products whose windows reach outside of an array read that array, and not a copy framed by zeros."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import final

from graphc.dataclass import dataclass
from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.indices import affine_of
from graphc.kernel.program import Program
from graphc.kernel.scalar import Axis, Const, Formula, Let
from graphc.kernel.steps import Contract, Kernel, Stage, Step, Store, buffers_of
from graphc.passes.pipeline import Log
from graphc.passes.places import is_copy, shown, walked
from graphc.passes.stages import only_stores, wholes
from graphc.passes.step_lists import over_lists
from graphc.sizes import Size, equal, product
from graphc.types import Shape

__all__ = ["read_unpadded"]


def read_unpadded(program: Program, log: Log) -> Program:
    """Let windows of products reach outside of what a kernel frames by zeros for them alone."""
    return over_lists(program, lambda steps, outside: _unpadded(steps, outside, log))


@final
@dataclass(frozen=True)
class _Framed:
    """An array of zeros, in which a kernel puts the elements of another one.

    inner   what makes that one, alone
    own     that one
    starts  where it begins, along each axis
    """

    whole: Buffer
    inner: Kernel
    own: Buffer
    starts: tuple[Size, ...]

    def under(self, shape: Shape) -> tuple[Shape, tuple[Size, ...]] | None:
        """The shape of the inner array and where it begins, where the whole is seen under another shape.

        None where axes along which it is framed are not the last ones there.
        """
        count = len(self.starts)
        extents = zip(self.own.shape, self.whole.shape, self.starts, strict=True)
        first = next((axis for axis, (n, m, start) in enumerate(extents) if n != m or start != 0), count)
        lead = len(shape) - (count - first)
        if lead < 0 or not all(map(equal, shape[lead:], self.whole.shape[first:])):
            return None
        if not equal(product(shape[:lead]), product(self.whole.shape[:first])):
            return None
        return (*shape[:lead], *self.own.shape[first:]), (*(0,) * lead, *self.starts[first:])


def _unpadded(steps: Sequence[Step], outside: Collection[Buffer], log: Log) -> Sequence[Step]:
    if not any(isinstance(step, Contract) for step in steps):
        return steps
    touching: dict[Buffer, list[int]] = defaultdict(list)
    for number, step in enumerate(steps):
        for root in {buffer.root: None for buffer in buffers_of(step)}:
            touching[root].append(number)
    changed = list(steps)
    gone: set[int] = set()
    for number, step in enumerate(steps):
        framed = _framed(step) if isinstance(step, Kernel) else None
        if framed is None or framed.whole in outside or framed.whole in step.reads:
            continue
        readers = [place for place in touching[framed.whole] if place != number]
        if not (readers and all(_reaches_over(steps[place], framed) for place in readers)):
            continue
        log.note("read as it is, with zeros outside", step.origins[0])
        own = _source(framed.inner, steps[number : max(readers) + 1])
        if own is None:
            own, changed[number] = framed.own, framed.inner
        else:
            gone.add(number)
        for place in readers:
            contract = changed[place]
            assert isinstance(contract, Contract), contract
            changed[place] = _reading(contract, framed, own)
    return [step for number, step in enumerate(changed) if number not in gone]


def _framed(kernel: Kernel) -> _Framed | None:
    """What a kernel frames, if that is all that it does."""
    if len(kernel.stages) != 2 or not all(map(only_stores, kernel.stages)):
        return None
    zeros, inside = wholes(kernel)
    if not len(zeros.effects) == len(inside.effects) == 1:
        return None
    (fill,), (put,) = zeros.effects, inside.effects
    assert isinstance(fill, Store), fill
    assert isinstance(put, Store), put
    whole = fill.buffer
    if put.buffer is not whole or whole.role is not Role.TEMPORARY or whole.base is not None:
        return None
    if not _is_zero(zeros.lets[fill.value]) or not _walks_all(zeros, fill):
        return None
    affine = affine_of(inside.lets)
    places = [affine[number] for number in put.index]
    axes = [part.terms[0][0] for part in places if part is not None and [step for _, step in part.terms] == [1]]
    if len(axes) < len(places) or sorted(axes, key=_number) != sorted(inside.inner, key=_number):
        return None
    own = Buffer(Role.TEMPORARY, whole.dtype, tuple([axis.extent for axis in axes]))
    formula = Formula()
    numbers: list[int] = []
    for let in inside.lets:
        numbers.append(formula.copied(let, numbers))
    store = Store(own, tuple(map(formula.axis, axes)), numbers[put.value])
    inner = Kernel(tuple(axes), (Stage((), tuple(formula.lets), (store,)),), kernel.origins)
    return _Framed(whole, inner, own, tuple([part.offset for part in places if part is not None]))


def _number(axis: Axis) -> int:
    return axis.number


def _is_zero(let: Let) -> bool:
    """Whether it is a 0 without a sign."""
    return isinstance(let, Const) and let.value == 0 and not let.text.startswith("-")


def _walks_all(stage: Stage, store: Store) -> bool:
    """Whether a stage stores every element of an array."""
    places = walked(stage.lets, store.index) or ()
    axes = [place for place in places if isinstance(place, Axis)]
    is_whole = len(set(axes)) == len(store.buffer.shape) and set(axes) == set(stage.inner)
    return is_whole and all(map(equal, [axis.extent for axis in axes], store.buffer.shape))


def _reaches_over(step: Step, framed: _Framed) -> bool:
    """Whether a step reads what is framed as an operand of a product, whose windows reach into the frame."""
    whole = framed.whole
    if not isinstance(step, Contract) or step.out.root is whole:
        return False
    if step.then is not None and whole in [buffer.root for buffer in step.then.reads]:
        return False
    return all(_slides(framed, buffer, index) for buffer, index in _operands(step) if buffer.root is whole)


def _slides(framed: _Framed, buffer: Buffer, index: Sequence[AffineIndex]) -> bool:
    """Whether along each axis that is framed a window moves."""
    seen = framed.under(buffer.shape)
    if seen is None:
        return False
    extents = zip(index, buffer.shape, *seen, strict=True)
    return all(len(part.terms) > 1 for part, n, inside, start in extents if n != inside or start != 0)


def _operands(contract: Contract) -> tuple[tuple[Buffer, Sequence[AffineIndex]], ...]:
    return (contract.left, contract.left_index), (contract.right, contract.right_index)


def _source(kernel: Kernel, steps: Sequence[Step]) -> Buffer | None:
    """The array that a kernel only copies, where it stays as it is while these steps run."""
    copy = is_copy(kernel)
    if copy is None or copy[0].root.role is Role.LOCAL:
        return None
    return None if copy[0].root in {buffer.root for step in steps for buffer in step.writes} else copy[0]


def _reading(contract: Contract, framed: _Framed, own: Buffer) -> Contract:
    """The product with what is inside of the frame as its operand."""
    found = []
    for buffer, index in _operands(contract):
        seen = framed.under(buffer.shape) if buffer.root is framed.whole else None
        if seen is None:
            found.append((buffer, tuple(index)))
            continue
        shape, starts = seen
        parts = [AffineIndex(part.terms, part.offset - start) for part, start in zip(index, starts, strict=True)]
        found.append((shown(own, shape), tuple(parts)))
    (left, left_index), (right, right_index) = found
    return replace(contract, left=left, right=right, left_index=left_index, right_index=right_index, guarded=True)
