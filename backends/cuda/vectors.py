"""Elementwise kernels whose threads move 16 bytes at a time."""

from collections.abc import Mapping, Sequence

from graphc.backends.cuda.bodies import Body
from graphc.backends.cuda.dtypes import in_memory
from graphc.backends.cuda.function_text import enclosed
from graphc.backends.cuda.lets import Home, Scope
from graphc.backends.cuda.row_vectors import Owner, vectors_of
from graphc.backends.cuda.rows import unflattened
from graphc.backends.cuda.teams import BLOCK, KernelPlan
from graphc.kernel.accesses import Access
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.scalar import Axis, Load
from graphc.kernel.stages import StagePlan
from graphc.kernel.steps import Effect, Store, Total, targets

__all__ = ["vector_width", "write_vectors"]

BYTES = 16
FEW = 4096  # points, below which there is nothing to gain


def vector_width(plan: KernelPlan, owner: Owner) -> int:
    """How many points a thread makes side by side; 1 where they are made one by one."""
    totals = {total.result for total in plan.kernel.totals}
    of_rows = [
        local for stage in plan.kernel.stages if not stage.is_last for x in stage.effects for local in targets(x)
    ]
    if not plan.outer or len(plan.stages) != 1 or any(x.role is Role.LOCAL and x not in totals for x in of_rows):
        return 1
    stage = plan.stages[0].plan
    if stage.inner or not all(map(_is_by_points, stage.stage.effects)):
        return 1
    return _width_of_one(plan.outer[0], stage) if len(plan.outer) == 1 else _width_of_rows(plan, stage, owner)


def _is_by_points(effect: Effect) -> bool:
    """Whether an effect at a point leaves others alone: a store, or a total that each thread adds to."""
    return (isinstance(effect, Store) and effect.combine is None) or (isinstance(effect, Total) and not effect.index)


def _stores(stage: StagePlan) -> Sequence[Access]:
    """The places where a stage stores elements."""
    return [places[0] for x, places in zip(stage.stage.effects, stage.places, strict=True) if isinstance(x, Store)]


def _width_of_rows(plan: KernelPlan, stage: StagePlan, owner: Owner) -> int:
    """Of a kernel along several axes: so many that all that is written, and most that is read, is moved by vectors.

    They lie along the last axis, whose extent is a multiple of them.
    """
    axis = plan.outer[-1]
    if not isinstance(axis.extent, int) or (isinstance(plan.rows, int) and plan.rows < FEW):
        return 1
    moved = {1: 0}
    for width in (8, 4, 2):
        vectors = {access.buffer for access in vectors_of(stage, axis, width, owner)}
        others = [x for x in stage.accesses if x.buffer not in vectors and (x.data or x.step(axis) != 0)]
        is_written = all(access.buffer in vectors for access in _stores(stage))
        if axis.extent % width == 0 and is_written and len(vectors) > len(others):
            moved[width] = len(vectors)
    return max(moved, key=lambda width: moved[width])


def _width_of_one(axis: Axis, stage: StagePlan) -> int:
    """Of a kernel along one axis, in which every array is read or written element by element at one place."""
    if isinstance(axis.extent, int) and axis.extent < FEW:
        return 1
    guarded = {let.buffer for let in stage.stage.lets if isinstance(let, Load) and let.guard is not None}
    width, places = BYTES, dict[Buffer, Access]()
    for access in stage.accesses:
        if access.step(axis) == 0 and not access.data:
            continue
        width = min(width, BYTES // access.buffer.dtype.itemsize)
        first = places.setdefault(access.buffer.root, access)
        is_alone = dict(first.terms) == dict(access.terms) == {axis: 1} and first.offset == access.offset
        if access.data or not is_alone or access.buffer in guarded or access.buffer.root.role is Role.ROW:
            return 1
    stored = {access.buffer.root for access in _stores(stage)}
    if not stored <= places.keys() or any(x.step(axis) == 0 and x.buffer.root in places for x in stage.accesses):
        return 1
    offsets = [access.offset for access in places.values()]
    return width if places and all(isinstance(offset, int) and offset % width == 0 for offset in offsets) else 1


def write_vectors(body: Body, width: int) -> None:
    """The loop over vectors, and that over the points behind the last of them, if there are any."""
    plan, lines, index = body.made.plan, body.lines, body.scope.index
    body.made.library.need("vectors")
    thread = f"{index}(blockIdx.x) * {BLOCK} + threadIdx.x"
    step = f"{index}(gridDim.x) * {BLOCK}"
    if len(plan.outer) > 1:
        count = body.parameters.size(plan.rows // width)
        with lines.braces(f"for ({index} p = {thread}; p < {count}; p += {step})"):
            _write_of_rows(body, width)
        return
    (axis,), (shared,) = plan.outer, plan.stages
    end = body.parameters.size(axis.extent)
    count = enclosed(end)
    stage = shared.plan
    read = {x.buffer: x for x in stage.loads.values() if x.step(axis) != 0}
    written = {access.buffer: access for access in _stores(stage)}
    with lines.braces(f"for ({index} p = {thread}; p < {count} / {width}; p += {step})"):
        at = body.scope.inside({axis: f"p * {width}"})
        _write_vector(body, at, axis, f"(p * {width} + e)", read, written, width)
    if isinstance(axis.extent, int) and axis.extent % width == 0:
        return
    name = lines.fresh(body.letters[axis.number])
    first = f"{count} / {width} * {width} + {thread}"
    with lines.braces(f"for ({index} {name} = {first}; {name} < {end}; {name} += {step})"):
        _points(body, body.scope.inside({axis: name}), {}, {})


def _write_of_rows(body: Body, width: int) -> None:
    """The points of vector `p` of those of all rows."""
    plan, lines, index = body.made.plan, body.lines, body.scope.index
    (*rows, axis), stage = plan.outer, plan.stages[0].plan
    assert isinstance(axis.extent, int), axis
    along = Axis(axis.number, axis.extent // width)
    letters = {**body.letters, axis.number: "vector"}
    counters = unflattened(body.scope, (*rows, along), "p", letters)
    name = lines.let(index, f"{counters.pop(along)} * {width}", body.letters[axis.number])
    vectors = {access.buffer: access for access in vectors_of(stage, axis, width, body.parameters.owner)}
    read = {buffer: vectors[buffer] for buffer in {x.buffer: None for x in stage.loads.values()} if buffer in vectors}
    written = {access.buffer: access for access in _stores(stage)}
    at = body.scope.inside({**counters, axis: name})
    _write_vector(body, at, axis, f"({name} + e)", read, written, width)


def _write_vector(
    body: Body,
    at: Scope,
    axis: Axis,
    counter: str,
    read: Mapping[Buffer, Access],
    written: Mapping[Buffer, Access],
    width: int,
) -> None:
    """The points of a vector that begins at a point, `counter` being the place of point `e` of them along the axis."""
    lines = body.lines
    homes: dict[Buffer, Home] = {}
    for buffer, access in read.items():
        name, vector = lines.fresh("in"), f"Vector<{in_memory(buffer.dtype)}, {width}>"
        lines.line(f"const {vector} {name} = load_vector<{width}>(&{at.at_memory(access)});")
        homes[buffer] = _at(name)
    names: dict[Buffer, str] = {}
    for buffer in written:
        names[buffer] = lines.fresh("out")
        lines.line(f"Vector<{in_memory(buffer.dtype)}, {width}> {names[buffer]};")
    lines.line("#pragma unroll")
    with lines.braces(f"for (int e = 0; e < {width}; ++e)"):
        _points(body, at.inside({axis: counter}), homes, {buffer: _at(name) for buffer, name in names.items()})
    for buffer, access in written.items():
        lines.line(f"store_vector(&{at.at_memory(access)}, {names[buffer]});")


def _points(body: Body, scope: Scope, read: Mapping[Buffer, Home], written: Mapping[Buffer, Home]) -> None:
    """The stage at a point, what it reads and writes being elements of vectors."""
    (shared,) = body.made.plan.stages
    scope.homes = read
    scope.compute(shared.plan)
    scope.homes = written
    body.rows.stage(scope, shared)


def _at(name: str) -> Home:
    return lambda at: f"{name}.at[e]"
