"""Nodes without operands: inputs, variables, constants, sizes; and `item`, one result of several."""

from collections.abc import Sequence
from dataclasses import field
from functools import lru_cache
from typing import Any, ClassVar, TypeAlias, final

import numpy as np
import numpy.typing as npt

from graphc.ir.kinds import Leaf
from graphc.ir.node import Node, Op
from graphc.ir.storage import Storage
from graphc.kernel.scalar import Number
from graphc.origin import asking, here
from graphc.sizes import Size
from graphc.types import INT64, DType, Shape, TensorType, TupleType

__all__ = [
    "ConstantValue",
    "Input",
    "Item",
    "SizeOf",
    "Variable",
    "constant_array",
    "full",
    "item",
    "size_node",
    "uniform",
]

_Parts: TypeAlias = tuple[Op, tuple[Node, ...], TensorType]  # of a node, but for its origin


@final
class Input(Leaf):
    """A value given at each call.  Two inputs are never equal.

    `within`: the construct in whose body alone it has a value, if it is none of a function.
    """

    label: str
    type: TensorType
    within: str = ""
    name: ClassVar[str] = "input"
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def infer(self, *types: TensorType) -> TensorType:
        return self.type


@final
class Variable(Leaf):
    """A value that outlives calls.  Two variables are never equal."""

    label: str
    stored: Storage
    trainable: bool
    name: ClassVar[str] = "variable"
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def infer(self, *types: TensorType) -> TensorType:
        return TensorType(self.stored.array.shape, self.stored.array.dtype)

    def text(self) -> str:
        return "param" if self.trainable else "state"


@final
class ConstantValue(Leaf):
    """A value known when the graph is declared.

    `array` is the whole value, or one element that fills `shape`.  Known by its bytes: 0.0 differs from -0.0,
    and a nan equals itself.
    """

    shape: Shape
    dtype: DType
    weak: bool
    content: bytes
    array: npt.NDArray[Any] = field(compare=False)
    name: ClassVar[str] = "constant"

    def infer(self, *types: TensorType) -> TensorType:
        return TensorType(self.shape, self.dtype, self.weak)

    @property
    def is_uniform(self) -> bool:
        """Whether one number fills the shape."""
        return self.array.ndim == 0

    @property
    def number(self) -> Number:
        """The number that fills the shape."""
        return self.array.item() if self.dtype.kind != "V" else float(self.array)

    def text(self) -> str:
        return repr(self.number) if self.is_uniform else "constant"


@final
class SizeOf(Leaf):
    """A size, as an int64 number."""

    size: Size
    name: ClassVar[str] = "size"

    def infer(self, *types: TensorType) -> TensorType:
        return TensorType((), INT64, weak=True)

    def text(self) -> str:
        return f"size[{self.size}]"


@final
class Item(Op):
    """One result of a node that has several."""

    index: int
    name: ClassVar[str] = "item"

    def infer(self, *types: TensorType) -> TensorType:
        raise AssertionError("item reads a tuple")

    def lifted(self, extent: Size) -> Op:
        return self

    def text(self) -> str:
        return f"item[{self.index}]"


def item(node: Node, index: int) -> Node:
    """Result `index` of a node with several results."""
    assert isinstance(node.type, TupleType), node.type
    return Node(Item(index), (node,), node.type.items[index], here())


def items(node: Node) -> Sequence[Node]:
    """All results of a node with several."""
    assert isinstance(node.type, TupleType), node.type
    return [item(node, index) for index in range(len(node.type.items))]


def full(shape: Shape, value: Number | np.generic, dtype: DType, *, weak: bool = False) -> Node:
    """A constant of `shape` that is `value` everywhere.  A weak one keeps the exact value until it meets a dtype."""
    origin = here()
    for n in shape:
        if n.__class__ is not int:
            return Node(*_filled(shape, value, dtype, weak), asking(origin))
    # -0.0 equals 0.0, and derivatives ask for few numbers but 0, 1 and -1
    filled = _one_filled if value.__class__ is int or (value.__class__ is float and value) else _filled
    return Node(*filled(shape, value, dtype, weak), origin)


def _filled(shape: Shape, value: Number | np.generic, dtype: DType, weak: bool) -> _Parts:
    """The op, the inputs and the type of a constant that is one number everywhere."""
    array = np.asarray(value) if weak else np.asarray(value).astype(dtype)
    return ConstantValue(shape, dtype, weak, array.tobytes(), array), (), TensorType(shape, dtype, weak)


_one_filled = lru_cache(256, typed=True)(_filled)  # of fixed sizes: see `contraction`


def constant_array(value: npt.NDArray[Any]) -> Node:
    """A constant with the elements of `value`, copied."""
    array = np.array(value, order="C")
    array.flags.writeable = False
    op = ConstantValue(array.shape, array.dtype, False, array.tobytes(), array)
    return Node(op, (), TensorType(array.shape, array.dtype), here())


def size_node(size: Size) -> Node:
    """A size as a node; it takes the dtype of what it meets, as a Python number does."""
    if isinstance(size, int):
        return full((), size, INT64, weak=True)
    return Node(SizeOf(size), (), TensorType((), INT64, weak=True), here())


def uniform(node: Node) -> Number | None:
    """The number that fills a constant, or None where the node is no such constant."""
    op = node.op
    return op.number if isinstance(op, ConstantValue) and op.is_uniform else None
