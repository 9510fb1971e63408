"""One op as a function of arrays: compiled by itself, as it is without any pass."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from graphc.backends.numpy.backend import NumpyBackend
from graphc.dataclass import dataclass
from graphc.ir.graph import Graph
from graphc.ir.leaves import Input, items
from graphc.ir.node import Node, Op
from graphc.kernel.rounding import rounds
from graphc.origin import Origin
from graphc.passes.fuse import separate
from graphc.passes.lower import lower
from graphc.running import Bound
from graphc.types import NodeType, TensorType
from graphc.verification.programs import Array, Executable, Sizes

__all__ = ["SingleOp", "compiled_alone", "single_op"]

_NOWHERE = Origin("<graphc>", 0, "")


@dataclass(frozen=True, eq=False)
class SingleOp:
    """An op on operands of given types.

    rounds   whether a float result is rounded, and not only picked or moved
    """

    code: Executable
    rounds: bool

    def bind(self, sizes: Sizes) -> Bound:
        """The code for these sizes, for one caller at a time."""
        return self.code.bind((), sizes)

    def call(self, bound: Bound, arrays: Sequence[Array]) -> list[Array]:
        """What it gives."""
        return self.code.call(bound, [np.ascontiguousarray(x).reshape(x.shape) for x in arrays])


@lru_cache(maxsize=2048)
def single_op(op: Op, types: tuple[TensorType, ...], result: NodeType) -> SingleOp:
    """The op by itself, compiled once for all graphs."""
    return compiled_alone(op, types, result)


def compiled_alone(op: Op, types: tuple[TensorType, ...], result: NodeType) -> SingleOp:
    """The op by itself, compiled anew."""
    given = tuple([Node(Input(f"x{n}", type), (), type, _NOWHERE) for n, type in enumerate(types)])
    node = Node(op, given, result, _NOWHERE)
    outputs = (node,) if isinstance(result, TensorType) else tuple(items(node))
    lowered = lower(separate(Graph(given, outputs)))
    return SingleOp(Executable.of(lowered, NumpyBackend()), any(map(rounds, lowered.program.timeline)))
