"""Values of which a call must find more than their types say."""

from collections.abc import Sequence
from dataclasses import field
from typing import ClassVar, final

from graphc.ir.apply import apply
from graphc.ir.arithmetic import ones_like
from graphc.ir.kinds import Elementwise
from graphc.ir.node import IndexBound, Node, SameSize
from graphc.kernel.scalar import Scalar
from graphc.sizes import Size, equal
from graphc.types import TensorType

__all__ = ["Guarded", "guarded", "provided", "within"]


@final
class Guarded(Elementwise):
    """Operand 0, where a call finds what is needed; else it fails.  Slopes: 1, and none by a second operand.

    needs   equal sizes, and indices in range: those of operand 1
    name    of the function that the user called, which the error names
    """

    needs: tuple[SameSize | IndexBound, ...]
    name: str = field(compare=False)  # type: ignore[misc]  # one class, many functions
    accepts: ClassVar[str] = "biufc"

    def scalar(self, *xs: Scalar) -> Scalar:
        return xs[0]

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (ones_like(y), None)[: len(xs)]

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        return [*super().requirements(*types), *self.needs]


def guarded(name: str, x: Node, index: Node, extent: Size, because: str) -> Node:
    """`x`, where a call of the function `name` finds the elements of `index`, of its shape, in 0 .. extent - 1."""
    return apply(Guarded((IndexBound(1, extent, because, negative=False),), name), x, index)


def within(name: str, index: Node, extent: Size, because: str) -> Node:
    """`index`, where a call of the function `name` finds its elements in 0 .. extent - 1."""
    return guarded(name, index, index, extent, because)


def provided(name: str, x: Node, left: Size, right: Size, because: str) -> Node:
    """`x`, where a call of the function `name` finds two sizes to be equal."""
    return x if equal(left, right) else apply(Guarded((SameSize(left, right, because),), name), x)
