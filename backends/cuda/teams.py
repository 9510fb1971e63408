"""How the points of a kernel are shared among threads: how many make a row together, and along which axes."""

from collections.abc import Iterable, Iterator, Sequence
from typing import final

from graphc.dataclass import dataclass
from graphc.kernel.accesses import merged_axes
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.monoids import BETTER
from graphc.kernel.scalar import Axis
from graphc.kernel.stages import StagePlan, merged_stage, stage_plan
from graphc.kernel.steps import Fold, Kernel, Prefix, Stage, Store, Total
from graphc.sizes import Size, estimate, product

__all__ = ["BLOCK", "WARP", "KernelPlan", "Shared", "Team", "parallel_parts", "planned", "with_reversed_apart"]

BLOCK = 256  # threads
WARP = 32
FEW = 8  # points of a row, at most, that one thread makes
MANY = 512  # points of a row, from which on a whole block makes it
ENOUGH = 4096  # rows that keep a device at work if each has one thread
SHORT = 1 << 30  # elements: below, places are counted in 32 bits


@final
@dataclass(frozen=True)
class Team:
    """`threads` that make a row together: 1, those of a warp, or those of a block."""

    threads: int

    @property
    def rows(self) -> int:
        """How many rows a block makes at a time."""
        return BLOCK // self.threads

    @property
    def member(self) -> str:
        """The number of a thread in its team."""
        return {1: "0", WARP: "threadIdx.x % 32"}.get(self.threads, "threadIdx.x")

    @property
    def number(self) -> str:
        """The number of the team in its block."""
        return {1: "threadIdx.x", WARP: "threadIdx.x / 32"}.get(self.threads, "0")

    @property
    def barrier(self) -> str:
        """What waits until all of the team are there."""
        return {1: "", WARP: "__syncwarp();"}.get(self.threads, "__syncthreads();")

    @property
    def name(self) -> str:
        """As it stands in names of functions."""
        return "warp" if self.threads == WARP else "block"


@final
@dataclass(frozen=True, eq=False)
class Shared:
    """A stage whose points along `free` are shared among the threads of a team; each walks `serial` in order."""

    plan: StagePlan
    free: tuple[Axis, ...]
    serial: tuple[Axis, ...]


@final
@dataclass(frozen=True, eq=False)
class KernelPlan:
    """A kernel as threads make it.

    outer  its axes in order, the one along which threads of one team each lie side by side last
    index  the type in which places are counted
    """

    kernel: Kernel
    outer: tuple[Axis, ...]
    stages: tuple[Shared, ...]
    last: tuple[Shared, ...]
    team: Team
    index: str

    @property
    def rows(self) -> Size:
        """How many rows there are."""
        return product(axis.extent for axis in self.outer)


def parallel_parts(kernel: Kernel) -> Iterator[Kernel]:
    """Kernels that do the same one after the other, with as many points side by side as their stores allow."""
    is_apart = not kernel.outer and not kernel.locals and not any(stage.is_last for stage in kernel.stages)
    for stages in [(stage,) for stage in kernel.stages] if is_apart else [kernel.stages]:
        yield _spread(Kernel(kernel.outer, stages, kernel.origins))


def _spread(kernel: Kernel) -> Kernel:
    """The kernel with the points of its only stage as rows, where they need no order and nothing is folded."""
    if len(kernel.stages) != 1 or not all(isinstance(effect, Store) for effect in kernel.stages[0].effects):
        return kernel
    (stage,) = kernel.stages
    free = _free_numbers(stage_plan(stage, kernel.outer))
    moved = tuple([axis for axis in stage.inner if axis.number in free])
    inner = tuple([axis for axis in stage.inner if axis.number not in free])
    return Kernel((*kernel.outer, *moved), (Stage(inner, stage.lets, stage.effects),), kernel.origins)


def with_reversed_apart(kernel: Kernel) -> Kernel:
    """The kernel with running combinations from the last element in stages of their own, as they walk the other way."""
    stages: list[Stage] = []
    for stage in kernel.stages:
        back = tuple([effect for effect in stage.effects if isinstance(effect, Prefix) and effect.reverse])
        others = tuple([effect for effect in stage.effects if effect not in back])
        stages += [Stage(stage.inner, stage.lets, part, stage.is_last) for part in (others, back) if part]
    return kernel if len(stages) == len(kernel.stages) else Kernel(kernel.outer, tuple(stages), kernel.origins)


def planned(kernel: Kernel) -> KernelPlan:
    """How a kernel is made."""
    outer = tuple(sorted(kernel.outer, key=lambda axis: axis.number))
    stages = [stage_plan(stage, kernel.outer) for stage in kernel.stages]
    free = [_free_numbers(stage) for stage in stages]
    used = frozenset(axis for stage in stages for axis in stage.used)
    walked = [stage for stage in stages if not stage.stage.is_last]
    merged, became = merged_axes(outer, [access for stage in walked for access in stage.accesses], used)
    shared = [_shared(merged_stage(stage, became, used), known) for stage, known in zip(stages, free, strict=True)]
    first = [stage for stage in shared if not stage.plan.stage.is_last]
    last = [stage for stage in shared if stage.plan.stage.is_last]
    in_turn = tuple(sorted(merged, key=lambda axis: _walked(axis, [stage.plan for stage in first])))
    if all(_walked(axis, [x.plan for x in first]) <= _walked(merged[-1], [x.plan for x in first]) for axis in merged):
        in_turn = tuple(merged)
    team = _team(in_turn, first)
    if team.threads == 1 and any(total.index for total in kernel.totals):
        deep = [stage for stage in first if stage.plan.inner]
        team = Team(WARP if deep and all(stage.free for stage in deep) else 1)
    return KernelPlan(kernel, in_turn, tuple(first), tuple(last), team, _index_type(kernel))


def _shared(stage: StagePlan, free: frozenset[int]) -> Shared:
    along = [axis for axis in stage.inner if axis.number in free or _is_alone(axis, stage)]
    ordered = sorted(along, key=lambda axis: _walked(axis, [stage]))  # stable: ties stay in the order of memory
    return Shared(stage, tuple(ordered), tuple([axis for axis in stage.inner if axis not in along]))


def _free_numbers(stage: StagePlan) -> frozenset[int]:
    """The inner axes whose points may be made at the same time: at any two of them other elements are written."""
    return frozenset(
        axis.number for axis in stage.inner if all(_separates(axis, stage, n) for n in range(len(stage.places)))
    )


def _separates(axis: Axis, stage: StagePlan, number: int) -> bool:
    effect = stage.stage.effects[number]
    if isinstance(effect, Fold) and effect.monoid in BETTER:
        return len(stage.inner) == 1
    if not isinstance(effect, Store | Total) or (isinstance(effect, Total) and not effect.index):
        return True
    for index in effect.index:
        part = stage.affine[index]
        if part is not None and [x for x, step in part.terms if x in stage.inner and step != 0] == [axis]:
            return True
    return False


def _is_alone(axis: Axis, stage: StagePlan) -> bool:
    """Whether all stores go on along an axis, after others became a part of it, and along no other inner one."""
    for effect, places in zip(stage.stage.effects, stage.places, strict=True):
        if isinstance(effect, Store) or (isinstance(effect, Total) and effect.index):
            (access,) = places
            if access.data or {x for x in access.terms if x in stage.inner} != {axis}:
                return False
    return not any(isinstance(effect, Prefix) for effect in stage.stage.effects)


def _team(outer: Sequence[Axis], stages: Sequence[Shared]) -> Team:
    """The team that makes a row of a kernel."""
    deep = [stage for stage in stages if stage.plan.inner]
    if not deep or not all(stage.free for stage in deep):
        return Team(1)
    longest = max(estimate(product(axis.extent for axis in stage.free)) for stage in deep)
    rows = estimate(product(axis.extent for axis in outer))
    along_rows = _walked(outer[-1], [stage.plan for stage in deep]) if outer else 0
    along_inner = sum(_walked(stage.free[-1], [stage.plan]) for stage in deep)
    if outer and (longest <= FEW or (rows >= ENOUGH and along_rows > along_inner)):
        return Team(1)
    return Team(WARP if longest <= MANY and outer else BLOCK)


def _walked(axis: Axis, stages: Iterable[StagePlan]) -> int:
    """How many accesses go on by one element along an axis."""
    return sum(x.step(axis) == 1 for stage in stages for x in stage.accesses if x.buffer.role is not Role.LOCAL)


def _index_type(kernel: Kernel) -> str:
    """int where all sizes are fixed and small."""
    buffers: list[Buffer] = [*kernel.reads, *kernel.writes, *kernel.locals]
    points: list[Size] = [product(axis.extent for axis in (*kernel.outer, *stage.inner)) for stage in kernel.stages]
    sizes = [*points, *(buffer.size for buffer in buffers)]
    return "int" if all(isinstance(size, int) and size < SHORT for size in sizes) else "i64"
