"""The passes from graphs to programs, and over programs, as passes."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, final

from graphc.dataclass import dataclass
from graphc.ir.graph import Graph
from graphc.kernel.program import Program
from graphc.kernel.target import Target
from graphc.passes.accumulate import accumulate
from graphc.passes.chunks import in_chunks
from graphc.passes.commit import commit
from graphc.passes.epilogues import join_epilogues
from graphc.passes.forwarding import forward
from graphc.passes.fuse import fuse, separate
from graphc.passes.grow import grow
from graphc.passes.hold import hold
from graphc.passes.join_stages import join_stages
from graphc.passes.lower import Lowered, lower
from graphc.passes.narrow_operands import read_narrow
from graphc.passes.pipeline import Log, Pass
from graphc.passes.repeats import join_repeats
from graphc.passes.reuse import reuse
from graphc.passes.schedule import schedule
from graphc.passes.settle import settle
from graphc.passes.size_formulas import compute_where_read
from graphc.passes.split_axes import split_axes
from graphc.passes.throughout import with_bodies
from graphc.passes.turn import turn
from graphc.passes.units import Partition
from graphc.passes.unpadded import read_unpadded
from graphc.types import DType

__all__ = [
    "AccumulateProducts",
    "CommitInPlace",
    "ComputeFromSizes",
    "ComputeInOutputs",
    "Forward",
    "Fuse",
    "HoldCarries",
    "JoinEpilogues",
    "JoinRepeats",
    "JoinStages",
    "Lower",
    "OrderSteps",
    "ReadNarrow",
    "ReadUnpadded",
    "ReuseStorage",
    "Separate",
    "SplitAxes",
    "TurnOperands",
    "WalkInChunks",
]


@final
@dataclass(frozen=True)
class Fuse(Pass[Graph, Partition]):
    """Cut the graph into units.  Afterwards every node that needs code is in exactly one."""

    target: Target
    name: ClassVar[str] = "fuse"

    def run(self, form: Graph, log: Log) -> Partition:
        return with_bodies(form, lambda graph: fuse(graph, self.target, log))


@final
@dataclass(frozen=True)
class Separate(Pass[Graph, Partition]):
    """Cut the graph into units of one node each."""

    name: ClassVar[str] = "fuse"

    def run(self, form: Graph, log: Log) -> Partition:
        return with_bodies(form, separate)


@final
@dataclass(frozen=True)
class Lower(Pass[Partition, Lowered]):
    """Write units as steps over buffers.  Afterwards no op is left."""

    name: ClassVar[str] = "lower"

    def run(self, form: Partition, log: Log) -> Lowered:
        return lower(form)


class OverProgram(Pass[Lowered, Lowered]):
    """A pass from programs to programs: variables and constants stay."""

    @abstractmethod
    def improved(self, program: Program, log: Log) -> Program:
        """The improved program."""

    def run(self, form: Lowered, log: Log) -> Lowered:
        program = self.improved(form.program, log)
        return form if program is form.program else replace(form, program=program)


@final
@dataclass(frozen=True)
class ReadNarrow(OverProgram):
    """Let products read narrow floats as they are.  Afterwards none is widened for products alone."""

    name: ClassVar[str] = "narrow"
    exact: ClassVar[bool] = True

    def improved(self, program: Program, log: Log) -> Program:
        return read_narrow(program)


@final
@dataclass(frozen=True)
class ReadUnpadded(OverProgram):
    """Let windows of products reach outside of arrays.  Afterwards no array is framed by zeros for them alone."""

    name: ClassVar[str] = "unpadded"
    exact: ClassVar[bool] = True

    def improved(self, program: Program, log: Log) -> Program:
        return read_unpadded(program, log)


@final
@dataclass(frozen=True)
class ComputeFromSizes(OverProgram):
    """Compute numbers of sizes where they are read.  Afterwards none has a kernel for kernels alone."""

    target: Target
    name: ClassVar[str] = "sizes"
    exact: ClassVar[bool] = True

    def improved(self, program: Program, log: Log) -> Program:
        return compute_where_read(program, self.target, log)


@final
@dataclass(frozen=True)
class CommitInPlace(OverProgram):
    """Compute next values in the variables themselves where that is safe, and does not take long."""

    name: ClassVar[str] = "commit"
    exact: ClassVar[bool] = True
    target: Target

    def improved(self, program: Program, log: Log) -> Program:
        return commit(program, self.target)


@final
@dataclass(frozen=True)
class HoldCarries(OverProgram):
    """Change carries of loops in place, and let rows grow with the steps that are made, where that is safe."""

    name: ClassVar[str] = "hold"
    exact: ClassVar[bool] = True

    def improved(self, program: Program, log: Log) -> Program:
        return grow(hold(program))


@final
@dataclass(frozen=True)
class AccumulateProducts(OverProgram):
    """Add products to the sums that loops hold, where they are made."""

    name: ClassVar[str] = "accumulate"

    def improved(self, program: Program, log: Log) -> Program:
        return accumulate(program)


@final
@dataclass(frozen=True)
class TurnOperands(OverProgram):
    """Copy a matrix that products in a loop read crosswise, turned, before the loop."""

    dtypes: Sequence[DType]
    name: ClassVar[str] = "turn"
    exact: ClassVar[bool] = True

    def improved(self, program: Program, log: Log) -> Program:
        return turn(program, self.dtypes)


@final
@dataclass(frozen=True)
class ComputeInOutputs(OverProgram):
    """Compute in an output what would be copied there.  Afterwards no scatter copies its base into one."""

    name: ClassVar[str] = "settle"
    exact: ClassVar[bool] = True

    def improved(self, program: Program, log: Log) -> Program:
        return settle(program)


@final
@dataclass(frozen=True)
class JoinEpilogues(OverProgram):
    """Do what follows a product, element by element, where it is made."""

    name: ClassVar[str] = "epilogues"
    exact: ClassVar[bool] = True

    def improved(self, program: Program, log: Log) -> Program:
        return join_epilogues(program, log)


@final
@dataclass(frozen=True)
class SplitAxes(OverProgram):
    """Cut axes where the digits of places begin.  Afterwards places are divided only where no cut makes it needless."""

    name: ClassVar[str] = "split"
    exact: ClassVar[bool] = True

    def improved(self, program: Program, log: Log) -> Program:
        return split_axes(program)


@final
@dataclass(frozen=True)
class Forward(OverProgram):
    """Store parts where they are moved to.  Afterwards nothing is put together to be moved as it is."""

    target: Target
    name: ClassVar[str] = "forward"
    exact: ClassVar[bool] = True

    def improved(self, program: Program, log: Log) -> Program:
        return forward(program, self.target, log)


@final
@dataclass(frozen=True)
class JoinRepeats(OverProgram):
    """Compute what is read at several points where it is read.  Afterwards its elements are not kept."""

    target: Target
    name: ClassVar[str] = "repeats"
    exact: ClassVar[bool] = True

    def improved(self, program: Program, log: Log) -> Program:
        return join_repeats(program, self.target, log)


@final
@dataclass(frozen=True)
class JoinStages(OverProgram):
    """Compute what stages of a kernel share once.  Afterwards no two that follow each other compute the same there."""

    name: ClassVar[str] = "stages"
    exact: ClassVar[bool] = True

    def improved(self, program: Program, log: Log) -> Program:
        return join_stages(program, log)


@final
@dataclass(frozen=True)
class WalkInChunks(OverProgram):
    """Make products, and rows between them, chunk by chunk, where large arrays are handed on."""

    target: Target
    name: ClassVar[str] = "chunks"
    exact: ClassVar[bool] = True

    def improved(self, program: Program, log: Log) -> Program:
        return in_chunks(program, self.target, log)


@final
@dataclass(frozen=True)
class OrderSteps(OverProgram):
    """Put steps in an order in which few bytes are alive together, where that saves a part worth having."""

    alignment: int  # of every array, in bytes
    name: ClassVar[str] = "schedule"
    exact: ClassVar[bool] = True

    def improved(self, program: Program, log: Log) -> Program:
        found = schedule(program, self.alignment)
        if found.where is not None and found.where.origins:
            log.note(f"most bytes alive: {found.after:,} instead of {found.before:,}", found.where.origins[0])
        return found.program


@final
@dataclass(frozen=True)
class ReuseStorage(OverProgram):
    """Write over operands that die.  Afterwards `program.aliases` says which."""

    name: ClassVar[str] = "reuse"
    exact: ClassVar[bool] = True

    def improved(self, program: Program, log: Log) -> Program:
        return reuse(program)
