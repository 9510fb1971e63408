"""The last stages of a fused kernel: what is made of totals when all rows are done."""

from collections.abc import Mapping
from dataclasses import field

from graphc.dataclass import dataclass
from graphc.ir.kinds import Elementwise, Reduction
from graphc.ir.node import Node
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.monoids import Monoid
from graphc.kernel.scalar import Axis, Fn, Formula, Load, Scalar
from graphc.kernel.steps import Effect, Stage, Store
from graphc.passes.elements import BufferOf, SourceOf, element
from graphc.passes.units import LoopAxis, Loops, Place
from graphc.types import DType, accumulator

__all__ = ["LastStages", "StageBuilder", "folded_dtype"]


def folded_dtype(op: Reduction, dtype: DType) -> DType:
    """The dtype in which a reduction combines values of `dtype`."""
    return accumulator(dtype) if op.monoid in (Monoid.SUM, Monoid.PROD) else dtype


@dataclass
class StageBuilder:
    """One stage while it grows."""

    inner: tuple[Axis, ...]
    formula: Formula = field(default_factory=Formula)
    numbers: dict[Node, int] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)
    indices: dict[Place, tuple[int, ...]] = field(default_factory=dict)  # the lets of places
    shown: dict[tuple[Node, tuple[int, ...]], int] = field(default_factory=dict)  # (member, index) -> its let

    def finished(self, *, is_last: bool = False) -> Stage:
        return Stage(self.inner, tuple(self.formula.lets), tuple(self.effects), is_last)


@dataclass
class LastStages:
    """The last stages of a unit while they grow: one for each run of members over the same axes."""

    unit: Loops
    axes: Mapping[LoopAxis, Axis]
    outputs: Mapping[Node, tuple[Buffer, ...]]
    source: SourceOf
    buffer: BufferOf
    stages: list[StageBuilder] = field(default_factory=list)
    locals: dict[Node, Buffer] = field(default_factory=dict)
    homes: dict[Node, StageBuilder] = field(default_factory=dict)

    def total(self, node: Node) -> Buffer:
        """The local of a total, which is stored where the node is."""
        op = node.op
        assert isinstance(op, Reduction), node
        shape = tuple(axis.extent for axis in self._inner(node))
        local = self.locals[node] = Buffer(Role.LOCAL, folded_dtype(op, node.dtype), shape)
        if node in self.outputs:
            stage = self._stage(node)
            self._store(node, stage, self._loaded(node, stage))
        return local

    def compute(self, node: Node) -> None:
        """What is made of totals."""
        op = node.op
        assert isinstance(op, Elementwise), node
        stage = self._stage(node)
        index = self._index(node, stage)
        formula = stage.formula
        values = []
        for x in node.inputs:
            found = self.source(x)
            is_inside = found.node in self.locals or found.node in self.homes
            number = self._loaded(found.node, stage) if is_inside else element(formula, found, index, self.buffer)
            values.append(Scalar(formula, number))
        stage.numbers[node] = op.scalar(*values).number
        self.homes[node] = stage
        self._store(node, stage, stage.numbers[node])

    def finished(self) -> list[Stage]:
        """The stages."""
        return [stage.finished(is_last=True) for stage in self.stages]

    def _inner(self, node: Node) -> list[Axis]:
        return [self.axes[axis] for axis in self.unit.places[node] if axis is not None]

    def _stage(self, node: Node) -> StageBuilder:
        """The stage for a member: the present one, if that is over its axes."""
        inner = tuple(sorted(self._inner(node), key=lambda axis: axis.number))
        if not self.stages or self.stages[-1].inner != inner:
            self.stages.append(StageBuilder(inner))
        return self.stages[-1]

    def _index(self, node: Node, stage: StageBuilder) -> list[int]:
        formula = stage.formula
        place = self.unit.places[node]
        return [formula.size(0) if axis is None else formula.axis(self.axes[axis]) for axis in place]

    def _loaded(self, node: Node, stage: StageBuilder) -> int:
        """The value of a member in a stage: its let, or what an earlier stage has left."""
        if node in stage.numbers:
            return stage.numbers[node]
        formula = stage.formula
        local = self.locals.get(node)
        if local is None:
            home = self.homes[node]
            inner = self._inner(node)
            local = self.locals[node] = Buffer(Role.LOCAL, node.dtype, tuple(axis.extent for axis in inner))
            at = tuple(home.formula.axis(axis) for axis in inner)
            home.effects.append(Store(local, at, home.numbers[node]))
        number = formula.add(Load(local, tuple(formula.axis(axis) for axis in self._inner(node)), local.dtype))
        if local.dtype != node.dtype:
            number = formula.call(Fn.CAST, (number,), node.dtype)
        stage.numbers[node] = number
        return number

    def _store(self, node: Node, stage: StageBuilder, number: int) -> None:
        for output in self.outputs.get(node, ()):
            stage.effects.append(Store(output, tuple(self._index(node, stage)), number))
