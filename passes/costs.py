"""What it costs to keep a value for those who read it, and to compute it again in each of them."""

from collections.abc import Iterable
from dataclasses import field

from graphc.dataclass import dataclass
from graphc.ir.kinds import Elementwise
from graphc.ir.node import Node, Op
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.costs import ADDITIONS, additions, calls
from graphc.kernel.scalar import Fn, Formula, Load, Scalar
from graphc.kernel.target import Target
from graphc.sizes import estimate, product
from graphc.types import INT64, DType, Shape

__all__ = ["Costs", "moving"]


def moving(bytes: float, target: Target, *, of: float | None = None) -> float:
    """What reading or writing so many bytes costs, of an array that has more where `of` says so."""
    return bytes if (bytes if of is None else of) > target.cache_bytes else bytes * target.cached


@dataclass
class Costs:
    """The costs of nodes on a target, in bytes of memory traffic.  Open sizes count as their hints."""

    target: Target
    work: dict[tuple[Op, tuple[DType, ...]], tuple[int, int]] = field(default_factory=dict)
    sizes: dict[tuple[Shape, DType], int] = field(default_factory=dict)

    def keeping(self, node: Node, readings: int) -> float:
        """To write a value once, and to read it so many times."""
        bytes = self.bytes(node)
        return moving(bytes, self.target) * (1 + readings)

    def computing(self, node: Node, operands: Iterable[Node], points: int | None = None) -> float:
        """To compute a value in a kernel that is there already, which must then read `operands` too.

        points  how many elements, if not one of each
        """
        lets, work = self._work(node)
        moved = sum([moving(self.bytes(x), self.target) for x in operands])
        bytes = self.bytes(node) if points is None else points * node.dtype.itemsize
        return lets * self.target.let + bytes * work * self.target.addition + moved

    def dividing(self, node: Node, divisions: float, *, by_open: bool) -> float:
        """To read elements of a value where so many divided places say, by calls that each divide all of them.

        by_open   whether a divisor is no number: by one, processors multiply instead

        Such a walk has no rows: of what no cache holds it fetches most lines more than once.
        """
        if not divisions:
            return 0
        work = (
            (ADDITIONS[Fn.FLOORDIV] * (_BY_OPEN if by_open else 1) + _BESIDES) * self.target.addition * INT64.itemsize
        )
        fetched = 2 * node.dtype.itemsize if self.bytes(node) > self.target.cache_bytes else 0
        return divisions * (work + fetched) + self.target.let * _LETS_OF_A_PLACE

    def bytes(self, node: Node) -> int:
        kind = (node.shape, node.dtype)
        found = self.sizes.get(kind)
        if found is None:
            found = self.sizes[kind] = estimate(product(node.shape)) * node.dtype.itemsize
        return found

    def _work(self, node: Node) -> tuple[int, int]:
        """How many functions one element needs, and what they are worth in additions."""
        dtypes = tuple([x.dtype for x in node.inputs])
        key = (node.op, dtypes)
        found = self.work.get(key)
        if found is None:
            assert isinstance(node.op, Elementwise), node
            formula = Formula()
            operands = [
                formula.add(Load(Buffer(Role.INPUT, dtype, (), n), (), dtype)) for n, dtype in enumerate(dtypes)
            ]
            node.op.scalar(*(Scalar(formula, operand) for operand in operands))
            found = self.work[key] = calls(formula.lets), additions(formula.lets)
        return found


_BESIDES = 2  # additions for each division: a product, and what is left when that is taken away
_BY_OPEN = 20  # what a division is worth that no product can take the place of, in others
_LETS_OF_A_PLACE = 8  # its quotient, its remainder, and where both are
