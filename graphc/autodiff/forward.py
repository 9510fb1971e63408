"""Forward mode: tangents flow from operands to results, one rule per node."""

from collections.abc import Collection, Mapping, Sequence

from graphc.autodiff.reverse import placeholder, pull_back
from graphc.errors import UnsupportedError
from graphc.ir.apply import apply
from graphc.ir.arithmetic import zeros_like
from graphc.ir.graph import topological
from graphc.ir.kinds import Constant, Differentiable, Elementwise, Linear, Multilinear, Tangential
from graphc.ir.leaves import Item
from graphc.ir.node import Node
from graphc.ir.operands import add_up, cast, times
from graphc.origin import derived, place_of
from graphc.types import TupleType, is_differentiable

__all__ = ["push_forward"]


def push_forward(outputs: Sequence[Node], tangents: Mapping[Node, Node]) -> list[Node | None]:
    """The tangent of each output, given those of some nodes.  None where no derivative arrives."""
    known: dict[Node, Sequence[Node | None]] = {node: (tangent,) for node, tangent in tangents.items()}
    for node in topological(outputs):
        if node in known or not any(x in known for x in node.inputs):
            continue
        with derived(f"tangent of {node.op.name}", node):
            if isinstance(node.op, Item):
                known[node] = (known[node.inputs[0]][node.op.index],)
                continue
            arrived = [known[x][0] if x in known else None for x in node.inputs]
            results = tangents_of(node, arrived)
            if any(result is not None for result in results):
                known[node] = results
    return [known[node][0] if node in known else None for node in outputs]


def tangents_of(node: Node, arrived: Sequence[Node | None]) -> Sequence[Node | None]:
    """The tangents of the results of `node`, by the kind of its op."""
    op = node.op
    width = len(node.type.items) if isinstance(node.type, TupleType) else 1
    if isinstance(op, Constant) or all(tangent is None for tangent in arrived):
        return (None,) * width
    match op:
        case Tangential():
            return op.jvp(node, arrived)
        case Differentiable():
            given = op.jvp(node, arrived)
            return _transposed(op, node, arrived) if given is None else given
        case Linear():
            operands = [
                x if not op.is_linear_in(i) else zeros_like(x) if t is None else t
                for i, (x, t) in enumerate(zip(node.inputs, arrived, strict=True))
            ]
            return (apply(op.linear_part(), *operands),)
        case Elementwise():
            if not is_differentiable(node.dtype):
                return (None,)
            slopes = op.partials(node, *node.inputs)
            parts = [
                times(cast(tangent, node.dtype) if tangent.dtype != node.dtype else tangent, slope)
                for tangent, slope in zip(arrived, slopes, strict=True)
                if tangent is not None and slope is not None
            ]
            return (add_up(parts) if parts else None,)
        case Multilinear():
            terms = []
            for i, tangent in enumerate(arrived):
                if tangent is not None:
                    terms.append(apply(op, *(tangent if j == i else x for j, x in enumerate(node.inputs))))
            return (add_up(terms),)
        case _:
            raise AssertionError(f"{op.name} is of no kind that has a derivative")


def _transposed(op: Differentiable, node: Node, arrived: Sequence[Node | None]) -> Sequence[Node | None]:
    """The forward rule of an op that has a reverse one: the adjoint of a map that is linear in the cotangents."""
    types = node.type.items if isinstance(node.type, TupleType) else (node.type,)
    cotangents = [placeholder(type) if is_differentiable(type.dtype) else None for type in types]
    back = op.vjp(node, cotangents)
    pairs = [(b, t) for b, t in zip(back, arrived, strict=True) if b is not None and t is not None]
    wanted = [c for c in cotangents if c is not None]
    found = pull_back([b for b, _ in pairs], [t for _, t in pairs], wanted)
    known = {*node.inputs, *(t for _, t in pairs), node}
    needed = _reached([b for b, _ in pairs], known)
    left = _reached([part for part in found if part is not None], known)
    for cotangent, part in zip(wanted, found, strict=True):
        if cotangent in left or (part is None and cotangent in needed):
            raise UnsupportedError(
                f"{op.name}: forward mode transposes the reverse rule, which is not linear in the cotangent",
                hint="gx.grad and gx.vjp use the rule as it is; or write one that is linear in the cotangent",
            ).located(place_of(node.origin))
    parts = iter(found)
    return [None if c is None else next(parts) for c in cotangents]


def _reached(roots: Sequence[Node], known: Collection[Node]) -> set[Node]:
    """The nodes that `roots` need, without what only known ones need."""
    seen: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node not in seen and node not in known:
            seen.add(node)
            stack += node.inputs
    return seen
