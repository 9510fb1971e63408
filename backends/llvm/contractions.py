"""Which contractions are made in tiles of registers, which the library makes, and which are made one by one."""

from collections.abc import Collection
from dataclasses import replace

from graphc.backends.llvm.blas import Library, library_for
from graphc.backends.llvm.blocking import Blocking
from graphc.backends.llvm.layouts import blocking_of
from graphc.backends.llvm.machine import TILED, Machine
from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.carries import Rows
from graphc.kernel.contractions import walked_as_one
from graphc.kernel.roles import roles_of
from graphc.kernel.steps import Contract, Loop

__all__ = ["blocking_for", "library_of", "one_by_one"]


def blocking_for(contract: Contract, machine: Machine, fixed: Collection[Buffer] = ()) -> Blocking | None:
    """How a product of floats is made in tiles; None for others, and where nothing is a row, or nothing a column.

    Operands that are `fixed` are the same each time that it is made in a loop.
    """
    dtype = contract.out.dtype
    if dtype not in TILED or contract.left.dtype != dtype or contract.right.dtype != dtype:
        return None
    if contract.guarded or any(extent == 0 for extent in contract.extents):
        return None
    roles = roles_of(contract, frozenset() if contract.then is None else walked_as_one(contract))
    return None if roles is None else blocking_of(roles, dtype, machine, fixed)


def one_by_one(contract: Contract, machine: Machine) -> Loop | None:
    """The product at each point of the first axis, one after the other; None where all at once round as each alone.

    In tiles each element is added up in one order, whatever else is made; kernels choose theirs by all extents.
    """
    if not contract.apart or contract.out.dtype not in TILED:
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
    if contract.left.dtype != contract.out.dtype or contract.right.dtype != contract.out.dtype:
        return None
    if contract.guarded or not contract.is_whole:
        return None
    roles = roles_of(contract.product)
    return None if roles is None else library_for(roles)
