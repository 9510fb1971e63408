"""What holds of every form between two passes: asked for by `compile(verify=True)`."""

from graphc.ir.graph import Graph
from graphc.ir.leaves import Item
from graphc.kernel.verify import verify
from graphc.passes.lower import Lowered

__all__ = ["require_sound"]


def require_sound(form: object) -> None:
    """Raise AssertionError unless every node has the type that its op infers, and every program is well formed."""
    match form:
        case Graph():
            for node in form.nodes:
                if node.inputs and not isinstance(node.op, Item):
                    inferred = node.op.infer(*[x.tensor for x in node.inputs])
                    assert inferred == node.type, f"{node!r} is {node.type}, its op infers {inferred}"
        case Lowered():
            verify(form.program)
