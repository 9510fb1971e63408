"""What holds of every program, checked: a pass that breaks it is named at once."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.mentioned import sizes_of
from graphc.kernel.naming import names
from graphc.kernel.nesting import all_steps
from graphc.kernel.overwriting import owner_of, verify_overwriting
from graphc.kernel.program import Program
from graphc.kernel.scalar import Load
from graphc.kernel.steps import Branch, Check, Contract, Kernel, Loop, Step, Store, buffers_of, locals_of, targets
from graphc.kernel.unsound import about
from graphc.kernel.wellformed import demand, verify_step
from graphc.sizes import equal, symbols_of
from graphc.types import TensorType

__all__ = ["verify"]

Names = Mapping[Buffer, str]

GIVEN = frozenset({Role.INPUT, Role.CONSTANT, Role.VARIABLE})  # holds something before the first step


def verify(program: Program) -> None:
    """Raise AssertionError, UnsoundError where a step is to blame, unless the program makes sense.

    Each step by itself (see `wellformed`); then who owns each buffer, who may write it and when, and what is
    written before it is read.  That indices are in range, and that every element is written, is for the
    reference interpreter to find.
    """
    _verify_owners(program)
    _verify_symbols(program)
    named = names(program)
    for number, step in enumerate(program.timeline):
        with about(step.origins, step):
            verify_step(step, f"step {number}", named)
    _verify_locals(program, named)
    _verify_commit(program, named)
    _verify_order(program, named)
    _verify_aliases(program, named)
    verify_overwriting(program, named)


def _verify_owners(program: Program) -> None:
    for role, buffers in (
        (Role.INPUT, program.inputs),
        (Role.VARIABLE, program.variables),
        (Role.CONSTANT, program.constants),
        (Role.OUTPUT, program.outputs),
    ):
        for slot, buffer in enumerate(buffers):
            what = f"{role.value} {slot}"
            demand(buffer.root.role is role, f"{what} is a buffer of role {buffer.root.role.value}")
            demand(buffer.slot == slot, f"{what} has slot {buffer.slot}")
    rows = [row for step in program.timeline if isinstance(step, Loop) for row in step.rows]
    listed = {*program.inputs, *program.variables, *program.constants, *program.outputs, *rows}
    for number, step in enumerate(program.timeline):
        with about(step.origins, step):
            for buffer in (*buffers_of(step), *locals_of(step)):
                _verify_view(buffer, f"step {number}")
                role = buffer.root.role
                is_listed = role in (Role.TEMPORARY, Role.LOCAL, Role.STACK) or buffer.root in listed
                demand(is_listed, f"step {number}: the {role.value} that it touches is none of the program")


def _verify_symbols(program: Program) -> None:
    known = set(program.symbols)
    for number, step in enumerate(program.timeline):
        with about(step.origins, step):
            for size in sizes_of(step):
                unknown = [symbol.name for symbol in symbols_of(size) if symbol.name not in known]
                demand(not unknown, f"step {number}: {', '.join(unknown)} of the size {size} is not given")


def _verify_view(view: Buffer, place: str) -> None:
    base = view.base
    if base is None:
        return
    what = f"{place}: a view of {TensorType(base.shape, base.dtype)} as {TensorType(view.shape, view.dtype)}"
    demand(base.base is None, f"{what} shows another view")
    demand(view.role is base.role, f"{what} has the role {view.role.value}, not {base.role.value}")
    demand(view.dtype == base.dtype, f"{what} changes the dtype")
    demand(equal(view.size, base.size) is not False, f"{what} changes the number of elements")


def _verify_locals(program: Program, named: Names) -> None:
    """A local belongs to one kernel."""
    home: dict[Buffer, int] = {}
    for number, step in enumerate(program.timeline):
        for buffer in locals_of(step):
            first = home.setdefault(buffer, number)
            with about(step.origins, step):
                demand(first == number, f"step {number}: {named[buffer]} is a local of step {first}")


def _verify_commit(program: Program, named: Names) -> None:
    """Nothing is set before everything that may raise is behind."""
    steps = len(program.steps)
    demand(0 <= program.commit <= steps, f"commit is {program.commit} of {steps} steps")
    for number, step in enumerate(program.steps):
        with about(step.origins, step):
            for buffer in step.writes:
                role = buffer.root.role
                wrong = f"step {number}: {named[buffer]} is written, "
                demand(role not in (Role.INPUT, Role.CONSTANT), f"{wrong}which no step may write")
                demand(role is not Role.VARIABLE or number >= program.commit, f"{wrong}a variable before commit")
            late = number >= program.commit and any(isinstance(inner, Check | Loop) for inner in all_steps((step,)))
            demand(not late, f"step {number}: a check after commit")


def _verify_order(program: Program, named: Names) -> None:
    """Reads come after writes; of variables, which hold a value from the start, before them."""
    written: set[Buffer] = set()
    _verify_in_order(program, program.steps, written, named)
    for output in program.outputs:
        demand(output.root in written, f"no step writes {named[output]}")


def _verify_in_order(
    program: Program, steps: Sequence[Step], written: set[Buffer], named: Names, held: Collection[Buffer] = ()
) -> None:
    # Recursion is over the depth to which loops and branches are nested.
    for step in steps:
        with about(step.origins, step):
            _verify_turn(program, step, written, named, held)


def _verify_turn(program: Program, step: Step, written: set[Buffer], named: Names, held: Collection[Buffer]) -> None:
    """What a step reads is there, and what it writes is not."""
    place = f"step {program.numbers[step]}"
    for root in _roots(step.writes):
        is_again = root.role is Role.TEMPORARY and root in written and root not in held
        demand(not is_again, f"{place}: {named[root]} is written a second time")
    for part in _parts(step, place):
        for root in part.reads:
            is_set = root.role in GIVEN or root in written
            demand(is_set, f"{part.place}: {named[root]} is read before it is written")
            is_new = root.role is Role.VARIABLE and root in written
            demand(not is_new, f"{part.place}: {named[root]} is read after it is set")
        for root in part.combines:
            is_set = root.role in GIVEN or root in written or owner_of(root, program.aliases) in written
            demand(is_set, f"{part.place}: {named[root]} is combined before it is written")
        if isinstance(step, Branch):
            for steps_inside in step.parts:
                inside = set(written)
                _verify_in_order(program, steps_inside, inside, named)
                missing = [named[result] for result in step.results if result.root not in inside]
                demand(not missing, f"{place}: a branch does not write {', '.join(missing)}")
        elif isinstance(step, Loop):
            _verify_loop(program, step, set(written), named)
        written.update(part.writes)


def _verify_loop(program: Program, loop: Loop, written: set[Buffer], named: Names) -> None:
    """What a step of a loop reads is there, and what it is to write is written."""
    place = f"step {program.numbers[loop]}"
    written.update(carry.before for carry in loop.carries)
    written.update(rows.row for rows in loop.sequences)
    written.update(held.buffer for held in loop.held)
    _verify_in_order(program, loop.condition, written, named)
    demand(loop.holds is None or loop.holds in written, f"{place}: nothing writes the condition")
    _verify_in_order(program, loop.steps, written, named, [held.buffer for held in loop.held])
    wanted = [*(carry.after for carry in loop.carries), *(rows.row for rows in loop.outputs)]
    missing = [named[row] for row in wanted if row not in written]
    demand(not missing, f"{place}: a step does not write {', '.join(missing)}")


class Part(NamedTuple):
    """What a step or, of a kernel, one of its stages reads, combines into and writes: owners of bytes."""

    step: Step
    place: str
    reads: tuple[Buffer, ...]
    combines: tuple[Buffer, ...]
    writes: tuple[Buffer, ...]


def _parts(step: Step, place: str) -> Iterator[Part]:
    """The parts of a step, in order: those of a contraction are the product and its epilogue."""
    if isinstance(step, Contract) and step.then is not None:
        yield from _parts(step.product, place)
        yield Part(step, f"{place}, epilogue", _roots(step.then.reads), (), _roots(step.then.writes))
        return
    if not isinstance(step, Kernel):
        yield Part(step, place, _roots(step.reads), (), _roots(step.writes))
        return
    for number, stage in enumerate(step.stages):
        yield Part(
            step,
            f"{place}, stage {number}",
            _roots(let.buffer for let in stage.lets if isinstance(let, Load)),
            _roots(effect.buffer for effect in stage.effects if isinstance(effect, Store) and effect.combine),
            _roots(buffer for effect in stage.effects for buffer in targets(effect)),
        )


def _roots(buffers: Iterable[Buffer]) -> tuple[Buffer, ...]:
    """The owners of the bytes, once each.  Locals are the kernel's own affair."""
    return tuple(dict.fromkeys(buffer.root for buffer in buffers if buffer.role is not Role.LOCAL))


def _verify_aliases(program: Program, named: Names) -> None:
    """Temporaries that share bytes are of one form, and none is read once the next is written."""
    parts = [part for number, step in enumerate(program.timeline) for part in _parts(step, f"step {number}")]
    first_write: dict[Buffer, int] = {}
    last_read: dict[Buffer, int] = {}
    for position, part in enumerate(parts):
        last_read.update(dict.fromkeys(part.reads, position))
        for root in part.writes:
            first_write.setdefault(root, position)
    sharing: dict[Buffer, list[Buffer]] = {}
    for over in program.aliases:
        owner = owner_of(over, program.aliases)
        pair = f"{named[over]}, written over {named[owner]},"
        are_temporary = over.root.role is Role.TEMPORARY and owner.role is Role.TEMPORARY
        demand(are_temporary, f"{pair} is no pair of temporaries")
        demand(over.dtype.itemsize == owner.dtype.itemsize, f"{pair} has elements of another size")
        demand(equal(over.size, owner.size) is True, f"{pair} has {over.size} elements, not {owner.size}")
        demand(over.root in first_write, f"{pair} has no writer")
        sharing.setdefault(owner, [owner]).append(over.root)
    for sharers in sharing.values():
        in_time = sorted(sharers, key=lambda root: first_write.get(root, -1))
        for old, new in pairwise(in_time):
            reader, writer = parts[last_read.get(old, 0)], parts[first_write[new]]
            is_over = last_read.get(old, -1) <= first_write[new]
            with about(writer.step.origins, writer.step):
                demand(is_over, f"{named[new]} is written over {named[old]}, which {reader.place} reads")
