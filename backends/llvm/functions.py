"""How each function of a formula is computed, on values of one part: floats, integers, bools."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from graphc.backends.llvm.casts import cast, reinterpreted
from graphc.backends.llvm.integers import divided, remainder_of, shifted_left, shifted_right
from graphc.backends.llvm.narrow import rounded
from graphc.backends.llvm.registers import is_signed
from graphc.backends.llvm.values import Lanes, Value, is_number
from graphc.kernel.scalar import Fn
from graphc.types import BOOL, FLOAT32, NARROW, DType, is_floating

__all__ = ["FUNCTIONS", "of_reals"]

Function: TypeAlias = Callable[..., Value]  # of lanes and the operands


def of_reals(lanes: Lanes, fn: Fn, operands: Sequence[Value], dtype: DType) -> Value:
    """The value of `fn`, rounded to `dtype`.  Floats of 16 bits are computed in float32."""
    if fn is Fn.CAST:
        return cast(lanes, operands[0], dtype)
    if fn is Fn.BITS:
        return reinterpreted(lanes, operands[0], dtype)
    wide = [Value(FLOAT32, x.parts, x.lanes, x.is_constant) if x.dtype in NARROW else x for x in operands]
    result = FUNCTIONS[fn](lanes, *wide)
    return rounded(lanes, result, dtype) if dtype in NARROW else result


def _arithmetic(of_floats: str, of_integers: str, of_bools: str = "") -> Function:
    def function(lanes: Lanes, x: Value, y: Value) -> Value:
        if is_floating(x.dtype):
            return lanes.binary(of_floats, x, y)
        return lanes.binary(of_bools if x.dtype == BOOL else of_integers, x, y)

    return function


def _comparison(of_floats: str, of_signed: str, of_unsigned: str) -> Function:
    def function(lanes: Lanes, x: Value, y: Value) -> Value:
        if is_floating(x.dtype):
            return lanes.compare(f"fcmp {of_floats}", x, y, BOOL)
        return lanes.compare(f"icmp {of_signed if is_signed(x.dtype) else of_unsigned}", x, y, BOOL)

    return function


def _rounding(name: str) -> Function:
    return lambda lanes, x: lanes.intrinsic(name, x) if is_floating(x.dtype) else x


def _bitwise(instruction: str) -> Function:
    return lambda lanes, x, y: lanes.binary(instruction, x, y)


def _negative(lanes: Lanes, x: Value) -> Value:
    if is_floating(x.dtype):
        return lanes.negative(x)
    return lanes.binary("sub", lanes.number(0, x.dtype), x)


def _absolute(lanes: Lanes, x: Value) -> Value:
    if is_floating(x.dtype):
        return lanes.intrinsic("fabs", x)
    if not is_signed(x.dtype):
        return x
    is_negative = lanes.compare("icmp slt", x, lanes.number(0, x.dtype), BOOL)
    return lanes.select(is_negative, _negative(lanes, x), x)


def _sign(lanes: Lanes, x: Value) -> Value:
    """-1, 0 or 1; nan stays, and -0.0 gives 0.0."""
    zero, one = lanes.number(0, x.dtype), lanes.number(1, x.dtype)
    if is_floating(x.dtype):
        is_zero = lanes.compare("fcmp oeq", x, zero, BOOL)
        size = lanes.select(is_zero, zero, lanes.intrinsic("copysign", one, x))
        return lanes.select(lanes.compare("fcmp uno", x, x, BOOL), x, size)
    if not is_signed(x.dtype):
        return lanes.select(lanes.compare("icmp ne", x, zero, BOOL), one, zero)
    below = lanes.select(lanes.compare("icmp slt", x, zero, BOOL), lanes.number(-1, x.dtype), zero)
    return lanes.select(lanes.compare("icmp sgt", x, zero, BOOL), one, below)


def _extreme(of_floats: str, of_signed: str, of_unsigned: str) -> Function:
    """The first operand where it is beyond the other, or nan."""

    def function(lanes: Lanes, x: Value, y: Value) -> Value:
        if not is_floating(x.dtype):
            taken = lanes.compare(f"icmp {of_signed if is_signed(x.dtype) else of_unsigned}", x, y, BOOL)
            return lanes.select(taken, x, y)
        if is_number(y):  # only x may be nan, and is then not ordered with it
            return lanes.select(lanes.compare(f"fcmp u{of_floats[1:]}", x, y, BOOL), x, y)
        beyond = lanes.compare(f"fcmp {of_floats}", x, y, BOOL)
        if is_number(x):
            return lanes.select(beyond, x, y)
        is_nan = lanes.compare("fcmp uno", x, x, BOOL)
        return lanes.select(lanes.binary("or", beyond, is_nan), x, y)

    return function


def _fma(lanes: Lanes, x: Value, y: Value, z: Value) -> Value:
    return lanes.intrinsic("fma", x, y, z)


def _is_finite(lanes: Lanes, x: Value) -> Value:
    return lanes.compare("fcmp olt", lanes.intrinsic("fabs", x), lanes.number(float("inf"), x.dtype), BOOL)


FUNCTIONS: Mapping[Fn, Function] = {
    Fn.ADD: _arithmetic("fadd", "add", "or"),
    Fn.SUB: _arithmetic("fsub", "sub"),
    Fn.MUL: _arithmetic("fmul", "mul", "and"),
    Fn.DIV: lambda lanes, x, y: lanes.binary("fdiv", x, y),
    Fn.FLOORDIV: divided,
    Fn.MOD: remainder_of,
    Fn.NEG: _negative,
    Fn.ABS: _absolute,
    Fn.SIGN: _sign,
    Fn.FLOOR: _rounding("floor"),
    Fn.CEIL: _rounding("ceil"),
    Fn.TRUNC: _rounding("trunc"),
    Fn.ROUND: _rounding("rint"),
    Fn.MINIMUM: _extreme("olt", "slt", "ult"),
    Fn.MAXIMUM: _extreme("ogt", "sgt", "ugt"),
    Fn.FMA: _fma,
    Fn.SQRT: lambda lanes, x: lanes.intrinsic("sqrt", x),
    Fn.COPYSIGN: lambda lanes, x, y: lanes.intrinsic("copysign", x, y),
    Fn.LT: _comparison("olt", "slt", "ult"),
    Fn.LE: _comparison("ole", "sle", "ule"),
    Fn.GT: _comparison("ogt", "sgt", "ugt"),
    Fn.GE: _comparison("oge", "sge", "uge"),
    Fn.EQ: _comparison("oeq", "eq", "eq"),
    Fn.NE: _comparison("une", "ne", "ne"),
    Fn.AND: _bitwise("and"),
    Fn.OR: _bitwise("or"),
    Fn.XOR: _bitwise("xor"),
    Fn.NOT: lambda lanes, x: lanes.binary("xor", x, lanes.number(True if x.dtype == BOOL else -1, x.dtype)),
    Fn.LEFT_SHIFT: shifted_left,
    Fn.RIGHT_SHIFT: shifted_right,
    Fn.ISNAN: lambda lanes, x: lanes.compare("fcmp uno", x, x, BOOL),
    Fn.ISFINITE: _is_finite,
    Fn.WHERE: lambda lanes, c, x, y: lanes.select(c, x, y),
}
