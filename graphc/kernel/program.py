"""Steps over buffers: what a backend is given, complete and in order."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from graphc.display import Displayed
from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.monoids import Monoid
from graphc.kernel.scalar import Axis, Let, Load, SizeValue
from graphc.origin import Origin
from graphc.sizes import Size

__all__ = [
    "Check",
    "Contract",
    "Effect",
    "Extern",
    "Fold",
    "IndexInRange",
    "Kernel",
    "Prefix",
    "Program",
    "SizesAgree",
    "Stage",
    "Step",
    "Store",
    "buffers_of",
    "locals_of",
    "sizes_of",
    "targets",
]


@dataclass(frozen=True, slots=True)
class Store:
    """Write the let `value` at `index` of `buffer`; with `combine`, into what is there, in order of the axes."""

    buffer: Buffer
    index: tuple[int, ...]
    value: int
    combine: Monoid | None = None


@dataclass(frozen=True, slots=True)
class Fold:
    """Combine `values` over all inner axes of the stage, into one local (or stored) element per row.

    ARGMAX has one value let (the index is the position along the single inner axis) and two results.
    A result's dtype is the accumulator's.
    """

    monoid: Monoid
    value: int
    results: tuple[Buffer, ...]


@dataclass(frozen=True, slots=True)
class Prefix:
    """Running combination of `value` along the single inner axis, the present element included."""

    monoid: Monoid
    value: int
    result: Buffer
    reverse: bool = False


Effect: TypeAlias = Store | Fold | Prefix


@dataclass(frozen=True, slots=True)
class Stage:
    """For every row: for every point of the inner axes: compute the lets, do the effects.

    A local of an earlier stage is read by Load with the inner axes it has as index.
    """

    inner: tuple[Axis, ...]
    lets: tuple[Let, ...]
    effects: tuple[Effect, ...]


@dataclass(frozen=True, eq=False)
class Kernel:
    """Stages in order, for every point of the outer axes.  Points are independent of each other."""

    outer: tuple[Axis, ...]
    stages: tuple[Stage, ...]
    origins: tuple[Origin, ...]

    @property
    def axes(self) -> tuple[Axis, ...]:
        """All axes, in memory order."""
        used = {axis.number: axis for stage in self.stages for axis in stage.inner}
        used |= {axis.number: axis for axis in self.outer}
        return tuple(used[number] for number in sorted(used))

    @cached_property
    def reads(self) -> tuple[Buffer, ...]:
        loads = [let.buffer for stage in self.stages for let in stage.lets if isinstance(let, Load)]
        return _unique([buffer for buffer in loads if buffer.role is not Role.LOCAL])

    @cached_property
    def writes(self) -> tuple[Buffer, ...]:
        written = [target for stage in self.stages for effect in stage.effects for target in targets(effect)]
        return _unique([buffer for buffer in written if buffer.role is not Role.LOCAL])

    @property
    def locals(self) -> tuple[Buffer, ...]:
        """The buffers that live inside, in order of their first writer."""
        written = [target for stage in self.stages for effect in stage.effects for target in targets(effect)]
        return _unique([buffer for buffer in written if buffer.role is Role.LOCAL])


@dataclass(frozen=True, eq=False)
class Contract:
    """out[...] += left[...] * right[...] over all `extents`; each operand's index is affine in the axes.

    Axes in both operands and the output are batch axes; in the left and the output m, in the right and the
    output n, in both operands only k.  The output starts at zero.  All indices are in range.
    """

    extents: tuple[Size, ...]
    left: Buffer
    right: Buffer
    out: Buffer
    left_index: tuple[AffineIndex, ...]
    right_index: tuple[AffineIndex, ...]
    out_index: tuple[AffineIndex, ...]
    origins: tuple[Origin, ...]

    @cached_property
    def reads(self) -> tuple[Buffer, ...]:
        return _unique((self.left, self.right))

    @property
    def writes(self) -> tuple[Buffer, ...]:
        return (self.out,)


@dataclass(frozen=True, eq=False)
class Extern:
    """A routine of the small closed set (sort, cholesky ...) on whole arrays; leading axes are a batch."""

    routine: str
    options: tuple[tuple[str, int | bool | str], ...]
    reads: tuple[Buffer, ...]
    writes: tuple[Buffer, ...]
    origins: tuple[Origin, ...]


@dataclass(frozen=True, slots=True)
class SizesAgree:
    """Two sizes are equal."""

    left: Size
    right: Size


@dataclass(frozen=True, slots=True)
class IndexInRange:
    """Every element of an integer buffer lies in -extent .. extent - 1, or in 0 .. extent - 1."""

    index: Buffer
    extent: Size
    negative: bool


@dataclass(frozen=True, eq=False)
class Check:
    """How a program fails: if the condition does not hold, the call raises and changes nothing."""

    condition: SizesAgree | IndexInRange
    because: str
    hint: str | None
    origins: tuple[Origin, ...]

    @property
    def reads(self) -> tuple[Buffer, ...]:
        return (self.condition.index,) if isinstance(self.condition, IndexInRange) else ()

    @property
    def writes(self) -> tuple[Buffer, ...]:
        return ()


Step: TypeAlias = Kernel | Contract | Extern | Check

_KINDS: Mapping[type[Step], str] = {Kernel: "kernel", Contract: "contraction", Extern: "extern", Check: "check"}


@dataclass(frozen=True, eq=False)
class Program(Displayed):
    """Steps in order over buffers.

    inputs, outputs    one buffer per input and output of the graph, in order
    variables          one buffer per variable, in order
    constants          one buffer per array that is part of the program, in order of their slot
    commit             the first step that writes a variable; every step that may raise comes before it
    """

    steps: tuple[Step, ...]
    inputs: tuple[Buffer, ...]
    variables: tuple[Buffer, ...]
    constants: tuple[Buffer, ...]
    outputs: tuple[Buffer, ...]
    commit: int
    symbols: tuple[str, ...]
    aliases: Mapping[Buffer, Buffer] = field(default_factory=dict)  # temporary -> the one it is written over

    @property
    def contents(self) -> str:
        """How many steps of each kind there are: `3 kernels, 1 contraction`."""
        counts = Counter(_KINDS[type(step)] for step in self.steps)
        return ", ".join(f"{n} {kind}{'s' if n > 1 else ''}" for kind, n in counts.items()) or "nothing to do"

    def __repr__(self) -> str:
        return f"<program: {self.contents}>"

    @cached_property
    def temporaries(self) -> tuple[Buffer, ...]:
        """The buffers that the plan places, in order of their first writer."""
        written = [buffer.base or buffer for step in self.steps for buffer in step.writes]
        return _unique([buffer for buffer in written if buffer.role is Role.TEMPORARY])


def targets(effect: Effect) -> tuple[Buffer, ...]:
    """The buffers that an effect writes."""
    match effect:
        case Store(buffer=buffer):
            return (buffer,)
        case Fold(results=results):
            return results
        case Prefix(result=result):
            return (result,)


def buffers_of(step: Step) -> tuple[Buffer, ...]:
    """Every buffer a step touches, read or written, once each."""
    return _unique((*step.reads, *step.writes))


def locals_of(step: Step) -> tuple[Buffer, ...]:
    """The buffers that live inside a step."""
    return step.locals if isinstance(step, Kernel) else ()


def sizes_of(step: Step) -> list[Size]:
    """Every size that a step mentions: of buffers, loops, indices and checks."""
    sizes: list[Size] = []
    match step:
        case Kernel():
            sizes += [axis.extent for axis in step.outer]
            for stage in step.stages:
                sizes += [axis.extent for axis in stage.inner]
                for let in stage.lets:
                    if isinstance(let, SizeValue):
                        sizes.append(let.size)
                    elif isinstance(let, Load):
                        sizes += let.buffer.shape
                for effect in stage.effects:
                    for buffer in targets(effect):
                        sizes += buffer.shape
        case Contract():
            sizes += [*step.extents, *step.left.shape, *step.right.shape, *step.out.shape]
            for part in (*step.left_index, *step.right_index, *step.out_index):
                sizes += [part.offset, *(coefficient for _, coefficient in part.terms)]
        case Check(condition=SizesAgree(left=left, right=right)):
            sizes += [left, right]
        case Check(condition=IndexInRange(index=index, extent=extent)):
            sizes += [extent, *index.shape]
        case Extern():
            for buffer in buffers_of(step):
                sizes += buffer.shape
    return sizes


def _unique(buffers: Iterable[Buffer]) -> tuple[Buffer, ...]:
    return tuple(dict.fromkeys(buffers))
