"""Integers bit by bit; of bools, their logic."""

from typing import ClassVar, final

from graphc.ir.apply import apply
from graphc.ir.kinds import Elementwise
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, as_number, meet
from graphc.kernel import functions as k
from graphc.kernel.scalar import Scalar
from graphc.ops.logic import And, Not, Or, Xor
from graphc.types import BOOL

__all__ = ["bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "left_shift", "right_shift"]


@final
class BitNot(Elementwise):
    """Every bit inverted: -1 - x of a signed integer.  No slope."""

    name: ClassVar[str] = "bitwise_not"
    accepts: ClassVar[str] = "iu"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.bitwise_not(*xs)


@final
class BitAnd(Elementwise):
    """The bits that both have.  No slope."""

    name: ClassVar[str] = "bitwise_and"
    accepts: ClassVar[str] = "iu"
    commutes: ClassVar[bool] = True

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.bitwise_and(*xs)


@final
class BitOr(Elementwise):
    """The bits that one has, or both.  No slope."""

    name: ClassVar[str] = "bitwise_or"
    accepts: ClassVar[str] = "iu"
    commutes: ClassVar[bool] = True

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.bitwise_or(*xs)


@final
class BitXor(Elementwise):
    """The bits that exactly one has.  No slope."""

    name: ClassVar[str] = "bitwise_xor"
    accepts: ClassVar[str] = "iu"
    commutes: ClassVar[bool] = True

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.bitwise_xor(*xs)


@final
class LeftShift(Elementwise):
    """x 2^y, less the bits that leave.  No slope."""

    name: ClassVar[str] = "left_shift"
    accepts: ClassVar[str] = "iu"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.left_shift(*xs)


@final
class RightShift(Elementwise):
    """⌊x / 2^y⌋.  No slope."""

    name: ClassVar[str] = "right_shift"
    accepts: ClassVar[str] = "iu"

    def scalar(self, *xs: Scalar) -> Scalar:
        return k.right_shift(*xs)


def bitwise_not(x: Like) -> Node:
    """Every bit inverted; of bools, whether `x` is false.  No slope."""
    node = as_node(x)
    return apply(Not() if node.dtype == BOOL else BitNot(), node)


def bitwise_and(left: Like, right: Like) -> Node:
    """The bits that both have; of bools, whether both hold.  No slope."""
    x, y = meet("bitwise_and", left, right)
    return apply(And() if x.dtype == BOOL else BitAnd(), x, y)


def bitwise_or(left: Like, right: Like) -> Node:
    """The bits that one has, or both; of bools, whether one holds, or both.  No slope."""
    x, y = meet("bitwise_or", left, right)
    return apply(Or() if x.dtype == BOOL else BitOr(), x, y)


def bitwise_xor(left: Like, right: Like) -> Node:
    """The bits that exactly one has; of bools, whether exactly one holds.  No slope."""
    x, y = meet("bitwise_xor", left, right)
    return apply(Xor() if x.dtype == BOOL else BitXor(), x, y)


def left_shift(x: Like, count: Like) -> Node:
    """The bits of an integer moved up by `count`; 0 moves in, and what moves out is lost.  Bools are int8.

    A count that is negative or not below the number of bits moves all bits out.  No slope.
    """
    return apply(LeftShift(), *map(as_number, meet("left_shift", x, count)))


def right_shift(x: Like, count: Like) -> Node:
    """The bits of an integer moved down by `count`; copies of the sign move in: ⌊x / 2^count⌋.  Bools are int8.

    A count that is negative or not below the number of bits moves all bits out.  No slope.
    """
    return apply(RightShift(), *map(as_number, meet("right_shift", x, count)))
