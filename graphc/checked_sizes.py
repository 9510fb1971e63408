"""What the sizes of a call must be: looked at before anything is placed or bound."""

from collections.abc import Sequence

from graphc.dataclass import dataclass
from graphc.errors import ShapeError
from graphc.ir.graph import Graph
from graphc.kernel.failures import sizes_differ
from graphc.kernel.outline import Outline
from graphc.kernel.steps import SizesAgree
from graphc.origin import place_of
from graphc.passes.memory import Layout, Placement
from graphc.sizes import compiled, evaluate
from graphc.types import TensorType

__all__ = ["CheckedSizes"]


@dataclass(eq=False)
class CheckedSizes:
    """The checks of a program that are about sizes alone, and its memory for sizes that pass."""

    graph: Graph
    outline: Outline
    layout: Layout

    def __post_init__(self) -> None:
        conditions = [check.condition for check in self.outline.sizes]
        sides = [side for sizes in conditions if isinstance(sizes, SizesAgree) for side in (sizes.left, sizes.right)]
        self._sides = compiled(sides, self.outline.symbols)

    def placed(self, values: Sequence[int]) -> Placement:
        """Where everything lies.  Raises ShapeError for sizes that do not fit together, with the user's line."""
        try:
            found = self._sides(values)
        except ShapeError:
            raise self._undefined(values) from None
        for check, left, right in zip(self.outline.sizes, found[::2], found[1::2], strict=True):
            if left != right:
                raise sizes_differ(check, left, right)
        try:
            return self.layout.place(values)
        except ShapeError:
            raise self._undefined(values) from None

    def _undefined(self, values: Sequence[int]) -> ShapeError:
        """What to say where a size is divided by 0: of the first node that has such an extent."""
        known = dict(zip(self.outline.symbols, values, strict=True))
        given = ", ".join(f"{name} = {value}" for name, value in known.items())
        for node in self.graph.nodes:
            for extent in node.type.shape if isinstance(node.type, TensorType) else ():
                try:
                    evaluate(extent, known)
                except ShapeError:
                    problem = f"{node.op.name}: the extent {extent} divides by 0, where {given}"
                    return ShapeError(problem).located(place_of(node.origin))
        return ShapeError(f"a size is divided by 0, where {given}")
