"""Sums of columns as totals over rows, so that threads side by side read elements that lie side by side."""

from collections.abc import Sequence
from dataclasses import replace

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.monoids import BETTER
from graphc.kernel.scalar import Axis, AxisIndex, Call, Let, Load
from graphc.kernel.stages import stage_plan
from graphc.kernel.steps import Fold, Kernel, Stage, Store, Total
from graphc.sizes import estimate, product

__all__ = ["columns_as_totals"]

LONG = 128  # elements of a column; of shorter ones a thread adds up each.  What is open may be long
WIDE = 1 << 15  # columns; of more each has a thread that reads beside its neighbours


def columns_as_totals(kernel: Kernel) -> Kernel:
    """The kernel with the points that its first stage folds as rows, where these are columns of arrays.

    Afterwards a row is made of the points of the old rows, and what was a fold is a total with an element for each.
    """
    if len(kernel.stages) != 2 or not kernel.outer or kernel.totals or not _suits(kernel, kernel.stages[0]):
        return kernel
    folding, storing = kernel.stages
    if storing.inner or storing.is_last or not all(map(_is_plain, storing.effects)):
        return kernel
    axes = tuple(sorted(kernel.outer, key=lambda axis: axis.number))
    shape = tuple([axis.extent for axis in axes])
    index = tuple(range(len(axes)))
    totals: dict[Buffer, Buffer] = {}
    effects = []
    for effect in folding.effects:
        assert isinstance(effect, Fold), effect
        (local,) = effect.results
        totals[local] = Buffer(Role.LOCAL, local.dtype, shape)
        effects.append(Total(effect.monoid, effect.value + len(axes), index, totals[local]))
    if any(isinstance(let, Load) and let.buffer in totals for let in folding.lets):
        return kernel
    rows = Stage(axes, _behind(axes, folding.lets, {}), tuple(effects))
    stores = [_moved(effect, len(axes)) for effect in storing.effects]
    last = Stage(axes, _behind(axes, storing.lets, totals), tuple(stores), is_last=True)
    return Kernel(folding.inner, (rows, last), kernel.origins)


def _suits(kernel: Kernel, stage: Stage) -> bool:
    """Whether a stage only folds, many elements each, and neighbours of them stand in neighbouring rows."""
    if stage.is_last or not stage.inner:
        return False
    for effect in stage.effects:
        if not isinstance(effect, Fold) or effect.monoid in BETTER or effect.results[0].role is not Role.LOCAL:
            return False
    column = product(axis.extent for axis in stage.inner)
    if isinstance(column, int) and column < LONG:
        return False
    if estimate(product(axis.extent for axis in kernel.outer)) > WIDE:
        return False
    loads = [
        access for access in stage_plan(stage, kernel.outer).loads.values() if access.buffer.role is not Role.LOCAL
    ]
    across = sum(any(access.step(axis) == 1 for axis in kernel.outer) for access in loads)
    along = sum(any(access.step(axis) == 1 for axis in stage.inner) for access in loads)
    return across > along


def _is_plain(effect: object) -> bool:
    return isinstance(effect, Store) and effect.combine is None and effect.buffer.role is not Role.LOCAL


def _behind(axes: Sequence[Axis], lets: Sequence[Let], totals: dict[Buffer, Buffer]) -> tuple[Let, ...]:
    """Lets behind those of some axes; what reads a local that became a total reads its element there."""
    by = len(axes)
    found: list[Let] = [AxisIndex(axis) for axis in axes]
    for let in lets:
        match let:
            case Load(buffer=buffer) if buffer in totals:
                found.append(Load(totals[buffer], tuple(range(by)), let.dtype))
            case Load(index=index, guard=guard, otherwise=otherwise):
                places = tuple([part + by for part in index])
                if guard is None or otherwise is None:
                    found.append(Load(let.buffer, places, let.dtype))
                else:
                    found.append(Load(let.buffer, places, let.dtype, guard + by, otherwise + by))
            case Call(fn=fn, args=args, dtype=dtype):
                found.append(Call(fn, tuple([arg + by for arg in args]), dtype))
            case _:
                found.append(let)
    return tuple(found)


def _moved(effect: object, by: int) -> Store:
    assert isinstance(effect, Store), effect
    return replace(effect, index=tuple([part + by for part in effect.index]), value=effect.value + by)
