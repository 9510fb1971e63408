"""Identities of arithmetic."""

from graphc.ir.arithmetic import Neg, Where
from graphc.ir.node import Node
from graphc.ops.elementwise import StopGradient
from graphc.passes.matching import form, hole
from graphc.passes.rewrite import Rule
from graphc.types import is_complex

__all__ = ["ARITHMETIC"]


def _is_complex(node: Node) -> bool:
    return is_complex(node.dtype)


def _is_real(node: Node) -> bool:
    return not is_complex(node.dtype)


neg, where, stop_gradient = form(Neg), form(Where), form(StopGradient)
x, y, z, c = hole("x"), hole("y"), hole("z", only=_is_complex), hole("c")
r = hole("x", only=_is_real)

#: of complex z, whose parts the product takes four times, one with an imaginary part of 0
_OF_COMPLEX = "saves a pass; keeps a part beside an infinite one, which the product makes nan"

ARITHMETIC = (
    Rule(neg(neg(x)), x, exact=True),
    Rule(r * 1, r, exact=True),
    Rule(r * -1, -r, exact=True),
    Rule(x + -y, x - y, exact=True),
    Rule(r / 1, r, exact=True),
    Rule(z * 1, z, exact=False, because=_OF_COMPLEX),
    Rule(z / 1, z, exact=False, because=_OF_COMPLEX),
    Rule(stop_gradient(x), x, exact=True),
    Rule(where(c, x, x), x, exact=True),
    Rule(x + 0, x, exact=False, because="saves a pass; keeps a -0.0 that the sum would lose"),
    Rule(x - 0, x, exact=False, because="saves a pass; 0.0 - -0.0 stays what it was"),
)
