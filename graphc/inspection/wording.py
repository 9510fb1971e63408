"""What is written of one node, wherever it is shown: its op, its type, its place."""

from graphc.inspection.escaping import quoted
from graphc.ir.leaves import ConstantValue, Input, Variable
from graphc.ir.node import Node
from graphc.printable import printable

__all__ = ["number_text", "op_text", "place_text", "type_text"]


def op_text(node: Node) -> str:
    """The op with its options; a leaf with its name; a small constant with its elements."""
    op = node.op
    match op:
        case Input(label=label) | Variable(label=label):
            return f"{op.text()} {quoted(label)}"
        case ConstantValue(array=array) if array.ndim == 0:
            return number_text(node)
        case ConstantValue(array=array) if array.ndim == 1 and array.size <= 6:
            return f"constant [{', '.join(map(str, array))}]"
    return printable(op.text(), 60)


def number_text(node: Node) -> str:
    """A constant that is one number, with the digits that its dtype needs; a size."""
    op = node.op
    return str(op.array[()]) if isinstance(op, ConstantValue) else printable(op.text(), 40)


def type_text(node: Node) -> str:
    """`f32[batch,10]`."""
    return printable(str(node.type), 80)


def place_text(place: str) -> str:
    """`digits.py:20`."""
    return printable(place, 40)
