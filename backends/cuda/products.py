"""Products of matrices that a library may make: which matrices they are, as plain data."""

from typing import final

import numpy as np

from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.roles import Roles, Walk, roles_of
from graphc.kernel.steps import Contract
from graphc.sizes import Size, estimate
from graphc.types import BFLOAT16, accumulator

__all__ = ["LEAST_WORK", "Matrix", "Product", "product_of"]

LEAST_WORK = 1 << 26  # products of elements: 406 rows, columns and terms
DTYPES = frozenset(map(np.dtype, ("float16", "float32", "float64"))) | {BFLOAT16}


@final
@dataclass(frozen=True, eq=False)
class Matrix:
    """Columns of elements side by side, `leading` elements from one to the next; `step` to the next matrix.

    is_turned   whether rows are side by side instead, so that it is read as its transpose
    """

    buffer: Buffer
    first: Size
    leading: Size
    step: Size
    is_turned: bool = False


@final
@dataclass(frozen=True, eq=False)
class Product:
    """out = left right: [rows, sums] times [sums, columns], `count` of them."""

    left: Matrix
    right: Matrix
    out: Matrix
    rows: Size
    columns: Size
    sums: Size
    count: Size

    @property
    def buffers(self) -> tuple[Buffer, Buffer, Buffer]:
        """The arrays that it reads and writes."""
        return self.left.buffer, self.right.buffer, self.out.buffer

    @property
    def work(self) -> int:
        """About how many products of elements there are."""
        return estimate(self.rows) * estimate(self.columns) * estimate(self.sums) * estimate(self.count)


def product_of(contract: Contract) -> Product | None:
    """What a library would make of a contraction; None where it is more than a product of matrices, or small."""
    roles = roles_of(contract)
    if roles is None or roles.serial or roles.adds or contract.apart or contract.guarded or not contract.is_whole:
        return None
    dtype = roles.a.dtype
    if roles.b.dtype != dtype or dtype not in DTYPES or roles.c.dtype not in (dtype, accumulator(dtype)):
        return None
    if not len(roles.rows) == len(roles.columns) == len(roles.sums) == 1 or len(roles.batch) > 1:
        return None
    found = _product(roles)
    if found is None:
        found = _product(roles.flipped)
    return found if found is not None and found.work >= LEAST_WORK else None


def _product(roles: Roles) -> Product | None:
    """The same by columns: what is a row of the result here is a column of the library's."""
    (row,), (column,), (sum,) = roles.rows, roles.columns, roles.sums
    batch = roles.batch[0] if roles.batch else Walk(-1, 1, 0, 0, 0)
    left = _matrix(roles.b, roles.offsets[1], column.b, sum.b, batch.b)
    right = _matrix(roles.a, roles.offsets[0], sum.a, row.a, batch.a)
    out = _matrix(roles.c, roles.offsets[2], column.c, row.c, batch.c)
    if left is None or right is None or out is None or out.is_turned:
        return None
    return Product(left, right, out, column.extent, row.extent, sum.extent, batch.extent)


def _matrix(buffer: Buffer, first: Size, down: Size, across: Size, step: Size) -> Matrix | None:
    """A matrix whose elements are `down` apart in a column and `across` in a row."""
    if down == 1:
        return Matrix(buffer, first, across, step)
    return Matrix(buffer, first, down, step, is_turned=True) if across == 1 else None
