"""Units of loops that were unrolled: where they end, so that they are alike.

A unit has room for some nodes only.  Cut wherever that happens to end, the units of a long chain begin at all places of
a round in turn, and each is a kernel of its own, to be written and compiled.  Cut between two rounds, all are one.
"""

from graphc.ir.node import Node
from graphc.passes.units import Loops

__all__ = ["has_come_round"]


def has_come_round(unit: Loops, node: Node, most: int) -> bool:
    """Whether a unit consists of rounds of ops, `node` begins another one, and there is no room for all of it.

    most    members that a unit has room for: what would leave a quarter of it free is not asked for
    """
    size = len(unit.places)
    if 4 * size <= 3 * most or next(iter(unit.places)).op.__class__ is not node.op.__class__:
        return False
    kinds = [member.op.__class__ for member in unit.places]
    for round in range(1, size // 2 + 1):
        if kinds[round] is kinds[0] and size % round == 0 and kinds[round:] == kinds[:-round]:
            return size + round > most
    return False
