"""A derivative that the user gives."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeAlias, final

from graphc.autodiff.batching import batched
from graphc.autodiff.reverse import placeholder
from graphc.errors import ArgumentError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.given import a_function, several
from graphc.ir.kinds import Constant, Differentiable, IndexMap, Movement
from graphc.ir.leaves import Input, Variable
from graphc.ir.node import Like, Node, Op
from graphc.ir.operands import as_node
from graphc.kernel.affine import AffineIndex
from graphc.ops.elementwise import StopGradient
from graphc.origin import Origin, here, place_of
from graphc.sizes import Size, equal
from graphc.types import Shape, TensorType, is_differentiable

__all__ = ["CustomDerivative", "custom_vjp"]

Rule: TypeAlias = Callable[..., Node | Sequence[Node | None] | None]


@final
class CustomDerivative(Movement, Differentiable):
    """Operand 0, with the derivative with respect to the other operands that `rule` gives."""

    rule: Rule
    name: ClassVar[str] = "custom_vjp"

    def told_by(self) -> Sequence[object]:
        """Nothing: its rule says how derivatives are taken, and those that are wanted are in the graph."""
        return ()

    def infer(self, *types: TensorType) -> TensorType:
        return types[0]

    def source(self, operand: Shape) -> IndexMap:
        return IndexMap(tuple(AffineIndex(((axis, 1),)) for axis in range(len(operand))))

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        return self.vjp(node, [cotangent])

    def vjp(self, node: Node, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
        (cotangent,) = cotangents
        operands = node.inputs[1:]
        if cotangent is None:
            return (None,) * len(node.inputs)
        return (None, *self._cotangents(node.origin, node, cotangent, *operands))

    def _cotangents(self, origin: Origin, *given: Node) -> Sequence[Node | None]:
        """What the rule gives for the result, its cotangent, and the operands.  One alone needs no tuple."""
        found: Any = self.rule(*given)  # Any: whatever a user gives
        one_alone = isinstance(found, Node) or found is None
        listed = (found,) if one_alone else several("custom_vjp", "what the rule gives", found)
        parts = [None if part is None else as_node(part) for part in listed]
        operands = given[2:]
        if len(parts) != len(operands):
            problem = f"custom_vjp: the rule gave {len(parts)} cotangents for {len(operands)} operands"
            raise ArgumentError(problem).located(place_of(origin))
        for part, x in zip(parts, operands, strict=True):
            if part is not None and (part.ndim != x.ndim or False in map(equal, part.shape, x.shape)):
                problem = f"custom_vjp: the rule gave a cotangent {part.tensor} for an operand {x.tensor}"
                raise locate(ShapeError(problem), origin, (x, part))
        return parts

    def lifted(self, extent: Size) -> Op:
        def rule(y: Node, cotangent: Node, *xs: Node) -> Sequence[Node | None]:
            given = (y, cotangent, *xs)
            inner = [placeholder(TensorType(x.shape[1:], x.dtype)) for x in given]
            found = self._cotangents(y.origin, *inner)
            some = [part for part in found if part is not None]
            lifted = iter(batched(some, dict(zip(inner, given, strict=True)), extent))
            return [None if part is None else next(lifted) for part in found]

        return CustomDerivative(rule)


def custom_vjp(function: Callable[..., Node], rule: Rule) -> Callable[..., Node]:
    """`function`, with the derivative that `rule` gives instead of its own.

    `function(*xs) -> y` builds graph.  `rule(y, cotangent, *xs)` gives the cotangent of each x (or None), in
    graph too.  It holds in forward mode as well, where it is transposed if it is linear in the cotangent, and
    its own derivatives are those of the graph it builds; so all orders follow from it.

    All that the derivative may be taken by is an operand: a parameter that `function` reads from around it is
    refused, as the rule has no cotangent for it.  Raises ArgumentError.

        clipped = gx.custom_vjp(lambda x: gx.clip(x, -1, 1), lambda y, c, x: (c,))
    """

    a_function("custom_vjp", "the function", function)
    a_function("custom_vjp", "the rule", rule)

    def with_rule(*operands: Like) -> Node:
        xs = [as_node(x) for x in operands]
        y = function(*xs)
        if not isinstance(y, Node):
            raise ArgumentError("custom_vjp: the function gives one node")
        hidden = _hidden(y, xs)
        if hidden is not None:
            problem = (
                f"custom_vjp: the function reads {hidden.name!r}, which is no operand, so that its gradient is lost"
            )
            hint = "make it an operand, or read gx.stop_gradient of it"
            raise locate(ArgumentError(problem, hint=hint), here(), (hidden,))
        return apply(CustomDerivative(rule), y, *xs)

    return with_rule


def _hidden(y: Node, operands: Sequence[Node]) -> Node | None:
    """An input or variable that a derivative of `y` may be taken by, and that it reads beside its operands."""
    seen = set(operands)
    stack = [y]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if isinstance(node.op, Input | Variable) and is_differentiable(node.dtype):
            return node
        if not isinstance(node.op, Constant | StopGradient):
            stack += node.inputs
    return None
