"""One op as a function of arrays: compiled by itself, as it is without any pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from graphc.backends.numpy.backend import NumpyBackend
from graphc.ir.graph import Graph
from graphc.ir.leaves import Input, items
from graphc.ir.node import Node, Op
from graphc.kernel.monoids import Monoid
from graphc.kernel.program import Program
from graphc.kernel.scalar import COMPARISONS, Call, Fn
from graphc.kernel.steps import Contract, Extern, Fold, Kernel, Prefix, Store
from graphc.origin import Origin
from graphc.passes.fuse import separate
from graphc.passes.lower import lower
from graphc.running import Bound
from graphc.types import DType, NodeType, TensorType, is_differentiable
from graphc.verification.programs import Array, Executable, Sizes

__all__ = ["SingleOp", "single_op"]

_NOWHERE = Origin("<graphc>", 0, "")

#: functions whose result is one of their operands, a part of one, or no float: they round nothing
_EXACT = COMPARISONS | {
    Fn.NEG, Fn.ABS, Fn.SIGN, Fn.FLOOR, Fn.CEIL, Fn.TRUNC, Fn.ROUND, Fn.MINIMUM, Fn.MAXIMUM, Fn.COPYSIGN, Fn.REAL,
    Fn.IMAG, Fn.CONJ, Fn.COMPLEX, Fn.AND, Fn.OR, Fn.XOR, Fn.NOT, Fn.LEFT_SHIFT, Fn.RIGHT_SHIFT, Fn.PHILOX32,
    Fn.PHILOX64, Fn.WHERE,
}  # fmt: skip
_EXACT_MONOIDS = frozenset(Monoid) - {Monoid.SUM, Monoid.PROD}


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
    given = tuple([Node(Input(f"x{n}", type), (), type, _NOWHERE) for n, type in enumerate(types)])
    node = Node(op, given, result, _NOWHERE)
    outputs = (node,) if isinstance(result, TensorType) else tuple(items(node))
    lowered = lower(separate(Graph(given, outputs)))
    return SingleOp(Executable.of(lowered, NumpyBackend()), _rounds(lowered.program))


def _rounds(program: Program) -> bool:
    """Whether a step of a program rounds a float."""
    for step in program.timeline:
        match step:
            case Kernel():
                for stage in step.stages:
                    if any(
                        isinstance(let, Call)
                        and let.fn not in _EXACT
                        and is_differentiable(let.dtype)
                        and not (let.fn is Fn.CAST and _is_widened(stage.lets[let.args[0]].dtype, let.dtype))
                        for let in stage.lets
                    ):
                        return True
                    for effect in stage.effects:
                        match effect:
                            case Store(combine=None):
                                pass
                            case Store(combine=monoid) | Fold(monoid=monoid) | Prefix(monoid=monoid):
                                if monoid not in _EXACT_MONOIDS:
                                    return True
            case Contract():
                return True
            case Extern():
                return step.routine != "sort"
    return False


def _is_widened(old: DType, new: DType) -> bool:
    """Whether every number of a dtype is one of another."""
    return np.can_cast(old, new) if old.kind != "V" else new.itemsize >= 4
