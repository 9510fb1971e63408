"""Steps over buffers, and what they are made of."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, TypeAlias

from graphc.dataclass import dataclass
from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.carries import Carry, Held, Rows
from graphc.kernel.form import Form
from graphc.kernel.monoids import Monoid
from graphc.kernel.scalar import Axis, Let, Load
from graphc.once import once
from graphc.origin import Origin
from graphc.sizes import Size

__all__ = [
    "Branch", "Check", "Contract", "Effect", "Extern", "Fold", "IndexInRange", "Kernel", "Loop",
    "Prefix", "SizesAgree", "Stage", "Step", "Store", "Total", "buffers_of", "locals_of", "targets", "unique",
    "within",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Store:
    """Write the let `value` at `index` of `buffer`; with `combine`, into what is there, in order of the axes."""

    buffer: Buffer
    index: tuple[int, ...]
    value: int
    combine: Monoid | None = None

    def on_buffers(self, buffers: Mapping[Buffer, Buffer]) -> "Store":
        return Store(buffers[self.buffer], self.index, self.value, self.combine)

    def renumbered(self, numbers: Mapping[int, int] | Sequence[int]) -> "Store":
        """The same in another formula, where its lets have these numbers."""
        return Store(self.buffer, tuple([numbers[part] for part in self.index]), numbers[self.value], self.combine)


@dataclass(frozen=True, slots=True)
class Fold:
    """Combine `values` over all inner axes of the stage, into one local (or stored) element per row.

    ARGMAX has one value let (the index is the position along the single inner axis) and two results.
    A result's dtype is the accumulator's.  `run` counts the inner axes behind which no other stays: see `summing`.
    """

    monoid: Monoid
    value: int
    results: tuple[Buffer, ...]
    run: int = 0

    def on_buffers(self, buffers: Mapping[Buffer, Buffer]) -> "Fold":
        return Fold(self.monoid, self.value, tuple([buffers[result] for result in self.results]), self.run)


@dataclass(frozen=True, slots=True)
class Prefix:
    """Running combination of `value` along the single inner axis, the present element included."""

    monoid: Monoid
    value: int
    result: Buffer
    reverse: bool = False

    def on_buffers(self, buffers: Mapping[Buffer, Buffer]) -> "Prefix":
        return Prefix(self.monoid, self.value, buffers[self.result], self.reverse)


@dataclass(frozen=True, slots=True)
class Total:
    """Combine `value` over all points of the kernel, those of all rows: into one element of a local for each `index`.

    It is known when all rows are done.  Parts of the rows may be combined first; the sizes alone decide which.
    """

    monoid: Monoid
    value: int
    index: tuple[int, ...]
    result: Buffer
    run: int = 0

    def on_buffers(self, buffers: Mapping[Buffer, Buffer]) -> "Total":
        return Total(self.monoid, self.value, self.index, buffers[self.result], self.run)


Effect: TypeAlias = Store | Fold | Prefix | Total


@dataclass(frozen=True, slots=True)
class Stage:
    """For every row: for every point of the inner axes: compute the lets, do the effects.

    A local of an earlier stage is read with its inner axes as index.  The last ones run once, when all rows are done.
    """

    inner: tuple[Axis, ...]
    lets: tuple[Let, ...]
    effects: tuple[Effect, ...]
    is_last: bool = False

    def on_buffers(self, buffers: Mapping[Buffer, Buffer]) -> "Stage":
        """The same on other buffers."""
        lets = [let.on_buffers(buffers) if isinstance(let, Load) else let for let in self.lets]
        effects = [effect.on_buffers(buffers) for effect in self.effects]
        return Stage(self.inner, tuple(lets), tuple(effects), self.is_last)


@dataclass(frozen=True, eq=False)
class Kernel:
    """Stages in order, for every point of the outer axes.  Points are independent, but for totals.

    written   its stages, or a kernel that does the same on other buffers
    form      what it is apart from its buffers, where that is known: see `pattern`
    touched   then its buffers in the order of their numbers in the form, locals included
    """

    parts: "ClassVar[tuple[tuple[Step, ...], ...]]" = ()
    outer: tuple[Axis, ...]
    written: "tuple[Stage, ...] | Kernel"
    origins: tuple[Origin, ...]
    form: Form | None = None
    touched: tuple[Buffer, ...] = ()

    @once
    def stages(self) -> tuple[Stage, ...]:
        """What is done for each point.  Of a kernel that is like another, they are made when somebody asks."""
        if isinstance(self.written, tuple):
            return self.written
        buffers = dict(zip(self.written.touched, self.touched, strict=True))
        return tuple([stage.on_buffers(buffers) for stage in self.written.stages])

    @once
    def axes(self) -> tuple[Axis, ...]:
        """All axes, in memory order."""
        used = {axis.number: axis for stage in self.stages if not stage.is_last for axis in stage.inner}
        used |= {axis.number: axis for axis in self.outer}
        return tuple(used[number] for number in sorted(used))

    @once
    def reads(self) -> tuple[Buffer, ...]:
        if self.form is not None:
            return tuple([self.touched[number] for number in self.form.reads])
        loads = [let.buffer for stage in self.stages for let in stage.lets if isinstance(let, Load)]
        return unique([buffer for buffer in loads if buffer.role is not Role.LOCAL])

    @once
    def writes(self) -> tuple[Buffer, ...]:
        if self.form is not None:
            return tuple([self.touched[number] for number in self.form.writes])
        written = [target for stage in self.stages for effect in stage.effects for target in targets(effect)]
        return unique([buffer for buffer in written if buffer.role is not Role.LOCAL])

    @property
    def totals(self) -> tuple[Total, ...]:
        """What is combined over all rows."""
        return tuple([effect for stage in self.stages for effect in stage.effects if isinstance(effect, Total)])

    @property
    def locals(self) -> tuple[Buffer, ...]:
        """The buffers that live inside, in order of their first writer."""
        written = [target for stage in self.stages for effect in stage.effects for target in targets(effect)]
        return unique([buffer for buffer in written if buffer.role is Role.LOCAL])


@dataclass(frozen=True, eq=False)
class Contract:
    """out[...] += left[...] * right[...] over all `extents`; each operand's index is affine in the axes.

    Axes in both operands and the output are batch axes; in the left and the output m, in the right and the
    output n, in both operands only k.  All indices are in range, but for those of operands where it is guarded.

    Operands of float16 and bfloat16 may be added up in float32: then they are read as numbers of float32.

    apart    how many leading axes have a product of its own at each point, which rounds as if it were made alone
    adds     the output starts at what it holds; else at zero
    guarded  whether indices of operands may be out of range: what is there is 0, and is not read
    then     the epilogue: what is done with each element of `out` once it is complete.  A kernel that reads it at the
             point where it stands, may write over it there, and may write other buffers: see `epilogue`.  A backend
             may run it on tiles of the product while it makes the others
    """

    parts: "ClassVar[tuple[tuple[Step, ...], ...]]" = ()
    extents: tuple[Size, ...]
    left: Buffer
    right: Buffer
    out: Buffer
    left_index: tuple[AffineIndex, ...]
    right_index: tuple[AffineIndex, ...]
    out_index: tuple[AffineIndex, ...]
    origins: tuple[Origin, ...]
    apart: int = 0
    adds: bool = False
    guarded: bool = False
    then: Kernel | None = None

    @once
    def reads(self) -> tuple[Buffer, ...]:
        if self.then is None and not self.adds:
            return (self.left,) if self.left is self.right else (self.left, self.right)
        more = [] if self.then is None else [buffer for buffer in self.then.reads if buffer is not self.out]
        return unique((self.left, self.right, *([self.out] if self.adds else []), *more))

    @once
    def writes(self) -> tuple[Buffer, ...]:
        return (self.out,) if self.then is None else unique((self.out, *self.then.writes))

    @property
    def is_whole(self) -> bool:
        """Whether every element of `out` is the sum at one point of the output axes, and all are there."""
        walked: set[int] = set()
        for part, extent in zip(self.out_index, self.out.shape, strict=True):
            if part.offset != 0 or len(part.terms) > 1:
                return False
            for axis, coefficient in part.terms:
                if coefficient != 1 or axis in walked:
                    return False
                walked.add(axis)
            if (self.extents[part.terms[0][0]] if part.terms else 1) != extent:
                return False
        return True

    @property
    def product(self) -> "Contract":
        """The contraction without its epilogue."""
        return self if self.then is None else self.followed(None, self.out, self.origins)

    def followed(self, then: Kernel | None, out: Buffer, origins: tuple[Origin, ...]) -> "Contract":
        """The same contraction into `out`, with another epilogue or none."""
        left, right, place, adds = self.left_index, self.right_index, self.out_index, self.adds
        return Contract(
            self.extents, self.left, self.right, out, left, right, place, origins, self.apart, adds, self.guarded, then
        )


@dataclass(frozen=True, eq=False)
class Extern:
    """A routine of the small closed set (sort, cholesky ...) on whole arrays; leading axes are a batch."""

    parts: "ClassVar[tuple[tuple[Step, ...], ...]]" = ()
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

    parts: "ClassVar[tuple[tuple[Step, ...], ...]]" = ()
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


@dataclass(frozen=True, eq=False)
class Loop:
    """Steps that are made again and again, each time with the next row of every array.

    length     how many times; with `count` or a condition, the most there may be; None for no limit
    count      says how many times
    condition  steps that compute `holds`, before each time; the loop ends where it is false
    made       gets the number of times
    reverse    from the last row to the first
    shared     what the steps read besides
    """

    length: "Size | None"
    reverse: bool
    carries: tuple[Carry, ...]
    sequences: tuple[Rows, ...]
    outputs: tuple[Rows, ...]
    steps: "tuple[Step, ...]"
    shared: tuple[Buffer, ...]
    origins: tuple[Origin, ...]
    count: Buffer | None = None
    condition: "tuple[Step, ...]" = ()
    holds: Buffer | None = None
    made: Buffer | None = None
    held: tuple[Held, ...] = ()

    @property
    def parts(self) -> "tuple[tuple[Step, ...], ...]":
        """The steps inside, in lists that are run one after the other."""
        return (self.condition, self.steps)

    @once
    def reads(self) -> tuple[Buffer, ...]:
        count = () if self.count is None else (self.count,)
        starts = [*(carry.start for carry in self.carries), *(held.start for held in self.held)]
        return unique((*starts, *(rows.of for rows in self.sequences), *count, *self.shared))

    @once
    def writes(self) -> tuple[Buffer, ...]:
        held = [buffer for carry in self.carries for buffer in (carry.rows, carry.last) if buffer is not None]
        made = () if self.made is None else (self.made,)
        changed = [carry.buffer for carry in self.held]
        return unique((*held, *changed, *(rows.of for rows in self.outputs), *made))

    @property
    def rows(self) -> tuple[Buffer, ...]:
        """What its steps see of arrays."""
        held = [buffer for carry in self.carries for buffer in (carry.before, carry.after)]
        return unique((*held, *(rows.row for rows in (*self.sequences, *self.outputs))))


@dataclass(frozen=True, eq=False)
class Branch:
    """Of several lists of steps the one that `index` says is run; each writes all of `results`."""

    index: Buffer
    parts: "tuple[tuple[Step, ...], ...]"
    results: tuple[Buffer, ...]
    shared: tuple[Buffer, ...]
    origins: tuple[Origin, ...]

    @once
    def reads(self) -> tuple[Buffer, ...]:
        return unique((self.index, *self.shared))

    @property
    def writes(self) -> tuple[Buffer, ...]:
        return self.results


Step: TypeAlias = Kernel | Contract | Extern | Check | Loop | Branch


def within(step: Step) -> tuple[tuple[Step, ...], ...]:
    """The lists of steps inside a step."""
    return step.parts


def targets(effect: Effect) -> tuple[Buffer, ...]:
    """The buffers that an effect writes."""
    match effect:
        case Store(buffer=buffer):
            return (buffer,)
        case Fold(results=results):
            return results
        case Prefix(result=result) | Total(result=result):
            return (result,)


def buffers_of(step: Step) -> tuple[Buffer, ...]:
    """Every buffer a step touches, read or written, once each."""
    return unique((*step.reads, *step.writes))


def locals_of(step: Step) -> tuple[Buffer, ...]:
    """The buffers that live inside a step."""
    return step.locals if isinstance(step, Kernel) else ()


def unique(buffers: Iterable[Buffer]) -> tuple[Buffer, ...]:
    """Each buffer once, in order."""
    return tuple(dict.fromkeys(buffers))
