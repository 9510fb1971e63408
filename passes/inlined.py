"""Computing what one kernel makes wherever another one reads it, at any places."""

from collections.abc import Mapping, Sequence

from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer
from graphc.kernel.scalar import Axis, AxisIndex, Fn, Formula, Load
from graphc.kernel.steps import Kernel, Stage, Store
from graphc.kernel.target import Target
from graphc.passes.pairs import Both, in_place_of
from graphc.passes.places import walked
from graphc.passes.split_axes import split_kernel
from graphc.passes.stages import only_stores, wholes
from graphc.sizes import equal, product
from graphc.types import Shape

__all__ = ["inlined"]


def inlined(maker: Kernel, reader: Kernel, target: Target) -> Both | None:
    """The axes and stages of a kernel that computes elements of arrays where it reads them, and keeps no such array.

    None where that cannot be, or takes longer than two kernels.
    """
    if not all(map(only_stores, reader.stages)):
        return None
    if {buffer.root for buffer in reader.writes} & {buffer.root for buffer in (*maker.reads, *reader.reads)}:
        return None
    elements = _elements_of(maker)
    if elements is None:
        return None
    stages = [_computing(stage, elements) for stage in reader.stages]
    found = [stage for stage in stages if stage is not None]
    if len(found) < len(stages):
        return None
    kernel = split_kernel(Kernel(reader.outer, tuple(found), reader.origins))
    return in_place_of(maker, reader, target, wholes(kernel))


class _Element:
    """An element of an array: the stage that makes it, and the axis of that along each axis of the array, if any."""

    def __init__(self, stage: Stage, store: Store, axes: Sequence[Axis | None]) -> None:
        self.stage, self.store, self.axes = stage, store, axes

    def written(self, formula: Formula, place: Sequence[int]) -> int:
        """The let of the element at a place."""
        known = {axis: number for axis, number in zip(self.axes, place, strict=True) if axis is not None}
        numbers: list[int] = []
        for let in self.stage.lets:
            if isinstance(let, AxisIndex):
                numbers.append(known[let.axis] if let.axis in known else formula.size(0))
            else:
                numbers.append(formula.copied(let, numbers))
        return numbers[self.store.value]


def _elements_of(maker: Kernel) -> Mapping[Buffer, _Element] | None:
    """The elements of each array that a kernel makes; None where one is not made as a whole, by one store."""
    if len(maker.stages) != 1:
        return None
    (stage,) = wholes(maker)
    if not only_stores(stage):
        return None
    found: dict[Buffer, _Element] = {}
    for effect in stage.effects:
        assert isinstance(effect, Store), effect
        places = walked(stage.lets, effect.index)
        if places is None or effect.buffer.root in found:
            return None
        axes = [place if isinstance(place, Axis) else None for place in places]
        extents = [1 if axis is None else axis.extent for axis in axes]
        if {axis for axis in axes if axis is not None} != {axis for axis in stage.inner if axis.extent != 1}:
            return None
        if len(set(axes) - {None}) < len([axis for axis in axes if axis is not None]):
            return None
        if not all(map(equal, extents, effect.buffer.shape)):
            return None
        found[effect.buffer.root] = _Element(stage, effect, axes)
    return found


def _computing(stage: Stage, elements: Mapping[Buffer, _Element]) -> Stage | None:
    """A stage that computes elements which it reads; None where it does not read each of them."""
    formula = Formula()
    numbers: list[int] = []
    for let in stage.lets:
        if not isinstance(let, Load) or let.buffer.root not in elements:
            numbers.append(formula.copied(let, numbers))
            continue
        if let.guard is not None:
            return None
        element = elements[let.buffer.root]
        place = [numbers[part] for part in let.index]
        numbers.append(element.written(formula, _under(formula, place, let.buffer.shape, element.store.buffer.shape)))
    effects = [effect.renumbered(numbers) for effect in stage.effects if isinstance(effect, Store)]
    return Stage(stage.inner, tuple(formula.lets), tuple(effects))


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
