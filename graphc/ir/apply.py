"""`apply`, which makes a node of an op and operands, and errors that say where both were written."""

from collections.abc import Sequence

from graphc.errors import ArgumentError, DTypeError, GraphError, IndexRangeError, ShapeError
from graphc.ir.node import IndexBound, Node, Op, SameSize, made_at
from graphc.origin import Origin, asking, called, here, place_of
from graphc.sizes import equal
from graphc.types import NodeType, TensorType

__all__ = ["apply", "locate"]

_ROLES = {1: ("x",), 2: ("left", "right")}


def _is_open(op: Op, requirements: Sequence[SameSize | IndexBound]) -> bool:
    """Whether a call decides what the op requires.  Raises where that is decided and does not hold."""
    found = False
    for requirement in requirements:
        holds = equal(requirement.left, requirement.right) if isinstance(requirement, SameSize) else None
        if holds is False:
            assert isinstance(requirement, SameSize), requirement
            raise ShapeError(
                f"{op.name}: {requirement.because}, {requirement.left} and {requirement.right}",
                hint=requirement.hint,
            )
        found = found or not holds
    return found


def _is_new(found: NodeType, types: Sequence[TensorType]) -> bool:
    """Whether a call decides an extent of a result that no operand has: it may come out negative."""
    if types and found is types[0]:
        return False
    for result in (found,) if isinstance(found, TensorType) else found.items:
        for n in result.shape:  # every node comes here, and `any` takes three times as long
            if n.__class__ is not int and not any(n in x.shape for x in types):
                return True
    return False


def apply(op: Op, *inputs: Node) -> Node:
    """The node of `op` on `inputs`.  Errors get the user's line and where each operand was made."""
    origin = here()
    types: list[TensorType] = []
    try:
        for node in inputs:
            type = node.type
            types.append(type if type.__class__ is TensorType else node.tensor)  # or raises
        requirements = op.requirements(*types)
        is_open = _is_open(op, requirements) if requirements else False
        found = op.infer(*types)
        if is_open or _is_new(found, types):
            origin = asking(origin)
        return Node(op, inputs, found, origin)
    except (ShapeError, DTypeError, IndexRangeError, ArgumentError) as error:
        raise locate(error, origin, inputs) from None


def locate(error: GraphError, origin: Origin, inputs: Sequence[Node]) -> GraphError:
    """`error` with the function that the user called, the line, and a line per operand."""
    roles = _ROLES.get(len(inputs), tuple(f"[{i}]" for i in range(len(inputs))))
    lines = [line for role, node in zip(roles, inputs, strict=True) for line in made_at(role, node)]
    return error.located((*place_of(origin), *lines), called())
