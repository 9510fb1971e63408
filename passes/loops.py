"""Kernels of fused units: what one element of each node is, written as stages over lets."""

from collections.abc import Mapping, Sequence
from dataclasses import field

from graphc.dataclass import dataclass
from graphc.ir.kinds import Elementwise, Lookup, Reduction, Scatter
from graphc.ir.node import Node
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.monoids import Monoid
from graphc.kernel.scalar import Axis, Fn, Load, Scalar
from graphc.kernel.steps import Fold, Kernel, Store, Total
from graphc.passes.elements import BufferOf, Elements, SourceOf, element, looked_up, mapped
from graphc.passes.last_stages import LastStages, StageBuilder, folded_dtype
from graphc.passes.sources import index_places
from graphc.passes.units import LoopAxis, Loops, Place
from graphc.passes.walks import run_of
from graphc.types import INT64, TensorType

__all__ = ["loops_kernel"]


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
    stages: dict[int, StageBuilder] = field(default_factory=dict)
    locals: dict[Node, Buffer] = field(default_factory=dict)
    inner: tuple[Axis, ...] = ()

    def run(self) -> Kernel:
        unit = self.unit
        self.axes = {axis: Axis(number, axis.extent) for number, axis in enumerate(unit.order)}
        self.inner = tuple(self.axes[axis] for axis in unit.inner or ())
        nodes = unit.nodes
        last = LastStages(unit, self.axes, self.outputs, self.source, self.buffer)
        for node in nodes:
            if node not in unit.after and node not in unit.shown:
                self.level[node] = self._level(node)
        self._postpone()
        for node in nodes:
            if node in unit.shown:
                continue
            if node not in unit.after:
                self._compute(node)
            elif isinstance(node.op, Reduction):
                self._total(node, node.op, last)
            else:
                last.compute(node)
        stages = [self.stages[level].finished() for level in sorted(self.stages)]
        return Kernel(tuple(self.axes[axis] for axis in unit.outer), (*stages, *last.finished()), unit.origins)

    def _is_row(self, node: Node) -> bool:
        inner = self.unit.inner
        return bool(inner) and not any(axis in inner for axis in self.unit.places[node])  # type: ignore[operator]

    def _level(self, node: Node) -> int:
        """The stage in which the value of a node stands."""
        if not self.unit.inner:
            return 0
        if isinstance(node.op, Scatter):
            base, *others = [self.level.get(self.source(operand).node) for operand in node.inputs]
            return max([1, *[level for level in others if level is not None], *([] if base is None else [base | 1])])
        row = self._is_row(node) and not isinstance(node.op, Reduction)
        level = -1 if row else 0
        for operand in node.inputs:
            under = self.level.get(self.source(operand).node)
            if under is not None:
                level = max(level, under if row or under % 2 == 0 else under + 1)
        return level + 1 if isinstance(node.op, Reduction) else level

    def _postpone(self) -> None:
        """Let elements that no element which a stage makes goes into wait for the first stage that reads them.

        So they need not be kept.
        """
        reading: dict[Node, int] = {}  # the first level at which a value is read
        for node in reversed(self.unit.nodes):
            level = self.level.get(node, -1)
            later = reading.get(node, level)
            if later > level >= 0 and self._may_wait(node, level):
                level = self.level[node] = later - later % 2
            at = level - 1 if isinstance(node.op, Reduction | Scatter) else level
            for x in node.inputs:
                under = self.source(x).node
                reading[under] = min(reading.get(under, at), at)

    def _may_wait(self, node: Node, level: int) -> bool:
        if level % 2 or node in self.outputs or not isinstance(node.op, Elementwise):
            return False
        return all(self.level.get(self.source(x).node) != level for x in node.inputs)

    def _stage(self, level: int) -> StageBuilder:
        if level not in self.stages:
            self.stages[level] = StageBuilder(() if level % 2 else self.inner)
        return self.stages[level]

    def _index(self, stage: StageBuilder, place: Place) -> tuple[int, ...]:
        """The lets of a place in a stage."""
        found = stage.indices.get(place)
        if found is None:
            formula = stage.formula
            found = stage.indices[place] = tuple(
                [formula.constant(0, INT64) if axis is None else formula.axis(self.axes[axis]) for axis in place]
            )
        return found

    def _operand(self, stage: StageBuilder, level: int, node: Node, index: Sequence[int]) -> int:
        """The let for an operand, read in a stage at an index of what reads it."""
        found = self.source(node)
        inside = self.level.get(found.node)
        if found.node in self.unit.shown:
            elements = Elements(stage.formula, self.unit.shown, self.source, self.buffer, stage.shown)
            return elements.of(found, index)
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
        if isinstance(op, Scatter):
            self._scatter(node, op, level)
            return
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
            stage.effects.append(Store(output, index, stage.numbers[node]))

    def _scatter(self, node: Node, op: Scatter, level: int) -> None:
        """Store the base, then combine one element per row with it."""
        (output,) = self.outputs[node]
        base, at, updates = node.inputs
        place = self.unit.places[node]
        first = self._stage(level - 1)
        index = self._index(first, place)
        first.effects.append(Store(output, index, self._operand(first, level - 1, base, index)))
        stage = self._stage(level)
        formula = stage.formula
        row = [
            formula.constant(0, INT64) if axis == op.axis else i
            for axis, i in enumerate(
                self._index(stage, tuple([None if axis == op.axis else x for axis, x in enumerate(place)]))
            )
        ]
        found = self._operand(stage, level, at, row)
        value = self._operand(stage, level, updates, row)
        to = looked_up(formula, op, node.shape, found, row, at.ndim)
        stage.effects.append(Store(output, tuple(to), value, op.monoid))

    def _looked_up(self, stage: StageBuilder, level: int, node: Node, op: Lookup, index: Sequence[int]) -> int:
        x, at = node.inputs
        formula = stage.formula
        found = self._operand(stage, level, at, mapped(formula, index_places(op, at.ndim), index))
        return element(formula, self.source(x), looked_up(formula, op, x.shape, found, index, at.ndim), self.buffer)

    def _total(self, node: Node, op: Reduction, last: LastStages) -> None:
        """Combine a value over all rows, in the stage in which it stands; one of a row that repeats, in the next."""
        walk = self.unit.walks[node]
        inner = self.unit.inner or ()
        is_row = bool(inner) and not any(axis in walk for axis in inner)
        level = self.level.get(self.source(node.inputs[0]).node, -1 if is_row else 0)
        if level % 2 and not is_row:
            level += 1
        stage = self._stage(level)
        value = self._operand(stage, level, node.inputs[0], self._index(stage, walk))
        local = last.total(node)
        if stage.formula.lets[value].dtype != local.dtype:
            value = stage.formula.call(Fn.CAST, (value,), local.dtype)
        place = tuple([axis for axis in self.unit.places[node] if axis is not None])
        index, shape = self._index(stage, place), node.inputs[0].shape
        stage.effects.append(Total(op.monoid, value, index, local, 0 if place else run_of(op, shape)))

    def _fold(self, node: Node, op: Reduction) -> None:
        result_level = self.level[node]
        level = result_level - 1
        stage = self._stage(level)
        index = self._index(stage, self.unit.walks[node])
        value = self._operand(stage, level, node.inputs[0], index)
        outputs = self.outputs.get(node, ())
        types = (node.type,) if isinstance(node.type, TensorType) else node.type.items
        wide = folded_dtype(op, types[0].dtype)
        if op.monoid in (Monoid.SUM, Monoid.PROD) and stage.formula.lets[value].dtype != wide:
            value = stage.formula.call(Fn.CAST, (value,), wide)
        results = tuple(
            Buffer(Role.LOCAL, wide if position == 0 else type.dtype, ()) for position, type in enumerate(types)
        )
        stage.effects.append(Fold(op.monoid, value, results, run_of(op, node.inputs[0].shape)))
        if isinstance(node.type, TensorType):
            self.locals[node] = results[0]
        if not outputs:
            return
        after = self._stage(result_level)
        place = self._index(after, self.unit.places[node])
        for local, output in zip(results, outputs, strict=True):
            number = after.formula.add(Load(local, (), local.dtype))
            if local.dtype != output.dtype:
                number = after.formula.call(Fn.CAST, (number,), output.dtype)
            if isinstance(node.type, TensorType):
                after.numbers[node] = number
            after.effects.append(Store(output, place, number))
