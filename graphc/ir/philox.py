"""Random numbers of keys, and keys that are used more than once."""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum, unique
from typing import ClassVar, NamedTuple, final

from graphc.ir.arithmetic import Spread
from graphc.ir.control import Repeated, Structured
from graphc.ir.graph import Graph, topological
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


class _Use(NamedTuple):
    """A node that uses a key, and whether it does so in the body of a loop or a branch."""

    node: Node
    key: Node
    is_inside: bool


def reuses(nodes: Iterable[Node]) -> list[Reuse]:
    """The keys of which there are several uses among `nodes`, and in the body of each loop and branch, in order.

    A use draws numbers or makes keys; to fold a key with an integer is none.  Keys that are computed alike are one.
    A loop or a branch uses a key from around it once at most: of several branches one runs.
    """
    found: list[Reuse] = []
    pending = [nodes]
    while pending:
        listed = [node for node in pending.pop() if isinstance(node.op, _LOOKED_AT)]
        found += _several(_uses(listed))
        pending += [body.nodes for node in listed if isinstance(node.op, Structured) for body in node.op.bodies]
    return found


_USES = (Purpose.NUMBERS, Purpose.KEYS, Purpose.PARTS)
_LOOKED_AT = (Philox, Structured)  # ops that use keys, or have bodies that do


def _uses(nodes: Iterable[Node]) -> list[_Use]:
    """The uses of keys.  Recursion is over the depth to which a user nests loops and branches."""
    found: list[_Use] = []
    for node in nodes:
        op = node.op
        if isinstance(op, Philox) and op.purpose in _USES:
            found.append(_Use(node, _source(node.inputs[0]), is_inside=False))
        elif isinstance(op, Structured):
            first: dict[Node | Number, _Use] = {}
            for inner, outer in _given(op, node.inputs):
                for use in _uses(inner.nodes):
                    seed = uniform(use.key)
                    key = outer.get(use.key) if seed is None else use.key
                    if key is not None:
                        source = _source(key)
                        first.setdefault(source if seed is None else seed, _Use(use.node, source, is_inside=True))
            found += first.values()
    return found


def _given(op: Structured, operands: Sequence[Node]) -> list[tuple[Graph, Mapping[Node, Node]]]:
    """Each body that may use keys, and the operands behind those of its inputs that are the same whenever it runs."""
    if isinstance(op, Repeated):
        return [(op.body, dict(zip(op.inner().shared, op.parts(operands).shared, strict=True)))]
    return [(body, dict(zip(body.inputs, operands[1:], strict=True))) for body in op.bodies]


def _several(uses: Sequence[_Use]) -> list[Reuse]:
    """Keys that are used several times."""
    if len(uses) < 2:
        return []
    same = _numbered([use.key for use in uses])
    groups: dict[int, dict[Node | tuple[str, int], _Use]] = {}
    for use in uses:  # derivatives make the draws of a branch again: those of one line count as one
        groups.setdefault(same[use.key], {}).setdefault(_line(use.node) if use.is_inside else use.node, use)
    return [
        Reuse(next(iter(group.values())).key, tuple(sorted([use.node for use in group.values()], key=_line)))
        for group in groups.values()
        if len(group) > 1
    ]


def _line(node: Node) -> tuple[str, int]:
    return node.origin.file, node.origin.line


def _source(key: Node) -> Node:
    """What is spread over the numbers that are drawn."""
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
