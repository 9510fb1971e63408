"""What stages leave: stores, and what folds, running combinations and totals hold from point to point."""

from collections.abc import Callable, Sequence
from typing import final

from graphc.backends.cuda.dtypes import in_register
from graphc.backends.cuda.functions import Operand, called, cast, plain_text
from graphc.backends.cuda.lets import Scope
from graphc.backends.cuda.reductions import FOLDS
from graphc.dataclass import dataclass
from graphc.kernel.monoids import BETTER, COMBINE, Monoid, start_of
from graphc.kernel.scalar import Fn
from graphc.kernel.stages import StagePlan
from graphc.kernel.steps import Fold, Prefix, Total
from graphc.types import BOOL, INT64, DType, accumulator, is_complex

__all__ = ["Held", "combined", "held_of", "leave", "start_text", "taken_in"]


@final
@dataclass(frozen=True)
class Held:
    """A variable that holds what was combined so far; of ARGMAX and ARGMIN the best value and its place."""

    name: str
    dtype: DType
    monoid: Monoid

    @property
    def type(self) -> str:
        """Of the variable."""
        return f"Best<{in_register(self.dtype)}>" if self.monoid in BETTER else in_register(self.dtype)

    @property
    def fold(self) -> str:
        """What two of them are combined by."""
        return FOLDS[self.monoid]

    def need(self, need: Callable[[str], None]) -> None:
        """Note what folds over threads take."""
        need("best" if self.monoid in BETTER else "monoids")
        if is_complex(self.dtype):
            need("complex shuffles")

    def results(self, count: int) -> Sequence[Operand]:
        """What a fold leaves, in `count` results."""
        if self.monoid not in BETTER:
            return [Operand(self.name, self.dtype)]
        place = Operand(f"{self.name}.place", INT64)
        return [place] if count == 1 else [Operand(f"{self.name}.value", self.dtype), place]


def held_of(effect: Fold | Prefix | Total, dtype: DType, scope: Scope, letter: str = "h") -> Held:
    """Declare what an effect holds, at its start; `dtype` is that of the values it combines."""
    result = effect.results[0] if isinstance(effect, Fold) else effect.result
    is_best = effect.monoid in BETTER
    held = Held(scope.lines.fresh(letter), dtype if is_best else accumulator(result.dtype), effect.monoid)
    held.need(scope.library.need) if is_best else None
    start = start_text(effect.monoid, held.dtype, scope.library.need)
    scope.lines.line(f"{held.type} {held.name} = {f'{{{start}, 0}}' if is_best else start};")
    return held


def start_text(monoid: Monoid | None, dtype: DType, need: Callable[[str], None]) -> str:
    """The value of a monoid over nothing."""
    value = 0 if monoid is None else start_of(monoid, dtype)
    return plain_text(value, dtype, need)


def taken_in(scope: Scope, held: Held, value: Operand, place: str) -> None:
    """Combine a value with what is held."""
    need = scope.library.need
    if held.monoid in BETTER:
        best = f"{held.type}{{{cast(value, held.dtype, need)}, {place}}}"
        scope.lines.line(f"{held.name} = {held.fold}::of({held.name}, {best});")
        return
    value = Operand(cast(value, held.dtype, need), held.dtype)
    scope.lines.line(f"{held.name} = {combined(scope, held.monoid, Operand(held.name, held.dtype), value)};")


def combined(scope: Scope, monoid: Monoid, first: Operand, second: Operand) -> str:
    """The text of two values combined."""
    fn = COMBINE[monoid]
    if first.dtype == BOOL and fn in (Fn.ADD, Fn.MUL):
        fn = Fn.OR if fn is Fn.ADD else Fn.AND
    return called(fn, [first, second], first.dtype, scope.library.need)


def leave(
    scope: Scope,
    stage: StagePlan,
    number: int,
    values: Sequence[Operand],
    combine: Monoid | None = None,
    only: Sequence[int] | None = None,
) -> None:
    """Write results of an effect where they go, or combine them into what is there."""
    for place, (access, value) in enumerate(zip(stage.places[number], values, strict=True)):
        if only is not None and place not in only:
            continue
        dtype, target = access.buffer.dtype, scope.place(stage, access)
        if combine is not None:
            before = Operand(scope.lines.let(in_register(dtype), scope.read(target, dtype)), dtype)
            given = cast(value, dtype, scope.library.need)
            value = Operand(combined(scope, combine, before, Operand(given, dtype)), dtype)
        scope.lines.line(f"{target} = {scope.stored(value, dtype)};")
