"""Powers and exponentials of matrices, and products of many."""

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.errors import ArgumentError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import spread, zeros_like
from graphc.ir.given import a_whole_number, several
from graphc.ir.kinds import Differentiable, require_field
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, cast
from graphc.ops.extremes import upper_bound
from graphc.ops.matrices import OfSquares, identity_like, part, square_matrix
from graphc.ops.movement import concat, expand_dims, matrix_transpose, squeeze
from graphc.ops.piecewise import abs, maximum
from graphc.ops.products import matmul
from graphc.ops.systems import inv
from graphc.origin import here
from graphc.sizes import estimate
from graphc.types import TensorType

__all__ = ["Expm", "expm", "matrix_power", "multi_dot"]


@final
class Expm(OfSquares, Differentiable):
    """e^a, by Padé's approximant of degree 13 with scaling and squaring.  [..., n, n]   ->   [..., n, n]

    The derivative along e is the upper right block of the exponential of ((a, e), (0, a)); the adjoint is the
    derivative at a^T, without a conjugate.  A large e is made small for that: what is scaled by e loses digits of a.
    Al-Mohy, Higham: Computing the Fréchet derivative of the matrix exponential, 2009, equation 1.4.
    """

    name: ClassVar[str] = "expm"
    routine: ClassVar[str] = "expm"

    def infer(self, *types: TensorType) -> TensorType:
        (a,) = types
        require_field(self.name, a.dtype)
        return a

    def vjp(self, node: Node, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
        (cotangent,) = cotangents
        return (None if cotangent is None else self._along(matrix_transpose(node.inputs[0]), cotangent),)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Sequence[Node | None]:
        (tangent,) = tangents
        return (None if tangent is None else self._along(node.inputs[0], tangent),)

    def _along(self, a: Node, direction: Node) -> Node:
        n, axes = a.shape[-1], (a.ndim - 2, a.ndim - 1)
        size = spread(cast(maximum(upper_bound(abs(direction), axes), 1), a.dtype), a.shape, axes)
        blocks = concat((concat((a, direction / size), -1), concat((zeros_like(a), a), -1)), -2)
        return part(apply(self, blocks), (0, n), (n, n)) * size


def expm(a: Like) -> Node:
    """The exponential 1 + a + a²/2 + ... of matrices.  [..., n, n]   ->   [..., n, n]

    A matrix that is not finite gives nan.  Each order of derivative takes an exponential of matrices with
    twice as many rows.  float16 and bfloat16 are computed in float32.
    Al-Mohy, Higham: A new scaling and squaring algorithm for the matrix exponential, 2009.

    dy = ∫ e^(s a) da e^((1 - s) a) ds from 0 to 1, the upper right block of the exponential of ((a, da), (0, a)).
    """
    node, dtype = square_matrix("expm", a)
    return cast(apply(Expm(), node), dtype)


def matrix_power(a: Like, n: int) -> Node:
    """The product of n times `a`, by squaring; of -n inverses where n is negative.  [..., k, k]   ->   [..., k, k]

    dy = Σ a^i da a^(n - 1 - i) for i < n; of an inverse, -a^-1 da a^-1.
    """
    node, dtype = square_matrix("matrix_power", a)
    n = a_whole_number("matrix_power", "the exponent", n, node)
    if n < 0:
        node, n = inv(node), -n
    result = None
    while n:
        if n % 2:
            result = node if result is None else matmul(result, node)
        n //= 2
        if n:
            node = matmul(node, node)
    return cast(identity_like(node) if result is None else result, dtype)


def multi_dot(arrays: Sequence[Like]) -> Node:
    """The product of several matrices, in the order that takes the fewest multiplications.

    The first may be a vector, which is then a row, and the last a vector, which is a column; the result lacks
    their axes.  Leading axes of matrices are a batch.  Extents that are sizes count by their hints.
    Cormen, Leiserson, Rivest, Stein: Introduction to Algorithms, 2009, section 15.2.

    [n, m], [m, k] ... [p, q]   ->   [n, q].  dy = the sum of the products with one array changed: see `matmul`.
    """
    nodes = [as_node(x) for x in several("multi_dot", "what is multiplied", arrays)]
    if len(nodes) < 2:
        raise locate(ArgumentError(f"multi_dot: two matrices or more, not {len(nodes)}"), here(), nodes)
    for number, node in enumerate(nodes):
        if node.ndim == 0 or (node.ndim == 1 and 0 < number < len(nodes) - 1):
            raise locate(ShapeError(f"multi_dot: operand {number} has rank {node.ndim}"), here(), nodes)
    row, column = nodes[0].ndim == 1, nodes[-1].ndim == 1
    if row:
        nodes[0] = expand_dims(nodes[0], 0)
    if column:
        nodes[-1] = expand_dims(nodes[-1], 1)
    product = _in_best_order(nodes)
    product = squeeze(product, -1) if column else product
    return squeeze(product, -1 if column else -2) if row else product


def _in_best_order(nodes: Sequence[Node]) -> Node:
    """The product of matrices; of every run of them the cheapest split is found, shorter runs first."""
    extents = [estimate(n, 64) for n in (nodes[0].shape[-2], *(x.shape[-1] for x in nodes))]
    products = {(i, i): node for i, node in enumerate(nodes)}
    splits: dict[tuple[int, int], int] = {}
    costs = dict.fromkeys(products, 0)
    for length in range(1, len(nodes)):
        for first in range(len(nodes) - length):
            last = first + length
            cost, split = min(
                (costs[first, k] + costs[k + 1, last] + extents[first] * extents[k + 1] * extents[last + 1], k)
                for k in range(first, last)
            )
            costs[first, last], splits[first, last] = cost, split
    wanted = [(0, len(nodes) - 1)]
    while wanted:
        run = wanted[-1]
        if run in products:
            wanted.pop()
            continue
        left, right = (run[0], splits[run]), (splits[run] + 1, run[1])
        missing = [half for half in (left, right) if half not in products]
        wanted += missing
        if not missing:
            products[run] = matmul(products[left], products[right])
    return products[0, len(nodes) - 1]
