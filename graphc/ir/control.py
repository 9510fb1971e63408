"""Ops that run graphs: loops, and choices between branches."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from graphc.ir.graph import Graph
from graphc.ir.kinds import Differentiable
from graphc.ir.node import IndexBound, Node, Op, SameSize
from graphc.sizes import Size
from graphc.types import BOOL, INT64, TensorType, TupleType

__all__ = ["Chosen", "LoopParts", "Repeated", "Structured"]

T = TypeVar("T")


class LoopParts(NamedTuple):
    """The operands of a loop, or the inputs of its body, by what they are for."""

    carries: Sequence[Any]  # Any: nodes, or what stands for them
    sequences: Sequence[Any]
    counts: Sequence[Any]
    shared: Sequence[Any]

    @property
    def all(self) -> list[Any]:
        """In the order of operands."""
        return [*self.carries, *self.sequences, *self.counts, *self.shared]


class Structured(Differentiable):
    """An op with bodies: closed graphs, which it runs on its operands and on what they have given before.

    Bodies have inputs and outputs, and no updates.  What they use of the graph around them is an operand.
    """

    bodies: tuple[Graph, ...]

    def with_bodies(self, bodies: Sequence[Graph]) -> "Structured":
        """The same op with other bodies, whose inputs and outputs have the same types."""
        changed: Structured = replace(self, bodies=tuple(bodies))
        return changed

    def lifted(self, extent: Size) -> Op:
        raise AssertionError(f"{self.name} has a batch rule")


class Repeated(Structured):
    """A body, run again and again: what it gives for a carry is what the next step gets.

    bodies     the body, and where a condition says whether a further step is made, that
    carries    how many there are; the first operands are their values before the first step
    sequences  how many there are; step t gets row t of each.  They follow the carries
    length     how many steps there are; the most there may be, if a condition or a count decides; None for no limit
    reverse    whether steps are made from the last row to the first
    counted    whether an operand, after the sequences, says how many steps there are: the rows before it
    kept       carries of which all values are one result of length + 1 rows: row t is the value before step t and row
               t + 1 that after it (reversed: after, and before).  A pass asks for it, so no derivative meets it
    recomputes whether the derivative computes what it needs of a step again, and keeps the carries alone

    All further operands are shared by all steps.

    inputs of the body         carries, a row of each sequence, shared          outputs   carries, outputs
    inputs of the condition    carries, shared                                  output    bool

    results    the last carries; a row for each step of every output, where an output may be a carry, before or after
               the step; all values of those kept; with a condition the number of steps made.  Rows of steps that are
               not made have no meaning.
    """

    carries: int
    sequences: int
    length: "Size | None"
    reverse: bool
    counted: bool
    recomputes: bool
    kept: tuple[int, ...]

    @property
    def body(self) -> Graph:
        """What a step does."""
        return self.bodies[0]

    @property
    def condition(self) -> Graph | None:
        """What decides whether a further step is made, if anything does."""
        return self.bodies[1] if len(self.bodies) > 1 else None

    @property
    def is_open(self) -> bool:
        """Whether only a call knows how many steps there are."""
        return self.counted or len(self.bodies) > 1

    def parts(self, operands: Sequence[Any]) -> LoopParts:
        """The operands, by what they are for."""
        rows = self.carries + self.sequences
        shared = rows + self.counted
        return LoopParts(
            operands[: self.carries], operands[self.carries : rows], operands[rows:shared], operands[shared:]
        )

    def inner(self) -> LoopParts:
        """The inputs of the body, by what they are for."""
        given, rows = self.body.inputs, self.carries + self.sequences
        return LoopParts(given[: self.carries], given[self.carries : rows], (), given[rows:])

    @property
    def next(self) -> Sequence[Node]:
        """What the body gives for the carries."""
        return self.body.outputs[: self.carries]

    @property
    def outputs(self) -> Sequence[Node]:
        """What the body gives for every step."""
        return self.body.outputs[self.carries :]

    def place_of(self, carry: int) -> int:
        """Which result has all values of a carry that is kept."""
        return len(self.body.outputs) + self.kept.index(carry)

    def infer(self, *types: TensorType) -> TupleType:
        carried = [TensorType(type.shape, type.dtype) for type in types[: self.carries]]
        results = list(carried)
        if self.length is not None:
            results += [TensorType((self.length, *y.shape), y.dtype) for y in self.outputs]
            for carry in self.kept:
                results.append(TensorType((self.length + 1, *carried[carry].shape), carried[carry].dtype))
        if self.condition is not None:
            results.append(TensorType((), INT64))
        return TupleType(tuple(results))

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        needs = [
            SameSize(sequence.shape[0], self.length, "a sequence has another length than the loop")
            for sequence in self.parts(types).sequences
            if self.length is not None and sequence.shape[0] != self.length
        ]
        for given, inside in zip(types[: self.carries], self.body.inputs, strict=False):
            needs += _alike(given, inside.tensor, "a carry starts with another shape than the body takes")
        for inside, after in zip(self.body.inputs, self.next, strict=False):
            needs += _alike(after.tensor, inside.tensor, "the body changes the shape of a carry")
        return needs

    def text(self) -> str:
        """`loop[n]`, `loop[n reverse]`; where only a call knows the steps `while`, or `while[at most n]`."""
        name = "while" if self.condition is not None else self.name
        most = "at most " if self.is_open else ""
        parts = ([] if self.length is None else [f"{most}{self.length}"]) + (["reverse"] if self.reverse else [])
        return f"{name}[{' '.join(parts)}]" if parts else name


class Chosen(Structured):
    """One of several bodies: operand 0 says which, an int64 number, or for two a bool; the others are their inputs."""

    def infer(self, *types: TensorType) -> TupleType:
        return TupleType(tuple([TensorType(y.shape, y.dtype) for y in self.bodies[0].outputs]))

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        needs: list[SameSize | IndexBound] = []
        if types[0].dtype != BOOL:
            needs.append(IndexBound(0, len(self.bodies), "there is no such branch", negative=False))
        first, *others = self.bodies
        for other in others:
            for y, z in zip(first.outputs, other.outputs, strict=True):
                needs += _alike(z.tensor, y.tensor, "branches differ in shape")
        return needs

    def text(self) -> str:
        return f"{self.name}[{len(self.bodies)}]"


def _alike(one: TensorType, other: TensorType, because: str) -> list[SameSize]:
    return [SameSize(n, m, because) for n, m in zip(one.shape, other.shape, strict=True) if n != m]
