"""Numbers as tensor cores read them of float32: 11 digits of 24."""

from typing import ClassVar, final

from graphc.ir.apply import apply
from graphc.ir.kinds import Elementwise
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node
from graphc.kernel import functions as k
from graphc.kernel.scalar import Scalar
from graphc.types import DTYPES, FLOAT32

__all__ = ["ToTensorFloat", "to_tensor_float"]

LOST = 13  # digits of float32 that TF32 has not
QUIET = 1 << 22  # a bit that every nan gets: others may have none but what is lost
_UINT32 = DTYPES["uint32"]


@final
class ToTensorFloat(Elementwise):
    """x as the nearest number of TF32, ties to the even one: 11 binary digits, the exponents of float32.

    It is taken for a constant by derivatives: it comes in when they are made.
    """

    name: ClassVar[str] = "to_tensor_float"
    accepts: ClassVar[str] = "f"

    def scalar(self, *xs: Scalar) -> Scalar:
        wide = xs[0].cast(FLOAT32)
        bits = k.bits(wide, _UINT32)
        odd = k.bitwise_and(k.right_shift(bits, bits.of(LOST)), bits.of(1))
        kept = k.bitwise_and(bits + bits.of((1 << LOST - 1) - 1) + odd, bits.of((1 << 32) - (1 << LOST)))
        quiet = k.bitwise_or(bits, bits.of(QUIET))
        return k.where(k.is_nan(wide), k.bits(quiet, FLOAT32), k.bits(kept, FLOAT32)).cast(xs[0].dtype)


def to_tensor_float(x: Like) -> Node:
    """The nearest number of TF32.  [...]   ->   [...]  No slope."""
    return apply(ToTensorFloat(), as_node(x))
