"""The lets of a stage as values: views for loads, names for numbers, a line or a few for calls."""

from collections.abc import Mapping, Sequence

from graphc.backends.numpy.calls import call_lines
from graphc.backends.numpy.draft import Draft
from graphc.backends.numpy.generators import GENERATORS, random_numbers
from graphc.backends.numpy.special import integer_power, special_call
from graphc.backends.numpy.support import SMALL
from graphc.backends.numpy.tables import LOGISTIC, SPECIAL, UFUNCS
from graphc.backends.numpy.values import Value
from graphc.kernel.buffer import Role
from graphc.kernel.indices import Affine, needed
from graphc.kernel.scalar import Axis, AxisIndex, Call, Const, Fn, Let, Load, SizeValue
from graphc.kernel.steps import Stage
from graphc.sizes import lower_bound, product
from graphc.types import INT64

__all__ = ["values_of"]


def values_of(stage: Stage, affine: Sequence[Affine | None], draft: Draft) -> dict[int, Value]:
    """The value of every let that is more than an index."""
    values: dict[int, Value] = {}
    for at in sorted(needed(stage, affine)):
        values[at] = _value(stage.lets[at], values, affine, draft)
    return values


def _value(let: Let, values: Mapping[int, Value], affine: Sequence[Affine | None], draft: Draft) -> Value:
    match let:
        case Const():
            name = draft.naming.number(let)
            return Value(frozenset(), let.dtype, name, is_number=True, is_zero=let.text in ("0", "0.0", "0j"))
        case SizeValue():
            text = draft.naming.size(let.size)
            return Value(frozenset(), let.dtype, text if let.dtype == INT64 else f"float({text})", is_number=True)
        case AxisIndex(axis=axis):
            return draft.walk(axis)
        case Load():
            return _load(let, values, affine, draft)
        case Call(fn=fn, args=(key, purpose, index)) if fn in GENERATORS:
            where = affine[index]
            return random_numbers(let, values[key], values[purpose], values[index] if where is None else where, draft)
        case Call():
            return _call(let, [values[arg] for arg in let.args], draft)


def _load(let: Load, values: Mapping[int, Value], affine: Sequence[Affine | None], draft: Draft) -> Value:
    if let.buffer.role is Role.LOCAL:
        return draft.locals[let.buffer]
    plain = [part for number in let.index if (part := affine[number]) is not None]
    if let.guard is None and len(plain) == len(let.index):
        return draft.loaded(let.buffer, plain)
    found = _taken(let, values, affine, draft)
    if let.guard is None or let.otherwise is None:
        return found
    guard, otherwise = values[let.guard], values[let.otherwise]
    return _call(Call(Fn.WHERE, (let.guard, let.guard, let.otherwise), let.dtype), [guard, found, otherwise], draft)


def _taken(let: Load, values: Mapping[int, Value], affine: Sequence[Affine | None], draft: Draft) -> Value:
    """The elements at places that are data; some element where there is none."""
    place = draft.solid(draft.flat_index(let.buffer, let.index, values, affine))
    flat = draft.flat(let.buffer)

    def taken(out: Value) -> list[str]:
        room = f"{out.name}.reshape(())" if place.is_number else out.name
        line = f'np.take({flat.name}, {place.name}, out={room}, mode="clip")'
        if lower_bound(product(let.buffer.shape)):
            return [line]
        return [f"if {flat.name}.size:", f"    {line}"]  # where nothing can be taken, a check that comes after may fail

    return draft.emit(taken, [flat, place], Value(place.axes, let.dtype, is_solid=True))


def _call(let: Call, operands: list[Value], draft: Draft) -> Value:
    if let.fn in SPECIAL or let.fn in LOGISTIC or let.fn is Fn.POLYGAMMA:
        return special_call(let, operands, draft)
    if let.fn is Fn.POW and let.dtype.kind == "i":
        return integer_power(operands, let.dtype, draft)
    axes = frozenset[Axis]().union(*(x.axes for x in operands))
    result = Value(axes, let.dtype)
    if let.fn in (Fn.WHERE, Fn.RARELY) and not operands[0].is_number:
        mask = Value(axes, let.dtype)
        if _masks(operands, result, draft):
            draft.emit(lambda out: _masked(operands, out, mask, draft), operands, result)
        else:
            draft.emit(lambda out: call_lines(let, operands, out, mask.name), operands, result)
        draft.instructions[-1].scratch = (mask,)
    else:
        draft.emit(lambda out: call_lines(let, operands, out), operands, result)
    draft.instructions[-1].in_place = let.fn in UFUNCS or let.fn in (Fn.WHERE, Fn.RARELY)
    return result


def _masks(operands: Sequence[Value], result: Value, draft: Draft) -> bool:
    """Whether `where(c, x, 0)` is written as x & -c on the bits: for arrays of some size, views bound once."""
    condition, taken, other = operands
    count = product([axis.extent for axis in result.axes])
    return (
        other.is_zero
        and not taken.is_number
        and condition.axes == result.axes
        and result.dtype.itemsize in (4, 8)
        and not (isinstance(count, int) and count <= SMALL)
    )


def _masked(operands: Sequence[Value], result: Value, mask: Value, draft: Draft) -> list[str]:
    bits = f"np.int{8 * result.dtype.itemsize}"
    condition = draft.bits(operands[0], "np.int8").name
    taken, out, scratch = (draft.bits(x, bits).name for x in (operands[1], result, mask))
    return [
        f"np.copyto({scratch}, {condition})",
        f"np.negative({scratch}, out={scratch})",
        f"np.bitwise_and({taken}, {scratch}, out={out})",
    ]
