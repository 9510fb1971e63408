"""Random numbers of keys, and keys that are used more than once."""

from collections.abc import Iterable, Sequence
from enum import IntEnum, unique
from typing import ClassVar, NamedTuple, final

from graphc.ir.arithmetic import Spread
from graphc.ir.control import Structured
from graphc.ir.graph import topological
from graphc.ir.kinds import Elementwise
from graphc.ir.leaves import uniform
from graphc.ir.node import Node, Op
from graphc.kernel import functions as k
from graphc.kernel.scalar import Number, Scalar
from graphc.types import DTYPES, DType

__all__ = ["Philox", "Purpose", "Reuse", "reuses"]


@unique
class Purpose(IntEnum):
    """What a key is used for: the highest word of the counters."""

    NUMBERS = 0
    KEYS = 1
    FOLDED = 2
    STREAM = 3
    PARTS = 4


@final
class Philox(Elementwise):
    """Random number `index` of a key, as 32 or 64 bits.  No slope.

    `part` tells uses of one purpose apart.
    """

    width: int
    purpose: Purpose
    part: int = 0
    name: ClassVar[str] = "philox"
    accepts: ClassVar[str] = "iu"

    def scalar(self, *xs: Scalar) -> Scalar:
        key, index = xs
        number = k.philox32 if self.width == 32 else k.philox64
        return number(key, self.purpose << 32 | self.part, index)

    def result(self, *dtypes: DType) -> DType:
        return DTYPES[f"uint{self.width}"]

    def text(self) -> str:
        return f"philox[{self.width}, {self.purpose.name.lower()}{f' {self.part}' if self.part else ''}]"


class Reuse(NamedTuple):
    """A key, and the nodes that use it: their numbers depend on each other, where a user may not expect it."""

    key: Node
    uses: tuple[Node, ...]


def reuses(nodes: Iterable[Node]) -> list[Reuse]:
    """The keys of which there are several uses among `nodes`, and in the body of each loop and branch, in order.

    A use draws numbers or makes keys; to fold a key with an integer is none.  Keys that are computed alike are one.
    """
    found: list[Reuse] = []
    pending = [nodes]
    while pending:
        listed = list(pending.pop())
        found += _several([node for node in listed if isinstance(node.op, Philox) and node.op.purpose in _USES])
        pending += [body.nodes for node in listed if isinstance(node.op, Structured) for body in node.op.bodies]
    return found


_USES = (Purpose.NUMBERS, Purpose.KEYS, Purpose.PARTS)


def _several(drawn: Sequence[Node]) -> list[Reuse]:
    """Keys that several of these nodes use."""
    if len(drawn) < 2:
        return []
    keys = [_key_of(node) for node in drawn]
    same = _numbered(keys)
    uses: dict[int, list[Node]] = {}
    for node, key in zip(drawn, keys, strict=True):
        uses.setdefault(same[key], []).append(node)
    several = [sorted(group, key=_line) for group in uses.values() if len(group) > 1]
    return [Reuse(_key_of(group[0]), tuple(group)) for group in several]


def _line(node: Node) -> tuple[str, int]:
    return node.origin.file, node.origin.line


def _key_of(node: Node) -> Node:
    key = node.inputs[0]
    while isinstance(key.op, Spread):
        key = key.inputs[0]
    return key


def _numbered(roots: Sequence[Node]) -> dict[Node, int]:
    """A number for all that `roots` need, the same for nodes that have one op and operands of the same numbers.

    A constant that is one number is the same in any shape: keys are spread over what is drawn.
    """
    numbers: dict[Node, int] = {}
    known: dict[tuple[Op | Number, tuple[int, ...]], int] = {}
    for node in topological(roots):
        constant = uniform(node)
        form = (node.op if constant is None else constant, tuple([numbers[x] for x in node.inputs]))
        numbers[node] = known.setdefault(form, len(known))
    return numbers
