"""Square roots of float32 by products, on AVX-512, where the divider takes 12 cycles for a register.

An estimate of 1 / √x with 14 bits, one step of Goldschmidt's iteration, and the rest x - g² in the last: the result is
rounded as the instruction rounds it, for each float32, wherever the estimate is within its bound.  P. Markstein:
IA-64 and elementary functions, 2000, chapter 9.
"""

from graphc.backends.llvm.values import Lanes, Register, Value
from graphc.types import BOOL, FLOAT32

__all__ = ["EACH", "root"]

EACH = 16  # lanes of a register
LEAST = 2.0**-90  # the rest of what is smaller may not be a float


def root(lanes: Lanes, x: Value) -> Value:
    """√x of whole registers; by the instruction where a lane is small, negative, infinite or nan."""
    text = lanes.text
    result = Register.of(text, FLOAT32, x.lanes)
    above = lanes.compare("fcmp oge", x, lanes.number(LEAST, FLOAT32), BOOL)
    finite = lanes.compare("fcmp olt", x, lanes.number(float("inf"), FLOAT32), BOOL)
    with text.either(lanes.all_of(lanes.binary("and", above, finite))) as otherwise:
        pieces = [_root(lanes, lanes.part(x, start, EACH)) for start in range(0, x.lanes, EACH)]
        result.write(lanes, lanes.joined(pieces))
        otherwise()
        result.write(lanes, lanes.intrinsic("sqrt", x))
    return result.read(lanes)


def _root(lanes: Lanes, x: Value) -> Value:
    """Of one register, of ordinary numbers."""
    operands = f"{x.type} {x.one}, {x.type} zeroinitializer, i{EACH} -1"
    inverse = lanes.made(FLOAT32, EACH, f"call {x.type} @llvm.x86.avx512.rsqrt14.ps.512({operands})")
    half = lanes.number(0.5, FLOAT32)
    g, h = lanes.binary("fmul", x, inverse), lanes.binary("fmul", inverse, half)  # √x, and half of 1 / √x
    off = lanes.intrinsic("fma", lanes.negative(h), g, half)
    g, h = lanes.intrinsic("fma", g, off, g), lanes.intrinsic("fma", h, off, h)
    return lanes.intrinsic("fma", lanes.intrinsic("fma", lanes.negative(g), g, x), h, g)
