"""In which order sums are added up.

Sums and products of floats round, so that their order shows in the last bits.  In native kernels it follows from the
array that is folded, its dtype, the hints of open sizes and the machine: not from what is fused with it, not from the
number of threads, not from how the kernel is walked.  What is computed again elsewhere so has the same bits.

The rule.  Let the array have the axes that are folded in order, and let its `run` be those folded axes behind which
there is none that stays: element by element they lie side by side.

    lanes    an element at place p of the run is added to accumulator p mod `accumulators`, in the order of the axes;
             at the end the upper half of them is added onto the lower one, again and again, until one is left.  An
             array whose last axis stays, and one of a short run, has one accumulator
    blocks   where all axes are folded, or the last one stays, rows along the first folded axis come in blocks of
             `rows_of_block`: each is added up on its own, lane by lane, and then to those before it
    products of matrices are one chain of products for each element, from 0: over the axes of the sum in the order in
             which the operands walk them, the nearest last

What the running sum of a scan, and a scatter, adds up is added in the order of the axes.
"""

from collections.abc import Sequence
from math import gcd

from graphc.kernel.monoids import Monoid
from graphc.kernel.scalar import Axis
from graphc.kernel.steps import Effect, Fold
from graphc.sizes import Size, estimate, maximum, product
from graphc.types import NARROW, DType, is_complex, is_floating

__all__ = ["BLOCK", "accumulators", "is_in_blocks", "is_long", "is_ordered", "rows_of_block"]

SHORT = 16  # elements of a run: fewer have one accumulator
REGISTERS = 4  # full of accumulators: each waits for an addition to end
BLOCK = 1 << 14  # elements of a block, about
BLOCKS = 64  # of a sum, at most
ROUND = 64  # a block has a multiple of so many elements: its lanes begin anew


def is_ordered(monoid: Monoid, dtype: DType) -> bool:
    """Whether the order in which values are combined shows."""
    return monoid in (Monoid.SUM, Monoid.PROD) and (is_floating(dtype) or is_complex(dtype) or dtype in NARROW)


def is_long(run: Sequence[Axis]) -> bool:
    """Whether a run has several accumulators."""
    return bool(run) and estimate(product(axis.extent for axis in run)) >= SHORT


def accumulators(run: Sequence[Axis], itemsize: int, bytes: int) -> int:
    """How many accumulators of `itemsize` bytes a run has, on a machine of vectors of so many bytes."""
    if not is_long(run):
        return 1
    extent = product(axis.extent for axis in run)
    count = max(REGISTERS * bytes // itemsize, 1)
    while isinstance(extent, int) and count > extent:
        count //= 2
    return count


def is_in_blocks(effect: Effect, outer: Sequence[Axis], inner: Sequence[Axis]) -> bool:
    """Whether a stage of a kernel with these axes adds up in blocks of rows: all other axes have a part in these."""
    if not isinstance(effect, Fold) or not inner or not is_ordered(effect.monoid, effect.results[0].dtype):
        return False
    return not (outer and effect.run)


def rows_of_block(first: Axis, others: Sequence[Axis]) -> Size:
    """How many rows along the first folded axis a block has; `others` are all other axes of the array."""
    row = product(axis.extent for axis in others)
    size = BLOCK // row if isinstance(row, int) and row else BLOCK // maximum(row, 1)
    rows = maximum(size, (first.extent + (BLOCKS - 1)) // BLOCKS)
    unit = ROUND // gcd(row, ROUND) if isinstance(row, int) else ROUND
    return (maximum(rows, 1) + (unit - 1)) // unit * unit
