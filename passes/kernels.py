"""Kernels of one node: copies, deposits, scatters and running combinations."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from graphc.ir.kinds import Deposit, Running, Scatter
from graphc.ir.node import Node
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.monoids import Monoid, number_in
from graphc.kernel.scalar import Axis, AxisIndex, Fn, Formula, Load, Number
from graphc.kernel.steps import Kernel, Prefix, Stage, Store
from graphc.origin import Origin
from graphc.passes.elements import Read, looked_up, mapped
from graphc.passes.sources import Source, index_places
from graphc.passes.units import Single
from graphc.sizes import Size
from graphc.types import accumulator

__all__ = [
    "by_rows",
    "copy_kernel",
    "deposit_kernel",
    "fill_kernel",
    "kernel_of_points",
    "running_kernel",
    "scatter_kernel",
]


def _axes(shape: Sequence[Size], start: int = 0) -> tuple[Axis, ...]:
    return tuple(Axis(number + start, extent) for number, extent in enumerate(shape))


def kernel_of_points(
    out: Buffer, origins: tuple[Origin, ...], value: Callable[[Formula, Sequence[int]], int]
) -> Kernel:
    """out[index] = value(formula, index)."""
    axes = _axes(out.shape)
    formula = Formula()
    index = tuple(formula.axis(axis) for axis in axes)
    found = value(formula, index)
    if formula.lets[found].dtype != out.dtype:
        found = formula.call(Fn.CAST, (found,), out.dtype)
    return Kernel(axes, (Stage((), tuple(formula.lets), (Store(out, index, found),)),), origins)


def copy_kernel(source: Source, out: Buffer, origins: tuple[Origin, ...], read: Read) -> Kernel:
    """out = source."""
    return kernel_of_points(out, origins, lambda formula, index: read(formula, source, index))


def fill_kernel(node: Node, out: Buffer, read: Read) -> Kernel:
    """A uniform constant, a size or a count, as an array."""
    return copy_kernel(Source(node, None), out, (node.origin,), read)


def _fill_stage(out: Buffer, value: Number) -> Stage:
    axes = _axes(out.shape)
    formula = Formula()
    index = tuple(formula.axis(axis) for axis in axes)
    constant = formula.constant(number_in(value, out.dtype), out.dtype)
    return Stage(axes, tuple(formula.lets), (Store(out, index, constant),))


def deposit_kernel(unit: Single, operands: Sequence[Source], out: Buffer, read: Read) -> Kernel:
    """Fill, then one stage per operand that puts its elements where they go; by rows, if all go to the same row."""
    node = unit.node
    op = node.op
    assert isinstance(op, Deposit)
    stages = [] if op.covers() else [_fill_stage(out, op.fill())]
    shapes = [x.shape for x in node.inputs]
    places = op.places(*shapes)
    for shape, source, map in zip(shapes, operands, places, strict=True):
        axes = _axes(shape)
        formula = Formula()
        index = [formula.axis(axis) for axis in axes]
        value = read(formula, source, index)
        to = tuple(mapped(formula, map, index))
        store = Store(out, to, value, Monoid.SUM if op.adds else None)
        stages.append(Stage(axes, tuple(formula.lets), (store,)))
    return Kernel(*by_rows(stages), unit.origins)


def by_rows(stages: Sequence[Stage]) -> tuple[tuple[Axis, ...], tuple[Stage, ...]]:
    """The axes and stages of a kernel: rows, if all that is stored goes to rows along the same first axis."""
    first = stages[0].inner[:1] if stages else ()
    for stage in stages:
        if stage.inner[:1] != first:
            return (), tuple(stages)
        for effect in stage.effects:
            index = effect.index if isinstance(effect, Store) else ()
            if not index or not first or stage.lets[index[0]] != AxisIndex(first[0]):
                return (), tuple(stages)
    return first, tuple([replace(stage, inner=stage.inner[1:]) for stage in stages])


def scatter_kernel(unit: Single, operands: Sequence[Source], out: Buffer, read: Read) -> Kernel:
    """Copy the base, then combine the updates with it where the indices say."""
    node = unit.node
    op = node.op
    assert isinstance(op, Scatter)
    base, at, updates = operands
    first = copy_kernel(base, out, unit.origins, read).stages[0]
    axes = _axes(node.inputs[2].shape)
    formula = Formula()
    index = [formula.axis(axis) for axis in axes]
    rank = node.inputs[1].ndim
    found = read(formula, at, mapped(formula, index_places(op, rank), index))
    to = tuple(looked_up(formula, op, out.shape, found, index, rank))
    store = Store(out, to, read(formula, updates, index), op.monoid)
    stages = (Stage(_axes(out.shape), first.lets, first.effects), Stage(axes, tuple(formula.lets), (store,)))
    return Kernel((), stages, unit.origins)


def running_kernel(unit: Single, source: Source, out: Buffer, read: Read) -> Kernel:
    """Running combination along one axis of every row."""
    node = unit.node
    op = node.op
    assert isinstance(op, Running)
    axes = _axes(out.shape)
    along = axes[op.axis]
    formula = Formula()
    index = [formula.axis(axis) for axis in axes]
    value = read(formula, source, index)
    wide = accumulator(out.dtype)
    if formula.lets[value].dtype != wide:
        value = formula.call(Fn.CAST, (value,), wide)
    local = Buffer(Role.LOCAL, wide, (along.extent,))
    first = Stage((along,), tuple(formula.lets), (Prefix(op.monoid, value, local, op.reverse),))
    formula = Formula()
    to = tuple(formula.axis(axis) for axis in axes)
    result = formula.add(Load(local, (to[op.axis],), wide))
    if wide != out.dtype:
        result = formula.call(Fn.CAST, (result,), out.dtype)
    last = Stage((along,), tuple(formula.lets), (Store(out, to, result),))
    return Kernel(tuple(axis for axis in axes if axis != along), (first, last), unit.origins)
