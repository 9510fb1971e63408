"""Splitting axes of kernels, so that places in reshaped arrays are read without a division."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace

from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.indices import behind
from graphc.kernel.nesting import with_parts
from graphc.kernel.program import Program
from graphc.kernel.scalar import Axis, AxisIndex, Call, Const, Fn, Formula, Let, Load, SizeValue
from graphc.kernel.steps import Effect, Fold, Kernel, Prefix, Stage, Step, Store, Total
from graphc.passes.digits import (
    Cuts,
    Linear,
    Piece,
    exact_quotient,
    is_exact,
    is_natural,
    linear,
    quotient,
    remainder,
    row_major,
    scaled,
    summed,
)
from graphc.sizes import Size
from graphc.types import INT64, Shape

__all__ = ["split_axes", "split_kernel"]


def split_axes(program: Program) -> Program:
    """Cut axes of kernels where places in arrays are digits, and show those arrays by such digits.

    Afterwards a place is divided only where no cut makes that needless.
    """
    splitting = _Splitting()
    steps = splitting.steps(program.steps)
    return program if steps == program.steps else replace(program, steps=steps)


def split_kernel(kernel: Kernel) -> Kernel:
    """The same of one kernel."""
    shown = [x for x in (*kernel.reads, *kernel.writes) if x.base is not None]
    return _Splitting({(x.root, x.shape): x for x in shown}).kernel(kernel)


@dataclass
class _Splitting:
    views: dict[tuple[Buffer, Shape], Buffer] = field(default_factory=dict)

    def steps(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        # Recursion is over the depth to which loops and branches are nested.
        return tuple([with_parts(self.kernel(x) if isinstance(x, Kernel) else x, self.steps) for x in steps])

    def view(self, buffer: Buffer, shape: Shape) -> Buffer:
        """The elements of a buffer under another shape."""
        root = buffer.root
        if shape == root.shape:
            return root
        if shape == buffer.shape:
            return buffer
        key = root, shape
        if key not in self.views:
            self.views[key] = Buffer(buffer.role, buffer.dtype, shape, buffer.slot, root)
        return self.views[key]

    def kernel(self, kernel: Kernel) -> Kernel:
        """A kernel with as few divisions of places as can be."""
        if not any(_divides(let) for stage in kernel.stages for let in stage.lets):
            return kernel
        if any(axis.extent == 0 for stage in kernel.stages for axis in (*kernel.outer, *stage.inner)):
            return kernel  # which does nothing
        if any(_meet_where_divided(stage) for stage in kernel.stages):
            return kernel
        cuts = Cuts(_free(kernel))
        seen = [_Places(stage, cuts) for stage in kernel.stages]
        while any(cuts.cut_for(form, divisor) for stage in seen for form, divisor in stage.divided):
            seen = [_Places(stage, cuts) for stage in kernel.stages]
        if not any(stage.divided for stage in seen):
            return kernel
        axes = _numbered(kernel, cuts)
        stages = [_Rewriting(places, axes, self, places.sums()).stage() for places in seen]
        return Kernel(_split(kernel.outer, cuts, axes), tuple(stages), kernel.origins)


def _meet_where_divided(stage: Stage) -> bool:
    """Whether elements are combined at places found by a division, as those of a lookup are: they stay data."""
    combining = [x for x in stage.effects if isinstance(x, Total) or (isinstance(x, Store) and x.combine is not None)]
    behind_places = _behind(stage, [part for effect in combining for part in effect.index])
    return any(_divides(stage.lets[number]) for number in behind_places)


def _divides(let: Let) -> bool:
    return isinstance(let, Call) and let.fn in (Fn.FLOORDIV, Fn.MOD) and let.dtype == INT64


def _free(kernel: Kernel) -> frozenset[Axis]:
    """The axes that may be cut: none along which something is combined, as the order of sums follows from them."""
    effects = [effect for stage in kernel.stages for effect in stage.effects]
    if any(isinstance(effect, Total) for effect in effects) or any(stage.is_last for stage in kernel.stages):
        return frozenset()
    if kernel.locals or any(isinstance(effect, Fold | Prefix) for effect in effects):
        return frozenset(kernel.outer)
    return frozenset([*kernel.outer, *(axis for stage in kernel.stages for axis in stage.inner)])


def _numbered(kernel: Kernel, cuts: Cuts) -> Mapping[Piece, Axis]:
    """An axis for each piece, in their order."""
    all_axes = dict.fromkeys([*kernel.outer, *(axis for stage in kernel.stages for axis in stage.inner)])
    most = max([len(cuts.pieces_of(axis)) for axis in all_axes], default=1)
    places = {p: axis.number * most + n for axis in all_axes for n, p in enumerate(cuts.pieces_of(axis))}
    numbers = {place: number for number, place in enumerate(sorted(set(places.values())))}
    return {piece: Axis(numbers[place], piece.extent) for piece, place in places.items()}


def _split(axes: Iterable[Axis], cuts: Cuts, numbered: Mapping[Piece, Axis]) -> tuple[Axis, ...]:
    return tuple([numbered[piece] for axis in axes for piece in cuts.pieces_of(axis)])


class _Places:
    """What the lets of a stage are, as sums of pieces of axes, and which sums are divided to get to an index."""

    def __init__(self, stage: Stage, cuts: Cuts) -> None:
        self.stage, self.cuts = stage, cuts
        self.forms: list[Linear | None] = []
        for let in stage.lets:
            self.forms.append(self._form(let))
        self.divided = [
            (form, self._number(let.args[1]))
            for number, let in enumerate(stage.lets)
            if number in _behind_indices(stage)
            and _divides(let)
            and isinstance(let, Call)
            and self.forms[number] is not None
            and (form := self.forms[let.args[0]]) is not None
        ]

    def sums(self) -> Sequence[Linear | None]:
        """The forms of lets; of values, and of places that are data, not where they divide by what may be 0.

        Those are computed as they are written, as no sum is the same there.
        """
        found: set[int] = set()
        for number, let in enumerate(self.stage.lets):
            if isinstance(let, Call) and self.forms[number] is not None:
                by_zero = _divides(let) and not is_natural(self._number(let.args[1]) - 1)
                if by_zero or not found.isdisjoint(let.args):
                    found.add(number)
        loads = [let for let in self.stage.lets if isinstance(let, Load)]
        waiting = [effect.value for effect in self.stage.effects]
        waiting += [part for let in loads for part in let.index if self.forms[part] is None]
        waiting += [let.otherwise for let in loads if let.otherwise is not None]
        computed = _behind(self.stage, waiting) & found
        return [None if number in computed else form for number, form in enumerate(self.forms)]

    def _form(self, let: Let) -> Linear | None:
        match let:
            case AxisIndex(axis=axis):
                return self.cuts.of(axis)
            case Const(value=int(value), dtype=dtype) if dtype == INT64 and not isinstance(value, bool):
                return Linear((), value)
            case SizeValue(size=size):
                return Linear((), size)
            case Call(fn=fn, args=(left, right), dtype=dtype) if dtype == INT64:
                a, b = self.forms[left], self.forms[right]
                found = None if a is None or b is None else _combined(fn, a, b)
                return found if found is not None and is_exact(found) else None
        return None

    def _number(self, let: int) -> Size:
        form = self.forms[let]
        assert form is not None, let
        return form.offset


def _combined(fn: Fn, a: Linear, b: Linear) -> Linear | None:
    match fn:
        case Fn.ADD:
            return summed(a, b)
        case Fn.MUL if not a.terms or not b.terms:
            return scaled(a, b.offset) if not b.terms else scaled(b, a.offset)
        case Fn.FLOORDIV if not b.terms and b.offset != 0 and is_natural(b.offset):
            return quotient(a, b.offset)
        case Fn.MOD if not b.terms and b.offset != 0 and is_natural(b.offset):
            return remainder(a, b.offset)
    return None


def _behind_indices(stage: Stage) -> frozenset[int]:
    """The lets from which indices are computed, and where anything is read."""
    loads = [let for let in stage.lets if isinstance(let, Load)]
    waiting = [part for let in loads for part in let.index]
    waiting += [let.guard for let in loads if let.guard is not None]
    waiting += [part for effect in stage.effects if isinstance(effect, Store | Total) for part in effect.index]
    return _behind(stage, waiting)


def _behind(stage: Stage, numbers: Iterable[int]) -> frozenset[int]:
    """These lets, and those that they are computed from."""
    waiting = list(numbers)
    found: set[int] = set()
    while waiting:
        number = waiting.pop()
        if number not in found:
            found.add(number)
            let = stage.lets[number]
            waiting += let.args if isinstance(let, Call) else ()
    return frozenset(found)


@dataclass
class _Rewriting:
    """A stage over pieces of axes, with the forms of the lets that are written as sums."""

    places: _Places
    axes: Mapping[Piece, Axis]
    splitting: _Splitting
    sums: Sequence[Linear | None]
    formula: Formula = field(default_factory=Formula)
    numbers: dict[int, int] = field(default_factory=dict)

    def stage(self) -> Stage:
        """The stage, without lets that only divided."""
        old = self.places.stage
        for number in sorted(behind(old, self.sums, lambda call, n: call.args if self.sums[n] is None else ())):
            self.numbers[number] = self._let(number, old.lets[number])
        effects = [self._effect(effect) for effect in old.effects]
        inner = _split(old.inner, self.places.cuts, self.axes)
        return Stage(inner, tuple(self.formula.lets), tuple(effects), old.is_last)

    def _let(self, number: int, let: Let) -> int:
        form = self.sums[number]
        if form is not None:
            return self._written(form)
        match let:
            case Load():
                buffer, index = self._access(let.buffer, let.index)
                guard = None if let.guard is None else self.numbers[let.guard]
                otherwise = None if let.otherwise is None else self.numbers[let.otherwise]
                return self.formula.add(Load(buffer, index, let.dtype, guard, otherwise))
            case Call():
                return self.formula.call(let.fn, [self.numbers[n] for n in let.args], let.dtype)
        return self.formula.add(let)

    def _effect(self, effect: Effect) -> Effect:
        value = self.numbers[effect.value]
        match effect:
            case Store():
                buffer, index = self._access(effect.buffer, effect.index)
                return Store(buffer, index, value, effect.combine)
            case Fold() | Prefix():
                return replace(effect, value=value)
            case Total():
                return replace(effect, value=value, index=tuple([self._part(n) for n in effect.index]))

    def _access(self, buffer: Buffer, index: Sequence[int]) -> tuple[Buffer, tuple[int, ...]]:
        """A buffer under the shape whose axes are pieces, as far as that is known, and the index there."""
        forms = [self.places.forms[number] for number in index]
        known = [form for form in forms if form is not None]
        if buffer.role is Role.LOCAL or len(known) < len(forms) or all(_is_plain(form) for form in known):
            return buffer, tuple([self._part(number) for number in index])
        dims = list(zip(buffer.shape, known, strict=True))
        if any(form.divides for form in known):
            place = row_major(buffer.shape, known)
            if not place.divides:
                dims = [(buffer.size, place)]
        found = [part for extent, form in dims for part in _by_pieces(extent, form)]
        shown = self.splitting.view(buffer, tuple([extent for extent, _ in found]))
        return shown, tuple([self._written(form) for _, form in found])

    def _part(self, number: int) -> int:
        form = self.places.forms[number]
        return self.numbers[number] if form is None else self._written(form)

    def _written(self, form: Linear) -> int:
        """The let of a sum."""
        total: int | None = None
        for atom, factor in form.terms:
            if isinstance(atom, Piece):
                number = self.formula.axis(self.axes[atom])
            else:
                number = self.formula.call(
                    Fn.FLOORDIV, (self._written(atom.of), self.formula.size(atom.divisor))
                )  # within itself as deep as reshapes are
            if factor != 1:
                number = self.formula.call(Fn.MUL, (number, self.formula.size(factor)))
            total = number if total is None else self.formula.call(Fn.ADD, (total, number))
        if total is None:
            return self.formula.size(form.offset)
        return total if form.offset == 0 else self.formula.call(Fn.ADD, (total, self.formula.size(form.offset)))


def _is_plain(form: Linear) -> bool:
    return not form.divides and len(form.terms) <= 1


def _by_pieces(extent: Size, form: Linear) -> list[tuple[Size, Linear]]:
    """An axis as several, along each of which one piece goes; and last what cannot be told apart."""
    found: list[tuple[Size, Linear]] = []
    while not _is_plain(form):
        cut = _lowest(extent, form)
        if cut is None:
            break
        size, low, form = cut
        found.insert(0, (size, low))
        rest = exact_quotient(extent, size)
        assert rest is not None, extent
        extent = rest
    return [(extent, form), *found]


def _lowest(extent: Size, form: Linear) -> tuple[Size, Linear, Linear] | None:
    """The extent of a lowest axis, the piece along it, and the rest by that extent; None where there is no such."""
    for atom, factor in form.terms:
        if factor != 1 or not isinstance(atom, Piece):
            continue
        others = [(other, n) for other, n in form.terms if other is not atom]
        for size in dict.fromkeys((atom.extent, *sorted((n for _, n in others if isinstance(n, int) and n > 0)))):
            rests = [(other, exact_quotient(n, size)) for other, n in others]
            at = form.offset % size if isinstance(form.offset, int) and isinstance(size, int) and size else 0
            above = exact_quotient(form.offset - at, size)
            is_within = is_natural(size - atom.extent - at)
            if above is None or exact_quotient(extent, size) is None or not is_within:
                continue
            if all(n is not None for _, n in rests):
                high = linear([(other, n) for other, n in rests if n is not None], above)
                return size, Linear(((atom, 1),), at), high
    return None
