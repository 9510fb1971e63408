"""Parts: an element of an array that a kernel puts together, chosen among its parts by where it is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, reduce
from itertools import groupby

from graphc.dataclass import dataclass
from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer
from graphc.kernel.indices import Affine, affine_of, behind
from graphc.kernel.monoids import number_in
from graphc.kernel.rare import operands
from graphc.kernel.scalar import Axis, Fn, Formula, Let, Load
from graphc.kernel.steps import Kernel, Stage, Store
from graphc.passes.digits import is_natural
from graphc.passes.stages import only_stores, wholes
from graphc.sizes import Size, equal, product
from graphc.types import INT64, Shape

__all__ = ["Parts", "parts_of"]


def parts_of(kernel: Kernel) -> "Mapping[Buffer, Parts] | None":
    """What a kernel stores, as parts of each array; None where it does more, or it is not known where elements lie."""
    if {buffer.root for buffer in kernel.reads} & {buffer.root for buffer in kernel.writes}:
        return None
    found: dict[Buffer, list[_Part]] = {}
    for stage in wholes(kernel):
        if not only_stores(stage):
            return None
        for effect in stage.effects:
            assert isinstance(effect, Store), effect
            part = _Part.of(stage, effect)
            if part is None:
                return None
            found.setdefault(effect.buffer.root, []).append(part)
    return {buffer: Parts([[part] for part in parts]) for buffer, parts in found.items()}


@dataclass(frozen=True)
class Parts:
    """An array, of which each part is stored over those before it.  Those of a group compute the same, elsewhere."""

    groups: "Sequence[Sequence[_Part]]"

    def grouped(self) -> "Parts":
        """The same, where what parts side by side compute is computed once, at the place of one of them."""
        parts = [part for group in self.groups for part in group]
        return Parts([list(group) for _, group in groupby(parts, key=lambda part: part.pattern)])

    def written(
        self, formula: Formula, read: Load, index: Sequence[int], guard: int | None, otherwise: int | None
    ) -> int:
        """The let of the element that was read at an index where a guard holds, and else is another let."""
        found = otherwise
        for group in self.groups:
            here = _Here.of(formula, group, index, read.buffer.shape)
            found = here.written(formula, guard if len(self.groups) == 1 else here.holds(formula, guard), found)
        assert found is not None, read
        return found


@dataclass(frozen=True)
class _Span:
    """Where elements lie along an axis of an array: at `start`, and from there on by the steps of axes.

    steps  each axis with its step, the longest first: longer than all shorter ones together go
    """

    steps: Sequence[tuple[Axis, int]]
    start: Size

    @staticmethod
    def of(part: Affine) -> "_Span | None":
        """A part of an index; None where several points may be at one place."""
        several = [(axis, step) for axis, step in part.terms if axis.extent != 1]
        steps = [(axis, step) for axis, step in several if isinstance(step, int)]
        steps.sort(key=lambda pair: -abs(pair[1]))
        start: Size = part.offset
        reach: Size = 0
        for axis, step in reversed(steps):
            if not isinstance(reach, int) or abs(step) <= reach:
                return None
            start = start + min(step, 0) * (axis.extent - 1)
            reach = reach + abs(step) * (axis.extent - 1)
        return _Span(steps, start) if len(steps) == len(several) else None

    def points(self, formula: Formula, place: int, extent: Size) -> tuple[Mapping[Axis, int], Sequence[int]]:
        """The point at which what lies at a place below `extent` is made, and what holds of a place where any is."""
        found: dict[Axis, int] = {}
        rest, below = formula.affine(AffineIndex(((0, 1),), -self.start), [place]), extent - self.start
        holds = [formula.call(Fn.GE, (rest, formula.size(0)))] if self.start != 0 else []
        for axis, step in self.steps:
            by = formula.size(abs(step))
            if not is_natural(abs(step) * axis.extent - below):
                holds.append(formula.call(Fn.LT, (rest, formula.size(abs(step) * axis.extent))))
            digit = rest if abs(step) == 1 else formula.call(Fn.FLOORDIV, (rest, by))
            turned = AffineIndex(((0, -1),), axis.extent - 1)
            found[axis] = digit if step > 0 else formula.affine(turned, [digit])
            below = abs(step)
            if below != 1:
                rest = formula.call(Fn.MOD, (rest, by))
        if below != 1:
            holds.append(formula.call(Fn.EQ, (rest, formula.size(0))))
        return found, holds


@dataclass(frozen=True)
class _Part:
    """What a stage stores, an element at each of its points.

    spans   where, along each axis of the array
    values  the lets that it is computed from, but for sums of axes
    """

    stage: Stage
    store: Store
    spans: Sequence[_Span]
    affine: Sequence[Affine | None]
    values: Sequence[int]

    @staticmethod
    def of(stage: Stage, store: Store) -> "_Part | None":
        """A store of a stage; None where an element may be made at several points, or it is not known at which."""
        affine = affine_of(stage.lets)
        parts = [affine[number] for number in store.index]
        spans = [span for part in parts if part is not None and (span := _Span.of(part)) is not None]
        axes = [axis for span in spans for axis, _ in span.steps]
        several = {axis for axis in stage.inner if axis.extent != 1}
        if len(spans) < len(parts) or len(axes) != len(several) or set(axes) != several:
            return None
        alone = replace(stage, effects=(store,))
        computed = behind(alone, affine, lambda call, _: call.args)
        return _Part(stage, store, spans, affine, [n for n in sorted(computed) if affine[n] is None])

    @cached_property
    def pattern(self) -> Sequence[Let]:
        """What it computes, whatever the places are at which it reads."""
        orders = {number: order for order, number in enumerate(self.values)}
        return [_renumbered(self.stage.lets[number], orders) for number in self.values]

    def points(self, formula: Formula, index: Sequence[int]) -> tuple[Mapping[Axis, int], Sequence[int]]:
        """The point at which the element at an index is made, and what holds where any is."""
        points: dict[Axis, int] = {}
        holds: list[int] = []
        for span, place, extent in zip(self.spans, index, self.store.buffer.shape, strict=True):
            found, conditions = span.points(formula, place, extent)
            points |= found
            holds += conditions
        return points, holds

    def place(self, formula: Formula, number: int, points: Mapping[Axis, int]) -> int:
        """The let of a sum of axes at a point."""
        part = self.affine[number]
        assert part is not None, number
        terms = [(axis, step) for axis, step in part.terms if axis in points]
        index = AffineIndex(tuple([(axis.number, step) for axis, step in terms]), part.offset)
        return formula.affine(index, {axis.number: points[axis] for axis, _ in terms})


@dataclass(frozen=True)
class _Here:
    """Parts that compute the same of other places, at an index: the point of each, and whether it is stored there."""

    parts: Sequence[_Part]
    points: Sequence[Mapping[Axis, int]]
    stored: Sequence[int | None]

    @staticmethod
    def of(formula: Formula, parts: Sequence[_Part], index: Sequence[int], shape: Shape) -> "_Here":
        found = [part.points(formula, _under(formula, index, shape, part.store.buffer.shape)) for part in parts]
        stored = [_joined(formula, Fn.AND, holds) for _, holds in found]
        return _Here(parts, [points for points, _ in found], stored)

    def holds(self, formula: Formula, guard: int | None) -> int | None:
        """Whether a guard holds, and an element of some part is here; None where there is nothing to ask."""
        asked = [let for let in self.stored if let is not None]
        some = _joined(formula, Fn.OR, asked) if len(asked) == len(self.stored) else None
        return _joined(formula, Fn.AND, [let for let in (guard, some) if let is not None])

    def written(self, formula: Formula, holds: int | None, before: int | None) -> int:
        """The let of the element where `holds` says so; elsewhere what was there before."""
        first = self.parts[0]
        last = first.stage.lets[first.store.value]
        is_read = isinstance(last, Load) and last.guard is None
        numbers: dict[int, int] = {}
        for order, number in enumerate(first.values):
            let = first.stage.lets[number]
            every = zip(*[operands(part.stage.lets[part.values[order]]) for part in self.parts], strict=True)
            known = {own[0]: numbers[own[0]] if own[0] in numbers else self._place(formula, own) for own in every}
            if isinstance(let, Load) and holds is not None:
                is_value = is_read and number == first.store.value
                numbers[number] = _guarded(formula, let, known, holds, before if is_value else None)
            else:
                numbers[number] = formula.copied(let, known)
        values = [part.store.value for part in self.parts]
        value = numbers[values[0]] if values[0] in numbers else self._place(formula, values)
        if before is None or holds is None or is_read:
            return value
        return formula.call(Fn.WHERE, (holds, value, before), last.dtype)

    def _place(self, formula: Formula, numbers: Sequence[int]) -> int:
        """The let of a sum of axes, of which each part has one: that of the last part that is stored here."""
        found: int | None = None
        for part, points, stored, number in zip(self.parts, self.points, self.stored, numbers, strict=True):
            place = part.place(formula, number, points)
            if found is None or stored is None or place == found:
                found = place
            else:
                found = formula.call(Fn.WHERE, (stored, place, found), INT64)
        assert found is not None, numbers
        return found


def _renumbered(let: Let, orders: Mapping[int, int]) -> Let:
    """A let with values by their orders, and places by where they are first among its operands."""
    own = list(operands(let))
    formula = Formula()
    formula.copied(let, {number: orders.get(number, -1 - own.index(number)) for number in own})
    return formula.lets[0]


def _guarded(formula: Formula, let: Load, numbers: Mapping[int, int], holds: int, otherwise: int | None) -> int:
    """A load of another formula, that is made where a condition holds."""
    place = tuple([numbers[part] for part in let.index])
    if let.guard is not None and let.otherwise is not None:
        both = formula.call(Fn.AND, (holds, numbers[let.guard]))
        return formula.add(Load(let.buffer, place, let.dtype, both, numbers[let.otherwise]))
    if otherwise is None:
        otherwise = formula.constant(number_in(0, let.dtype), let.dtype)
    return formula.add(Load(let.buffer, place, let.dtype, holds, otherwise))


def _joined(formula: Formula, fn: Fn, lets: Sequence[int]) -> int | None:
    """The let of a function of all of these; None where there are none."""
    return reduce(lambda one, other: formula.call(fn, (one, other)), lets) if lets else None


def _under(formula: Formula, place: Sequence[int], shape: Shape, other: Shape) -> Sequence[int]:
    """A place in an array of one shape, under another shape of the same elements."""
    if len(shape) == len(other) and all(map(equal, shape, other)):
        return place
    steps = tuple([(axis, product(shape[axis + 1 :])) for axis in range(len(shape))])
    flat = formula.affine(AffineIndex(steps), place)
    found: list[int] = []
    for extent in reversed(other[1:]):
        by = formula.size(extent)
        found.insert(0, formula.call(Fn.MOD, (flat, by)))
        flat = formula.call(Fn.FLOORDIV, (flat, by))
    return [flat, *found] if other else []
