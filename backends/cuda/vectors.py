"""Elementwise kernels whose threads move 16 bytes at a time."""

from graphc.backends.cuda.bodies import Body
from graphc.backends.cuda.dtypes import in_memory
from graphc.backends.cuda.function_text import enclosed
from graphc.backends.cuda.lets import Home
from graphc.backends.cuda.teams import BLOCK, KernelPlan
from graphc.kernel.accesses import Access
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.scalar import Axis, Load
from graphc.kernel.steps import Store

__all__ = ["vector_width", "write_vectors"]

BYTES = 16
FEW = 4096  # points, below which there is nothing to gain


def vector_width(plan: KernelPlan) -> int:
    """How many points a thread makes side by side; 1 where they are made one by one.

    Of kernels of one stage along one axis, in which every array is read or written element by element at one place.
    """
    if len(plan.outer) != 1 or len(plan.stages) != 1 or plan.last or plan.kernel.locals or plan.kernel.totals:
        return 1
    (axis,), (shared,) = plan.outer, plan.stages
    stage = shared.plan
    if stage.inner or not all(isinstance(x, Store) and x.combine is None for x in stage.stage.effects):
        return 1
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
    stored = {access.buffer.root for listed in stage.places for access in listed}
    if not stored <= places.keys() or any(x.step(axis) == 0 and x.buffer.root in places for x in stage.accesses):
        return 1
    offsets = [access.offset for access in places.values()]
    return width if all(isinstance(offset, int) and offset % width == 0 for offset in offsets) else 1


def write_vectors(body: Body, width: int) -> None:
    """The loop over whole vectors, and that over the points behind the last of them."""
    plan, lines, index = body.made.plan, body.lines, body.scope.index
    (axis,), (shared,) = plan.outer, plan.stages
    end = body.parameters.size(axis.extent)
    count = enclosed(end)
    body.made.library.need("vectors")
    stage = shared.plan
    read = {x.buffer: x for x in stage.loads.values() if x.step(axis) != 0}
    written = {places[0].buffer: places[0] for places in stage.places}
    thread = f"{index}(blockIdx.x) * {BLOCK} + threadIdx.x"
    step = f"{index}(gridDim.x) * {BLOCK}"
    with lines.braces(f"for ({index} p = {thread}; p < {count} / {width}; p += {step})"):
        homes: dict[Buffer, Home] = {}
        for buffer, access in read.items():
            name, pointer = lines.fresh("in"), body.parameters.pointer(buffer)
            vector = f"Vector<{in_memory(buffer.dtype)}, {width}>"
            lines.line(f"const {vector} {name} = load_vector<{width}>({pointer} + {_place(access, width)});")
            homes[buffer] = _at(name)
        names: dict[Buffer, str] = {}
        for buffer in written:
            names[buffer] = lines.fresh("out")
            lines.line(f"Vector<{in_memory(buffer.dtype)}, {width}> {names[buffer]};")
        lines.line("#pragma unroll")
        with lines.braces(f"for (int e = 0; e < {width}; ++e)"):
            _points(body, axis, f"(p * {width} + e)", homes, {b: _at(name) for b, name in names.items()})
        for buffer, access in written.items():
            place = f"{body.parameters.pointer(buffer)} + {_place(access, width)}"
            lines.line(f"store_vector({place}, {names[buffer]});")
    if isinstance(axis.extent, int) and axis.extent % width == 0:
        return
    name = lines.fresh(body.letters[axis.number])
    first = f"{count} / {width} * {width} + {thread}"
    with lines.braces(f"for ({index} {name} = {first}; {name} < {end}; {name} += {step})"):
        _points(body, axis, name, {}, {})


def _points(body: Body, axis: Axis, counter: str, read: dict[Buffer, Home], written: dict[Buffer, Home]) -> None:
    """The stage at a point, what it reads and writes being elements of vectors."""
    (shared,) = body.made.plan.stages
    scope = body.scope.inside({axis: counter})
    scope.homes = read
    scope.compute(shared.plan)
    scope.homes = written
    body.rows.stage(scope, shared)


def _place(access: Access, width: int) -> str:
    return f"p * {width}" if access.offset == 0 else f"p * {width} + {access.offset}"


def _at(name: str) -> Home:
    return lambda at: f"{name}.at[e]"
