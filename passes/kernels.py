"""Kernels of one node: copies, deposits, scatters and running combinations."""

from collections.abc import Sequence

from graphc.ir.kinds import Deposit, Running, Scatter
from graphc.ir.node import Node
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.monoids import Monoid, number_in
from graphc.kernel.scalar import Axis, Fn, Formula, Load, Number
from graphc.kernel.steps import Kernel, Prefix, Stage, Store
from graphc.origin import Origin
from graphc.passes.elements import BufferOf, element, looked_up, mapped
from graphc.passes.sources import Source, index_places
from graphc.sizes import Size
from graphc.types import accumulator

__all__ = ["copy_kernel", "deposit_kernel", "fill_kernel", "running_kernel", "scatter_kernel"]


def _axes(shape: Sequence[Size], start: int = 0) -> tuple[Axis, ...]:
    return tuple(Axis(number + start, extent) for number, extent in enumerate(shape))


def copy_kernel(source: Source, out: Buffer, origin: Origin, buffer: BufferOf) -> Kernel:
    """out = source."""
    axes = _axes(out.shape)
    formula = Formula()
    index = tuple(formula.axis(axis) for axis in axes)
    value = element(formula, source, index, buffer)
    if formula.lets[value].dtype != out.dtype:
        value = formula.call(Fn.CAST, (value,), out.dtype)
    return Kernel(axes, (Stage((), tuple(formula.lets), (Store(out, index, value),)),), (origin,))


def fill_kernel(node: Node, out: Buffer, buffer: BufferOf) -> Kernel:
    """A uniform constant, a size or a count, as an array."""
    return copy_kernel(Source(node, None), out, node.origin, buffer)


def _fill_stage(out: Buffer, value: Number) -> Stage:
    axes = _axes(out.shape)
    formula = Formula()
    index = tuple(formula.axis(axis) for axis in axes)
    constant = formula.constant(number_in(value, out.dtype), out.dtype)
    return Stage(axes, tuple(formula.lets), (Store(out, index, constant),))


def deposit_kernel(node: Node, operands: Sequence[Source], out: Buffer, buffer: BufferOf) -> Kernel:
    """Fill, then one stage per operand that puts its elements where they go."""
    op = node.op
    assert isinstance(op, Deposit)
    stages = [] if op.covers() else [_fill_stage(out, op.fill())]
    shapes = [x.shape for x in node.inputs]
    for shape, source, map in zip(shapes, operands, op.places(*shapes), strict=True):
        axes = _axes(shape)
        formula = Formula()
        index = [formula.axis(axis) for axis in axes]
        value = element(formula, source, index, buffer)
        to = tuple(mapped(formula, map, index))
        store = Store(out, to, value, Monoid.SUM if op.adds else None)
        stages.append(Stage(axes, tuple(formula.lets), (store,)))
    return Kernel((), tuple(stages), (node.origin,))


def scatter_kernel(node: Node, operands: Sequence[Source], out: Buffer, buffer: BufferOf) -> Kernel:
    """Copy the base, then combine the updates with it where the indices say."""
    op = node.op
    assert isinstance(op, Scatter)
    base, at, updates = operands
    first = copy_kernel(base, out, node.origin, buffer).stages[0]
    axes = _axes(node.inputs[2].shape)
    formula = Formula()
    index = [formula.axis(axis) for axis in axes]
    rank = node.inputs[1].ndim
    found = element(formula, at, mapped(formula, index_places(op, rank), index), buffer)
    to = tuple(looked_up(formula, op, out.shape, found, index, rank))
    store = Store(out, to, element(formula, updates, index, buffer), op.monoid)
    stages = (Stage(_axes(out.shape), first.lets, first.effects), Stage(axes, tuple(formula.lets), (store,)))
    return Kernel((), stages, (node.origin,))


def running_kernel(node: Node, source: Source, out: Buffer, buffer: BufferOf) -> Kernel:
    """Running combination along one axis of every row."""
    op = node.op
    assert isinstance(op, Running)
    axes = _axes(out.shape)
    along = axes[op.axis]
    formula = Formula()
    index = [formula.axis(axis) for axis in axes]
    value = element(formula, source, index, buffer)
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
    return Kernel(tuple(axis for axis in axes if axis != along), (first, last), (node.origin,))
