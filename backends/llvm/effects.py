"""What stages leave: stores, folds along lanes, running combinations, totals."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import final

from graphc.backends.llvm.calls import called
from graphc.backends.llvm.casts import cast
from graphc.backends.llvm.scope import Scope
from graphc.backends.llvm.values import Lanes, Register, Value
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.monoids import BETTER, COMBINE, Monoid, start_of
from graphc.kernel.scalar import Fn
from graphc.kernel.stages import StagePlan
from graphc.kernel.steps import Fold, Prefix, Total
from graphc.types import BOOL, INT64, DType, accumulator, is_floating

__all__ = ["Held", "combine_into", "combined", "folded", "held_along", "held_of", "joined", "leave", "step"]


#: the comparison by which a value is taken
BEYOND = {Monoid.MAX: Fn.GT, Monoid.MIN: Fn.LT}


@final
@dataclass(frozen=True)
class Held:
    """What a fold, a prefix or a total holds from point to point: places on the stack, one for each part.

    index  of the best value so far, for those of (value, index)
    met    whether nan was met, for each two lanes: then the value beside it is any other
    """

    monoid: Monoid
    value: Register
    index: Register | None = None
    met: Register | None = None


def held_of(effect: Fold | Prefix | Total, dtype: DType, scope: Scope, width: int) -> Held:
    """What an effect holds, at its start; `dtype` is that of the values it combines."""
    kind = dtype if effect.monoid in BETTER else accumulator(_result(effect).dtype)
    index = Register.of(scope.text, INT64, width) if effect.monoid in BETTER else None
    held = Held(effect.monoid, Register.of(scope.text, kind, width), index)
    lanes = scope.lanes
    held.value.write(lanes, lanes.number(start_of(held.monoid, held.value.dtype), held.value.dtype))
    if held.index is not None:
        held.index.write(lanes, lanes.number(0, INT64))
    return held


def held_along(effect: Fold | Prefix | Total, dtype: DType, scope: Scope, width: int) -> Held:
    """The same, of an effect whose lanes become one: there an extreme is one instruction, and nan is noted aside."""
    held = held_of(effect, dtype, scope, width)
    if width == 1 or held.monoid not in BEYOND or not is_floating(held.value.dtype):
        return held
    met = Register.of(scope.text, BOOL, width // 2)
    met.write(scope.lanes, scope.lanes.number(False, BOOL))
    return replace(held, met=met)


def _result(effect: Fold | Prefix | Total) -> Buffer:
    return effect.results[0] if isinstance(effect, Fold) else effect.result


def combined(lanes: Lanes, monoid: Monoid, first: Value, second: Value) -> Value:
    """Two values of one dtype."""
    return called(lanes, COMBINE[monoid], [first, second], first.dtype)


def step(held: Held, value: Value, place: Value, scope: Scope, mask: Value | None) -> Value:
    """Take in the values of all lanes that `mask` lets in; what is held then."""
    lanes = scope.lanes
    before = held.value.read(lanes)
    if held.index is None:
        value = cast(lanes, value, held.value.dtype)
        if mask is not None:
            value = lanes.select(mask, value, lanes.number(start_of(held.monoid, value.dtype), value.dtype))
        after = (
            combined(lanes, held.monoid, before, value) if held.met is None else _extreme(held, before, value, lanes)
        )
        held.value.write(lanes, after)
        return after
    fn = BETTER[held.monoid]
    is_better = called(lanes, fn, [value, before], BOOL)
    if value.dtype.kind in "fV":
        is_nan, was_none = (lanes.compare(f"fcmp {name}", x, x, BOOL) for name, x in (("uno", value), ("ord", before)))
        is_better = lanes.binary("or", is_better, lanes.binary("and", is_nan, was_none))
    if mask is not None:
        is_better = lanes.binary("and", is_better, mask)
    held.value.write(lanes, lanes.select(is_better, value, before))
    held.index.write(lanes, lanes.select(is_better, place, held.index.read(lanes)))
    return before


def _extreme(held: Held, before: Value, value: Value, lanes: Lanes) -> Value:
    """Whichever is beyond the other.  Two values are looked at at once for nan, which none is ordered with."""
    assert held.met is not None, held
    value = lanes.spread(value, before.lanes)
    first, second = (lanes.part(value, start, held.met.lanes) for start in (0, held.met.lanes))
    is_nan = lanes.compare("fcmp uno", first, second, BOOL)
    held.met.write(lanes, lanes.binary("or", held.met.read(lanes), is_nan))
    return lanes.select(called(lanes, BEYOND[held.monoid], [value, before], BOOL), value, before)


def folded(held: Held, scope: Scope) -> Value:
    """The lanes of what is held, as one."""
    lanes, value = scope.lanes, held.value.read(scope.lanes)
    if held.met is None:
        return joined(lanes, held.monoid, value)

    def beyond(first: Value, second: Value) -> Value:  # neither is nan
        return lanes.select(called(lanes, BEYOND[held.monoid], [first, second], BOOL), first, second)

    some = Value(BOOL, (lanes.any_of(held.met.read(lanes)),))
    return lanes.select(some, lanes.number(float("nan"), value.dtype), _in_halves(lanes, value, beyond))


def joined(lanes: Lanes, monoid: Monoid, value: Value) -> Value:
    """All lanes of a value as one: halves onto halves, in a fixed order."""
    return _in_halves(lanes, value, partial(combined, lanes, monoid))


def _in_halves(lanes: Lanes, value: Value, combine: Callable[[Value, Value], Value]) -> Value:
    count = value.lanes
    while count > 1:
        count //= 2
        value = combine(*(lanes.part(value, start, count) for start in (0, count)))
    return value


def leave(scope: Scope, stage: StagePlan, number: int, values: Sequence[Value]) -> None:
    """Write the results of an effect where they go."""
    for access, value in zip(stage.places[number], values, strict=True):
        target = access.buffer
        result = cast(scope.lanes, value, target.dtype)
        if target.role is Role.LOCAL and not target.shape and target not in scope.homes:
            scope.locals[target] = result
        else:
            scope.memory.store(scope.place(stage, access), result)


def combine_into(scope: Scope, stage: StagePlan, number: int, monoid: Monoid, value: Value, mask: Value | None) -> None:
    """Combine a value into what is in memory; where all lanes meet in one element, one after the other's half."""
    (access,) = stage.places[number]
    lanes, dtype = scope.lanes, access.buffer.dtype
    value = cast(lanes, value, dtype)
    start = lanes.number(start_of(monoid, dtype), dtype)
    if mask is not None:
        value = lanes.select(mask, value, start)
    place = scope.place(stage, access)
    if place.is_shared and scope.width > 1:
        value = joined(lanes, monoid, lanes.spread(value, scope.width))
    before = scope.memory.load(place, dtype, None, None)
    scope.memory.store(place, combined(lanes, monoid, before, value))
