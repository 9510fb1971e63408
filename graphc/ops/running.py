"""Running sums and products."""

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.autodiff.reverse import pull_back
from graphc.errors import UnsupportedError
from graphc.ir.apply import apply, locate
from graphc.ir.kinds import Differentiable, Linear, Running
from graphc.ir.node import Like, Node, Op
from graphc.ir.operands import as_node
from graphc.kernel.monoids import Monoid
from graphc.ops.axes import one_axis
from graphc.ops.movement import flip
from graphc.ops.placement import Pad, Slice, moved
from graphc.sizes import Size
from graphc.types import TensorType, as_summed

__all__ = ["cumprod", "cumsum", "delayed"]


@final
class CumSum(Running, Linear):
    """Sums of all elements up to each, along one axis.  Adjoint: the same from the other end.

    The dtypes are those of Sum.
    """

    axis: int
    reverse: bool = False
    name: ClassVar[str] = "cumsum"
    monoid: ClassVar[Monoid] = Monoid.SUM

    def infer(self, *types: TensorType) -> TensorType:
        return TensorType(types[0].shape, as_summed(types[0].dtype))

    def transpose(self, node: Node, cotangent: Node) -> Sequence[Node | None]:
        return (apply(CumSum(self.axis, not self.reverse), cotangent),)

    def lifted(self, extent: Size) -> Op:
        return CumSum(self.axis + 1, self.reverse)

    def text(self) -> str:
        return f"cumsum[{self.axis}{' reverse' if self.reverse else ''}]"


@final
class CumProd(Running, Differentiable):
    """Products of all elements up to each, along one axis.

    The cotangent is that of log n doublings, y[i] <- y[i] y[i - 2^j], in which nothing is divided: it holds
    at zeros, to any order.  Hillis, Steele: Data parallel algorithms, 1986.
    """

    axis: int
    reverse: bool = False
    name: ClassVar[str] = "cumprod"
    monoid: ClassVar[Monoid] = Monoid.PROD

    def infer(self, *types: TensorType) -> TensorType:
        return TensorType(types[0].shape, as_summed(types[0].dtype))

    def vjp(self, node: Node, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
        (x,) = node.inputs
        return pull_back([self._doubled(x)], cotangents, [x])

    def _doubled(self, x: Node) -> Node:
        """The same by doubling."""
        n = x.shape[self.axis]
        if not isinstance(n, int):
            problem = f"cumprod: no derivative along an extent of {n}, which is no number"
            error = UnsupportedError(problem, hint="declare the extent as a number")
            raise locate(error, x.origin, (x,))
        product, distance = flip(x, self.axis) if self.reverse else x, 1
        while distance < n:
            product, distance = product * delayed(product, self.axis, distance, 1), 2 * distance
        return flip(product, self.axis) if self.reverse else product

    def lifted(self, extent: Size) -> Op:
        return CumProd(self.axis + 1, self.reverse)

    def text(self) -> str:
        return f"cumprod[{self.axis}{' reverse' if self.reverse else ''}]"


def delayed(x: Node, axis: int, distance: int, first: int) -> Node:
    """Element i along `axis` is x[i - distance], and `first` for the first ones."""
    starts = tuple(distance if i == axis else 0 for i in range(x.ndim))
    steps = (1,) * x.ndim
    lengths = tuple(n - distance if i == axis else n for i, n in enumerate(x.shape))
    rest = moved(Slice((0,) * x.ndim, steps, lengths), x)
    return apply(Pad(starts, steps, x.shape, first), rest)


def cumsum(x: Like, axis: int = -1, *, reverse: bool = False) -> Node:
    """Sums of all elements up to each, along `axis`; from the other end where `reverse` holds."""
    node = as_node(x)
    return apply(CumSum(one_axis("cumsum", axis, node.ndim, node), reverse), node)


def cumprod(x: Like, axis: int = -1, *, reverse: bool = False) -> Node:
    """Products of all elements up to each, along `axis`; from the other end where `reverse` holds."""
    node = as_node(x)
    return apply(CumProd(one_axis("cumprod", axis, node.ndim, node), reverse), node)
