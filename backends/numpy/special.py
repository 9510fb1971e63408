"""Functions that are several instructions, in scratch that the plan knows: integer powers, and what SciPy has."""

from collections.abc import Sequence

from graphc.backends.numpy.approximations import ERFC_SCRATCH
from graphc.backends.numpy.draft import Draft
from graphc.backends.numpy.tables import LOGISTIC, SPECIAL
from graphc.backends.numpy.values import Value
from graphc.kernel.scalar import Axis, Call, Fn
from graphc.types import BOOL, DTYPES, FLOAT32, NARROW, DType

__all__ = ["integer_power", "special_call"]


def integer_power(operands: Sequence[Value], dtype: DType, draft: Draft) -> Value:
    """x^y of signed integers, where np.power raises for y < 0: x^|y| for |x| = 1 then, else 0.

    x^e f   with e = y and f = 1 for y >= 0; else e = 1 for odd y and 0 for even, f = 1 for |x| = 1 and 0 for others
    """
    x, y = operands
    sign = _line("np.right_shift", [y, str(8 * dtype.itemsize - 1)], draft, dtype)  # 0, or -1 for y < 0
    mask = _line("np.bitwise_or", [_line("np.invert", [sign], draft, dtype), "1"], draft, dtype)  # all, or the last bit
    power = _line("np.power", [x, _line("np.bitwise_and", [y, mask], draft, dtype)], draft, dtype)
    unit = _line("np.equal", [_line("np.absolute", [x], draft, dtype), "1"], draft, BOOL)
    kept = _line("np.logical_or", [unit, _line("np.greater_equal", [y, "0"], draft, BOOL)], draft, BOOL)
    return _line("np.multiply", [power, _cast(kept, dtype, draft)], draft, dtype)


def special_call(let: Call, operands: Sequence[Value], draft: Draft) -> Value:
    """The value of a call of a special function."""
    if let.dtype not in NARROW:
        return _called(let.fn, operands, draft, let.dtype)
    wide = [_cast(x, FLOAT32, draft) for x in operands]
    return _cast(_called(let.fn, wide, draft, FLOAT32), let.dtype, draft)


def _cast(value: Value, dtype: DType, draft: Draft) -> Value:
    return draft.emit(
        lambda out: [f'np.copyto({out.name}, {value.name}, casting="unsafe")'], [value], Value(value.axes, dtype)
    )


def _called(fn: Fn, operands: Sequence[Value], draft: Draft, dtype: DType) -> Value:
    if fn is Fn.ERFC and dtype == DTYPES["float64"]:
        return _approximated("erfc", operands[0], [dtype] * ERFC_SCRATCH, draft, dtype)
    if fn is Fn.ERFINV and dtype == FLOAT32:
        return _approximated("erfinv", operands[0], [dtype, BOOL], draft, dtype)
    if fn in LOGISTIC:
        return _approximated(LOGISTIC[fn], operands[0], [dtype, BOOL], draft, dtype)
    if fn is Fn.ERFINV:  # SciPy's loses the sign of -0.0
        return _line("np.copysign", [_line("special.erfinv", operands, draft, dtype), operands[0]], draft, dtype)
    if fn is not Fn.POLYGAMMA:
        return _line(f"special.{SPECIAL[fn]}", operands, draft, dtype)
    order, x = operands
    if order.is_zero:
        return _line("special.digamma", [x], draft, dtype)
    return _polygamma(order, x, draft, dtype)


def _approximated(name: str, x: Value, scratch: Sequence[DType], draft: Draft, dtype: DType) -> Value:
    room = tuple([Value(x.axes, kind) for kind in scratch])

    def write(out: Value) -> list[str]:
        names = ", ".join(one.name for one in room)
        return [f"approximations.{name}({x.name}, out={out.name}, scratch=({names}))"]

    result = draft.emit(write, [x], Value(x.axes, dtype))
    draft.instructions[-1].scratch = room
    return result


def _polygamma(order: Value, x: Value, draft: Draft, dtype: DType) -> Value:
    """(-1)^(order + 1) order! zeta(order + 1, x); digamma where the order is 0."""
    next = _line("np.add", [order, "1"], draft, dtype)
    zeta = _line("special.zeta", [next, x], draft, dtype)
    factorial = _line("special.gamma", [next], draft, dtype)
    sign = _line("np.power", ["-1.0", next], draft, dtype)
    higher = _line("np.multiply", [zeta, _line("np.multiply", [sign, factorial], draft, dtype)], draft, dtype)
    if order.is_number:
        return higher
    lowest = _line("special.digamma", [x], draft, dtype)
    is_lowest = _line("np.equal", [order, "0"], draft, BOOL)
    axes = is_lowest.axes | higher.axes
    mask = Value(axes, dtype)
    chosen = draft.emit(
        lambda out: [f"select({is_lowest.name}, {lowest.name}, {higher.name}, out={out.name}, mask={mask.name})"],
        [is_lowest, lowest, higher],
        Value(axes, dtype),
    )
    draft.instructions[-1].scratch = (mask,)
    return chosen


def _line(ufunc: str, operands: Sequence[Value | str], draft: Draft, dtype: DType) -> Value:
    reads = [x for x in operands if isinstance(x, Value)]
    axes = frozenset[Axis]().union(*(x.axes for x in reads))

    def write(out: Value) -> list[str]:
        names = ", ".join(x if isinstance(x, str) else x.name for x in operands)
        return [f"{ufunc}({names}, out={out.name})"]

    result = draft.emit(write, reads, Value(axes, dtype))
    draft.instructions[-1].in_place = True
    return result
