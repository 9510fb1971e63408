"""Epilogues: which kernels may follow each element of a product as soon as it is complete."""

from typing import TypeAlias

from graphc.kernel.buffer import Buffer
from graphc.kernel.indices import Affine, affine_of, axes_of, is_plain
from graphc.kernel.scalar import Load
from graphc.kernel.steps import Contract, Kernel, Store
from graphc.types import Shape

__all__ = ["home_in", "objection_to"]

_Index: TypeAlias = tuple[Affine | None, ...]


def objection_to(kernel: Kernel, product: Contract) -> str | None:
    """Why a kernel cannot be the epilogue of a product, or None where it can.

    It has one stage and no inner axes; reads and stores at indices that are affine in the axes, and combines nothing;
    reads each element of the product at one point, and where it writes over the product, writes there.
    What the product reads it leaves alone, so that a part of the product can be made after the epilogue of another.
    """
    if product.adds:
        return "the product is added to what is there"
    if not product.is_whole:
        return "several points of the product meet in an element"
    if len(kernel.stages) != 1 or kernel.stages[0].inner:
        return "it has several stages, or inner axes"
    if any(not isinstance(effect, Store) or effect.combine is not None for effect in kernel.stages[0].effects):
        return "it does more than store elements"
    operands = (product.left.root, product.right.root)
    if any(buffer.root in operands for buffer in kernel.writes):
        return "it writes over an operand of the product"
    reads, writes = _reads(kernel), _writes(kernel)
    if any(part is None for _, index in (*reads, *writes) for part in index):
        return "it reads or writes at indices that are data"
    own = {index for buffer, index in reads if buffer is product.out}
    over = {index for buffer, index in writes if buffer.root is product.out.root}
    if len(own) != 1 or not over <= own or not all(_meets_all(index, product.out.shape, kernel) for index in own):
        return "it reads the product elsewhere than at its own element"
    if any(buffer.root is product.out.root and buffer is not product.out for buffer in (*kernel.reads, *kernel.writes)):
        return "it sees the product under another shape"
    return None


def home_in(kernel: Kernel, out: Buffer) -> Buffer | None:
    """A buffer that the epilogue of a product in `out` writes as a whole, in which the product can be made instead.

    It has the same type, is written where the product is read, and the kernel reads nothing of it.
    """
    own = next(index for buffer, index in _reads(kernel) if buffer is out)
    roots = {buffer.root for buffer in kernel.reads}
    written = [buffer for buffer, _ in _writes(kernel)]
    for buffer, index in _writes(kernel):
        is_alike = buffer.dtype == out.dtype and buffer.shape == out.shape and index == own
        if is_alike and buffer.root not in roots and written.count(buffer) == 1:
            return buffer
    return None


def _reads(kernel: Kernel) -> list[tuple[Buffer, _Index]]:
    """What a kernel of one stage reads, and at which index: None for a part that is no affine expression."""
    (stage,) = kernel.stages
    affine = affine_of(stage.lets)
    loads = [let for let in stage.lets if isinstance(let, Load)]
    return [(x.buffer, tuple([None if x.guard is not None else affine[n] for n in x.index])) for x in loads]


def _writes(kernel: Kernel) -> list[tuple[Buffer, _Index]]:
    (stage,) = kernel.stages
    affine = affine_of(stage.lets)
    return [(x.buffer, tuple([affine[n] for n in x.index])) for x in stage.effects if isinstance(x, Store)]


def _meets_all(index: _Index, shape: Shape, kernel: Kernel) -> bool:
    """Whether the points of a kernel and the elements of an array at an index are the same in number, one for one."""
    parts = [part for part in index if part is not None]
    return is_plain(parts) and axes_of(parts) == set(kernel.outer) and all(map(_is_whole, parts, shape))


def _is_whole(part: Affine, extent: object) -> bool:
    if not part.terms:
        return part.offset == 0 and extent == 1
    ((axis, step),) = part.terms
    return step == 1 and part.offset == 0 and axis.extent == extent
