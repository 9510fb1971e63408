"""Units: nodes that become one step, and where their elements lie in its loops."""

from collections.abc import Mapping
from dataclasses import field
from typing import TypeAlias

from graphc.dataclass import dataclass
from graphc.display import Displayed
from graphc.ir.control import Chosen, Repeated
from graphc.ir.graph import Graph
from graphc.ir.kinds import Deposit, Leaf, Movement, Product, Routine, Running, Scatter
from graphc.ir.node import Node
from graphc.origin import Origin
from graphc.passes.sources import Source
from graphc.printable import counted
from graphc.sizes import Size

__all__ = ["LoopAxis", "Loops", "Partition", "Place", "Single", "Unit"]


@dataclass(eq=False, slots=True)
class LoopAxis:
    """An axis of a loop unit."""

    extent: Size


Place: TypeAlias = tuple[LoopAxis | None, ...]  # the axis behind each axis of a node; None: extent 1, index 0


@dataclass(eq=False, slots=True)
class Loops:
    """A unit that becomes one kernel.

    places   node -> its axes, in order; for a reduction those of its result
    walks    reduction -> the axes of its operand
    order    all axes as they lie in memory
    inner    the axes that reductions fold, or None while none has decided
    shown    members that are computed wherever they are read, at an index of their own; their places are ()
    after    members that are known when all rows are done: totals over all rows, and what is made of them
    """

    places: dict[Node, Place]
    walks: dict[Node, Place]
    order: list[LoopAxis]
    inner: list[LoopAxis] | None = None
    shown: set[Node] = field(default_factory=set)
    after: set[Node] = field(default_factory=set)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The members, operands first."""
        return tuple(reversed(self.places))

    @property
    def origins(self) -> tuple[Origin, ...]:
        """Where its members were made."""
        return tuple(dict.fromkeys([node.origin for node in reversed(self.places)]))

    @property
    def title(self) -> str:
        """What it becomes: `kernel over batch, 10 folding 10`."""
        rows = ", ".join(str(axis.extent) for axis in self.outer)
        folded = ", ".join(str(axis.extent) for axis in self.inner or ())
        over = f" over {rows}" if rows else ""
        folding = f" folding {folded}" if folded else ""
        return f"kernel{over}{folding}{', then all rows' if self.after else ''}"

    @property
    def outer(self) -> list[LoopAxis]:
        """The axes of rows."""
        return self.order if self.inner is None else [axis for axis in self.order if axis not in self.inner]


@dataclass(frozen=True, eq=False, slots=True)
class Single:
    """A unit of one node that is a step of its own: a product, a routine, a scatter, a copy.

    shown    formulas that are computed where that step reads them
    """

    node: Node
    shown: dict[Node, None] = field(default_factory=dict)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The members, operands first."""
        return (*reversed(self.shown), self.node) if self.shown else (self.node,)

    @property
    def is_kernel(self) -> bool:
        """Whether it becomes a kernel, which may compute what it reads."""
        return isinstance(self.node.op, Movement | Deposit | Running | Scatter)

    @property
    def origins(self) -> tuple[Origin, ...]:
        """Where its members were made."""
        return tuple(dict.fromkeys([node.origin for node in self.nodes]))

    @property
    def title(self) -> str:
        """What it becomes."""
        match self.node.op:
            case Leaf() | Movement():
                return "copy"
            case Product():
                return "contraction"
            case Routine():
                return "extern"
            case Repeated():
                return "loop"
            case Chosen():
                return "branch"
        return "kernel of its own"


Unit: TypeAlias = Loops | Single


@dataclass(frozen=True, eq=False)
class Partition(Displayed):
    """A graph cut into units, in the order in which they run.

    stored   nodes whose value needs a buffer
    sources  what each movement really reads
    bodies   those of its loops and branches, cut as well
    """

    graph: Graph
    units: tuple[Unit, ...]
    stored: frozenset[Node]
    sources: Mapping[Node, Source]
    bodies: Mapping[Graph, "Partition"] = field(default_factory=dict)

    @property
    def measure(self) -> str:
        return counted(len(self.units), "unit")

    def __repr__(self) -> str:
        return f"<partition: {len(self.graph.nodes)} nodes in {len(self.units)} units>"
