"""What a step does: the bytes that it moves, and its operations on floats."""

from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import TypeAlias

from graphc.dataclass import dataclass
from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.indices import Affine, affine_of, axes_of, is_plain, needed
from graphc.kernel.scalar import Axis, AxisIndex, Call, Const, Fn, Let, Load, SizeValue
from graphc.kernel.steps import (
    Branch,
    Check,
    Contract,
    Extern,
    Fold,
    Kernel,
    Loop,
    Prefix,
    Stage,
    Step,
    Store,
    Total,
    unique,
)
from graphc.sizes import Size, minimum, product, total
from graphc.types import is_differentiable

__all__ = ["TRANSCENDENTAL", "Work", "work_of"]

#: functions that are no few roundings of sums, products, quotients and roots
TRANSCENDENTAL = frozenset(
    {Fn.EXP, Fn.EXP2, Fn.EXPM1, Fn.LOG, Fn.LOG2, Fn.LOG10, Fn.LOG1P, Fn.POW}
    | {Fn.SIN, Fn.COS, Fn.TAN, Fn.ASIN, Fn.ACOS, Fn.ATAN, Fn.ATAN2}
    | {Fn.SINH, Fn.COSH, Fn.TANH, Fn.ASINH, Fn.ACOSH, Fn.ATANH}
    | {Fn.SIGMOID, Fn.SILU, Fn.ERF, Fn.ERFC, Fn.ERFINV, Fn.LGAMMA, Fn.DIGAMMA, Fn.POLYGAMMA}
)

#: functions that only move a number, or its parts
_MOVING = frozenset({Fn.CAST, Fn.BITS, Fn.REAL, Fn.IMAG, Fn.COMPLEX})

_Axes: TypeAlias = frozenset[Axis]


@dataclass(frozen=True)
class Work:
    """What a step does once, steps inside it apart.  Bytes and numbers of operations, in the sizes of the program.

    read            bytes of what it reads: of every buffer each element once, however often the step comes back to
                    it; of what is looked up at indices that are data, as many elements as are looked up
    written         bytes of what it writes, counted alike; scratch inside a step counts nothing
    flops           operations on floats: one for a function of any kind, two for a fused multiplication and addition,
                    one for each element of a reduction, two for each product in a contraction; none for a
                    conversion, nor for arithmetic of integers, bools and indices
    transcendental  how many of these are exponentials, logarithms, trigonometric functions and the like, which
                    take as long as many an addition

    What varies along some axes only is computed once for each of their points.  The operations of routines (sorting,
    factorisations, Fourier transforms) depend on the library and are not counted.
    """

    read: Size = 0
    written: Size = 0
    flops: Size = 0
    transcendental: Size = 0

    @property
    def sizes(self) -> tuple[Size, Size, Size, Size]:
        """The four counts."""
        return (self.read, self.written, self.flops, self.transcendental)


def work_of(step: Step) -> Work:
    """The work of a step, that of steps inside it apart."""
    match step:
        case Kernel():
            return _Counting().kernel(step)
        case Contract():
            return _of_contract(step)
        case Loop():
            return _of_loop(step)
        case Extern() | Check():
            return Work(_bytes(step.reads), _bytes(step.writes))
        case Branch():
            return Work(step.index.bytes)


def _bytes(buffers: Iterable[Buffer]) -> Size:
    return total(root.bytes for root in unique(buffer.root for buffer in buffers))


def _of_loop(loop: Loop) -> Work:
    """Starting the carries, and keeping their last values: copies, made once."""
    starts = [carry.start for carry in loop.carries] + [held.start for held in loop.held]
    ends = [carry.last for carry in loop.carries if carry.last is not None]
    copied = total(buffer.bytes for buffer in (*starts, *ends))
    count, made = (0 if buffer is None else buffer.bytes for buffer in (loop.count, loop.made))
    return Work(copied + count, copied + made)


def _of_contract(step: Contract) -> Work:
    """The work of a product, and of an epilogue, which finds the product where it is made."""
    counting = _Counting(flops=2 * product(step.extents))
    axes = [Axis(number, extent) for number, extent in enumerate(step.extents)]
    for buffer, index in ((step.left, step.left_index), (step.right, step.right_index)):
        counting.reads.at(buffer, _over(index, axes))
    if step.adds:
        counting.reads.whole(step.out)
    counting.writes.whole(step.out)
    return counting.work if step.then is None else counting.kernel(step.then)


def _over(index: Sequence[AffineIndex], axes: Sequence[Axis]) -> list[Affine]:
    return [Affine(tuple([(axes[axis], c) for axis, c in part.terms]), part.offset) for part in index]


@dataclass
class _Touched:
    """Elements of buffers: for each owner of bytes, how many there are at each index."""

    found: dict[Buffer, dict[object, Size]] = field(default_factory=dict)

    def at(self, buffer: Buffer, index: Sequence[Affine]) -> None:
        """Note the elements at an affine index."""
        key = (buffer.shape, *[(frozenset(part.terms), part.offset) for part in index])
        self._note(buffer, key, _elements(buffer, index))

    def whole(self, buffer: Buffer) -> None:
        """Note all elements of a buffer."""
        self._note(buffer, None, buffer.size)

    def by_data(self, buffer: Buffer, axes: Iterable[Axis]) -> None:
        """Note one element for each point of some axes, at an index that only data know."""
        self._note(buffer, len(self.found.get(buffer.root, ())), _points(axes))

    def _note(self, buffer: Buffer, key: object, elements: Size) -> None:
        self.found.setdefault(buffer.root, {})[key] = elements

    @property
    def bytes(self) -> Size:
        """Of all, each counted once: of a buffer that is touched at several indices at most its size."""
        return total(_union(root, [*counts.values()]) * root.dtype.itemsize for root, counts in self.found.items())


def _union(root: Buffer, counts: Sequence[Size]) -> Size:
    return counts[0] if len(counts) == 1 else root.size if root.size in counts else minimum(total(counts), root.size)


def _elements(buffer: Buffer, index: Sequence[Affine]) -> Size:
    """How many elements there are at an affine index."""
    if is_plain(index):
        return _points(axes_of(index))
    return product(
        [minimum(_points(axis for axis, _ in part.terms), n) for part, n in zip(index, buffer.shape, strict=True)]
    )


def _points(axes: Iterable[Axis]) -> Size:
    return product([axis.extent for axis in axes])


@dataclass
class _Counting:
    """The work of what came before, and of a kernel, stage by stage.

    varying  the axes along which each local varies
    """

    reads: _Touched = field(default_factory=_Touched)
    writes: _Touched = field(default_factory=_Touched)
    varying: dict[Buffer, _Axes] = field(default_factory=dict)
    flops: Size = 0
    transcendental: Size = 0

    def kernel(self, kernel: Kernel) -> Work:
        """The work so far, and of all stages."""
        for stage in kernel.stages:
            self._stage(stage, () if stage.is_last else kernel.outer)
        return self.work

    @property
    def work(self) -> Work:
        """The work so far."""
        return Work(self.reads.bytes, self.writes.bytes, self.flops, self.transcendental)

    def _stage(self, stage: Stage, outer: Sequence[Axis]) -> None:
        affine = affine_of(stage.lets)
        axes: list[_Axes] = []
        earlier = set(self.writes.found)  # what a row has written is in cache when the row reads it
        for let in stage.lets:
            axes.append(self._axes(let, axes, outer))
        for number in sorted(needed(stage, affine)):
            let = stage.lets[number]
            if isinstance(let, Call):
                self._call(let, stage.lets, axes[number])
            elif isinstance(let, Load) and let.buffer.role is not Role.LOCAL and let.buffer.root not in earlier:
                _touch(self.reads, let.buffer, let.index, affine, axes)
        for effect in stage.effects:
            value = axes[effect.value]
            is_float = is_differentiable(stage.lets[effect.value].dtype)
            match effect:
                case Store():
                    self._store(effect, affine, axes, is_float=is_float, is_again=effect.buffer.root in earlier)
                case Fold(results=results):
                    points = value.union(stage.inner)
                    self.flops = self.flops + (_points(points) if is_float else 0)
                    for result in results:
                        self._result(result, points.difference(stage.inner), outer)
                case Prefix(result=result):
                    points = value.union(stage.inner)
                    self.flops = self.flops + (_points(points) if is_float else 0)
                    self._result(result, points, (*outer, *stage.inner))
                case Total(result=result, index=index):
                    points = value.union(outer, stage.inner)
                    self.flops = self.flops + (_points(points) if is_float else 0)
                    self.varying[result] = frozenset[Axis]().union(*[axes[number] for number in index])

    def _axes(self, let: Let, axes: Sequence[_Axes], outer: Sequence[Axis]) -> _Axes:
        """The axes along which a let varies, those of earlier lets being known."""
        match let:
            case Const() | SizeValue():
                return frozenset()
            case AxisIndex(axis=axis):
                return frozenset({axis})
            case Call(args=args):
                return frozenset[Axis]().union(*[axes[number] for number in args])
            case Load(index=index):
                own = self.varying.get(let.buffer, frozenset()).intersection(outer)
                used = (*index, *(number for number in (let.guard, let.otherwise) if number is not None))
                return own.union(*[axes[number] for number in used])

    def _call(self, call: Call, lets: Sequence[Let], axes: _Axes) -> None:
        dtypes = (call.dtype, *[lets[arg].dtype for arg in call.args])
        if call.fn in _MOVING or not any(map(is_differentiable, dtypes)):
            return
        points = _points(axes)
        self.flops = self.flops + points * (2 if call.fn is Fn.FMA else 1)
        if call.fn in TRANSCENDENTAL:
            self.transcendental = self.transcendental + points

    def _store(
        self, store: Store, affine: Sequence[Affine | None], axes: Sequence[_Axes], *, is_float: bool, is_again: bool
    ) -> None:
        buffer = store.buffer
        if buffer.role is Role.LOCAL:
            self.varying[buffer] = axes[store.value]
            return
        _touch(self.writes, buffer, store.index, affine, axes)
        if store.combine is not None:
            points = axes[store.value].union(*[axes[number] for number in store.index])
            self.flops = self.flops + (_points(points) if is_float else 0)
            if not is_again:
                _touch(self.reads, buffer, store.index, affine, axes)

    def _result(self, result: Buffer, axes: _Axes, points: Sequence[Axis]) -> None:
        if result.role is Role.LOCAL:
            self.varying[result] = axes
        else:
            self.writes.by_data(result, points)


def _touch(
    touched: _Touched,
    buffer: Buffer,
    index: Sequence[int],
    affine: Sequence[Affine | None],
    axes: Sequence[_Axes],
) -> None:
    plain = [part for number in index if (part := affine[number]) is not None]
    if len(plain) == len(index):
        touched.at(buffer, plain)
    else:
        touched.by_data(buffer, frozenset[Axis]().union(*[axes[number] for number in index]))
