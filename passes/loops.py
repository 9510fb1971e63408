"""Kernels of fused units: what one element of each node is, written as stages over lets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graphc.ir.kinds import Elementwise, Lookup, Reduction
from graphc.ir.node import Node
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.monoids import Monoid
from graphc.kernel.scalar import Axis, Fn, Formula, Load, Scalar
from graphc.kernel.steps import Effect, Fold, Kernel, Stage, Store
from graphc.passes.elements import BufferOf, SourceOf, element, looked_up, mapped
from graphc.passes.sources import index_places
from graphc.passes.units import LoopAxis, Loops
from graphc.types import INT64, TensorType, accumulator

__all__ = ["loops_kernel"]


@dataclass
class _StageBuilder:
    """One stage while it grows."""

    inner: tuple[Axis, ...]
    formula: Formula = field(default_factory=Formula)
    numbers: dict[Node, int] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)

    def finished(self) -> Stage:
        return Stage(self.inner, tuple(self.formula.lets), tuple(self.effects))


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
            unit.origins,
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
