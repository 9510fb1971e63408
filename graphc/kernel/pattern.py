"""Patterns: what a step is, apart from which buffers it touches.

A long program repeats itself: what was found for one step holds for every step of its pattern.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias, TypeGuard

from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.form import Form
from graphc.kernel.scalar import Call, Const, Fn, Load, SizeValue
from graphc.kernel.steps import Contract, Effect, Fold, Kernel, Prefix, Stage, Store, Total
from graphc.origin import Origin
from graphc.sizes import Size, symbol
from graphc.types import INT64

__all__ = [
    "Pattern",
    "form_of",
    "formed",
    "on_buffers",
    "opened",
    "opened_kernel",
    "overlaps",
    "pattern_of",
    "pattern_of_both",
    "pattern_of_two",
    "stand_in",
]

Pattern: TypeAlias = tuple[Hashable, ...]


@lru_cache(64)
def stand_in(number: int) -> AffineIndex:
    """What stands in a pattern for a fixed position, the first for 0."""
    return AffineIndex((), symbol(f" {number}"))  # no name that a user gives begins with a space


def opened(step: Contract) -> tuple[Contract, dict[Size, int]]:
    """The step with a symbol for each fixed position in its indices, and what they stand for.

    So the steps of a loop that was unrolled, which read rows 0, 1, 2 ..., are of one pattern.
    """
    values: dict[Size, int] = {}

    def with_symbols(index: tuple[AffineIndex, ...]) -> tuple[AffineIndex, ...]:
        parts = list(index)
        for number, part in enumerate(index):
            if not part.terms and isinstance(part.offset, int):
                parts[number] = stand_in(len(values))
                values[parts[number].offset] = part.offset
        return tuple(parts)

    indices = (step.left_index, step.right_index, step.out_index)
    if not [part for index in indices for part in index if not part.terms]:
        return step, values
    left, right, out = map(with_symbols, indices)
    return Contract(
        step.extents, step.left, step.right, step.out, left, right, out, step.origins, step.apart, step.adds,
        step.guarded, step.then,
    ), values  # fmt: skip


def opened_kernel(kernel: Kernel, owner: Callable[[Buffer], Buffer], values: dict[Size, int]) -> Kernel:
    """The kernel with a symbol for each fixed position but the first in arrays that it only reads, or stores to once.

    What they stand for is added to `values`.  `owner` tells the buffer whose bytes another has.
    """
    lets = [let for stage in kernel.stages for let in stage.lets]
    if not any(isinstance(let, Const) and let.dtype == INT64 for let in lets):
        return kernel
    stores = Counter([owner(effect.buffer) for stage in kernel.stages for effect in stage.effects if _stores(effect)])
    reads = {owner(buffer) for buffer in kernel.reads}
    writes = {owner(buffer) for buffer in kernel.writes}
    opens = (reads - writes) | {buffer for buffer in writes - reads if stores[buffer] == 1}
    symbols: dict[int, Size] = {}
    stages = []
    for stage in kernel.stages:
        changed = list(stage.lets)
        for number, at in _fixed(stage, lambda buffer: owner(buffer) in opens).items():
            if at not in symbols:
                symbols[at] = stand_in(len(values) + len(symbols)).offset
            changed[number] = SizeValue(symbols[at], INT64)
        stages.append(Stage(stage.inner, tuple(changed), stage.effects, stage.is_last))
    values.update({size: at for at, size in symbols.items()})
    return Kernel(kernel.outer, tuple(stages), kernel.origins) if symbols else kernel


def _fixed(stage: Stage, opens: Callable[[Buffer], bool]) -> dict[int, int]:
    """Lets that are nothing but fixed positions in arrays that are opened, or added to one, and these positions."""
    lets = stage.lets
    places: set[int] = set()
    others = {effect.value for effect in stage.effects}
    accesses = [(let.buffer, let.index) for let in lets if isinstance(let, Load)]
    accesses += [(effect.buffer, effect.index) for effect in stage.effects if _stores(effect)]
    for buffer, index in accesses:
        (places if opens(buffer) else others).update(index)
    for effect in stage.effects:
        if isinstance(effect, Store | Total) and not _stores(effect):
            others.update(effect.index)
    for number in reversed(range(len(lets))):  # operands come before what is made of them
        match lets[number]:
            case Call(fn=fn, args=args):
                (places if fn is Fn.ADD and number in places and number not in others else others).update(args)
            case Load(guard=guard, otherwise=otherwise):
                others.update(part for part in (guard, otherwise) if part is not None)
    found: dict[int, int] = {}
    for number in sorted(places - others):
        match lets[number]:
            case Const(value=int(value), dtype=dtype) if value and dtype == INT64:
                found[number] = value
    return found


def _stores(effect: Effect) -> TypeGuard[Store]:
    return isinstance(effect, Store) and effect.combine is None


def pattern_of(step: Kernel | Contract) -> tuple[Pattern, tuple[Buffer, ...]]:
    """The pattern of a step, and the buffers that it touches, locals included, in the order the pattern counts them.

    Steps of one pattern differ in their buffers and origins only.  Buffers in the same place have the same
    role, type and, where they show the bytes of another, that other in the same place.
    """
    if isinstance(step, Contract):
        return pattern_of_both(step, step.then)
    form, touched = form_of(step)
    return _of_buffers([form], dict(zip(touched, range(len(touched)), strict=True)))


def pattern_of_both(product: Contract, then: Kernel | None) -> tuple[Pattern, tuple[Buffer, ...]]:
    """The pattern of a product without its epilogue, and of a kernel that follows it, as if they were one step."""
    numbers: dict[Buffer, int] = {}
    number = numbers.setdefault
    parts: list[Hashable] = [
        product.extents, product.left_index, product.right_index, product.out_index,
        product.apart, product.adds, product.guarded,
        number(product.left, 0), number(product.right, len(numbers)), number(product.out, len(numbers)),
    ]  # fmt: skip
    if then is not None:
        form, touched = form_of(then)
        parts += (form, *[number(buffer, len(numbers)) for buffer in touched])
    return _of_buffers(parts, numbers)


def pattern_of_two(first: Kernel, second: Kernel) -> tuple[Pattern, tuple[Buffer, ...]]:
    """The pattern of two kernels, as if they were one step."""
    numbers: dict[Buffer, int] = {}
    parts: list[Hashable] = []
    for kernel in (first, second):
        form, touched = form_of(kernel)
        parts += (form, *[numbers.setdefault(buffer, len(numbers)) for buffer in touched])
    return _of_buffers(parts, numbers)


def _of_buffers(parts: list[Hashable], numbers: dict[Buffer, int]) -> tuple[Pattern, tuple[Buffer, ...]]:
    """A pattern with what matters of buffers, to which those are added that they show."""
    for buffer in tuple(numbers):
        root = buffer.base
        if root is None:
            parts += (buffer.role, buffer.dtype, buffer.shape, -1)
        else:
            shown = numbers.setdefault(root, len(numbers))
            parts += (buffer.role, buffer.dtype, buffer.shape, shown, root.role, root.shape)
    return tuple(parts), tuple(numbers)


def overlaps(buffers: Sequence[Buffer], owner: Callable[[Buffer], Buffer]) -> tuple[int, ...]:
    """Which of some buffers have the same bytes; nothing where only those have that show each other."""
    owners: dict[Buffer, int] = {}
    places = tuple([owners.setdefault(owner(buffer), len(owners)) for buffer in buffers])
    return places if len(owners) < len({buffer.root for buffer in buffers}) else ()


def form_of(kernel: Kernel) -> tuple[Form, tuple[Buffer, ...]]:
    """What a kernel is apart from its buffers, and these, locals included, in the order of their numbers in it."""
    if kernel.form is not None:
        return kernel.form, kernel.touched
    numbers: dict[Buffer, int] = {}
    parts = tuple(_of_kernel(kernel, numbers))
    reads, writes = (tuple([numbers[buffer] for buffer in some]) for some in (kernel.reads, kernel.writes))
    return Form(parts, reads, writes), tuple(numbers)


def formed(kernel: Kernel) -> Kernel:
    """The same kernel, whose form is known to all that are made from it."""
    return Kernel(kernel.outer, kernel.stages, kernel.origins, *form_of(kernel))


def _of_kernel(kernel: Kernel, numbers: dict[Buffer, int]) -> list[Hashable]:
    parts: list[Hashable] = [kernel.outer]
    for stage in kernel.stages:
        lets: list[Hashable] = []
        for let in stage.lets:
            if isinstance(let, Load):
                number = numbers.setdefault(let.buffer, len(numbers))
                lets.append((number, let.index, let.guard, let.otherwise))
            else:
                lets.append(let)
        effects = [_of_effect(effect, numbers) for effect in stage.effects]
        parts.append((stage.inner, tuple(lets), tuple(effects), stage.is_last))
    return parts


def _of_effect(effect: Effect, numbers: dict[Buffer, int]) -> Hashable:
    match effect:
        case Store():
            return (numbers.setdefault(effect.buffer, len(numbers)), effect.index, effect.value, effect.combine)
        case Fold():
            results = tuple([numbers.setdefault(buffer, len(numbers)) for buffer in effect.results])
            return (effect.monoid, effect.value, results, effect.run)
        case Prefix():
            result = numbers.setdefault(effect.result, len(numbers))
            return (effect.monoid, effect.value, result, effect.reverse)
        case Total():
            result = numbers.setdefault(effect.result, len(numbers))
            return (effect.monoid, effect.value, effect.index, result, effect.run)


def on_buffers(kernel: Kernel, buffers: Mapping[Buffer, Buffer], origins: tuple[Origin, ...]) -> Kernel:
    """The kernel of the same form that touches other buffers, each another.  Locals are its own, and views of them."""
    like = kernel if kernel.form is not None else formed(kernel)
    model = like.written if isinstance(like.written, Kernel) else like
    return Kernel(like.outer, model, origins, like.form, tuple([_new(buffer, buffers) for buffer in like.touched]))


def _new(buffer: Buffer, buffers: Mapping[Buffer, Buffer]) -> Buffer:
    found = buffers.get(buffer)
    if found is not None:
        return found
    if buffer.base is not None:  # a view that the model alone has
        root = buffers[buffer.base]
        return Buffer(root.role, root.dtype, buffer.shape, root.slot, root)
    assert buffer.role is Role.LOCAL, buffer
    return Buffer(Role.LOCAL, buffer.dtype, buffer.shape)
