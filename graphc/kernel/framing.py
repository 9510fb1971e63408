"""Frames of zeros around what products read outside of its bounds, for backends that read nothing there."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.contractions import cleared
from graphc.kernel.guards import ends_of, guards_of
from graphc.kernel.nesting import with_parts
from graphc.kernel.program import Program
from graphc.kernel.scalar import Axis, Formula, Load
from graphc.kernel.steps import Contract, Kernel, Stage, Step, Store
from graphc.sizes import Size, maximum

__all__ = ["framed"]


def framed(program: Program) -> Program:
    """The same without guarded products: their operands are copied first, into arrays of zeros."""
    pure, last = (tuple(_all(steps)) for steps in (program.steps[: program.commit], program.steps[program.commit :]))
    return replace(program, steps=(*pure, *last), commit=len(pure))


def _all(steps: Sequence[Step]) -> Iterator[Step]:
    # Recursion is over the depth to which loops and branches are nested.
    for step in steps:
        if isinstance(step, Contract) and step.guarded:
            yield from _framed(step)
        else:
            yield with_parts(step, _all)


def _framed(contract: Contract) -> Iterator[Step]:
    found: list[tuple[Buffer, tuple[AffineIndex, ...]]] = []
    for operand, index in ((contract.left, contract.left_index), (contract.right, contract.right_index)):
        if not guards_of(contract, operand, index):
            found.append((operand, index))
            continue
        sides = [_side(part, n, contract.extents) for part, n in zip(index, operand.shape, strict=True)]
        whole = Buffer(Role.TEMPORARY, operand.dtype, tuple([extent for _, extent in sides]))
        yield _copied(operand, whole, [start for start, _ in sides])
        parts = [part._replace(offset=part.offset + start) for part, (start, _) in zip(index, sides, strict=True)]
        found.append((whole, tuple(parts)))
    (left, left_index), (right, right_index) = found
    yield replace(contract, left=left, right=right, left_index=left_index, right_index=right_index, guarded=False)


def _side(part: AffineIndex, extent: Size, extents: Sequence[Size]) -> tuple[Size, Size]:
    """Where an array begins in its frame along one axis, and how long that is."""
    ends = ends_of(part, extents)
    if ends is None:
        return 0, extent
    start = maximum(0, -ends[0])
    return start, start + maximum(extent, ends[1] + 1)


def _copied(operand: Buffer, whole: Buffer, starts: Sequence[Size]) -> Kernel:
    """A kernel that lets every element be 0, but for those of an array, which begins at a place."""
    zeros = cleared(whole)
    axes = tuple([Axis(number, extent) for number, extent in enumerate(operand.shape)])
    formula = Formula()
    at = [formula.axis(axis) for axis in axes]
    value = formula.add(Load(operand, tuple(at), operand.dtype))
    place = [formula.affine(AffineIndex(((n, 1),), start), at) for n, start in enumerate(starts)]
    stages = [Stage(zeros.outer, stage.lets, stage.effects) for stage in zeros.stages]
    stages.append(Stage(axes, tuple(formula.lets), (Store(whole, tuple(place), value),)))
    return Kernel((), tuple(stages), ())
