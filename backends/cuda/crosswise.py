"""Elementwise kernels that read or write across rows: squares of 32 x 32 elements are turned in shared memory.

Threads side by side then read what lies side by side, and write so, though one of the two is a column of the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import final

from graphc.backends.cuda.bodies import Body
from graphc.backends.cuda.dtypes import in_register
from graphc.backends.cuda.effects import leave
from graphc.backends.cuda.function_text import enclosed
from graphc.backends.cuda.lets import Scope
from graphc.backends.cuda.rows import unflattened
from graphc.backends.cuda.teams import BLOCK, KernelPlan
from graphc.dataclass import dataclass
from graphc.kernel.accesses import Access
from graphc.kernel.buffer import Role
from graphc.kernel.scalar import Axis, Load
from graphc.kernel.steps import Store
from graphc.sizes import Size, product

__all__ = ["Crosswise", "crosswise", "write_squares"]

SIDE = 32  # of a square: as many lanes as a warp has
STEP = BLOCK // SIDE  # lines of a square that a block takes at once
ROOM = 32 << 10  # bytes of shared memory, at most


@final
@dataclass(frozen=True, eq=False)
class Crosswise:
    """How a kernel is made in squares.

    along, across   the axes of a square: accesses go on by one element along the first, and some along the other
    rest            the axes of what there are squares of
    loads, stores   lets and effects whose elements go through shared memory
    """

    along: Axis
    across: Axis
    rest: tuple[Axis, ...]
    loads: tuple[int, ...]
    stores: tuple[int, ...]

    @property
    def squares(self) -> Size:
        """How many there are."""
        return product(axis.extent for axis in self.rest) * _sides(self.across) * _sides(self.along)


def crosswise(plan: KernelPlan) -> Crosswise | None:
    """How squares make a kernel; None where it is more than a formula for each point, or nothing is gained by them."""
    if len(plan.outer) < 2 or len(plan.stages) != 1 or plan.last or plan.kernel.locals or plan.kernel.totals:
        return None
    stage, along = plan.stages[0].plan, plan.outer[-1]
    accesses = list(stage.accesses)
    if stage.inner or not all(isinstance(x, Store) and x.combine is None for x in stage.stage.effects):
        return None
    if any(places[0].data for places in stage.places) or not any(_is_beside(x, along) for x in accesses):
        return None
    across = max(plan.outer[:-1], key=lambda axis: sum(_is_across(x, along, axis) for x in accesses))
    if _is_short(along) or _is_short(across):
        return None
    loads: list[int] = []
    stores: list[int] = []
    room = ROOM
    for number, access in stage.loads.items():
        let = stage.stage.lets[number]
        assert isinstance(let, Load), let
        if let.guard is None and _is_across(access, along, across) and room >= _bytes(access):
            loads.append(number)
            room -= _bytes(access)
    for number, (access,) in enumerate(stage.places):
        if _is_across(access, along, across) and room >= _bytes(access):
            stores.append(number)
            room -= _bytes(access)
    if not loads and not stores:
        return None
    rest = tuple([axis for axis in plan.outer if axis not in (along, across)])
    return Crosswise(along, across, rest, tuple(loads), tuple(stores))


def _is_beside(access: Access, axis: Axis) -> bool:
    """Whether neighbours along an axis lie side by side."""
    return access.step(axis) in (1, -1) and not access.data


def _is_across(access: Access, along: Axis, across: Axis) -> bool:
    """Whether an access goes on by one element across the rows, and by many along them."""
    step = access.step(along)
    is_far = not isinstance(step, int) or abs(step) >= SIDE
    is_kept = access.buffer.role is not Role.LOCAL and not access.data
    return is_kept and is_far and access.step(across) in (1, -1)


def _is_short(axis: Axis) -> bool:
    return isinstance(axis.extent, int) and axis.extent < SIDE


def _bytes(access: Access) -> int:
    return SIDE * (SIDE + 1) * access.buffer.dtype.itemsize


def _sides(axis: Axis) -> Size:
    return (axis.extent + (SIDE - 1)) // SIDE


def write_squares(body: Body, how: Crosswise) -> None:
    """The loop over squares: what is read across goes through shared memory, and so does what is written across."""
    lines, index, stage = body.lines, body.scope.index, body.made.plan.stages[0].plan
    read = {number: body.square(stage.loads[number].buffer, SIDE) for number in how.loads}
    left = {number: body.square(stage.places[number][0].buffer, SIDE) for number in how.stores}
    lines.line(f"const int lane = threadIdx.x % {SIDE}, line = threadIdx.x / {SIDE};")
    sides = [
        lines.let(index, body.parameters.size(_sides(axis)), f"squares_{body.letters[axis.number]}")
        for axis in (how.across, how.along)
    ]
    others = [enclosed(body.parameters.size(axis.extent)) for axis in how.rest]
    count = " * ".join([*others, *sides])
    with lines.braces(f"for ({index} square = blockIdx.x; square < {count}; square += {index}(gridDim.x))"):
        scope = body.scope.inside(_square(body, body.scope, how, sides))
        if read:
            with _points(body, scope, how, by_lanes=how.across) as inside:
                for number, tile in read.items():
                    lines.line(f"{tile}[line + q][lane] = {inside.place(stage, stage.loads[number])};")
            lines.line("__syncthreads();")
        with _points(body, scope, how, by_lanes=how.along) as inside:
            for number, tile in read.items():
                dtype = stage.stage.lets[number].dtype
                inside.known[stage, number] = lines.let(
                    in_register(dtype), inside.read(f"{tile}[lane][line + q]", dtype)
                )
            inside.compute(stage)
            for number, effect in enumerate(stage.stage.effects):
                value = inside.operand(stage, effect.value)
                if number in left:
                    text = inside.stored(value, stage.places[number][0].buffer.dtype)
                    lines.line(f"{left[number]}[line + q][lane] = {text};")
                else:
                    leave(inside, stage, number, [value])
        lines.line("__syncthreads();")
        if left:
            with _points(body, scope, how, by_lanes=how.across) as inside:
                for number, tile in left.items():
                    lines.line(f"{inside.place(stage, stage.places[number][0])} = {tile}[lane][line + q];")
            lines.line("__syncthreads();")


def _square(body: Body, scope: Scope, how: Crosswise, sides: Sequence[str]) -> Mapping[Axis, str]:
    """Declare where a square is: its number along each of its axes, and the place along all others."""
    lines, letters = body.lines, body.letters
    numbers = [f"square % {sides[1]}", f"square / {sides[1]}"]
    if how.rest:
        numbers[1] += f" % {sides[0]}"
    found = {}
    for axis, text in zip((how.along, how.across), numbers, strict=True):
        found[axis] = lines.let(scope.index, text, f"square_{letters[axis.number]}")
    if how.rest:
        name = letters[how.rest[0].number] if len(how.rest) == 1 else "rest"
        name = lines.let(scope.index, f"square / ({sides[0]} * {sides[1]})", name)
        found.update(unflattened(scope, how.rest, name, letters))
    return found


@contextmanager
def _points(body: Body, scope: Scope, how: Crosswise, *, by_lanes: Axis) -> Iterator[Scope]:
    """The loop over the points of a square that a thread has, lanes along one of its axes; those that there are."""
    lines, index = body.lines, scope.index
    lines.line("#pragma unroll")
    with lines.braces(f"for (int q = 0; q < {SIDE}; q += {STEP})"), ExitStack() as inner:
        counters, inside = {}, []
        for axis in (how.across, how.along):
            place = "lane" if axis is by_lanes else "line + q"
            text = f"{scope.counters[axis]} * {SIDE} + {place}"
            counters[axis] = lines.let(index, text, body.letters[axis.number])
            if not isinstance(axis.extent, int) or axis.extent % SIDE:
                inside.append(f"{counters[axis]} < {body.parameters.size(axis.extent)}")
        if inside:
            inner.enter_context(lines.braces(f"if ({' && '.join(inside)})"))
        yield scope.inside(counters)
