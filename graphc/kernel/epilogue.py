"""Epilogues: which kernels may follow each element of a product as soon as it is complete."""

from collections.abc import Sequence

from graphc.kernel.buffer import Buffer
from graphc.kernel.indices import affine_of
from graphc.kernel.scalar import AxisIndex, Const, Let, Load
from graphc.kernel.steps import Contract, Kernel, Stage, Store

__all__ = ["home_of", "objection_to"]


def objection_to(kernel: Kernel, product: Contract) -> str | None:
    """Why a kernel cannot be the epilogue of a product, or None where it can.

    It has one stage and no inner axes; reads and stores at indices that are affine in the axes, and combines nothing;
    reads each element of the product at one point, and where it writes over the product, writes there.
    What the product reads it leaves alone, so that a part of the product can be made after the epilogue of another.
    """
    if product.adds:
        return "the product is added to what is there"
    if len(kernel.stages) != 1 or kernel.stages[0].inner:
        return "it has several stages, or inner axes"
    (stage,) = kernel.stages
    for effect in stage.effects:
        if not isinstance(effect, Store) or effect.combine is not None:
            return "it does more than store elements"
        if effect.buffer.root in (product.left.root, product.right.root):
            return "it writes over an operand of the product"
    if not product.is_whole:
        return "several points of the product meet in an element"
    loads = _loads(stage)
    if any(load.guard is not None for load in loads) or _has_data(stage, loads):
        return "it reads or writes at indices that are data"
    if not _is_at_its_own(kernel, loads, product.out):
        return "it reads the product elsewhere than at its own element"
    return None


def home_of(product: Contract, epilogue: Kernel) -> Buffer | None:
    """A buffer that an epilogue writes as a whole, in which the product can be made instead of where it is.

    It has the same type, is written where the product is read, and the epilogue reads nothing of it.
    """
    out, (stage,) = product.out, epilogue.stages
    own = next(load.index for load in _loads(stage) if load.buffer is out)
    for store in stage.effects:
        if isinstance(store, Store) and store.index == own:
            found = store.buffer
            is_alike = found.dtype == out.dtype and found.shape == out.shape
            if is_alike and not any(buffer.root is found.root for buffer in epilogue.reads):
                return found if _stores_to(stage, found) == 1 else None
    return None


def _loads(stage: Stage) -> list[Load]:
    return [let for let in stage.lets if isinstance(let, Load)]


def _stores_to(stage: Stage, buffer: Buffer) -> int:
    return sum(isinstance(effect, Store) and effect.buffer.root is buffer.root for effect in stage.effects)


def _has_data(stage: Stage, loads: Sequence[Load]) -> bool:
    """Whether a part of an index is not affine in the axes."""
    parts = {part for load in loads for part in load.index}
    parts.update(part for store in stage.effects if isinstance(store, Store) for part in store.index)
    open_parts = [part for part in parts if not isinstance(stage.lets[part], _KNOWN)]
    if not open_parts:  # most kernels: nothing is to be worked out
        return False
    affine = affine_of(stage.lets)
    return any(affine[part] is None for part in open_parts)


_KNOWN = (AxisIndex, Const)
_ACCESSES = (Load, Store)


def _is_at_its_own(kernel: Kernel, loads: Sequence[Load], out: Buffer) -> bool:
    """Whether a kernel meets each element of `out` at one point: there it reads it, and maybe writes over it."""
    (stage,) = kernel.stages
    own: tuple[int, ...] | None = None
    for access in (*loads, *stage.effects):
        if not isinstance(access, _ACCESSES) or access.buffer.root is not out.root:
            continue
        own = access.index if own is None and isinstance(access, Load) else own
        if access.buffer is not out or access.index != own:
            return False
    return own is not None and _meets_all([stage.lets[part] for part in own], out, kernel)


def _meets_all(index: Sequence[Let], out: Buffer, kernel: Kernel) -> bool:
    """Whether the points of a kernel and the elements of an array at an index are the same, one for one."""
    left = {axis.number for axis in kernel.outer}
    for part, extent in zip(index, out.shape, strict=True):
        if isinstance(part, AxisIndex) and part.axis.number in left and part.axis.extent == extent:
            left.remove(part.axis.number)
        elif not isinstance(part, Const) or part.value != 0 or extent != 1:
            return False
    return not left
