"""Folding numbers: what depends on constants that are one number each is such a constant."""

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.dataclass import dataclass
from graphc.ir.graph import Graph
from graphc.ir.kinds import Elementwise, Movement, Reshaped
from graphc.ir.leaves import ConstantValue, full, uniform
from graphc.ir.node import Node
from graphc.kernel.meaning import value_of
from graphc.kernel.scalar import Call, Const, Formula, Number, Scalar
from graphc.origin import standing_for
from graphc.passes.pipeline import Log, Pass

__all__ = ["FoldConstants", "value_at"]


@final
@dataclass(frozen=True)
class FoldConstants(Pass[Graph, Graph]):
    """Evaluate nodes whose operands are all filled with one number each.

    Afterwards no elementwise op, movement or reshape of such constants remains.  Costs nothing by size: the
    result is one number too.
    """

    name: ClassVar[str] = "fold"

    def run(self, form: Graph, log: Log) -> Graph:
        constants = {node for node in form.nodes if isinstance(node.op, ConstantValue)}
        if not [node for node in form.nodes if node.inputs and constants.issuperset(node.inputs)]:
            return form
        results: set[Node] = set()  # they lead to the lines of the results that went into them

        def fold(node: Node) -> Node:
            if not node.inputs or not constants.issuperset(node.inputs):
                return node
            if not isinstance(node.op, Elementwise | Movement | Reshaped):
                return node
            numbers = [uniform(x) for x in node.inputs]
            known = [number for number in numbers if number is not None]
            if len(known) < len(numbers):
                return node
            log.note(f"{node.op.name} of constants", node.origin)
            with standing_for(node, *(x for x in node.inputs if x in results)):
                result = full(node.shape, value_at(node, known), node.dtype, weak=node.tensor.weak)
            log.replaced(f"{node.op.name} of constants", node, result, exact=False)
            constants.add(result)
            results.add(result)
            return result

        return form.map(fold)


def value_at(node: Node, numbers: Sequence[Number]) -> Number:
    """What a node is at a point where its operands are these numbers."""
    op = node.op
    if not isinstance(op, Elementwise):
        return numbers[0]
    formula = Formula()
    operands = [
        Scalar(formula, formula.constant(number, x.dtype)) for number, x in zip(numbers, node.inputs, strict=True)
    ]
    result = op.scalar(*operands).number
    values: list[object] = []
    for let in formula.lets:
        match let:
            case Const(value=value, dtype=dtype):
                values.append(dtype.type(value))
            case Call(fn=fn, args=args, dtype=dtype):
                values.append(value_of(fn, [values[arg] for arg in args], dtype))
            case _:
                raise AssertionError(f"{let} in a formula of constants")
    found = values[result]
    return float(found) if node.dtype.kind == "V" else found.item()  # type: ignore[attr-defined,arg-type]
