"""Turning: a matrix that a loop reads crosswise at every step is copied before it, with its last axes exchanged."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.program import Program
from graphc.kernel.scalar import Formula, Load
from graphc.kernel.steps import Contract, Kernel, Loop, Step
from graphc.ops.contraction import plain
from graphc.origin import Origin
from graphc.passes.kernels import kernel_of_points
from graphc.passes.step_lists import over_lists
from graphc.sizes import estimate
from graphc.types import DType

__all__ = ["turn"]

STEPS = 4  # of a loop: in fewer a copy may not pay


def turn(program: Program, dtypes: Sequence[DType]) -> Program:
    """Let products of these dtypes in loops read both operands along their rows: others are packed at every step."""

    def turned(steps: Sequence[Step], _: Collection[Buffer]) -> Sequence[Step]:
        found: list[Step] = []
        for step in steps:
            found += _with_copies(step, dtypes) if isinstance(step, Loop) else [step]
        return found

    return over_lists(program, turned)


def _with_copies(loop: Loop, dtypes: Sequence[DType]) -> list[Step]:
    """The loop, and before it the copies that it reads."""
    if loop.length is not None and estimate(loop.length) < STEPS:
        return [loop]
    copies: dict[Buffer, Kernel] = {}
    steps: list[Step] = []
    for step in loop.steps:
        if not isinstance(step, Contract) or step.out.dtype not in dtypes:
            steps.append(step)
            continue
        matrix = _crosswise(step, loop.shared)
        if matrix is None:
            steps.append(step)
            continue
        (copy,) = copies.setdefault(matrix, _turned_copy(matrix, step.origins)).writes
        if matrix is step.right:
            steps.append(replace(step, right=copy, right_index=_exchanged(step.right_index)))
        else:
            steps.append(replace(step, left=copy, left_index=_exchanged(step.left_index)))
    if not copies:
        return [loop]
    read = {buffer.root for step in (*steps, *loop.condition) for buffer in step.reads}
    shared = [buffer for buffer in loop.shared if buffer not in copies or buffer.root in read]
    more = [copy.writes[0] for copy in copies.values()]
    return [*copies.values(), replace(loop, steps=tuple(steps), shared=(*shared, *more))]


def _crosswise(contract: Contract, shared: Collection[Buffer]) -> Buffer | None:
    """The shared operand of a product of rows by rows: what is added up lies along the last axis of both."""
    left, right = list(plain(contract.left_index)), list(plain(contract.right_index))
    if not (left and right) or left[-1] is None or left[-1] != right[-1] or left[-1] in plain(contract.out_index):
        return None
    for matrix, axes in ((contract.right, right), (contract.left, left)):
        if matrix in shared and matrix.base is None and len(axes) > 1 and axes[-2] is not None:
            return matrix
    return None


def _exchanged(index: tuple[AffineIndex, ...]) -> tuple[AffineIndex, ...]:
    """An index into an array whose last two axes have changed places."""
    *outer, across, along = index
    return (*outer, along, across)


def _turned_copy(matrix: Buffer, origins: tuple[Origin, ...]) -> Kernel:
    *outer, rows, columns = matrix.shape
    out = Buffer(Role.TEMPORARY, matrix.dtype, (*outer, columns, rows))

    def turned(formula: Formula, index: Sequence[int]) -> int:
        *before, along, across = index
        return formula.add(Load(matrix, (*before, across, along), matrix.dtype))

    return kernel_of_points(out, origins, turned)
