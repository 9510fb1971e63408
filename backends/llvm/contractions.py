"""Contractions: in tiles of registers where that pays, else as kernels, the plain form that every contraction has."""

from collections.abc import Iterator
from dataclasses import replace

from graphc.backends.llvm.blas import Library, library_for
from graphc.backends.llvm.blocking import Blocking, blocking_of
from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.products import roles_of
from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.monoids import Monoid, number_in
from graphc.kernel.scalar import Axis, AxisIndex, Fn, Formula, Load
from graphc.kernel.steps import Contract, Fold, Kernel, Loop, Rows, Stage, Store
from graphc.types import DTYPES, FLOAT32, NARROW

__all__ = ["axes_of", "blocking_for", "cleared", "kernels_of", "library_of", "one_by_one"]

FLOATS = (FLOAT32, DTYPES["float64"])


def blocking_for(contract: Contract, machine: Machine) -> Blocking | None:
    """How a product of floats is made in tiles; None for others, and where nothing is a row, or nothing a column."""
    dtype = contract.out.dtype
    if dtype not in FLOATS or contract.left.dtype != dtype or contract.right.dtype != dtype:
        return None
    if any(extent == 0 for extent in contract.extents):
        return None
    roles = roles_of(contract)
    return None if roles is None else blocking_of(roles, dtype, machine)


def one_by_one(contract: Contract, machine: Machine) -> Loop | None:
    """The product at each point of the first axis, one after the other; None where all at once round as each alone.

    In tiles each element is added up in one order, whatever else is made; kernels choose theirs by all extents.
    """
    if not contract.apart or contract.out.dtype not in FLOATS:
        return None
    sides = [(contract.left, contract.left_index), (contract.right, contract.right_index)]
    alone = [_row_of(buffer, index) for buffer, index in (*sides, (contract.out, contract.out_index))]
    (left, left_index), (right, right_index), (out, out_index) = alone
    if out is contract.out or (left is contract.left and right is contract.right):
        return None
    one = replace(
        contract,
        extents=contract.extents[1:],
        left=left,
        right=right,
        out=out,
        left_index=left_index,
        right_index=right_index,
        out_index=out_index,
        apart=contract.apart - 1,
        then=None,
    )
    if blocking_for(one, machine) is not None:
        return None
    pairs = ((left, contract.left), (right, contract.right))
    rows = tuple([Rows(row, of) for row, of in pairs if row is not of])
    shared = tuple([of for row, of in pairs if row is of])
    outputs = (Rows(out, contract.out),)
    return Loop(contract.extents[0], False, (), rows, outputs, (one,), shared, contract.origins)


def _row_of(buffer: Buffer, index: tuple[AffineIndex, ...]) -> tuple[Buffer, tuple[AffineIndex, ...]]:
    """A row of a buffer whose first axis is the first one of a product, with the index that remains; else the buffer.

    Axes are counted from 1 then, where the first is left out.
    """
    first = index[:1] == (AffineIndex(((0, 1),)),)
    rest = index[1:] if first else index
    if any(axis == 0 for part in rest for axis, _ in part.terms):
        return buffer, index
    fewer = tuple([AffineIndex(tuple([(axis - 1, by) for axis, by in part.terms]), part.offset) for part in rest])
    return (Buffer(Role.ROW, buffer.dtype, buffer.shape[1:]) if first else buffer), fewer


def library_of(contract: Contract) -> Library | None:
    """How the library makes a product; None where it is not asked."""
    if contract.left.dtype != contract.out.dtype or contract.right.dtype != contract.out.dtype or not contract.is_whole:
        return None
    roles = roles_of(contract.product)
    return None if roles is None else library_for(roles)


def axes_of(contract: Contract) -> tuple[tuple[Axis, int], ...]:
    """The axes of the epilogue, each with the number of the axis of the contraction that it is; -1 for none."""
    then = contract.then
    assert then is not None, contract
    (stage,) = then.stages
    own = next(let.index for let in stage.lets if isinstance(let, Load) and let.buffer is contract.out)
    found: dict[Axis, int] = {}
    for part, place in zip(contract.out_index, own, strict=True):
        let = stage.lets[place]
        if part.terms and isinstance(let, AxisIndex):
            found[let.axis] = part.terms[0][0]
    return tuple([(axis, found.get(axis, -1)) for axis in then.outer])


def kernels_of(contract: Contract) -> Iterator[Kernel]:
    """Kernels that make the product, without its epilogue."""
    axes = [Axis(number, extent) for number, extent in enumerate(contract.extents)]
    walked = {axis for part in contract.out_index for axis, _ in part.terms}
    if not contract.is_whole:
        if not contract.adds:
            yield cleared(contract.out)
        yield _scattered(contract, axes)
        return
    outer = tuple(axis for axis in axes if axis.number in walked)
    inner = tuple(axis for axis in axes if axis.number not in walked)
    dtype = FLOAT32 if contract.out.dtype in NARROW else contract.out.dtype
    total = Buffer(Role.LOCAL, dtype, ())
    formula = Formula()
    numbers = [formula.axis(axis) for axis in axes]
    term = formula.call(Fn.MUL, [_factor(formula, contract, side, numbers) for side in ("left", "right")])
    sums = Stage(inner, tuple(formula.lets), (Fold(Monoid.SUM, term, (total,)),))
    last = Formula()
    numbers = [last.axis(axis) if axis.number in walked else -1 for axis in axes]
    place = tuple(last.affine(part, numbers) for part in contract.out_index)
    value = last.add(Load(total, (), dtype))
    if contract.adds:
        before = last.add(Load(contract.out, place, contract.out.dtype))
        if contract.out.dtype != dtype:
            before = last.call(Fn.CAST, (before,), dtype)
        value = last.call(Fn.ADD, (before, value))
    if contract.out.dtype != dtype:
        value = last.call(Fn.CAST, (value,), contract.out.dtype)
    stores = Stage((), tuple(last.lets), (Store(contract.out, place, value),))
    yield Kernel(outer, (sums, stores), contract.origins)


def _factor(formula: Formula, contract: Contract, side: str, numbers: list[int]) -> int:
    buffer, index = (contract.left, contract.left_index) if side == "left" else (contract.right, contract.right_index)
    dtype = FLOAT32 if contract.out.dtype in NARROW else contract.out.dtype
    place = tuple(formula.affine(part, numbers) for part in index)
    value = formula.add(Load(buffer, place, buffer.dtype))
    return value if buffer.dtype == dtype else formula.call(Fn.CAST, (value,), dtype)


def cleared(out: Buffer) -> Kernel:
    """A kernel that lets every element be 0."""
    axes = tuple(Axis(number, extent) for number, extent in enumerate(out.shape))
    formula = Formula()
    place = tuple(formula.axis(axis) for axis in axes)
    zero = formula.constant(number_in(0, out.dtype), out.dtype)
    return Kernel(axes, (Stage((), tuple(formula.lets), (Store(out, place, zero),)),), ())


def _scattered(contract: Contract, axes: list[Axis]) -> Kernel:
    """Every term into the element that it belongs to."""
    formula = Formula()
    numbers = [formula.axis(axis) for axis in axes]
    term = formula.call(Fn.MUL, [_factor(formula, contract, side, numbers) for side in ("left", "right")])
    place = tuple(formula.affine(part, numbers) for part in contract.out_index)
    if contract.out.dtype in NARROW:
        term = formula.call(Fn.CAST, (term,), contract.out.dtype)
    effect = Store(contract.out, place, term, Monoid.SUM)
    return Kernel((), (Stage(tuple(axes), tuple(formula.lets), (effect,)),), contract.origins)
