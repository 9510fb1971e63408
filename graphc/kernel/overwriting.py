"""What may be written over what, judged by the positions of elements among the bytes."""

from collections.abc import Iterator, Mapping

from graphc.kernel.buffer import Buffer
from graphc.kernel.program import Program
from graphc.kernel.scalar import Axis, AxisIndex, Const, Let, Load
from graphc.kernel.steps import Contract, Kernel, Loop, Step, Store, targets, within
from graphc.kernel.unsound import about
from graphc.kernel.wellformed import demand
from graphc.sizes import Size

__all__ = ["owner_of", "verify_overwriting"]


def verify_overwriting(program: Program, names: Mapping[Buffer, str]) -> None:
    """Raise AssertionError where a step writes over an element that it, or a later turn of a loop, still reads.

    A kernel may write over what it reads if every point reads the element that it writes, and no other; a loop
    over what starts a carry that it changes in place.  Both temporaries belong to the same list of steps: what is
    made once, outside a loop, is not written over in every turn.
    """
    if not program.aliases:
        return
    lists = [program.steps, *(part for step in program.timeline for part in within(step))]
    writers: dict[Buffer, tuple[int, Step]] = {}  # with the list that the step is in: the outermost
    for place, steps in enumerate(lists):
        for step in steps:
            for buffer in step.writes:
                writers.setdefault(buffer.root, (place, step))
    for over in program.aliases:
        place, step = writers[over]
        owner = owner_of(over, program.aliases)
        pair = f"{names[over]} is written over {names[owner]}, "
        with about(step.origins, step):
            demand(writers.get(owner, (-1, step))[0] == place, f"{pair}which other steps make")
            for old in dict.fromkeys(buffer.root for buffer in step.reads):
                if old is not over and owner_of(old, program.aliases) is owner:
                    problem = f"{names[over]} is written over {names[old]}, which step {program.numbers[step]} reads"
                    demand(_reads_what_it_writes(step, old, over), f"{problem} at other places")


def owner_of(buffer: Buffer, aliases: Mapping[Buffer, Buffer]) -> Buffer:
    """The temporary whose bytes `buffer` has after all."""
    root = buffer.root
    for _ in aliases:
        if root not in aliases:
            return root
        root = aliases[root].root
    demand(root not in aliases, "temporaries are written over each other in a circle")
    return root


def _reads_what_it_writes(step: Step, old: Buffer, over: Buffer) -> bool:
    """Whether a step has read each element of `old` when it writes over it."""
    match step:
        case Kernel():
            return _is_pointwise(step, old, over)
        case Contract(then=Kernel() as epilogue):  # it may run on tiles of the product while others are made
            return all(x.root not in (old, over) for x in step.product.reads + step.product.writes) and _is_pointwise(
                epilogue, old, over
            )
        case Loop():
            starts = [held.start.root for held in step.held if held.buffer is over]
            again = [*step.shared, *(carry.start for carry in step.carries), *(rows.of for rows in step.sequences)]
            again += [] if step.count is None else [step.count]
            return starts == [old] and all(buffer.root is not old for buffer in again)
    return False


def _is_pointwise(kernel: Kernel, old: Buffer, over: Buffer) -> bool:
    stores = list(_stores(kernel, over))
    first = min((number for number, _ in stores), default=-1)
    places = [place for number, place in stores if number == first]
    if not places or places[0] is None or any(place != places[0] for place in places):
        return False
    moving = {axis for axis in (*kernel.outer, *kernel.stages[first].inner) if axis.extent != 1}
    if not moving <= places[0].keys():
        return False  # several points write one element
    return all(
        number <= first and _place(stage.lets, let.buffer, let.index) == places[0]
        for number, stage in enumerate(kernel.stages)
        for let in stage.lets
        if isinstance(let, Load) and let.buffer.root is old
    )


def _stores(kernel: Kernel, buffer: Buffer) -> Iterator[tuple[int, Mapping[Axis, Size] | None]]:
    """The stages that write a buffer, and where."""
    for number, stage in enumerate(kernel.stages):
        for effect in stage.effects:
            if isinstance(effect, Store) and effect.buffer.root is buffer:
                yield number, _place(stage.lets, effect.buffer, effect.index)
            elif any(target.root is buffer for target in targets(effect)):
                yield number, None


def _place(lets: tuple[Let, ...], buffer: Buffer, index: tuple[int, ...]) -> Mapping[Axis, Size] | None:
    """How far one step along each axis goes among the elements; None unless each axis walks a dimension from 0."""
    strides: dict[Axis, Size] = {}
    stride: Size = 1
    for extent, number in zip(reversed(buffer.shape), reversed(index), strict=True):
        match lets[number]:
            case AxisIndex(axis=axis) if axis not in strides:
                if axis.extent != 1:
                    strides[axis] = stride
            case Const(value=0):
                pass
            case _:
                return None
        stride = stride * extent
    return strides
