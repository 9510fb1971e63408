"""Liveness: how many bytes are alive while steps run in some order."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import field, replace
from typing import NamedTuple, TypeAlias, final

from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.program import Program
from graphc.kernel.steps import Check, Loop, Step, within
from graphc.passes.reuse import overlays
from graphc.passes.step_lists import outside_of
from graphc.sizes import estimate
from graphc.types import Shape

__all__ = ["HintedBytes", "Tasks", "peak_bytes", "peak_of", "tasks_of"]

_GIVEN = frozenset({Role.INPUT, Role.CONSTANT, Role.VARIABLE})  # no step of those that may be put in order writes one


#: (result, operands)
Overlays: TypeAlias = Sequence[tuple[int, Sequence[int]]]


@final
@dataclass(frozen=True)
class HintedBytes:
    """How many bytes a buffer takes in an arena, where every symbol has the value of its hint."""

    alignment: int
    _known: dict[tuple[Shape, int], int] = field(default_factory=dict)

    def __call__(self, buffer: Buffer) -> int:
        key = buffer.shape, buffer.dtype.itemsize
        found = self._known.get(key)
        if found is None:
            bytes = max(0, estimate(buffer.bytes))
            found = self._known[key] = -(-bytes // self.alignment) * self.alignment
        return found


@final
@dataclass(frozen=True, eq=False)
class Tasks:
    """A list of steps as numbers: what must come before what, and which bytes each needs.

    before, after   the steps that come before each one, and after it, in every order
    touches         the temporaries that each step reads or writes, of those that the list has for itself
    inside          bytes that are alive only while a step runs: those of steps inside it
    over            what a step may write over what else: (result, operands with as many bytes)
    bytes           of each temporary
    touching        the steps that touch each temporary
    early, late     whether each is alive before the first step, and after the last
    """

    before: Sequence[Sequence[int]]
    after: Sequence[Sequence[int]]
    touches: Sequence[Sequence[int]]
    inside: Sequence[int]
    over: Callable[[int], Overlays]
    bytes: Sequence[int]
    touching: Sequence[Sequence[int]]
    early: Sequence[bool]
    late: Sequence[bool]

    def __len__(self) -> int:
        return len(self.touches)

    def reversed(self) -> "Tasks":
        """The same from the last step to the first, but for what is written over what."""
        return replace(self, before=self.after, after=self.before, early=self.late, late=self.early)


def tasks_of(
    steps: Sequence[Step], bytes_of: HintedBytes, later: Sequence[Step] = (), outside: Collection[Buffer] = ()
) -> Tasks:
    """The tasks of a list of steps, which `later` ones follow.  Buffers `outside` are not for them to place.

    What reads a buffer stays between the writers that it is between.  Nothing passes a step that may raise from
    behind: so which error a call raises does not depend on the order, nor what is read before an index is checked.
    """
    before: list[Sequence[int]] = []
    after: list[list[int]] = [[] for _ in steps]
    touches: list[list[int]] = []
    inside = [0] * len(steps)
    numbers: dict[Buffer, int] = {}
    bytes: list[int] = []
    touching: list[list[int]] = []  # first the writer: each temporary has one
    accessed: dict[Buffer, list[int]] = {}  # of what else is written: the last writer, and who accessed it since
    raising = -1
    for number, step in enumerate(steps):
        sources = [raising]
        owns: list[int] = []
        for buffer in step.reads:
            root = buffer.base or buffer
            own = numbers.get(root)
            if own is not None:
                readers = touching[own]
                if readers[-1] != number:
                    sources.append(readers[0])
                    readers.append(number)
                    owns.append(own)
            elif root.role not in _GIVEN:
                others = accessed.setdefault(root, [-1])
                sources.append(others[0])
                others.append(number)
        for buffer in step.writes:
            root = buffer.base or buffer
            if root.role is Role.TEMPORARY and root not in outside:
                if root not in numbers:
                    owns.append(len(bytes))
                    numbers[root] = len(bytes)
                    bytes.append(bytes_of(root))
                    touching.append([number])
            else:
                sources += accessed.get(root, ())
                accessed[root] = [number]
        earlier = [source for source in dict.fromkeys(sources) if source not in (-1, number)]
        for source in earlier:
            after[source].append(number)
        before.append(earlier)
        touches.append(owns)
        if isinstance(step, Check) or (isinstance(step, Loop) and step.holds is not None):
            raising = number
        for part in within(step):
            alone = tasks_of(part, bytes_of, outside=outside_of(step))
            inside[number] = max(inside[number], peak_of(alone, range(len(alone)))[0])
        if isinstance(step, Loop) and step.holds is not None:
            inside[number] += bytes_of(step.holds)
    kept = {buffer.root for step in later for buffer in step.reads}
    late = [False] * len(bytes)
    for root, own in numbers.items():
        late[own] = root in kept
    known: dict[int, Overlays] = {}

    def over(number: int) -> Overlays:
        found = known.get(number)
        if found is None:
            pairs = [(numbers.get(out), olds) for out, olds in overlays(steps[number]).items()]
            found = [(out, [numbers[old] for old in olds if old in numbers]) for out, olds in pairs if out is not None]
            known[number] = found
        return found

    return Tasks(before, after, touches, inside, over, bytes, touching, [False] * len(bytes), late)


class _High(NamedTuple):
    """A step where many bytes are alive, were nothing written over anything."""

    bytes: int
    number: int
    born: Collection[int]
    dying: Collection[int]


def peak_of(tasks: Tasks, order: Sequence[int]) -> tuple[int, int]:
    """The most bytes that are alive in one step of this order, and a step where they are (or -1)."""
    left = [len(steps) + is_late for steps, is_late in zip(tasks.touching, tasks.late, strict=True)]
    unborn = left.copy()
    bytes, inside = tasks.bytes, tasks.inside
    alive = sure = 0  # that much is surely alive somewhere, whatever is written over what
    high: list[_High] = []
    for number in order:
        born: list[int] = []
        dying: list[int] = []
        freed = 0
        for own in tasks.touches[number]:
            if left[own] == unborn[own]:
                alive += bytes[own]
                born.append(own)
            left[own] -= 1
            if not left[own]:
                freed += bytes[own]
                dying.append(own)
        here = alive + inside[number]
        if here > sure:
            high.append(_High(here, number, born, dying))
            sure = max(sure, here - (min(freed, sum([bytes[own] for own in born])) if freed else 0))
        alive -= freed
    most, where = 0, -1
    for step in sorted([step for step in high if step.bytes >= sure], key=lambda step: -step.bytes):
        if step.bytes <= most:
            break
        here = step.bytes - _shared(tasks, step)
        if here > most:
            most, where = here, step.number
    return most, where


def _shared(tasks: Tasks, step: _High) -> int:
    """How many bytes of what a step makes lie in what dies there."""
    taken: set[int] = set()
    shared = 0
    for out, olds in tasks.over(step.number) if step.born and step.dying else ():
        old = next((old for old in olds if old in step.dying and old not in taken), None)
        if old is not None and out in step.born:
            taken.add(old)
            shared += tasks.bytes[out]
    return shared


def peak_bytes(program: Program, alignment: int = 64) -> int:
    """The most bytes of temporaries alive together, where every symbol has the value of its hint.

    No plan of offsets can be smaller.  The scratch of a backend comes on top.
    """
    tasks = tasks_of(program.steps, HintedBytes(alignment))
    return peak_of(tasks, range(len(tasks)))[0]
