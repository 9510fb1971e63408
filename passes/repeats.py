"""Repeats: what is read at several points for each of its elements is computed there, once for all of them."""

from collections.abc import Collection, Mapping, Sequence

from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.program import Program
from graphc.kernel.scalar import Axis, AxisIndex, Formula, Load
from graphc.kernel.steps import Kernel, Stage, Store
from graphc.kernel.target import Target
from graphc.passes.forwarding import forwarded, put_parts
from graphc.passes.inlined import inlined
from graphc.passes.pairs import Both, join_pairs
from graphc.passes.pipeline import Log
from graphc.passes.places import walked
from graphc.passes.stages import LARGEST, only_stores
from graphc.sizes import equal, estimate, product

__all__ = ["join_repeats"]

LONG = 32  # points for each element: they are a row
ROWS = 64  # so many keep the threads of a large kernel at work
SMALL = 1 << 14  # points of a kernel that one thread does


def join_repeats(program: Program, target: Target, log: Log) -> Program:
    """Let a kernel that reads each element of an array at several points compute it, where it is the only reader.

    So a tile of something computed is one kernel, and the array is not kept.
    """

    def both(maker: Kernel, reader: Kernel) -> Both | None:
        pair = _Pair.of(maker, reader)
        if pair is not None and pair.pays(target):
            return pair.rows, pair.by_rows()
        repeats = len(maker.outer) < len(reader.outer)
        found = forwarded(maker, reader, target) if repeats or put_parts(maker, reader) else None
        return found if found is not None or target.let else inlined(maker, reader, target)

    return join_pairs(program, both, "computed where it is repeated", log)


@dataclass(frozen=True)
class _Pair:
    """The stage that makes an array, and the one that reads each element of it at several points.

    axes     the axes of the first -> those of the second that they are
    outer    all axes of the second, in order
    loads    the lets of the second that read the array
    """

    first: Stage
    made: int
    second: Stage
    loads: Collection[int]
    axes: Mapping[Axis, Axis]
    outer: Sequence[Axis]

    @staticmethod
    def of(maker: Kernel, reader: Kernel) -> "_Pair | None":
        """Two kernels, if the one stores one element at each point, and the other reads one at each point."""
        if not all(len(kernel.stages) == 1 and _is_of_points(kernel.stages[0]) for kernel in (maker, reader)):
            return None
        (first,), (second,) = maker.stages, reader.stages
        if len(maker.writes) > 1:
            return None
        (array,) = maker.writes
        loads = {n: x for n, x in enumerate(second.lets) if isinstance(x, Load) and x.buffer.root is array.root}
        places = {walked(second.lets, let.index) for let in loads.values()}
        if len(first.effects) > 1 or len(places) != 1:
            return None
        if any(let.guard is not None or let.buffer is not array for let in loads.values()):  # under another shape
            return None
        (store,), (read,) = first.effects, places
        assert isinstance(store, Store), store
        axes = _paired(walked(first.lets, store.index), read)
        if axes is None or set(axes) != set(maker.outer):
            return None
        return _Pair(first, store.value, second, loads.keys(), axes, reader.outer)

    @property
    def rows(self) -> tuple[Axis, ...]:
        """The axes along which elements are made."""
        return tuple([axis for axis in self.outer if axis in self.axes.values()])

    @property
    def repeats(self) -> tuple[Axis, ...]:
        """The axes along which each of them is read again."""
        return tuple([axis for axis in self.outer if axis not in self.axes.values()])

    def pays(self, target: Target) -> bool:
        """Whether rows are worth it: one kernel, or two, may be quicker."""
        if len(self.first.lets) + len(self.second.lets) > LARGEST:
            return False
        if target.let:
            return True
        rows, points = (estimate(product([axis.extent for axis in axes])) for axes in (self.rows, self.repeats))
        is_of_rows = self.outer == (*self.rows, *self.repeats) and points >= LONG
        return is_of_rows and (rows >= ROWS or rows * points <= SMALL)

    def by_rows(self) -> tuple[Stage, Stage]:
        """A value for each row, and what is made of it along the row."""
        dtype = self.first.lets[self.made].dtype
        local = Buffer(Role.LOCAL, dtype, ())
        formula = Formula()
        value = self._element(formula)
        first = Stage((), tuple(formula.lets), (Store(local, (), value),))
        formula = Formula()
        value = formula.add(Load(local, (), dtype))
        numbers: list[int] = []
        for number, let in enumerate(self.second.lets):
            numbers.append(value if number in self.loads else formula.copied(let, numbers))
        effects = [effect.renumbered(numbers) for effect in self.second.effects if isinstance(effect, Store)]
        return first, Stage(self.repeats, tuple(formula.lets), tuple(effects))

    def _element(self, formula: Formula) -> int:
        """The number of an element of the array."""
        numbers: list[int] = []
        for let in self.first.lets:
            if isinstance(let, AxisIndex):
                numbers.append(formula.axis(self.axes[let.axis]))
            else:
                numbers.append(formula.copied(let, numbers))
        return numbers[self.made]


def _is_of_points(stage: Stage) -> bool:
    return not stage.inner and only_stores(stage)


def _paired(made: Sequence[Axis | int] | None, read: Sequence[Axis | int] | None) -> Mapping[Axis, Axis] | None:
    """Which axis of what reads an array each axis of what makes it is; None where places are not told by axes alone."""
    if made is None or read is None:
        return None
    found: dict[Axis, Axis] = {}
    for one, other in zip(made, read, strict=True):
        if isinstance(one, Axis) and isinstance(other, Axis) and one not in found and equal(one.extent, other.extent):
            found[one] = other
        elif one != 0 or other != 0:
            return None
    return found if len(set(found.values())) == len(found) else None
