"""`apply`, which makes a node of an op and operands, and errors that say where both were written."""

from collections.abc import Sequence
from typing import cast

from graphc.errors import ArgumentError, DTypeError, GraphError, IndexRangeError, ShapeError
from graphc.ir.node import Node, Op, SameSize, made_at
from graphc.origin import Origin, here, place_of
from graphc.sizes import equal
from graphc.types import TensorType, TupleType

__all__ = ["apply", "locate"]

_ROLES = {1: ("x",), 2: ("left", "right")}


def _decide(op: Op, types: tuple[TensorType, ...]) -> None:
    """Raise where a requirement is decided and does not hold."""
    for requirement in op.requirements(*types):
        if isinstance(requirement, SameSize) and equal(requirement.left, requirement.right) is False:
            raise ShapeError(
                f"{op.name}: {requirement.because}, {requirement.left} and {requirement.right}",
                hint=requirement.hint,
            )


def apply(op: Op, *inputs: Node) -> Node:
    """The node of `op` on `inputs`.  Errors get the user's line and where each operand was made."""
    origin = here()
    types = tuple([node.type for node in inputs])
    try:
        for node in inputs:
            if node.type.__class__ is TupleType:
                node.tensor  # noqa: B018  # raises
        tensors = cast("tuple[TensorType, ...]", types)
        _decide(op, tensors)
        return Node(op, inputs, op.infer(*tensors), origin)
    except (ShapeError, DTypeError, IndexRangeError, ArgumentError) as error:
        raise locate(error, origin, inputs) from None


def locate(error: GraphError, origin: Origin, inputs: Sequence[Node]) -> GraphError:
    """`error` with the user's line and one line per operand."""
    roles = _ROLES.get(len(inputs), tuple(f"[{i}]" for i in range(len(inputs))))
    lines = [line for role, node in zip(roles, inputs, strict=True) for line in made_at(role, node)]
    return error.located((*place_of(origin), *lines))
