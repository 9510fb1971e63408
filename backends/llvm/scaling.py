"""Numbers times powers of 2, by the instruction that AVX-512 has for it.

The formula, `scaled`, multiplies by two halves of the power, which takes six.  Both round once: the bits are the same.
"""

from collections.abc import Sequence

from graphc.backends.llvm.values import Lanes, Value
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.elementary.exponentials import scaled
from graphc.kernel.elementary.pieces import FORMATS
from graphc.kernel.scalar import Call, Fn, Formula, Let, Load, Scalar
from graphc.types import DType

__all__ = ["of_scaled", "scaled_by_instruction"]

BYTES = 64  # of a register


def of_scaled(lets: Sequence[Let], number: int) -> tuple[int, int] | None:
    """What `scaled` gave a let of, or None where something else gave it."""
    let = lets[number]
    is_product = isinstance(let, Call) and let.fn is Fn.MUL and let.dtype in _FORMULAS
    return _operands(lets, number, let.dtype) if is_product else None


def scaled_by_instruction(lanes: Lanes, x: Value, shifted: Value) -> Value:
    """What `scaled` gives."""
    form = FORMATS[x.dtype]
    exponent = lanes.binary("fsub", shifted, lanes.number(form.to_round + 2 * form.bias, x.dtype))
    wide, power = lanes.together(x, exponent)
    each = BYTES // x.dtype.itemsize
    pieces = [_piece(lanes, wide, power, start, each) for start in range(0, wide.lanes, each)]
    return lanes.part(lanes.joined(pieces), 0, wide.lanes)


def _piece(lanes: Lanes, x: Value, power: Value, start: int, count: int) -> Value:
    """One register of the result; lanes that there are not hold anything."""
    of, by = (lanes.part(value, start, count) for value in (x, power))
    name = "ps" if x.dtype.itemsize == 4 else "pd"
    operands = ", ".join(f"{of.type} {value.one}" for value in (of, by, of))
    as_set = "i32 4"  # how the processor is set to round
    call = f"call {of.type} @llvm.x86.avx512.mask.scalef.{name}.512({operands}, i{count} -1, {as_set})"
    return lanes.made(x.dtype, count, call)


# The formula as a pattern.


def _formula(dtype: DType) -> tuple[Sequence[Let], int]:
    """The lets of `scaled`, of which the first two are its operands."""
    formula = Formula()
    operands = [Scalar(formula, formula.add(Load(Buffer(Role.LOCAL, dtype, ()), (), dtype))) for _ in range(2)]
    number = scaled(*operands).number
    return formula.lets, number


_FORMULAS = {dtype: _formula(dtype) for dtype in FORMATS}


def _operands(lets: Sequence[Let], number: int, dtype: DType) -> tuple[int, int] | None:
    """What stands for the operands of the formula in a let that may be its result."""
    pattern, result = _FORMULAS[dtype]
    found: dict[int, int] = {}
    waiting = [(result, number)]
    while waiting:
        part, at = waiting.pop()
        wanted, let = pattern[part], lets[at]
        if isinstance(wanted, Load):
            if found.setdefault(part, at) != at:
                return None
        elif isinstance(wanted, Call):
            if not isinstance(let, Call) or (let.fn, let.dtype) != (wanted.fn, wanted.dtype):
                return None
            waiting += zip(wanted.args, let.args, strict=True)
        elif let != wanted:
            return None
    return found[0], found[1]
