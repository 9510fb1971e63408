"""One kernel as lines of NumPy: a ufunc per let, views for loads, scratch for what has no home of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from graphc.backends.numpy.calls import call_lines
from graphc.backends.numpy.homes import Wish, number, place, settle
from graphc.backends.numpy.support import SMALL
from graphc.backends.numpy.tables import ACCUMULATE, UFUNCS
from graphc.backends.numpy.values import Instruction, Value, View
from graphc.backends.numpy.views import Affine, affine_of, view_text
from graphc.backends.numpy.windows import meeting_lines
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.program import Fold, Kernel, Monoid, Prefix, Stage, Store
from graphc.kernel.scalar import Axis, AxisIndex, Call, Const, Fn, Let, Load, SizeValue
from graphc.sizes import Size, maximum, minimum, product
from graphc.types import INT64, DType

__all__ = ["KernelText", "Naming", "kernel_text"]

BLOCK_ELEMENTS = 1 << 16  # 256 KiB of float32: several such arrays stay in a core's L2
SMALL_WINDOW = 64  # a fold over so few elements is unrolled: NumPy's reduce is slow on short axes


@dataclass(frozen=True)
class Naming:
    """How a part of the source writes buffers and sizes."""

    buffer: Callable[[Buffer], str]
    size: Callable[[Size], str]
    number: Callable[[Const], str]  # an array of no axes: a ufunc takes it in two thirds of the time of a float
    storage: Callable[[Buffer], Buffer]  # the buffer whose bytes it has
    fresh: Callable[[str], str]  # a new name with this beginning
    shared: dict[str, str]  # views that the part has already, by their text


@dataclass
class KernelText:
    """The lines of a kernel.

    views     definitions, in order
    slots     scratch: (name, shape, dtype), in the workspace one after another
    body      the lines that run
    blocked   the axis that is walked in blocks, with the rows of a block; or None
    """

    views: list[View]
    slots: list[tuple[str, tuple[Size, ...], DType]]
    body: list[str]
    blocked: tuple[Axis, Size] | None


def kernel_text(kernel: Kernel, naming: Naming) -> KernelText:
    """Write one kernel."""
    return _KernelWriter(kernel, naming).run()


@dataclass
class _KernelWriter:
    kernel: Kernel
    naming: Naming
    views: dict[tuple[str, str], View] = field(default_factory=dict)
    instructions: list[Instruction] = field(default_factory=list)
    locals: dict[Buffer, Value] = field(default_factory=dict)
    dims: tuple[Axis, ...] = ()
    deferred: list[Instruction] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)
    blocked: tuple[Axis, Size] | None = None

    def run(self) -> KernelText:
        self.blocked = self._blocks()
        has_locals = any(
            not isinstance(effect, Store) or effect.buffer.role is Role.LOCAL
            for stage in self.kernel.stages
            for effect in stage.effects
        )
        for stage in self.kernel.stages:
            if has_locals:
                self.dims = self.kernel.axes
            else:
                self.dims = tuple(sorted((*self.kernel.outer, *stage.inner), key=lambda axis: axis.number))
            self._stage(stage)
        number(self.instructions)
        settle(self.instructions, self.wishes, self.naming.storage)
        slots = place(self.instructions, self._shape, self.naming.fresh)
        body = [line for instruction in self.instructions for line in instruction.write()]
        return KernelText(list(self.views.values()), slots, body, self.blocked)

    def _shape(self, axes: frozenset[Axis]) -> tuple[Size, ...]:
        """The shape of scratch that varies along `axes`, rows of one block only."""
        walked, rows = self.blocked or (None, 0)
        return tuple(1 if axis not in axes else rows if axis == walked else axis.extent for axis in self.dims)

    # Stages.

    def _stage(self, stage: Stage) -> None:
        lets = stage.lets
        affine = affine_of(lets)
        needed = _needed(stage, affine)
        values: dict[int, Value] = {}
        for at, let in enumerate(lets):
            if at in needed:
                values[at] = self._value(let, values, affine)
        for effect in stage.effects:
            match effect:
                case Fold():
                    self._fold(effect, stage, values)
                case Prefix():
                    self._prefix(effect, stage, values)
                case Store():
                    self._store(effect, stage, values, affine)
        self.instructions += self.deferred
        self.deferred = []

    def _view(self, text: str, base: Buffer | None, axes: frozenset[Axis], hint: str) -> str:
        """The name of a view; one name per text."""
        late = base is not None and base.root.role in (Role.INPUT, Role.OUTPUT)
        if self.blocked is None and text == hint.removesuffix("_"):
            return text
        if self.blocked is None and text in self.naming.shared:
            return self.naming.shared[text]
        key = (text, hint)
        if key not in self.views:
            self.views[key] = View(self.naming.fresh(hint), text, late, axes)
            if self.blocked is None:
                self.naming.shared[text] = self.views[key].name
        return self.views[key].name

    def _load_view(self, buffer: Buffer, index: list[Affine], *, keep: bool = True) -> str:
        text = view_text(self.naming.buffer(buffer), buffer, index, self.dims, self.naming.size, keep=keep)
        return self._view(text, buffer, _axes_of(index), self.naming.buffer(buffer) + "_")

    def _value(self, let: Let, values: Mapping[int, Value], affine: list[Affine | None]) -> Value:
        match let:
            case Const():
                name = self.naming.number(let)
                return Value(frozenset(), let.dtype, name, is_number=True, is_zero=let.text in ("0", "0.0"))
            case SizeValue():
                text = self.naming.size(let.size)
                return Value(frozenset(), let.dtype, text if let.dtype == INT64 else f"float({text})", is_number=True)
            case AxisIndex(axis=axis):
                place = self.dims.index(axis)
                text = f"positions({self.naming.size(axis.extent)}, {place}, {len(self.dims)})"
                name = self._view(text, None, frozenset({axis}), "axis")
                return Value(frozenset({axis}), INT64, name)
            case Load():
                return self._load(let, values, affine)
            case Call():
                operands = [values[arg] for arg in let.args]
                axes = frozenset[Axis]().union(*(x.axes for x in operands))
                result = Value(axes, let.dtype)
                mask = Value(axes, let.dtype) if let.fn is Fn.WHERE and not operands[0].is_number else None
                if mask is not None and self._masks(operands, result):
                    self._emit(lambda: self._masked(operands, result, mask), operands, result)
                else:
                    name = mask or result
                    self._emit(lambda: call_lines(let, operands, result, name.name), operands, result)
                self.instructions[-1].in_place = let.fn in UFUNCS or let.fn is Fn.WHERE
                self.instructions[-1].scratch = mask
                return result

    def _emit(self, write: Callable[[], list[str]], reads: list[Value], result: Value) -> Value:
        self.instructions.append(Instruction(write, tuple(reads), result))
        return result

    def _masks(self, operands: list[Value], result: Value) -> bool:
        """Whether `where(c, x, 0)` is written as x & -c on the bits: for arrays of some size, views bound once."""
        condition, taken, other = operands
        count = product([axis.extent for axis in result.axes])
        return (
            self.blocked is None
            and other.is_zero
            and not taken.is_number
            and condition.axes == result.axes
            and result.dtype.itemsize in (4, 8)
            and isinstance(count, int)
            and count > SMALL
        )

    def _masked(self, operands: list[Value], result: Value, mask: Value) -> list[str]:
        bits = f"np.int{8 * result.dtype.itemsize}"
        condition = self._as_bits(operands[0].name, "np.int8")
        taken, out, scratch = (self._as_bits(x.name, bits) for x in (operands[1], result, mask))
        return [
            f"np.negative({condition}, out={scratch}, dtype={bits})",
            f"np.bitwise_and({taken}, {scratch}, out={out})",
        ]

    def _as_bits(self, name: str, bits: str) -> str:
        text = f"{name}.view({bits})"
        late = any(view.name == name and view.late for view in self.views.values()) or name[0] in "xy"
        self.views.setdefault((text, name), View(f"{name}_bits", text, late, frozenset()))
        return f"{name}_bits"

    def _load(self, let: Load, values: Mapping[int, Value], affine: list[Affine | None]) -> Value:
        if let.buffer.role is Role.LOCAL:
            return self.locals[let.buffer]
        index = [affine[part] for part in let.index]
        if let.guard is not None:
            raise AssertionError("guarded loads are written as stores by this backend's passes")
        if all(part is not None for part in index):
            plain = [part for part in index if part is not None]
            return Value(_axes_of(plain), let.dtype, self._load_view(let.buffer, plain), loaded=let.buffer)
        place = self._flat_index(let.buffer, let.index, values, affine)
        flat = self._flat(let.buffer)
        result = Value(place.axes, let.dtype)
        return self._emit(lambda: [f'np.take({flat}, {place.name}, out={result.name}, mode="clip")'], [place], result)

    def _flat(self, buffer: Buffer) -> str:
        name = self.naming.buffer(buffer)
        return (
            name if len(buffer.shape) == 1 else self._view(f"{name}.reshape(-1)", buffer, frozenset(), name + "_flat")
        )

    def _flat_index(
        self, buffer: Buffer, index: tuple[int, ...], values: Mapping[int, Value], affine: list[Affine | None]
    ) -> Value:
        """The position in the flattened buffer, from indices of which some are data."""
        total: Value | None = None
        terms: dict[Axis, Size] = {}
        offset: Size = 0
        for position, part in enumerate(index):
            stride = product(buffer.shape[position + 1 :])
            walked = affine[part]
            if walked is not None:
                offset = offset + walked.offset * stride
                for axis, coefficient in walked.terms:
                    terms[axis] = terms.get(axis, 0) + coefficient * stride
                continue
            scaled = values[part]
            if stride != 1:
                scaled = self._binary("np.multiply", scaled, self.naming.size(stride))
            total = scaled if total is None else self._binary("np.add", total, scaled)
        assert total is not None
        for axis, coefficient in terms.items():
            place = self.dims.index(axis)
            text = f"positions({self.naming.size(axis.extent)}, {place}, {len(self.dims)})"
            if coefficient != 1:
                text += f" * {self.naming.size(coefficient)}"
            walk = Value(frozenset({axis}), INT64, self._view(text, None, frozenset({axis}), "axis"))
            total = self._binary("np.add", total, walk)
        return total if offset == 0 else self._binary("np.add", total, self.naming.size(offset))

    def _binary(self, ufunc: str, left: Value, right: Value | str) -> Value:
        reads = [left] if isinstance(right, str) else [left, right]
        axes = frozenset[Axis]().union(*(x.axes for x in reads))
        result = Value(axes, INT64)
        return self._emit(
            lambda: [f"{ufunc}({left.name}, {right if isinstance(right, str) else right.name}, out={result.name})"],
            reads,
            result,
        )

    # Effects.

    def _fold(self, fold: Fold, stage: Stage, values: Mapping[int, Value]) -> None:
        inner = frozenset(stage.inner)
        value = self._full_along(values[fold.value], inner)
        rows = value.axes - inner
        if fold.monoid in (Monoid.ARGMAX, Monoid.ARGMIN):
            self._fold_position(fold, stage, value, rows)
            return
        (local,) = fold.results
        result = Value(rows, local.dtype)
        self.locals[local] = result
        ufunc = ACCUMULATE[fold.monoid]
        extents = [axis.extent for axis in stage.inner]
        count = product(extents)
        windowed = value.loaded is not None and "windows(" in self._text_of(value.name)
        if isinstance(count, int) and 1 < count <= SMALL_WINDOW and (windowed or count <= 4):
            self._emit(lambda: self._unrolled(ufunc, stage, value, result), [value], result)
            return
        at = ", ".join(str(self.dims.index(axis)) for axis in sorted(inner, key=lambda a: a.number))
        start = "" if all(isinstance(n, int) and n > 0 for n in extents) else _initial(fold.monoid, local.dtype)
        comma = "," if len(inner) == 1 else ""
        self._emit(
            lambda: [f"{ufunc}.reduce({value.name}, axis=({at}{comma}), keepdims=True{start}, out={result.name})"],
            [value],
            result,
        )

    def _text_of(self, name: str) -> str:
        return next((view.text for view in self.views.values() if view.name == name), "")

    def _unrolled(self, ufunc: str, stage: Stage, value: Value, result: Value) -> list[str]:
        """A fold over a few elements, one ufunc over all rows for each of them."""
        inner = sorted(stage.inner, key=lambda axis: axis.number)
        names = {axis: f"k{number}" for number, axis in enumerate(inner)}
        cut = ", ".join(f"{names[a]}:{names[a]}+1" if a in names else ":" for a in self.dims)
        first = ", ".join(":1" if a in names else ":" for a in self.dims)
        loop = ", ".join(names.values()) + ("," if len(names) == 1 else "")
        box = ", ".join(self.naming.size(axis.extent) for axis in inner)
        return [
            f"np.copyto({result.name}, {value.name}[{first}])",
            f"for {loop} in taps({box})[1:]:",
            f"    {ufunc}({result.name}, {value.name}[{cut}], out={result.name})",
        ]

    def _full_along(self, value: Value, axes: frozenset[Axis]) -> Value:
        """The value, repeated along `axes` where it does not vary: a view."""
        axes = frozenset(axis for axis in axes if axis.extent != 1)
        if axes <= value.axes:
            return value
        wanted = value.axes | axes
        shape = ", ".join(self.naming.size(axis.extent) if axis in wanted else "1" for axis in self.dims)
        if value.is_number:
            text = f"np.broadcast_to({value.name}, ({shape},))"
            return Value(wanted, value.dtype, self._view(text, None, wanted, "same"))
        result = Value(wanted, value.dtype)
        return self._emit(lambda: [f"np.copyto({result.name}, {value.name})"], [value], result)

    def _fold_position(self, fold: Fold, stage: Stage, value: Value, rows: frozenset[Axis]) -> None:
        (axis,) = stage.inner
        at = self.dims.index(axis)
        which, best = ("np.argmax", "np.maximum") if fold.monoid is Monoid.ARGMAX else ("np.argmin", "np.minimum")
        index = Value(rows, INT64)
        self.locals[fold.results[-1]] = index
        self._emit(lambda: [f"{which}({value.name}, axis={at}, keepdims=True, out={index.name})"], [value], index)
        if len(fold.results) == 2:
            top = Value(rows, value.dtype)
            self.locals[fold.results[0]] = top
            self._emit(
                lambda: [f"{best}.reduce({value.name}, axis={at}, keepdims=True, out={top.name})"],
                [value],
                top,
            )

    def _prefix(self, prefix: Prefix, stage: Stage, values: Mapping[int, Value]) -> None:
        value = self._full_along(values[prefix.value], frozenset(stage.inner))
        result = Value(value.axes, prefix.result.dtype)
        self.locals[prefix.result] = result
        (axis,) = stage.inner
        at = self.dims.index(axis)
        ufunc = ACCUMULATE[prefix.monoid]
        cut = f"[{', '.join('::-1' if a == axis else ':' for a in self.dims)}]" if prefix.reverse else ""
        self._emit(
            lambda: [f"{ufunc}.accumulate({value.name}{cut}, axis={at}, out={result.name}{cut})"],
            [value],
            result,
        )

    def _store(self, store: Store, stage: Stage, values: Mapping[int, Value], affine: list[Affine | None]) -> None:
        value = values[store.value]
        buffer = store.buffer
        if buffer.role is Role.LOCAL:
            self.locals[buffer] = value if value.loaded is None else self._copied(value)
            return
        index = [affine[part] for part in store.index]
        plain = [part for part in index if part is not None]
        if store.combine is not None:
            if len(plain) < len(index):
                self._store_by_data(store, values, affine, value)
            else:
                self._store_combined(store, plain, value)
            return
        assert len(plain) == len(index), "a store at an index from data combines"
        if _is_itself(value, buffer, self.naming) and value.name == self._load_view(value.loaded or buffer, plain):
            return
        target = self._load_view(buffer, plain)
        if (
            not value.is_number
            and value.loaded is None
            and value.axes == _axes_of(plain)
            and value.dtype == buffer.dtype
        ):
            self.wishes.append(Wish(value, buffer, target))
        else:
            self._copy_out(value, buffer, target)

    def _copied(self, value: Value) -> Value:
        result = Value(value.axes, value.dtype)
        return self._emit(lambda: [f"np.copyto({result.name}, {value.name})"], [value], result)

    def _copy_out(self, value: Value, buffer: Buffer, target: str) -> None:
        line = f"{target}[...] = {value.name}" if value.is_number else ""
        self.deferred.append(
            Instruction(
                lambda: [line or f"np.copyto({target}, {value.name})"],
                () if value.is_number else (value,),
                stored=buffer,
            )
        )

    def _store_by_data(
        self, store: Store, values: Mapping[int, Value], affine: list[Affine | None], value: Value
    ) -> None:
        place = self._flat_index(store.buffer, store.index, values, affine)
        flat = self._flat(store.buffer)
        assert store.combine is not None
        ufunc = ACCUMULATE[store.combine]
        self.deferred.append(
            Instruction(
                lambda: [f"{ufunc}.at({flat}, {place.name}, {value.name})"],
                (place, value),
                stored=store.buffer,
            )
        )

    def _store_combined(self, store: Store, index: list[Affine], value: Value) -> None:
        """Elements that meet: one ufunc per step along the axes that make them meet."""
        assert store.combine is not None
        ufunc, name, size = ACCUMULATE[store.combine], self.naming.buffer(store.buffer), self.naming.size
        reads = () if value.is_number else (value,)
        dims = self.dims
        self.deferred.append(
            Instruction(lambda: meeting_lines(ufunc, name, index, value, dims, size), reads, stored=store.buffer)
        )

    # Blocks.

    def _blocks(self) -> tuple[Axis, Size] | None:
        """The leading axis and the rows of a block, where walking it in blocks keeps scratch in cache."""
        kernel = self.kernel
        works = sum(
            isinstance(let, Call) and let.dtype != INT64 for stage in kernel.stages for let in stage.lets
        ) + sum(isinstance(effect, Fold) for stage in kernel.stages for effect in stage.effects)
        axes = kernel.axes
        if not axes or axes[0] not in kernel.outer or works < 2:
            return None
        extents = [axis.extent for axis in axes]
        total = product(extents)
        if isinstance(total, int) and total <= BLOCK_ELEMENTS:
            return None
        row = maximum(product(extents[1:]), 1)
        return axes[0], minimum(maximum(BLOCK_ELEMENTS // row, 1), maximum(extents[0], 1))


def _axes_of(index: list[Affine]) -> frozenset[Axis]:
    return frozenset(axis for part in index for axis, _ in part.terms)


def _is_itself(value: Value, buffer: Buffer, naming: Naming) -> bool:
    """Whether a store would write a buffer over itself, which shares its bytes."""
    return value.loaded is not None and naming.storage(value.loaded) is naming.storage(buffer)


def _needed(stage: Stage, affine: list[Affine | None]) -> set[int]:
    """The lets whose values are needed, not only as indices."""
    needed: set[int] = set()
    stack = [effect.value for effect in stage.effects]
    stack += [p for e in stage.effects if isinstance(e, Store) for p in e.index if affine[p] is None]
    while stack:
        number = stack.pop()
        if number in needed:
            continue
        needed.add(number)
        let = stage.lets[number]
        if isinstance(let, Call):
            stack += let.args
        elif isinstance(let, Load):
            stack += [part for part in let.index if affine[part] is None]
    return needed


def _initial(monoid: Monoid, dtype: DType) -> str:
    match monoid:
        case Monoid.MAX:
            low = (
                "-np.inf" if dtype.kind in "fV" else "False" if dtype.kind == "b" else f"np.iinfo(np.{dtype.name}).min"
            )
            return f", initial={low}"
        case Monoid.MIN:
            high = "np.inf" if dtype.kind in "fV" else "True" if dtype.kind == "b" else f"np.iinfo(np.{dtype.name}).max"
            return f", initial={high}"
        case _:
            return ""
