"""Mixed precision: operands of products lose the digits that narrow hardware would not read."""

from abc import ABC, abstractmethod
from typing import ClassVar, final

from graphc.dataclass import dataclass
from graphc.ir.apply import apply
from graphc.ir.arithmetic import Cast
from graphc.ir.graph import Graph, rebuilt
from graphc.ir.kinds import Movement, Product, Reshaped
from graphc.ir.leaves import uniform
from graphc.ir.node import Node
from graphc.ops.tensor_float import ToTensorFloat, to_tensor_float
from graphc.origin import standing_for
from graphc.passes.pipeline import Log, Pass
from graphc.types import FLOAT32, NARROW, DType, short_name

__all__ = ["Narrow", "NarrowProducts", "TensorFloat", "To16Bits"]


class Narrow(ABC):
    """What operands of products are rounded to."""

    @property
    @abstractmethod
    def name(self) -> str:
        """As it stands in the log."""

    @abstractmethod
    def rounded(self, node: Node) -> Node:
        """A node of float32, rounded, as float32 again."""

    @abstractmethod
    def holds(self, node: Node) -> bool:
        """Whether it is known that rounding a node changes nothing."""


@final
@dataclass(frozen=True)
class To16Bits(Narrow):
    """The numbers of float16 or bfloat16."""

    dtype: DType

    @property
    def name(self) -> str:
        return short_name(self.dtype)

    def rounded(self, node: Node) -> Node:
        return apply(Cast(FLOAT32), apply(Cast(self.dtype), node))

    def holds(self, node: Node) -> bool:
        number = uniform(node)
        if number is not None:
            return float(self.dtype.type(number)) == number
        return isinstance(node.op, Cast) and node.inputs[0].dtype == self.dtype


@final
@dataclass(frozen=True)
class TensorFloat(Narrow):
    """The numbers of TF32: 11 digits, the exponents of float32."""

    name: ClassVar[str] = "tf32"

    def rounded(self, node: Node) -> Node:
        return to_tensor_float(node)

    def holds(self, node: Node) -> bool:
        return isinstance(node.op, ToTensorFloat) or (isinstance(node.op, Cast) and node.inputs[0].dtype in NARROW)


@final
@dataclass(frozen=True)
class NarrowProducts(Pass[Graph, Graph]):
    """Round the operands of float32 products to what is `narrow`.  Afterwards every such product reads rounded numbers.

    Products add up in float32, and give float32: as tensor cores do.  Sums, losses, elementwise functions, variables
    and their next values stay as wide as they are.  What is rounded is what movements show, so that one value
    that several products read in several ways is rounded once.
    Micikevicius et al.: Mixed Precision Training, 2018, section 3.
    """

    narrow: Narrow
    name: ClassVar[str] = "precision"

    def run(self, form: Graph, log: Log) -> Graph:
        new: dict[Node, Node] = {}
        rounded: dict[Node, Node] = {}
        for node in form.nodes:
            inputs = [new[x] for x in node.inputs]
            if isinstance(node.op, Product) and node.dtype == FLOAT32:
                log.note(f"{node.op.name} of {self.narrow.name}", node.origin)
                inputs = [self._rounded(x, rounded) for x in inputs]
            new[node] = rebuilt(node, inputs)
        return form.exchanged(new)

    def _rounded(self, operand: Node, rounded: dict[Node, Node]) -> Node:
        """An operand, rounded below the movements that show it."""
        path: list[Node] = []
        node = operand
        while node not in rounded and isinstance(node.op, Movement | Reshaped):
            path.append(node)
            node = node.inputs[0]
        if node not in rounded:
            rounded[node] = node if self.narrow.holds(node) else self._made(node)
        found = rounded[node]
        for moved in reversed(path):
            found = rounded[moved] = rebuilt(moved, [found])
        return found

    def _made(self, node: Node) -> Node:
        with standing_for(node):
            return self.narrow.rounded(node)
