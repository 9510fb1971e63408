"""Division, remainders and shifts, as they are defined for every operand."""

from graphc.backends.llvm.casts import cast
from graphc.backends.llvm.registers import bits_of, is_signed
from graphc.backends.llvm.values import Lanes, Value
from graphc.types import BOOL, DTYPES, INT64, is_floating

__all__ = ["divided", "divided_place", "remainder_of", "shifted_left", "shifted_right"]

UINT32 = DTYPES["uint32"]


def divided(lanes: Lanes, x: Value, y: Value) -> Value:
    """The quotient rounded down; of integers 0 where the divisor is 0."""
    if is_floating(x.dtype):
        return _float_pair(lanes, x, y)[0]
    return _integer_pair(lanes, x, y)[0]


def divided_place(lanes: Lanes, place: Value, divisor: int) -> Value:
    """A place, which has 31 bits, divided: there are no vectors of quotients of 64 bits."""
    quotient = lanes.binary("udiv", cast(lanes, place, UINT32), lanes.number(divisor, UINT32))
    return cast(lanes, quotient, INT64)


def remainder_of(lanes: Lanes, x: Value, y: Value) -> Value:
    """What is left, with the sign of the divisor; of integers 0 where the divisor is 0."""
    if is_floating(x.dtype):
        return _float_pair(lanes, x, y)[1]
    return _integer_pair(lanes, x, y)[1]


def _integer_pair(lanes: Lanes, x: Value, y: Value) -> tuple[Value, Value]:
    """Quotient and remainder, of a divisor that is made 1 where it would stop the machine: at 0, and at -1."""
    zero, one = lanes.number(0, x.dtype), lanes.number(1, x.dtype)
    is_zero = lanes.compare("icmp eq", y, zero, BOOL)
    if not is_signed(x.dtype):
        safe = lanes.select(is_zero, one, y)
        quotient, rest = lanes.binary("udiv", x, safe), lanes.binary("urem", x, safe)
        return lanes.select(is_zero, zero, quotient), lanes.select(is_zero, zero, rest)
    is_minus = lanes.compare("icmp eq", y, lanes.number(-1, x.dtype), BOOL)
    safe = lanes.select(lanes.binary("or", is_zero, is_minus), one, y)
    quotient = lanes.binary("sdiv", x, safe)
    rest = lanes.binary("sub", x, lanes.binary("mul", quotient, safe))
    differs = lanes.compare("icmp slt", lanes.binary("xor", rest, safe), zero, BOOL)
    is_off = lanes.binary("and", differs, lanes.compare("icmp ne", rest, zero, BOOL))
    quotient = lanes.select(is_off, lanes.binary("sub", quotient, one), quotient)
    rest = lanes.select(is_off, lanes.binary("add", rest, safe), rest)
    quotient = lanes.select(is_minus, lanes.binary("sub", zero, x), quotient)
    return lanes.select(is_zero, zero, quotient), rest


def _float_pair(lanes: Lanes, x: Value, y: Value) -> tuple[Value, Value]:
    """Quotient and remainder as NumPy has them: the remainder is exact, the quotient what is left of x then, over y."""
    zero, one = lanes.number(0.0, x.dtype), lanes.number(1.0, x.dtype)
    rest = lanes.binary("frem", x, y)
    over = lanes.binary("fdiv", x, y)
    is_zero = lanes.compare("fcmp oeq", y, zero, BOOL)
    quotient = lanes.binary("fdiv", lanes.binary("fsub", x, rest), y)
    has_rest = lanes.compare("fcmp une", rest, zero, BOOL)
    y_below, rest_below = (lanes.compare("fcmp olt", value, zero, BOOL) for value in (y, rest))
    is_off = lanes.binary("and", has_rest, lanes.binary("xor", y_below, rest_below))
    quotient = lanes.select(is_off, lanes.binary("fsub", quotient, one), quotient)
    moved = lanes.select(is_off, lanes.binary("fadd", rest, y), rest)
    moved = lanes.select(has_rest, moved, lanes.intrinsic("copysign", zero, y))
    down = lanes.intrinsic("floor", quotient)
    is_near = lanes.compare("fcmp ogt", lanes.binary("fsub", quotient, down), lanes.number(0.5, x.dtype), BOOL)
    down = lanes.select(is_near, lanes.binary("fadd", down, one), down)
    is_nothing = lanes.compare("fcmp oeq", quotient, zero, BOOL)
    down = lanes.select(is_nothing, lanes.intrinsic("copysign", zero, over), down)
    return lanes.select(is_zero, over, down), lanes.select(is_zero, rest, moved)


def shifted_left(lanes: Lanes, x: Value, y: Value) -> Value:
    """Bits moved up; all are gone where `y` is no number of bits."""
    is_in, safe = _shift(lanes, y)
    moved = lanes.binary("shl", x, safe)
    return moved if is_in is None else lanes.select(is_in, moved, lanes.number(0, x.dtype))


def shifted_right(lanes: Lanes, x: Value, y: Value) -> Value:
    """Bits moved down; of signed integers copies of the sign move in."""
    is_in, safe = _shift(lanes, y)
    if not is_signed(x.dtype):
        moved = lanes.binary("lshr", x, safe)
        return moved if is_in is None else lanes.select(is_in, moved, lanes.number(0, x.dtype))
    most = safe if is_in is None else lanes.select(is_in, safe, lanes.number(bits_of(x.dtype) - 1, x.dtype))
    return lanes.binary("ashr", x, most)


def _shift(lanes: Lanes, y: Value) -> tuple[Value | None, Value]:
    """Whether it is a number of bits, None where that is known, and one that is."""
    if y.is_constant and 0 <= int(y.one) < bits_of(y.dtype):
        return None, y
    is_in = lanes.compare("icmp ult", y, lanes.number(bits_of(y.dtype), y.dtype), BOOL)
    return is_in, lanes.select(is_in, y, lanes.number(0, y.dtype))
