"""The effects of a stage as lines of NumPy: folds, running folds and stores."""

from collections.abc import Mapping, Sequence, Set

from graphc.backends.numpy.draft import Draft
from graphc.backends.numpy.homes import Wish
from graphc.backends.numpy.tables import ACCUMULATE
from graphc.backends.numpy.values import Instruction, Value, View
from graphc.backends.numpy.windows import meeting_lines
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.indices import Affine, axes_of
from graphc.kernel.monoids import Monoid, start_of
from graphc.kernel.scalar import Axis, AxisIndex, Const
from graphc.kernel.steps import Effect, Fold, Kernel, Prefix, Stage, Store, Total
from graphc.sizes import lower_bound, product
from graphc.types import INT64, DType

__all__ = ["axes_of_total", "start_totals", "write_effects"]

SMALL_WINDOW = 64  # a fold over so few elements is unrolled: NumPy's reduce is slow on short axes
SHORT = 4  # the same where the elements lie side by side, unless whole rows are added up, which reduce does well


def axes_of_total(stage: Stage, effect: Effect) -> frozenset[Axis]:
    """The axes that a total has; none for other effects."""
    if not isinstance(effect, Total):
        return frozenset()
    index = [stage.lets[number] for number in effect.index]
    return frozenset(let.axis for let in index if isinstance(let, AxisIndex))


def start_totals(kernel: Kernel, draft: Draft) -> None:
    """Let every total of a kernel that is walked in blocks hold nothing."""
    for stage in kernel.stages:
        for effect in stage.effects:
            if isinstance(effect, Total):
                local = effect.result
                axes = frozenset(axis for axis in axes_of_total(stage, effect) if axis.extent != 1)
                total = draft.locals[local] = Value(axes, local.dtype)
                start = start_of(effect.monoid, local.dtype)
                name = draft.naming.number(Const(repr(start), start, local.dtype))
                draft.emit(lambda out, name=name: [f"{out.name}[...] = {name}"], [], total)  # type: ignore[misc]


def write_effects(
    stage: Stage, values: Mapping[int, Value], affine: Sequence[Affine | None], kernel: Kernel, draft: Draft
) -> None:
    """Write what a stage does with its values."""
    for effect in stage.effects:
        match effect:
            case Fold(monoid=Monoid.ARGMAX | Monoid.ARGMIN):
                _fold_position(effect, stage, values, draft)
            case Fold():
                _fold(effect, stage, values, draft)
            case Prefix():
                _prefix(effect, stage, values, draft)
            case Total():
                _total(effect, stage, kernel, values, draft)
            case Store():
                points = frozenset(stage.inner if stage.is_last else (*kernel.outer, *stage.inner))
                _store(effect, points, values, affine, draft)
    draft.instructions += draft.deferred
    draft.deferred = []


def _fold(fold: Fold, stage: Stage, values: Mapping[int, Value], draft: Draft) -> None:
    (local,) = fold.results
    draft.locals[local] = _reduced(fold.monoid, values[fold.value], stage.inner, local.dtype, draft)


def _total(total: Total, stage: Stage, kernel: Kernel, values: Mapping[int, Value], draft: Draft) -> None:
    """Combine the rows of a block, then the block with those before it."""
    kept = axes_of_total(stage, total)
    folded = [axis for axis in (*kernel.outer, *stage.inner) if axis not in kept]
    local = total.result
    part = _reduced(total.monoid, values[total.value], folded, local.dtype, draft)
    so_far = draft.locals.get(local)
    if so_far is None:
        draft.locals[local] = part
        return
    ufunc = ACCUMULATE[total.monoid]
    draft.instructions.append(
        Instruction(lambda: [f"{ufunc}({so_far.name}, {part.name}, out={so_far.name})"], (so_far, part))
    )


def _reduced(monoid: Monoid, value: Value, axes: Sequence[Axis], dtype: DType, draft: Draft) -> Value:
    """A value combined over axes."""
    inner = frozenset(axes)
    value = draft.full_along(value, inner)
    result = Value(value.axes - inner, dtype)
    ufunc = ACCUMULATE[monoid]
    extents = [axis.extent for axis in axes]
    count = product(extents)
    leads = value.axes <= inner or min(draft.dims.index(axis) for axis in inner) == 0
    limit = SMALL_WINDOW if value.is_windowed else 1 if leads else SHORT
    if isinstance(count, int) and 1 < count <= limit:
        return draft.emit(lambda out: _unrolled(ufunc, axes, value, out, draft), [value], result)
    at = ", ".join(str(draft.dims.index(axis)) for axis in sorted(inner, key=lambda a: a.number))
    start = "" if all(isinstance(n, int) and n > 0 for n in extents) else _initial(monoid, dtype)
    comma = "," if len(inner) == 1 else ""
    return draft.emit(
        lambda out: [f"{ufunc}.reduce({value.name}, axis=({at}{comma}), keepdims=True{start}, out={out.name})"],
        [value],
        result,
    )


def _initial(monoid: Monoid, dtype: DType) -> str:
    """What the extreme of nothing is."""
    match monoid:
        case Monoid.MAX:
            low = f"np.iinfo(np.{dtype.name}).min"
            return f", initial={'-np.inf' if dtype.kind in 'fV' else 'False' if dtype.kind == 'b' else low}"
        case Monoid.MIN:
            high = f"np.iinfo(np.{dtype.name}).max"
            return f", initial={'np.inf' if dtype.kind in 'fV' else 'True' if dtype.kind == 'b' else high}"
        case _:
            return ""


def _unrolled(ufunc: str, axes: Sequence[Axis], value: Value, result: Value, draft: Draft) -> list[str]:
    """A fold over a few elements, one ufunc over all rows for each of them."""
    inner = sorted(axes, key=lambda axis: axis.number)
    names = {axis: f"k{number}" for number, axis in enumerate(inner)}
    cut = ", ".join(f"{names[a]}:{names[a]}+1" if a in names else ":" for a in draft.dims)
    first = ", ".join(":1" if a in names else ":" for a in draft.dims)
    loop = ", ".join(names.values()) + ("," if len(names) == 1 else "")
    box = ", ".join(draft.naming.size(axis.extent) for axis in inner)
    return [
        f"np.copyto({result.name}, {value.name}[{first}])",
        f"for {loop} in later_taps({box}):",
        f"    {ufunc}({result.name}, {value.name}[{cut}], out={result.name})",
    ]


def _fold_position(fold: Fold, stage: Stage, values: Mapping[int, Value], draft: Draft) -> None:
    (axis,) = stage.inner
    value = draft.full_along(values[fold.value], frozenset({axis}))
    if value.is_number:  # and the axis has one element
        view = draft.view(f"np.broadcast_to({value.name}, ({'1, ' * len(draft.dims)}))", None, value.axes, "same")
        value = Value(value.axes, value.dtype, view.name, view=view)
    rows = value.axes - {axis}
    at = draft.dims.index(axis)
    which, best = ("np.argmax", "np.maximum") if fold.monoid is Monoid.ARGMAX else ("np.argmin", "np.minimum")
    index = draft.locals[fold.results[-1]] = Value(rows, INT64)
    index.is_solid = True
    if any(other in value.axes for other in draft.dims[at + 1 :]) or (value.view and not value.view.is_solid):
        scratch = Value(value.axes, value.dtype)
        draft.emit(
            lambda out: [f"best_place({which}, {value.name}, {at}, out={out.name}, scratch={scratch.name})"],
            [value],
            index,
        )
        draft.instructions[-1].scratch = (scratch,)
    else:
        value = draft.solid(value)
        draft.emit(lambda out: [f"{which}({value.name}, axis={at}, keepdims=True, out={out.name})"], [value], index)
    if len(fold.results) == 2:
        top = draft.locals[fold.results[0]] = Value(rows, value.dtype)
        draft.emit(lambda out: [f"{best}.reduce({value.name}, axis={at}, keepdims=True, out={out.name})"], [value], top)


def _prefix(prefix: Prefix, stage: Stage, values: Mapping[int, Value], draft: Draft) -> None:
    (axis,) = stage.inner
    value = draft.full_along(values[prefix.value], frozenset({axis}))
    result = draft.locals[prefix.result] = Value(value.axes, prefix.result.dtype)
    at = draft.dims.index(axis)
    ufunc = ACCUMULATE[prefix.monoid]
    cut = f"[{', '.join('::-1' if a == axis else ':' for a in draft.dims)}]" if prefix.reverse else ""
    draft.emit(lambda out: [f"{ufunc}.accumulate({value.name}{cut}, axis={at}, out={out.name}{cut})"], [value], result)


def _store(
    store: Store,
    points: frozenset[Axis],
    values: Mapping[int, Value],
    affine: Sequence[Affine | None],
    draft: Draft,
) -> None:
    value, buffer = values[store.value], store.buffer
    if buffer.role is Role.LOCAL:
        draft.locals[buffer] = value if value.loaded is None else draft.copied(value)
        return
    index = [part for number in store.index if (part := affine[number]) is not None]
    if store.combine is not None:
        ufunc = ACCUMULATE[store.combine]
        if len(index) < len(store.index):
            place = draft.full_along(draft.flat_index(buffer, store.index, values, affine), points)
            _store_by_data(ufunc, buffer, draft.solid(place), value, draft)  # each point adds once, whatever it reads
        else:
            _store_combined(ufunc, buffer, index, value, draft)
        return
    assert len(index) == len(store.index), "a store at an index from data combines"
    if _is_itself(value, buffer, draft) and value.name == draft.load_view(value.loaded or buffer, index).name:
        return
    target = draft.load_view(buffer, index)
    cut = _cut(points - axes_of(index), draft)
    is_own = not value.is_number and value.loaded is None
    if is_own and not cut and value.axes == axes_of(index) and value.dtype == buffer.dtype:
        draft.wishes.append(Wish(value, buffer, target, len(draft.instructions)))
    else:
        _copy_out(value, buffer, target, cut, draft)


def _cut(axes: Set[Axis], draft: Draft) -> str:
    """What leaves of a view nothing where one of these axes is empty: they have one element or none."""
    unsure = [axis for axis in draft.dims if axis in axes and not lower_bound(axis.extent)]
    if not unsure:
        return ""
    return f"[{', '.join(f':{draft.naming.size(a.extent)}' if a in unsure else ':' for a in draft.dims)}]"


def _is_itself(value: Value, buffer: Buffer, draft: Draft) -> bool:
    """Whether a store would write a buffer over itself, which shares its bytes."""
    storage = draft.naming.storage
    return value.loaded is not None and storage[value.loaded] is storage[buffer]


def _copy_out(value: Value, buffer: Buffer, target: View, cut: str, draft: Draft) -> None:
    def write() -> list[str]:
        if value.is_number:
            return [f"{target.name}{cut or '[...]'} = {value.name}"]
        return [f"np.copyto({target.name}{cut}, {value.name})"]

    draft.deferred.append(Instruction(write, () if value.is_number else (value,), stored=buffer))


def _store_by_data(ufunc: str, buffer: Buffer, place: Value, value: Value, draft: Draft) -> None:
    """Combine a value with what stands at places in the flattened buffer."""
    flat = draft.flat(buffer).name
    draft.deferred.append(
        Instruction(
            lambda: [f"{ufunc}.at({flat}, {place.name}, {value.name})"],
            (place, value),
            stored=buffer,
            combines=True,
        )
    )


def _store_combined(ufunc: str, buffer: Buffer, index: Sequence[Affine], value: Value, draft: Draft) -> None:
    """Elements that meet: one ufunc per step along the axes that make them meet."""
    size, dims, shape = draft.naming.size, draft.dims, buffer.shape
    plain = draft.naming.buffer(buffer)
    name = (
        plain if draft.blocked is None else draft.view(plain, buffer, frozenset({draft.blocked[0]}), f"{plain}_").name
    )
    reads: tuple[Value, ...] = () if value.is_number else (value,)
    draft.deferred.append(
        Instruction(
            lambda: meeting_lines(ufunc, name, shape, index, value, dims, size), reads, stored=buffer, combines=True
        )
    )
