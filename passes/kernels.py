"""Kernels of units: what one element is, written as stages over lets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from graphc.ir.kinds import Counting, Deposit, Elementwise, IndexMap, Lookup, Reduction, Running, Scatter
from graphc.ir.leaves import ConstantValue, SizeOf
from graphc.ir.node import Node
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.monoids import Monoid
from graphc.kernel.program import Effect, Fold, Kernel, Prefix, Stage, Store
from graphc.kernel.scalar import Axis, Fn, Formula, Load, Scalar
from graphc.origin import Origin
from graphc.passes.sources import Source, index_places
from graphc.passes.units import LoopAxis, Loops
from graphc.sizes import Size
from graphc.types import BOOL, INT64, Shape, TensorType, accumulator, is_floating

__all__ = ["copy_kernel", "deposit_kernel", "fill_kernel", "loops_kernel", "running_kernel", "scatter_kernel"]

BufferOf: TypeAlias = Callable[[Node], Buffer]
SourceOf: TypeAlias = Callable[[Node], Source]


@dataclass
class _StageBuilder:
    """One stage while it grows."""

    inner: tuple[Axis, ...]
    formula: Formula = field(default_factory=Formula)
    numbers: dict[Node, int] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)

    def finished(self) -> Stage:
        return Stage(self.inner, tuple(self.formula.lets), tuple(self.effects))


def element(formula: Formula, source: Source, index: Sequence[int], buffer: BufferOf) -> int:
    """The let for the element of a source at an index given as lets, one per axis of what reads it."""
    node = source.node
    index = mapped(formula, source.map, index)
    op = node.op
    match op:
        case ConstantValue() if op.is_uniform:
            return formula.constant(op.number, node.dtype)
        case SizeOf():
            return formula.size(op.size)
        case Counting():
            return index[0] if node.dtype == INT64 else formula.call(Fn.CAST, (index[0],), node.dtype)
        case _:
            return formula.add(Load(buffer(node), tuple(index), node.dtype))


def mapped(formula: Formula, map: IndexMap | None, index: Sequence[int]) -> Sequence[int]:
    """The lets of the index to which `map` takes the one whose lets are `index`; None takes it to itself."""
    return index if map is None else [formula.affine(part, index) for part in map.parts]


def looked_up(
    formula: Formula, op: Lookup | Scatter, shape: Shape, found: int, index: Sequence[int], rank: int
) -> list[int]:
    """The index into an array of `shape` where an index array of `rank` axes, read at `index`, holds `found`.

    What is found may count from the end: its floor remainder by the extent counts from the front.
    """
    place = formula.call(Fn.MOD, (found, formula.size(shape[op.axis])))
    after = 0 if op.paired else rank - op.leading - 1
    return [place if axis == op.axis else index[axis if axis < op.axis else axis + after] for axis in range(len(shape))]


def loops_kernel(unit: Loops, outputs: Mapping[Node, tuple[Buffer, ...]], source: SourceOf, buffer: BufferOf) -> Kernel:
    """The kernel of a fused unit.

    A value per row is computed in a stage without inner axes, a value per point in one with them.  A fold ends
    a stage; what reads its result comes in the next.  Levels count these: even with inner axes, odd without.
    """
    return _LoopsKernel(unit, outputs, source, buffer).run()


@dataclass
class _LoopsKernel:
    unit: Loops
    outputs: Mapping[Node, tuple[Buffer, ...]]
    source: SourceOf
    buffer: BufferOf
    axes: dict[LoopAxis, Axis] = field(default_factory=dict)
    level: dict[Node, int] = field(default_factory=dict)
    stages: dict[int, _StageBuilder] = field(default_factory=dict)
    locals: dict[Node, Buffer] = field(default_factory=dict)
    inner: tuple[Axis, ...] = ()

    def run(self) -> Kernel:
        unit = self.unit
        self.axes = {axis: Axis(number, axis.extent) for number, axis in enumerate(unit.order)}
        self.inner = tuple(self.axes[axis] for axis in unit.inner or ())
        nodes = unit.nodes
        for node in nodes:
            self.level[node] = self._level(node)
        for node in nodes:
            self._compute(node)
        order = sorted(self.stages)
        return Kernel(
            tuple(self.axes[axis] for axis in unit.outer),
            tuple(self.stages[level].finished() for level in order),
            tuple(dict.fromkeys(node.origin for node in nodes)),
        )

    def _is_row(self, node: Node) -> bool:
        inner = self.unit.inner
        return bool(inner) and not any(axis in inner for axis in self.unit.places[node])  # type: ignore[operator]

    def _level(self, node: Node) -> int:
        """The stage in which the value of a node stands."""
        if not self.unit.inner:
            return 0
        row = self._is_row(node) and not isinstance(node.op, Reduction)
        level = -1 if row else 0
        for operand in node.inputs:
            under = self.level.get(self.source(operand).node)
            if under is not None:
                level = max(level, under if row or under % 2 == 0 else under + 1)
        return level + 1 if isinstance(node.op, Reduction) else level

    def _stage(self, level: int) -> _StageBuilder:
        if level not in self.stages:
            self.stages[level] = _StageBuilder(() if level % 2 else self.inner)
        return self.stages[level]

    def _index(self, stage: _StageBuilder, place: Sequence[LoopAxis | None]) -> list[int]:
        formula = stage.formula
        return [formula.constant(0, INT64) if axis is None else formula.axis(self.axes[axis]) for axis in place]

    def _operand(self, stage: _StageBuilder, level: int, node: Node, index: Sequence[int]) -> int:
        """The let for an operand, read in a stage at an index of what reads it."""
        found = self.source(node)
        inside = self.level.get(found.node)
        if inside is None:
            return element(stage.formula, found, index, self.buffer)
        if found.node in stage.numbers:
            return stage.numbers[found.node]
        local = self.locals.get(found.node)
        if local is None:
            local = self._keep(found.node, inside)
        at = [stage.formula.axis(axis) for axis in self.inner] if local.shape else []
        number = stage.formula.add(Load(local, tuple(at), local.dtype))
        if local.dtype != found.node.dtype:
            number = stage.formula.call(Fn.CAST, (number,), found.node.dtype)
        stage.numbers[found.node] = number
        return number

    def _keep(self, node: Node, level: int) -> Buffer:
        """A local that carries a value into later stages."""
        stage = self.stages[level]
        shape = tuple(axis.extent for axis in stage.inner)
        local = self.locals[node] = Buffer(Role.LOCAL, node.dtype, shape)
        index = tuple(stage.formula.axis(axis) for axis in stage.inner)
        stage.effects.append(Store(local, index, stage.numbers[node]))
        return local

    def _compute(self, node: Node) -> None:
        op = node.op
        if isinstance(op, Reduction):
            self._fold(node, op)
            return
        level = self.level[node]
        stage = self._stage(level)
        index = self._index(stage, self.unit.places[node])
        if isinstance(op, Lookup):
            stage.numbers[node] = self._looked_up(stage, level, node, op, index)
        else:
            assert isinstance(op, Elementwise), node
            formula = stage.formula
            values = [Scalar(formula, self._operand(stage, level, x, index)) for x in node.inputs]
            stage.numbers[node] = op.scalar(*values).number
        for output in self.outputs.get(node, ()):
            stage.effects.append(Store(output, tuple(index), stage.numbers[node]))

    def _looked_up(self, stage: _StageBuilder, level: int, node: Node, op: Lookup, index: list[int]) -> int:
        x, at = node.inputs
        formula = stage.formula
        found = self._operand(stage, level, at, mapped(formula, index_places(op, at.ndim), index))
        return element(formula, self.source(x), looked_up(formula, op, x.shape, found, index, at.ndim), self.buffer)

    def _fold(self, node: Node, op: Reduction) -> None:
        result_level = self.level[node]
        level = result_level - 1
        stage = self._stage(level)
        index = self._index(stage, self.unit.walks[node])
        value = self._operand(stage, level, node.inputs[0], index)
        outputs = self.outputs.get(node, ())
        types = (node.type,) if isinstance(node.type, TensorType) else node.type.items
        wide = accumulator(types[0].dtype) if op.monoid in (Monoid.SUM, Monoid.PROD) else types[0].dtype
        if op.monoid in (Monoid.SUM, Monoid.PROD) and stage.formula.lets[value].dtype != wide:
            value = stage.formula.call(Fn.CAST, (value,), wide)
        results = tuple(
            Buffer(Role.LOCAL, wide if position == 0 else type.dtype, ()) for position, type in enumerate(types)
        )
        stage.effects.append(Fold(op.monoid, value, results))
        if isinstance(node.type, TensorType):
            self.locals[node] = results[0]
        if not outputs:
            return
        after = self._stage(result_level)
        place = tuple(self._index(after, self.unit.places[node]))
        for local, output in zip(results, outputs, strict=True):
            number = after.formula.add(Load(local, (), local.dtype))
            if local.dtype != output.dtype:
                number = after.formula.call(Fn.CAST, (number,), output.dtype)
            if isinstance(node.type, TensorType):
                after.numbers[node] = number
            after.effects.append(Store(output, place, number))


# Kernels of one node.


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


def _fill_stage(out: Buffer, value: int | float) -> Stage:
    axes = _axes(out.shape)
    formula = Formula()
    index = tuple(formula.axis(axis) for axis in axes)
    number = bool(value) if out.dtype == BOOL else float(value) if is_floating(out.dtype) else value
    constant = formula.constant(number, out.dtype)
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
    """Copy the base, then add the updates where the indices say."""
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
    store = Store(out, to, element(formula, updates, index, buffer), Monoid.SUM)
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
