"""Steps as one turn of a loop makes them: without the axes that the loop walks."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar, final

from graphc.dataclass import dataclass
from graphc.kernel.affine import AffineIndex, axes_in
from graphc.kernel.buffer import Buffer
from graphc.kernel.indices import behind
from graphc.kernel.scalar import Axis, AxisIndex, Call, Formula, Let, Load
from graphc.kernel.steps import Contract, Effect, Kernel, Stage, Step, Store
from graphc.passes.leading import AxisOf, numbers_of, ones_before
from graphc.passes.places import exchanged
from graphc.sizes import Size

__all__ = ["Turn"]

_Part = TypeVar("_Part")


@final
@dataclass(frozen=True, eq=False)
class Turn:
    """A step at one turn.

    axes   of the step, the first ones of its arrays
    left   how many of the points along the last of them a turn has; None for one
    rows   array -> what a turn sees of it
    """

    axes: Sequence[AxisOf]
    left: "Size | None"
    rows: Mapping[Buffer, Buffer]

    @property
    def dropped(self) -> Sequence[AxisOf]:
        """The axes of which a turn has one point."""
        return self.axes if self.left is None else self.axes[:-1]

    def of(self, step: Kernel | Contract) -> Step:
        """The step of a turn."""
        if isinstance(step, Contract):
            return self._contract(step)
        return self._kernel(step, {axis: axis for axis in step.outer})

    def _contract(self, contract: Contract) -> Contract:
        left, right, out = (
            self._parts(buffer, index)
            for buffer, index in (
                (contract.left, contract.left_index),
                (contract.right, contract.right_index),
                (contract.out, contract.out_index),
            )
        )
        mentioned = axes_in((*left, *right, *out))
        extents = {
            number: self._extent(number, extent)
            for number, extent in enumerate(contract.extents)
            if number in mentioned or (extent != 1 and number not in self.dropped)
        }
        numbers = {old: new for new, old in enumerate(extents)}

        def renumbered(index: Sequence[AffineIndex]) -> tuple[AffineIndex, ...]:
            return tuple([AffineIndex(tuple([(numbers[x], n) for x, n in part.terms]), part.offset) for part in index])

        then = contract.then
        return replace(
            contract,
            extents=tuple(extents.values()),
            left=self._row(contract.left),
            right=self._row(contract.right),
            out=self._row(contract.out),
            left_index=renumbered(left),
            right_index=renumbered(right),
            out_index=renumbered(out),
            apart=sum(number < contract.apart for number in extents),
            then=None if then is None else self._kernel(then, numbers_of(contract)),
        )

    def _kernel(self, kernel: Kernel, known: Mapping[Axis, AxisOf]) -> Kernel:
        dropped = [axis for axis in kernel.outer if known[axis] in self.dropped]
        outer = {axis: Axis(axis.number, self._extent(known[axis], axis.extent)) for axis in kernel.outer}
        stages = [self._stage(stage, dropped, outer) for stage in kernel.stages]
        left = tuple([outer[axis] for axis in kernel.outer if axis not in dropped])
        return exchanged(Kernel(left, tuple(stages), kernel.origins), self.rows)

    def _stage(self, stage: Stage, dropped: Collection[Axis], outer: Mapping[Axis, Axis]) -> Stage:
        """The stage; the lets that only said which row an element is in are gone."""
        formula, numbers = Formula(), dict[int, int]()
        for number in sorted(behind(stage, [None] * len(stage.lets), lambda call, _: call.args)):
            let = stage.lets[number]
            if not isinstance(let, AxisIndex) or let.axis not in dropped:
                numbers[number] = formula.add(self._let(let, numbers, outer))
        effects = [self._effect(effect, numbers) for effect in stage.effects]
        return Stage(stage.inner, tuple(formula.lets), tuple(effects))

    def _let(self, let: Let, numbers: Mapping[int, int], outer: Mapping[Axis, Axis]) -> Let:
        match let:
            case AxisIndex(axis=axis):
                return AxisIndex(outer.get(axis, axis))
            case Call(fn=fn, args=args, dtype=dtype):
                return Call(fn, tuple([numbers[x] for x in args]), dtype)
            case Load(guard=guard, otherwise=otherwise):
                index = self._index(let.buffer, let.index, numbers)
                guards = [None if x is None else numbers[x] for x in (guard, otherwise)]
                return Load(let.buffer, index, let.dtype, guards[0], guards[1])
        return let

    def _effect(self, effect: Effect, numbers: Mapping[int, int]) -> Effect:
        value = numbers[effect.value]
        if isinstance(effect, Store):
            return Store(effect.buffer, self._index(effect.buffer, effect.index, numbers), value, effect.combine)
        return replace(effect, value=value)

    def _index(self, buffer: Buffer, index: Sequence[int], numbers: Mapping[int, int]) -> tuple[int, ...]:
        return tuple([numbers[x] for x in self._parts(buffer, index)])

    def _parts(self, buffer: Buffer, index: Sequence[_Part]) -> Sequence[_Part]:
        """The parts of an index that are left."""
        return index[ones_before(buffer) + len(self.dropped) :] if buffer in self.rows else index

    def _extent(self, axis: AxisOf, extent: Size) -> Size:
        return extent if self.left is None or axis != self.axes[-1] else self.left

    def _row(self, buffer: Buffer) -> Buffer:
        return self.rows.get(buffer, buffer)
