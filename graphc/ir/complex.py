"""Complex numbers and their parts.  The parts are linear over the reals, and so carry a rule that `partials` has not.

Derivatives pair a cotangent c with a tangent t as Re(c t), without a conjugate: see docs/derivatives.md.
"""

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.ir.apply import apply
from graphc.ir.arithmetic import zeros_like
from graphc.ir.kinds import Elementwise, Linear
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, cast, meet
from graphc.kernel import functions as k
from graphc.kernel.scalar import Scalar
from graphc.types import DType, complex_of, is_complex, real_of

__all__ = ["complex", "conj", "imag", "real"]


@final
class Real(Elementwise, Linear):
    """Re z.  Adjoint: c + 0i, as Re(c Re t) = Re(c t) for a real c."""

    name: ClassVar[str] = "real"
    accepts: ClassVar[str] = "c"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.real(*xs)

    def result(self, *dtypes: DType) -> DType:
        return real_of(dtypes[0])

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        return (apply(Complex(), cotangent, zeros_like(cotangent)),)


@final
class Imag(Elementwise, Linear):
    """Im z.  Adjoint: -ic, as c Im t = Re(-ic t) for a real c."""

    name: ClassVar[str] = "imag"
    accepts: ClassVar[str] = "c"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.imag(*xs)

    def result(self, *dtypes: DType) -> DType:
        return real_of(dtypes[0])

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        return (apply(Complex(), zeros_like(cotangent), -cotangent),)


@final
class Conj(Elementwise, Linear):
    """The conjugate, Re z - i Im z.  Adjoint: itself, as Re(c conj(t)) = Re(conj(c) t)."""

    name: ClassVar[str] = "conj"
    accepts: ClassVar[str] = "c"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.conj(*xs)

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        return (apply(Conj(), cotangent),)


@final
class Complex(Elementwise, Linear):
    """x + iy, of real numbers.  Adjoint: Re c and -Im c, as Re(c (s + it)) = s Re c - t Im c."""

    name: ClassVar[str] = "complex"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.complex(*xs)

    def result(self, *dtypes: DType) -> DType:
        return complex_of(dtypes[0])

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        return apply(Real(), cotangent), -apply(Imag(), cotangent)


def real(x: Like) -> Node:
    """The real part, in the width of `x`; real numbers as they are.  Adjoint: c, as a complex number."""
    node = as_node(x)
    return apply(Real(), node) if is_complex(node.dtype) else node


def imag(x: Like) -> Node:
    """The imaginary part, in the width of `x`; of real numbers 0.  Adjoint: -ic."""
    node = as_node(x)
    return apply(Imag(), node) if is_complex(node.dtype) else zeros_like(node)


def conj(x: Like) -> Node:
    """The complex conjugate; real numbers as they are.  Adjoint: the conjugate."""
    node = as_node(x)
    return apply(Conj(), node) if is_complex(node.dtype) else node


def complex(real: Like, imag: Like) -> Node:
    """real + i imag: complex128 of float64, complex64 of what is narrower.  Adjoint: Re c, -Im c."""
    x, y = meet("complex", real, imag)
    if not is_complex(x.dtype):  # else the op refuses them
        dtype = real_of(complex_of(x.dtype))
        x, y = cast(x, dtype), cast(y, dtype)
    return apply(Complex(), x, y)
