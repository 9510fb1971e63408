"""Forwarding: what one kernel puts into an array, and another takes from there, is put at once where that puts it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product as all_of

from graphc.dataclass import dataclass
from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer
from graphc.kernel.indices import Affine, affine_of, behind
from graphc.kernel.program import Program
from graphc.kernel.scalar import Axis, Formula, Load
from graphc.kernel.steps import Kernel, Stage, Store
from graphc.kernel.target import Target
from graphc.passes.digits import Cuts, Linear, Piece, digits_of, row_major, scaled, summed
from graphc.passes.meeting import Place, Walk, along, met, substituted
from graphc.passes.pairs import Both, in_place_of, join_pairs
from graphc.passes.pipeline import Log
from graphc.passes.regions import made_once
from graphc.passes.stages import LARGEST, only_stores, trimmed, wholes
from graphc.sizes import Size, equal, estimate, product
from graphc.types import Shape

__all__ = ["forward", "forwarded", "put_parts"]

FEW = 8  # points for each element: each has a formula of its own
MOST = 4 * LARGEST  # lets of stages, before what they share is made once
APART = 5  # points for each element that may lie side by side: lanes are stored one by one


def forward(program: Program, target: Target, log: Log) -> Program:
    """Let what is put together in parts be put where it is put together next, or where all else reads it."""

    def both(maker: Kernel, reader: Kernel) -> Both | None:
        return forwarded(maker, reader, target) if put_parts(maker, reader) else None

    return join_pairs(program, both, "stored where it is moved to", log)


def put_parts(maker: Kernel, reader: Kernel) -> bool:
    """Whether one of two kernels puts parts together: others are not two without a reason."""
    effects = maker.stages[0].effects
    arrays = {effect.buffer.root for effect in effects if isinstance(effect, Store)}
    return len(maker.stages) > 1 or len(reader.stages) > 1 or len(arrays) < len(effects)


def forwarded(maker: Kernel, reader: Kernel, target: Target) -> Both | None:
    """The axes and stages of a kernel that does what two do, and keeps no array between; None where that cannot be.

    The one stores elements of arrays, in parts and perhaps over each other, the other takes each where it needs
    it: stores of the first become those of the second.  What is computed again costs less than to keep them.
    """
    written = {buffer.root for buffer in reader.writes}
    if written & {buffer.root for buffer in (*maker.reads, *reader.reads)}:
        return None
    if not all(map(only_stores, (*maker.stages, *reader.stages))):
        return None
    arrays = {buffer.root for buffer in maker.writes}
    made = [_Made.of(Stage(whole.inner, whole.lets, (effect,))) for whole in wholes(maker) for effect in whole.effects]
    stages: list[Stage] = []
    pending = [stage for whole in reversed(wholes(reader)) for stage in reversed(_by_effects(whole, arrays))]
    while pending:
        stage = pending.pop()
        taking = _Taking.of(stage, arrays)
        if taking is None or sum(len(x.lets) for x in (stage, *stages, *pending)) > MOST:
            return None
        if taking.buffer is None:
            stages.append(stage)
            continue
        found: list[Stage] = []
        for each in made:
            if each.store.buffer.root is not taking.buffer.root:
                continue
            meeting = taking.meeting(each)
            if meeting is None:
                return None
            if not meeting.is_empty:
                found.append(meeting.stage(at_once=meeting.are_few and not target.let))
        pending += reversed(found)
    stored = {effect.buffer for stage in stages for effect in stage.effects if isinstance(effect, Store)}
    if stored != set(reader.writes):  # of what has no elements
        return None
    ways = [made_once(stages), *([stages] if target.let else [])]  # where each effect is a call, fewer may be quicker
    return in_place_of(maker, reader, target, *ways)


def _needed(stage: Stage, affine: Sequence[Affine | None]) -> Sequence[int]:
    """The lets of a stage from which it computes what it stores, and where that is not told by its axes alone."""
    return sorted(behind(stage, affine, lambda call, _: call.args))


def _by_effects(stage: Stage, arrays: Collection[Buffer]) -> Sequence[Stage]:
    """A stage for each effect, where elements of arrays are taken at several places."""
    taken = {(let.buffer, let.index) for let in stage.lets if isinstance(let, Load) and let.buffer.root in arrays}
    return (
        [trimmed(replace(stage, effects=(effect,))) for effect in stage.effects]
        if len(taken) > 1 < len(stage.effects)
        else [stage]
    )


@dataclass(frozen=True, eq=False)
class _Made:
    """A stage that stores one element of an array for each point of its axes.

    axes     others in their place, that are those of no other stage
    affine   its lets that are places, told by those
    """

    stage: Stage
    axes: Sequence[Axis]
    affine: Sequence[Affine | None]
    store: Store

    @staticmethod
    def of(stage: Stage) -> "_Made":
        (store,) = stage.effects
        assert isinstance(store, Store), store
        own = {axis: Axis(-1 - axis.number, axis.extent) for axis in stage.inner}
        affine = [
            part and Affine(tuple([(own[axis], n) for axis, n in part.terms]), part.offset)
            for part in affine_of(stage.lets)
        ]
        return _Made(stage, tuple(own.values()), affine, store)

    def under(self, shape: Shape) -> "tuple[_Made, Sequence[Affine]] | None":
        """The same with axes cut at the digits of another shape of the array, and where elements lie under that.

        None where that is told by no sums of axes.
        """
        stored = [self.affine[number] for number in self.store.index]
        index = [part for part in stored if part is not None]
        old = self.store.buffer.shape
        if len(index) < len(stored):
            return None
        if len(old) == len(shape) and all(map(equal, old, shape)):
            return self, index
        cuts = Cuts(self.axes)
        while True:
            forms = [
                summed(*[scaled(cuts.of(axis), n) for axis, n in part.terms], Linear((), part.offset)) for part in index
            ]
            places, divided = digits_of(row_major(old, forms), shape)
            if not any(cuts.cut_for(form, divisor) for form, divisor in divided):
                break
        if any(place.divides for place in places):
            return None
        pieces = [piece for axis in self.axes for piece in cuts.pieces_of(axis)]
        axes = {piece: Axis(-1 - number, piece.extent) for number, piece in enumerate(pieces)}

        def affine(form: Linear) -> Affine:
            return Affine(tuple([(axes[x], n) for x, n in form.terms if isinstance(x, Piece)]), form.offset)

        as_pieces = {axis: affine(cuts.of(axis)) for axis in self.axes}
        changed = [part and substituted(part, as_pieces) for part in self.affine]
        return replace(self, axes=tuple(axes.values()), affine=changed), [affine(place) for place in places]


@dataclass(frozen=True)
class _Taking:
    """A stage, its lets that are an element of an array, and where that is: the first of such elements."""

    stage: Stage
    affine: Sequence[Affine | None]
    loads: Collection[int]
    buffer: Buffer | None
    places: Sequence[Place]

    @staticmethod
    def of(stage: Stage, arrays: Collection[Buffer]) -> "_Taking | None":
        """What a stage does with elements of some arrays; None where that is not told for each of them alone."""
        affine = affine_of(stage.lets)
        found_at: dict[tuple[Buffer, tuple[int, ...]], list[int]] = {}
        for number, let in enumerate(stage.lets):
            if isinstance(let, Load) and let.buffer.root in arrays:
                if let.guard is not None:
                    return None
                found_at.setdefault((let.buffer, let.index), []).append(number)
        if not found_at:
            return _Taking(stage, affine, (), None, ())
        (buffer, index), loads = next(iter(found_at.items()))
        found = [Place.of(affine[number]) for number in index]
        places = [place for place in found if place is not None]
        axes = [place.axis for place in places if place.axis is not None]
        if len(places) < len(found) or len(set(axes)) < len(axes):
            return None
        return _Taking(stage, affine, loads, buffer, places)

    def meeting(self, made: _Made) -> "_Meeting | None":
        """The points at which this stage takes what another one stores; None where they are not known."""
        assert self.buffer is not None
        shown = made.under(self.buffer.shape)
        if shown is None:
            return None
        made, stored = shown
        walks: dict[Axis, Walk] = {}
        ours: dict[Axis, Affine] = {}
        as_stored: list[tuple[Place, Affine]] = []
        is_empty = False
        for place, extent, there in zip(self.places, self.buffer.shape, stored, strict=True):
            if equal(place.count, extent) and abs(place.step) == 1:
                as_stored.append((place, there))  # all of the array is taken
                continue
            other = Place.of(there)
            walked = None if other is None or other.axis in walks else met(place, other)
            if walked is None or other is None:
                return None
            taken, stored_there = walked
            is_empty |= taken.count == 0
            if other.axis is not None:
                walks[other.axis] = stored_there
            if place.axis is not None:
                ours[place.axis] = Affine(() if other.axis is None else ((other.axis, taken.step),), taken.start)
        theirs = {
            axis: Affine(((axis, walks[axis].step),), walks[axis].start) if axis in walks else Affine(((axis, 1),))
            for axis in made.axes
        }
        for place, there in as_stored:
            if place.axis is not None:
                ours[place.axis] = along(substituted(there, theirs), place)
        counts = {axis: walks[axis].count if axis in walks else axis.extent for axis in made.axes}
        counts |= {axis: axis.extent for axis in self.stage.inner if axis not in ours}
        return _Meeting(self, made, ours, theirs, counts, is_empty or 0 in counts.values())


@dataclass(frozen=True)
class _Meeting:
    """The points at which one stage takes what another one stores there.

    ours     axes of the first -> what they are along `counts`
    theirs   the same for the axes of the second
    counts   how far each axis goes of those that are left: what is taken again along an axis, and what is stored
    """

    taking: _Taking
    made: _Made
    ours: Mapping[Axis, Affine]
    theirs: Mapping[Axis, Affine]
    counts: Mapping[Axis, Size]
    is_empty: bool

    @property
    def repeats(self) -> Sequence[Axis]:
        """The axes along which each element is taken again."""
        return [axis for axis in self.taking.stage.inner if axis not in self.ours]

    @property
    def are_few(self) -> bool:
        """Whether what is done with an element may be written out for each time that it is taken."""
        count = product([axis.extent for axis in self.repeats])
        if not isinstance(count, int) or count > FEW:
            return False
        last = self.taking.stage.inner[-1:]
        return all(axis in self.ours or estimate(axis.extent) <= APART for axis in last)

    def stage(self, *, at_once: bool) -> Stage:
        """What both do; `at_once` at a point that which is done each time that its element is taken."""
        order = dict.fromkeys(
            inner
            for axis in self.taking.stage.inner
            for inner in ([part for part, _ in self.ours[axis].terms] if axis in self.ours else [axis])
            if not (at_once and inner in self.repeats)
        )
        order |= dict.fromkeys(self.theirs)
        several = [axis for axis in order if self.counts[axis] != 1]
        new = {axis: Axis(number, self.counts[axis]) for number, axis in enumerate(several)}
        formula = Formula()
        made = _Writing.of(formula, self.made.stage, self.made.affine, self.theirs, new, {})
        value = made[self.made.store.value]
        effects: list[Store] = []
        for at in self._times() if at_once else [{}]:
            ours = {axis: Affine(((axis, 1),)) for axis in self.repeats} | {**self.ours, **at}
            known = dict.fromkeys(self.taking.loads, value)
            taking = _Writing.of(formula, self.taking.stage, self.taking.affine, ours, new, known)
            for effect in self.taking.stage.effects:
                assert isinstance(effect, Store), effect
                effects.append(effect.renumbered(taking))
        return Stage(tuple(new.values()), tuple(formula.lets), tuple(effects))

    def _times(self) -> Iterator[Mapping[Axis, Affine]]:
        """What the axes are along which an element is taken again, each time."""
        for point in all_of(*[range(estimate(axis.extent)) for axis in self.repeats]):
            yield {axis: Affine((), place) for axis, place in zip(self.repeats, point, strict=True)}


class _Writing(dict[int, int]):
    """The lets of a stage -> those of a formula; places are written when they are asked for.

    new   axes -> those of the formula; the others have one point
    """

    def __init__(self, formula: Formula, places: Mapping[int, Affine], new: Mapping[Axis, Axis]) -> None:
        self.formula, self.places, self.new = formula, places, new

    @staticmethod
    def of(
        formula: Formula,
        stage: Stage,
        affine: Sequence[Affine | None],
        axes: Mapping[Axis, Affine],
        new: Mapping[Axis, Axis],
        known: Mapping[int, int],
    ) -> "_Writing":
        """A stage whose axes are these, along new ones, and of whose lets some are known."""
        places = {number: substituted(part, axes) for number, part in enumerate(affine) if part is not None}
        places = {number: place for number, place in places.items() if place.is_narrow}  # the rest is computed
        found = _Writing(formula, places, new)
        found.update(known)
        for number in _needed(stage, affine):
            if number not in found and number not in places:
                found[number] = formula.copied(stage.lets[number], found)
        return found

    def __missing__(self, number: int) -> int:
        place = self.places[number]
        terms = [(self.new[axis], factor) for axis, factor in place.terms if axis in self.new]
        axes = {axis.number: self.formula.axis(axis) for axis, _ in terms}
        index = AffineIndex(tuple([(axis.number, factor) for axis, factor in terms]), place.offset)
        found = self[number] = self.formula.affine(index, axes)
        return found
