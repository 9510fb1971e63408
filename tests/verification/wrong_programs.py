"""Passes to programs and over programs that are wrong, and a backend that writes something else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np

from graphc.backends.backend import Artifact, Backend, Loaded
from graphc.backends.numpy.backend import NumpyBackend
from graphc.backends.numpy.emit import emit
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.carries import Carry, Held
from graphc.kernel.monoids import Monoid
from graphc.kernel.nesting import with_parts
from graphc.kernel.program import Program
from graphc.kernel.scalar import Call, Const, Fn, Let, Load, SizeValue
from graphc.kernel.steps import Check, Contract, Effect, Fold, Kernel, Loop, Prefix, Stage, Step, Store
from graphc.kernel.target import Target
from graphc.ops.placement import Transpose
from graphc.passes.lower import Lowered
from graphc.passes.places import all_substituted
from graphc.passes.standard import AnyPass
from graphc.passes.units import Partition
from tests.verification.models import averaged, counted, extremes, keeping, looping, mixed, recurrent, swapping
from tests.verification.mutants import Model, Mutant, Spoiled

__all__ = ["WRONG_BACKENDS", "WRONG_PROGRAMS", "WrongBackend"]


def spoiled(spoil: Callable[[Any], Any]) -> Callable[[AnyPass], AnyPass]:
    return lambda step: Spoiled(step, spoil)


# Units.


def partition(change: Callable[[Partition], Partition]) -> Callable[[AnyPass], AnyPass]:
    return spoiled(change)


def not_moved(form: Partition) -> Partition:
    """Transposes read the elements as they lie."""
    sources = {
        node: source._replace(map=None)
        if isinstance(node.op, Transpose) and node.shape == source.node.shape
        else source
        for node, source in form.sources.items()
    }
    return replace(form, sources=sources)


def first_unit_last(form: Partition) -> Partition:
    return replace(form, units=(*form.units[1:], form.units[0]))


def without_a_unit(form: Partition) -> Partition:
    """Nothing computes what is stored first, whatever it is."""
    place = next(n for n, unit in enumerate(form.units) if len(unit.nodes) > 1)
    return replace(form, units=(*form.units[:place], *form.units[place + 1 :]))


# Steps.


def steps(change: Callable[[Step], Step | None]) -> Callable[[AnyPass], AnyPass]:
    """The program with every step, those inside steps too, replaced by `change` of it; the first that it changes."""
    return spoiled(lambda form: with_steps(form, first_changed(form.program.steps, change)))


def with_steps(form: Lowered, found: Sequence[Step]) -> Lowered:
    return replace(form, program=replace(form.program, steps=tuple(found)))


def first_changed(every: Sequence[Step], change: Callable[[Step], Step | None]) -> tuple[Step, ...]:
    done: list[Step] = []

    def changed(step: Step) -> Step:
        inside = with_parts(step, lambda part: [changed(each) for each in part])
        found = None if done else change(inside)
        if found is None:
            return inside
        done.append(found)
        return found

    result = tuple([changed(step) for step in every])
    assert done, "nothing to spoil"
    return result


def stages(change: Callable[[Stage], Stage | None]) -> Callable[[Step], Step | None]:
    """A kernel of which one stage is changed."""

    def changed(step: Step) -> Step | None:
        if not isinstance(step, Kernel):
            return None
        for place, stage in enumerate(step.stages):
            found = change(stage)
            if found is not None:
                others = step.stages[:place], step.stages[place + 1 :]
                return Kernel(step.outer, (*others[0], found, *others[1]), step.origins)
        return None

    return changed


def lets(change: Callable[[Let], Let | None]) -> Callable[[Step], Step | None]:
    def changed(stage: Stage) -> Stage | None:
        for place, let in enumerate(stage.lets):
            found = change(let)
            if found is not None:
                return replace(stage, lets=(*stage.lets[:place], found, *stage.lets[place + 1 :]))
        return None

    return stages(changed)


def effects(change: Callable[[Effect], Effect | None]) -> Callable[[Step], Step | None]:
    def changed(stage: Stage) -> Stage | None:
        for place, effect in enumerate(stage.effects):
            found = change(effect)
            if found is not None:
                return replace(stage, effects=(*stage.effects[:place], found, *stage.effects[place + 1 :]))
        return None

    return stages(changed)


def index_turned(let: Let) -> Let | None:
    """A square array read at j, i instead of i, j."""
    if not isinstance(let, Load) or let.buffer.shape != (4, 4) or let.index[0] == let.index[1]:
        return None
    return replace(let, index=tuple(reversed(let.index)))


def other_extreme(effect: Effect) -> Effect | None:
    return replace(effect, monoid=Monoid.MIN) if isinstance(effect, Fold) and effect.monoid is Monoid.MAX else None


def other_direction(effect: Effect) -> Effect | None:
    return replace(effect, reverse=not effect.reverse) if isinstance(effect, Prefix) else None


def stored_instead(effect: Effect) -> Effect | None:
    """What is set, where it should be added."""
    return replace(effect, combine=None) if isinstance(effect, Store) and effect.combine is not None else None


def other_number(let: Let) -> Let | None:
    is_number = isinstance(let, Const) and isinstance(let.value, float) and let.value not in (0.0, 1.0)
    return Const("0.25", 0.25, let.dtype) if is_number else None


def cosine(let: Let) -> Let | None:
    return replace(let, fn=Fn.COS) if isinstance(let, Call) and let.fn is Fn.SIN else None


def exchanged_operands(let: Let) -> Let | None:
    return replace(let, args=let.args[::-1]) if isinstance(let, Call) and let.fn is Fn.DIV else None


def other_size(let: Let) -> Let | None:
    return replace(let, size=let.size + 1) if isinstance(let, SizeValue) else None


def turned_product(step: Step) -> Step | None:
    """A product with the second matrix transposed."""
    is_square = isinstance(step, Contract) and step.right.shape == (4, 4)
    return (
        replace(step, right_index=tuple(reversed(step.right_index)))
        if is_square and isinstance(step, Contract)
        else None
    )


def without_checks(form: Lowered) -> Lowered:
    kept = [step for step in form.program.steps if not isinstance(step, Check)]
    gone = len(form.program.steps) - len(kept)
    return replace(form, program=replace(form.program, steps=tuple(kept), commit=form.program.commit - gone))


def constants_reversed(form: Lowered) -> Lowered:
    return replace(form, constants=tuple([np.ascontiguousarray(array[::-1]) for array in form.constants]))


def commits_first(form: Lowered) -> Lowered:
    """The variable that is set last is set before all steps that read what it was."""
    *others, last = form.program.steps
    assert all(buffer.root.role is not Role.TEMPORARY for buffer in last.reads), last
    return with_steps(form, (last, *others))


def commits_in_turn(form: Lowered) -> Lowered:
    """The last of the steps that set variables comes first."""
    program = form.program
    pure, last = program.steps[: program.commit], program.steps[program.commit :]
    return with_steps(form, (*pure, *reversed(last)))


def commit_forgotten(form: Lowered) -> Lowered:
    return with_steps(form, form.program.steps[:-1])


def held_anyway(loop: Step) -> Step | None:
    """All carries changed in place, whatever reads them."""
    if not isinstance(loop, Loop) or not any(not carry.is_kept for carry in loop.carries):
        return None
    exchange: dict[Buffer, Buffer] = {}
    held = list(loop.held)
    kept: list[Carry] = []
    for carry in loop.carries:
        if carry.is_kept:
            kept.append(carry)
            continue
        buffer = carry.last or Buffer(Role.TEMPORARY, carry.before.dtype, carry.before.shape)
        held.append(Held(carry.start, buffer))
        exchange |= {carry.before: buffer, carry.after: buffer}
    return replace(loop, carries=tuple(kept), held=tuple(held), steps=all_substituted(loop.steps, exchange))


def one_row_on(loop: Step) -> Step | None:
    """A loop that reads what was kept, one row too far back."""
    if not isinstance(loop, Loop) or not any(rows.shift == 1 for rows in loop.sequences):
        return None
    return replace(loop, sequences=tuple([replace(r, shift=0) if r.shift == 1 else r for r in loop.sequences]))


def one_row_ahead(loop: Step) -> Step | None:
    """A loop that reads what another has pushed, one row too far on."""
    if not isinstance(loop, Loop) or not any(rows.of.role is Role.STACK for rows in loop.sequences):
        return None
    return replace(
        loop,
        sequences=tuple([replace(r, shift=r.shift + (r.of.role is Role.STACK)) for r in loop.sequences]),
    )


def from_nothing(loop: Step) -> Step | None:
    """What is held starts at something else."""
    if not isinstance(loop, Loop) or len(loop.held) < 1:
        return None
    return replace(loop, held=tuple([replace(held, start=held.buffer) for held in loop.held]))


def not_added(step: Step) -> Step | None:
    return replace(step, adds=False) if isinstance(step, Contract) and step.adds else None


def added_twice(form: Lowered) -> Lowered:
    """Products that are added to a sum, twice."""

    def twice(part: Sequence[Step]) -> list[Step]:
        found: list[Step] = []
        for step in part:
            inside = with_parts(step, twice)
            again = [replace(inside)] if isinstance(inside, Contract) and inside.adds else []
            found += [inside, *again]
        return found

    return with_steps(form, twice(form.program.steps))


def substituted(form: Lowered, exchange: Mapping[Buffer, Buffer]) -> Lowered:
    return with_steps(form, all_substituted(form.program.steps, exchange))


def settled_anyway(form: Lowered) -> Lowered:
    """Something is computed in an output that is computed elsewhere."""
    program = form.program
    for output in program.outputs:
        for buffer in program.temporaries:
            if buffer.shape == output.shape and buffer.dtype == output.dtype and buffer.base is None:
                return substituted(form, {buffer: output})
    raise AssertionError("nothing to spoil")


def outputs_exchanged(form: Lowered) -> Lowered:
    """What is computed in one output belongs to another."""
    first, second = [y for y in form.program.outputs if y.shape == form.program.outputs[0].shape][:2]
    return substituted(form, {first: second, second: first})


def overlapping(form: Lowered) -> Lowered:
    """A temporary is written over one that is still read."""
    program = form.program
    written: dict[Buffer, int] = {}
    last: dict[Buffer, int] = {}
    for number, step in enumerate(program.steps):
        for buffer in step.writes:
            written.setdefault(buffer.root, number)
        for buffer in step.reads:
            last[buffer.root] = number
    own = [b for b in program.temporaries if b in written and b in last and b not in program.aliases]
    for old in own:
        for new in own:
            is_alive = written[old] < written[new] < last[old]
            if is_alive and (old.shape, old.dtype) == (new.shape, new.dtype) and new not in program.aliases.values():
                return replace(form, program=replace(program, aliases={**program.aliases, new: old}))
    raise AssertionError("nothing to spoil")


# The text.


@final
@dataclass(frozen=True)
class WrongBackend(Backend):
    """A backend that writes one word for another.  `op` and `line`: what is wrong of `mixed`."""

    name: ClassVar[str] = "wrong"
    target: ClassVar[Target] = NumpyBackend.target
    old: str
    new: str
    op: str
    line: str

    def emit(self, program: Program) -> Artifact:
        found = emit(program)
        return replace(found, pieces=tuple([piece.replace(self.old, self.new) for piece in found.pieces]))

    def load(self, artifact: Artifact, name: str) -> Loaded:
        return NumpyBackend().load(artifact, name)


WRONG_BACKENDS = (
    WrongBackend("np.add(", "np.subtract(", "add", "hidden = gx.tanh(x @ w + b)"),
    WrongBackend("np.tanh(", "np.sin(", "tanh", "hidden = gx.tanh(x @ w + b)"),
    WrongBackend("np.divide(", "np.multiply(", "div", "shares = gx.softmax(hidden * table, 1)"),
    WrongBackend("np.exp(", "np.expm1(", "exp", "shares = gx.softmax(hidden * table, 1)"),
)


def wrong(
    title: str, name: str, change: Callable[[AnyPass], AnyPass], model: Callable[[], Model] = mixed, says: str = ""
) -> Mutant:
    """A pass that is wrong; `says`: what the error must name beside it."""
    return Mutant(f"{name}: {title}", name, change, model, says)


WRONG_PROGRAMS = (
    wrong("a transpose that moves nothing", "fuse", partition(not_moved)),
    wrong("the first unit last", "fuse", partition(first_unit_last)),
    wrong("a unit that is not there", "fuse", partition(without_a_unit)),
    wrong("an index turned", "lower", steps(lets(index_turned)), says="in step"),
    wrong("a minimum for a maximum", "lower", steps(effects(other_extreme)), extremes, "in step"),
    wrong("sums from the other end", "lower", steps(effects(other_direction)), says="in step"),
    wrong("a value set instead of added", "lower", steps(effects(stored_instead)), says="in step"),
    wrong("another number", "lower", steps(lets(other_number)), looping, says="in step"),
    wrong("a cosine for a sine", "lower", steps(lets(cosine)), says="in step"),
    wrong("a quotient upside down", "lower", steps(lets(exchanged_operands)), says="in step"),
    wrong("a matrix transposed", "lower", steps(turned_product), says="in step"),
    wrong("no checks", "lower", spoiled(without_checks), says="a call goes on"),
    wrong("constants backwards", "lower", spoiled(constants_reversed)),
    wrong("a size too large", "sizes", steps(lets(other_size)), averaged, "in step"),
    wrong("too early", "commit", spoiled(commits_first), swapping),
    wrong("one after the other", "commit", spoiled(commits_in_turn), swapping),
    wrong("a variable that stays", "commit", spoiled(commit_forgotten)),
    wrong("what is read later", "hold", steps(held_anyway), recurrent, "in step"),
    wrong("one row too far back", "hold", steps(one_row_on), looping, says="in step"),
    wrong("one row too far on, of a stack", "hold", steps(one_row_ahead), counted, "in step"),
    wrong("a sum from nothing", "hold", steps(from_nothing), looping),
    wrong("nothing is added to", "accumulate", steps(not_added), recurrent, "in step"),
    wrong("added twice", "accumulate", spoiled(added_twice), recurrent, "in step"),
    wrong("an output that is something else", "settle", spoiled(settled_anyway)),
    wrong("outputs exchanged", "settle", spoiled(outputs_exchanged), keeping),
    wrong("what is still read", "reuse", spoiled(overlapping), keeping, says="in step"),
)  # fmt: skip
