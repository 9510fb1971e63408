"""What Python's operators and NumPy's methods do on nodes."""

from collections.abc import Callable, Mapping
from typing import final

import numpy as np

from graphc.errors import DTypeError
from graphc.ir.complex import conj, imag, real
from graphc.ir.node import Like, Node, made_at
from graphc.ir.operands import add, div, mul, neg, sub
from graphc.ops.bits import bitwise_and, bitwise_not, bitwise_or, bitwise_xor, left_shift, right_shift
from graphc.ops.elementwise import astype
from graphc.ops.logic import (
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    not_equal,
)
from graphc.ops.movement import matrix_transpose, reshape, transpose
from graphc.ops.piecewise import abs
from graphc.ops.powers import power
from graphc.ops.products import matmul
from graphc.ops.reduction import sum
from graphc.ops.slicing import getitem
from graphc.ops.statistics import mean
from graphc.ops.stepping import floordiv, remainder
from graphc.sizes import Expression

__all__ = ["NodeOperators"]

OPERANDS = (Node, np.ndarray, np.generic, int, float, complex, Expression)

BINARY: Mapping[str, Callable[[Like, Like], Node]] = {
    "add": add,
    "sub": sub,
    "mul": mul,
    "div": div,
    "floordiv": floordiv,
    "mod": remainder,
    "pow": power,
    "matmul": matmul,
    "eq": equal,
    "ne": not_equal,
    "lt": less,
    "le": less_equal,
    "gt": greater,
    "ge": greater_equal,
    "bitwise_and": bitwise_and,
    "bitwise_or": bitwise_or,
    "bitwise_xor": bitwise_xor,
    "left_shift": left_shift,
    "right_shift": right_shift,
}

UNARY: Mapping[str, Callable[[Like], Node]] = {"neg": neg, "abs": abs, "bitwise_not": bitwise_not}

METHODS: Mapping[str, Callable[..., Node]] = {
    "transpose": transpose,
    "matrix_transpose": matrix_transpose,
    "cast": astype,
    "real": real,
    "imag": imag,
    "conj": conj,
    "reshape": reshape,
    "sum": sum,
    "mean": mean,
}


@final
class NodeOperators:
    """The functions behind the operators, by name."""

    def binary(self, name: str, left: Like, right: Like) -> Node:
        try:
            return BINARY[name](left, right)
        except DTypeError as error:
            operands: tuple[object, object] = (left, right)
            if all(isinstance(x, OPERANDS) for x in operands):
                raise
            raise _of_no_node(error, name, operands) from None

    def unary(self, name: str, x: Node) -> Node:
        return UNARY[name](x)

    def getitem(self, x: Node, index: object) -> Node:
        return getitem(x, index)

    def method(self, name: str, x: Node, *args: object, **options: object) -> Node:
        return METHODS[name](x, *args, **options)


def _of_no_node(error: DTypeError, name: str, operands: tuple[object, object]) -> DTypeError:
    """What is wrong with an operand that cannot become a node, with the other one beside it."""
    node, other = operands if isinstance(operands[0], Node) else reversed(operands)
    assert isinstance(node, Node), operands
    hint = "`node is None` asks whether there is one" if other is None and name in ("eq", "ne") else error.hint
    return DTypeError(error.problem, hint=hint).located((*error.lines, *made_at("node", node)))
