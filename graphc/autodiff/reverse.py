"""Reverse mode: cotangents flow from results to operands, one rule per node."""

from collections.abc import Callable, Sequence

from graphc.collector import waiting
from graphc.ir.apply import apply
from graphc.ir.arithmetic import Where, zeros_like
from graphc.ir.complex import real
from graphc.ir.graph import exchanged, topological
from graphc.ir.kinds import (
    Constant,
    Deposit,
    Differentiable,
    Elementwise,
    Linear,
    Movement,
    Multilinear,
    Reshaped,
    Tangential,
)
from graphc.ir.leaves import Input, Item
from graphc.ir.node import Node
from graphc.ir.operands import add_up, cast, is_masked, times
from graphc.origin import derived, here
from graphc.regions import derivative_of, latest
from graphc.types import DType, TensorType, TupleType, is_complex, is_differentiable

__all__ = ["placeholder", "pull_back", "pull_back_of"]


def placeholder(like: TensorType) -> Node:
    """A node that stands for a value not known yet, while a rule is derived from another."""
    from_type = TensorType(like.shape, like.dtype)
    return Node(Input("placeholder", from_type), (), from_type, here())


@waiting()
def pull_back(outputs: Sequence[Node], cotangents: Sequence[Node | None], wrt: Sequence[Node]) -> list[Node | None]:
    """The cotangent of each node of `wrt`, from one cotangent per output (None for zero).

    None for a node that no derivative reaches.  One visit per node between the outputs and `wrt`.
    """
    order = topological(outputs)
    active = set(wrt)
    for node in order:
        if node not in active and not active.isdisjoint(node.inputs) and not isinstance(node.op, Constant):
            active.add(node)
    generation = latest([node.origin.members for node in order if node.origin.members]) + 1
    parts: dict[Node, list[list[Node]]] = {}

    def give(node: Node, part: Node | None, result: int = 0) -> None:
        if part is None or node not in active:
            return
        given = parts.get(node)
        if given is None:
            width = len(node.type.items) if isinstance(node.type, TupleType) else 1
            given = parts[node] = [[] for _ in range(width)]
        given[result].append(part)

    for output, cotangent in zip(outputs, cotangents, strict=True):
        give(output, cotangent)
    totals: dict[Node, Node | None] = {}
    for node in reversed(order):
        if node not in parts:
            continue
        with derived(f"grad of {node.op.name}", node, derivative_of(node.origin.members, generation)):
            received = [add_up(part) if part else None for part in parts[node]]
            totals[node] = received[0]
            if active.isdisjoint(node.inputs):
                continue
            if isinstance(node.op, Item):
                give(node.inputs[0], received[0], node.op.index)
                continue
            for operand, part in zip(node.inputs, cotangents_of(node, received), strict=True):
                type = operand.type
                if part is not None and isinstance(type, TensorType) and is_differentiable(type.dtype):
                    give(operand, part if part.dtype == type.dtype else _narrowed(part, type.dtype))
    return [totals.get(node) for node in wrt]


def pull_back_of(function: Callable[..., Node], operands: Sequence[Node], cotangent: Node) -> list[Node | None]:
    """The cotangent of each operand of a function that builds graph, from that of its result: a rule written as one.

    It is derived where stand-ins are the operands.  The operands themselves may be made of each other, and what
    they are made of may be simplified together with the function: then no path would lead through them.
    """
    given = (*operands, cotangent)
    inside = [placeholder(x.tensor) for x in given]
    wanted = inside[:-1]
    found = pull_back([function(*wanted)], inside[-1:], wanted)
    outside = dict(zip(inside, given, strict=True))
    for node in topological([part for part in found if part is not None]):
        if node not in outside:
            outside[node] = exchanged(node, outside)
    return [None if part is None else outside[part] for part in found]


def _narrowed(cotangent: Node, dtype: DType) -> Node:
    """A cotangent in the dtype of what it belongs to; of a real number only the real part pairs with a tangent."""
    return cast(cotangent if is_complex(dtype) else real(cotangent), dtype)


def cotangents_of(node: Node, received: Sequence[Node | None]) -> Sequence[Node | None]:
    """What the inputs of `node` get, by the kind of its op."""
    op = node.op
    cotangent = received[0]
    match op:
        case Linear() if cotangent is not None:
            if _only_moves(op) and is_masked(cotangent):
                mask, inner, _ = cotangent.inputs
                return _masked(op.transpose(node, mask), op.transpose(node, inner))
            return op.transpose(node, cotangent)
        case Elementwise() if cotangent is not None:
            slopes = op.partials(node, *node.inputs)
            return [None if slope is None else times(cotangent, slope) for slope in slopes]
        case Multilinear() if cotangent is not None:
            return [op.transpose(node, operand, cotangent) for operand in range(len(node.inputs))]
        case Differentiable():
            return op.vjp(node, received)
        case Tangential():
            return _transposed(op, node, received)
        case _:
            return [None] * len(node.inputs)


def _only_moves(op: Linear) -> bool:
    """Whether the adjoint moves elements and adds none up, so that a mask can move along."""
    match op:
        case Differentiable():  # whose adjoint is a rule of its own
            return False
        case Movement(repeats=adds) | Deposit(adds=adds):
            return not adds
        case _:
            return isinstance(op, Reshaped)


def _masked(masks: Sequence[Node | None], parts: Sequence[Node | None]) -> Sequence[Node | None]:
    """Each part where its mask holds, and 0 elsewhere."""
    return [
        None if mask is None or part is None else apply(Where(), mask, part, zeros_like(part))
        for mask, part in zip(masks, parts, strict=True)
    ]


def _transposed(op: Tangential, node: Node, received: Sequence[Node | None]) -> Sequence[Node | None]:
    """The reverse rule of an op that has a forward one: the adjoint of a map that is linear in the tangents."""
    tangents = [placeholder(x.tensor) if is_differentiable(x.dtype) else None for x in node.inputs]
    results = op.jvp(node, tangents)
    pairs = [(y, c) for y, c in zip(results, received, strict=True) if y is not None and c is not None]
    places = [index for index, tangent in enumerate(tangents) if tangent is not None]
    found = pull_back([y for y, _ in pairs], [c for _, c in pairs], [t for t in tangents if t is not None])
    back: list[Node | None] = [None] * len(node.inputs)
    for index, cotangent in zip(places, found, strict=True):
        back[index] = cotangent
    return back
