"""Comparisons, and functions of bools."""

from typing import ClassVar, final

from graphc.ir.apply import apply
from graphc.ir.arithmetic import Compare
from graphc.ir.complex import imag, real
from graphc.ir.kinds import Elementwise
from graphc.ir.leaves import full
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, meet
from graphc.kernel import functions as k
from graphc.kernel.scalar import Fn, Scalar
from graphc.types import BOOL, DType, is_complex, is_differentiable

__all__ = [
    "equal",
    "greater",
    "greater_equal",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "not_equal",
    "truth",
]


def equal(left: Like, right: Like) -> Node:
    """Whether left = right, elementwise.  nan equals nothing.  No slope."""
    return apply(Compare(Fn.EQ), *meet("equal", left, right))


def not_equal(left: Like, right: Like) -> Node:
    """Whether left ≠ right, elementwise.  nan differs from everything.  No slope."""
    return apply(Compare(Fn.NE), *meet("not_equal", left, right))


def less(left: Like, right: Like) -> Node:
    """Whether left < right, elementwise.  False with nan.  No slope."""
    return apply(Compare(Fn.LT), *meet("less", left, right))


def less_equal(left: Like, right: Like) -> Node:
    """Whether left ≤ right, elementwise.  False with nan.  No slope."""
    return apply(Compare(Fn.LE), *meet("less_equal", left, right))


def greater(left: Like, right: Like) -> Node:
    """Whether left > right, elementwise.  False with nan.  No slope."""
    return apply(Compare(Fn.GT), *meet("greater", left, right))


def greater_equal(left: Like, right: Like) -> Node:
    """Whether left ≥ right, elementwise.  False with nan.  No slope."""
    return apply(Compare(Fn.GE), *meet("greater_equal", left, right))


@final
class Not(Elementwise):
    """Whether x is false."""

    name: ClassVar[str] = "logical_not"
    accepts: ClassVar[str] = "b"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.bitwise_not(*xs)


@final
class And(Elementwise):
    """Whether both hold."""

    name: ClassVar[str] = "logical_and"
    accepts: ClassVar[str] = "b"
    commutes: ClassVar[bool] = True

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.bitwise_and(*xs)


@final
class Or(Elementwise):
    """Whether one holds, or both."""

    name: ClassVar[str] = "logical_or"
    accepts: ClassVar[str] = "b"
    commutes: ClassVar[bool] = True

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.bitwise_or(*xs)


@final
class Xor(Elementwise):
    """Whether exactly one holds."""

    name: ClassVar[str] = "logical_xor"
    accepts: ClassVar[str] = "b"
    commutes: ClassVar[bool] = True

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.bitwise_xor(*xs)


def logical_not(x: Like) -> Node:
    """Whether x is false.  A number is true unless it is 0.  No slope."""
    return apply(Not(), truth(x))


def logical_and(left: Like, right: Like) -> Node:
    """Whether both hold.  A number holds unless it is 0.  No slope."""
    return apply(And(), *meet("logical_and", truth(left), truth(right)))


def logical_or(left: Like, right: Like) -> Node:
    """Whether one holds, or both.  A number holds unless it is 0.  No slope."""
    return apply(Or(), *meet("logical_or", truth(left), truth(right)))


def logical_xor(left: Like, right: Like) -> Node:
    """Whether exactly one holds.  A number holds unless it is 0.  No slope."""
    return apply(Xor(), *meet("logical_xor", truth(left), truth(right)))


def truth(x: Like) -> Node:
    """`x` as bools: whether its elements are not 0."""
    node = as_node(x)
    return node if node.dtype == BOOL else not_equal(node, 0)


@final
class IsNan(Elementwise):
    """Whether a float is nan."""

    name: ClassVar[str] = "isnan"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.is_nan(*xs)

    def result(self, *dtypes: DType) -> DType:
        return BOOL


@final
class IsFinite(Elementwise):
    """Whether a float is neither infinite nor nan."""

    name: ClassVar[str] = "isfinite"
    accepts: ClassVar[str] = "fc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.is_finite(*xs)

    def result(self, *dtypes: DType) -> DType:
        return BOOL


def isnan(x: Like) -> Node:
    """Whether x is nan; integers never are.  No slope."""
    node = as_node(x)
    return apply(IsNan(), node) if is_differentiable(node.dtype) else full(node.shape, False, BOOL)


def isfinite(x: Like) -> Node:
    """Whether x is neither infinite nor nan; integers always are.  No slope."""
    node = as_node(x)
    return apply(IsFinite(), node) if is_differentiable(node.dtype) else full(node.shape, True, BOOL)


def isinf(x: Like) -> Node:
    """Whether x is infinite, of either sign; of a complex number: whether one of its parts is, also beside a nan.

    No slope.
    """
    node = as_node(x)
    if not is_differentiable(node.dtype):
        return full(node.shape, False, BOOL)
    if is_complex(node.dtype):
        return logical_or(isinf(real(node)), isinf(imag(node)))
    return logical_not(logical_or(isfinite(node), isnan(node)))
