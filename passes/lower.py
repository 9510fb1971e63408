"""Lowering: from units of nodes to steps over buffers."""

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Any

import numpy.typing as npt

from graphc.dataclass import dataclass
from graphc.display import Displayed
from graphc.ir.control import Chosen, Repeated
from graphc.ir.graph import Demand, Graph
from graphc.ir.kinds import (
    Deposit,
    Leaf,
    Movement,
    Product,
    Reshaped,
    Routine,
    Running,
    Scatter,
)
from graphc.ir.leaves import ConstantValue, Item, Variable
from graphc.ir.node import IndexBound, Node, SameSize
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.mentioned import sizes_of
from graphc.kernel.nesting import all_steps
from graphc.kernel.pattern import Pattern, formed, on_buffers
from graphc.kernel.program import Program
from graphc.kernel.scalar import Formula
from graphc.kernel.steps import Check, Contract, Extern, IndexInRange, Kernel, SizesAgree, Step
from graphc.passes.elements import Elements, Read, element
from graphc.passes.kernels import copy_kernel, deposit_kernel, fill_kernel, running_kernel, scatter_kernel
from graphc.passes.loops import loops_kernel
from graphc.passes.lower_bodies import lower_branch, lower_loop
from graphc.passes.patterns import Iteration, iteration_of, opened, unit_pattern
from graphc.passes.sources import Source, is_view
from graphc.passes.units import Loops, Partition, Single
from graphc.printable import counted
from graphc.sizes import symbols_of
from graphc.types import TensorType, TupleType

__all__ = ["Lowered", "lower"]


@dataclass(frozen=True, eq=False)
class Lowered(Displayed):
    """A program, the variables of its buffers, and the arrays behind its constants.

    The variables have an order of their own: passes move what reads them, and drop what nothing needs.
    """

    program: Program
    variables: tuple[Node, ...]
    constants: tuple[npt.NDArray[Any], ...]

    @property
    def measure(self) -> str:
        return counted(len(self.program.steps), "step")

    def __repr__(self) -> str:
        return repr(self.program)


def lower(partition: Partition) -> Lowered:
    """Write every unit as steps.  Checks of sizes come first, those of indices before what they guard.

    Variables are set last, each by a copy of its next value: `commit` writes in place where that is safe.
    """
    return _Lowering(partition).run()


@dataclass
class _Lowering:
    partition: Partition
    steps: list[Step] = field(default_factory=list)
    commits: list[Step] = field(default_factory=list)
    buffers: dict[Node, Buffer] = field(default_factory=dict)
    results: dict[Node, tuple[Buffer, ...]] = field(default_factory=dict)
    constants: list[npt.NDArray[Any]] = field(default_factory=list)
    constant_buffers: list[Buffer] = field(default_factory=list)
    wanted: dict[Node, Buffer] = field(default_factory=dict)  # node -> the output it is computed into
    awaited: dict[Node, list[tuple[Demand, Node]]] = field(default_factory=dict)  # what makes an index, that index
    checked: set[IndexInRange] = field(default_factory=set)
    kernels: dict[Pattern, tuple[Kernel, list[Buffer]]] = field(default_factory=dict)  # the first of each pattern
    iterations: dict[Pattern, Iteration] = field(default_factory=dict)
    repeated: set[Step] = field(default_factory=set)  # steps of a pattern that an earlier one has

    def run(self) -> Lowered:
        """The whole program."""
        graph = self.partition.graph
        inputs = tuple(Buffer(Role.INPUT, x.dtype, x.shape, slot) for slot, x in enumerate(graph.inputs))
        variables = tuple(Buffer(Role.VARIABLE, x.dtype, x.shape, slot) for slot, x in enumerate(graph.variables))
        self.buffers |= dict(zip(graph.inputs, inputs, strict=True)) | dict(
            zip(graph.variables, variables, strict=True)
        )
        outputs = tuple(Buffer(Role.OUTPUT, y.dtype, y.shape, slot) for slot, y in enumerate(graph.outputs))
        self._compute(outputs)
        for variable, value in graph.updates.items():
            if value is not variable:
                self._commit(value, self.buffers[variable])
        program = Program(
            (*self.steps, *self.commits),
            inputs,
            variables,
            tuple(self.constant_buffers),
            outputs,
            len(self.steps),
            self._symbols(),
        )
        return Lowered(program, graph.variables, tuple(self.constants))

    def body(self, graph: Graph, given: Sequence[Buffer], results: Sequence[Buffer]) -> tuple[Step, ...]:
        """The steps of a body that reads `given` and writes `results`.  What is constant belongs to the program."""
        inside = replace(self, partition=self.partition.bodies[graph], steps=[], buffers={}, results={}, wanted={},
                         awaited={}, checked=set())  # fmt: skip
        inside.buffers |= dict(zip(graph.inputs, given, strict=True))
        inside._compute(results)
        return tuple(inside.steps)

    def _compute(self, outputs: Sequence[Buffer]) -> None:
        """The steps of all units, which write the outputs of the graph into these buffers."""
        copies: list[tuple[Node, Buffer]] = []
        for node, buffer in zip(self.partition.graph.outputs, outputs, strict=True):
            computed = self._computes(node)
            if computed is None or computed in self.wanted:
                copies.append((node, buffer))
            else:
                self.wanted[computed] = buffer if computed is node else _view(buffer, computed)
                if computed is not node:
                    self.buffers[node] = buffer
        self._check_sizes()
        self._await_indices()
        for unit in self.partition.units:
            if isinstance(unit, Loops):
                self._lower_loops(unit)
                if self.awaited:
                    for node in unit.nodes:
                        self._check_indices(node)
            else:
                self._lower_single(unit)
                self._check_indices(unit.node)
        for node, buffer in copies:
            source = Source(node, None) if node in self.buffers else self.source(node)
            self.steps.append(copy_kernel(source, buffer, (node.origin,), self.read))

    def _commit(self, value: Node, variable: Buffer) -> None:
        """Set a variable at the end.  A next value that is another variable is copied while that is still old."""
        source = Source(value, None) if value in self.buffers else self.source(value)
        if not isinstance(source.node.op, Leaf) or isinstance(source.node.op, Variable):
            under = self.buffer(source.node)
            if under.root.role is Role.VARIABLE:
                kept = Buffer(Role.TEMPORARY, value.dtype, value.shape)
                self.steps.append(copy_kernel(source, kept, (value.origin,), self.read))
                self.commits.append(copy_kernel(Source(value, None), variable, (value.origin,), _reads(kept)))
                return
        self.commits.append(copy_kernel(source, variable, (value.origin,), self.read))

    def _symbols(self) -> tuple[str, ...]:
        """The names of all symbols, of inputs and of what steps do: of one of each pattern, as others have the same."""
        sizes = {n for x in self.partition.graph.inputs for n in x.shape if not isinstance(n, int)}
        shapes = set()
        for step in all_steps((*self.steps, *self.commits)):
            if step not in self.repeated:
                shapes.update([buffer.shape for buffer in (*step.reads, *step.writes)])
                sizes.update([n for n in sizes_of(step) if not isinstance(n, int)])
        sizes.update([n for shape in shapes for n in shape if not isinstance(n, int)])
        return tuple(sorted({symbol.name for n in sizes for symbol in symbols_of(n)}))

    # Buffers.

    def _computes(self, node: Node) -> Node | None:
        """The node whose step can write straight into the output for `node`; None where a copy is needed."""
        under = self._under(node)
        while under is not None:
            node, under = under, self._under(under)
        is_leaf = isinstance(node.op, Leaf) or (isinstance(node.op, Movement) and node not in self.partition.stored)
        return None if is_leaf or isinstance(node.op, Item) else node

    def _under(self, node: Node) -> Node | None:
        """The node that has the elements of this one in their order, if it only gives them another shape."""
        if isinstance(node.op, Reshaped):
            return node.inputs[0]
        is_shape = node not in self.partition.stored and is_view(node, self.known)
        return self.known[node].node if is_shape else None

    def _result(self, node: Node) -> Buffer:
        """The buffer that the step of `node` writes."""
        buffer = self.wanted.get(node)
        if buffer is None:
            tensor = node.tensor
            buffer = Buffer(Role.TEMPORARY, tensor.dtype, tensor.shape)
        self.buffers[node] = buffer
        return buffer

    def several(self, node: Node) -> tuple[Buffer, ...]:
        """The buffers that the step of a node with several results writes."""
        assert isinstance(node.type, TupleType), node
        found = self.results[node] = tuple(Buffer(Role.TEMPORARY, t.dtype, t.shape) for t in node.type.items)
        return found

    def read_of(self, node: Node) -> set[int]:
        """Which results of a node with several are read."""
        return {user.op.index for user in self.partition.graph.users[node] if isinstance(user.op, Item)}

    def buffer(self, node: Node) -> Buffer:
        """The buffer that holds a node."""
        found = self.buffers.get(node)
        if found is not None:
            return found
        op = node.op
        match op:
            case ConstantValue() if not op.is_uniform:
                found = Buffer(Role.CONSTANT, op.dtype, op.shape, len(self.constants))
                self.constants.append(op.array)
                self.constant_buffers.append(found)
            case Reshaped():
                found = _view(self.buffer(node.inputs[0]), node)
            case Movement():
                found = _view(self.buffer(self.known[node].node), node)
            case Item():
                found = self.results[node.inputs[0]][op.index]
            case Leaf():
                found = Buffer(Role.TEMPORARY, node.dtype, node.shape)
                self.steps.append(fill_kernel(node, found, self.read))
            case _:
                raise AssertionError(f"{node!r} has no buffer")
        self.buffers[node] = found
        return found

    @property
    def known(self) -> Mapping[Node, Source]:
        """What each movement really reads."""
        return self.partition.sources

    def source(self, node: Node) -> Source:
        """Where the elements of `node` lie."""
        return self.partition.sources.get(node) or Source(node, None)

    # Checks.

    def _check_sizes(self) -> None:
        for demand in self.partition.graph.demands:
            need = demand.need
            if isinstance(need, SameSize):
                because = f"{demand.op}: {need.because}"
                self.steps.append(Check(SizesAgree(need.left, need.right), because, need.hint, (demand.origin,)))

    def _await_indices(self) -> None:
        """Check indices that are given, and note for others which node is to be computed first."""
        for demand in self.partition.graph.demands:
            if demand.index is None:
                continue
            node = demand.index
            source = self.partition.sources.get(node)
            if source is not None and node not in self.partition.stored:
                node = source.node
            self.awaited.setdefault(_made_as(node), []).append((demand, node))
        for made in [node for node in self.awaited if isinstance(node.op, Leaf)]:
            self._check_indices(made)

    def _check_indices(self, made: Node) -> None:
        """Check what was waiting for `made`."""
        for demand, node in self.awaited.pop(made, ()):
            need, index = demand.need, self.buffer(node)
            assert isinstance(need, IndexBound), need
            condition = IndexInRange(index, need.extent, need.negative)
            if condition not in self.checked:
                self.checked.add(condition)
                self.steps.append(Check(condition, f"{demand.op}: {need.because}", None, (demand.origin,)))

    # Steps.

    def _lower_loops(self, unit: Loops) -> None:
        outputs: dict[Node, tuple[Buffer, ...]] = {}
        for node in unit.nodes:
            if not isinstance(node.type, TensorType):
                outputs[node] = self.several(node)
            elif node in self.partition.stored:
                outputs[node] = (self._result(node),)
        pattern, touched = unit_pattern(unit, outputs, self.known, self.buffer)
        model = self.kernels.get(pattern)
        if model is None:
            kernel = formed(loops_kernel(unit, outputs, self.source, self.buffer))
            self.kernels[pattern] = kernel, touched
        else:
            exchange = dict(zip(model[1], touched, strict=True))
            kernel = on_buffers(model[0], exchange, unit.origins)
            self.repeated.add(kernel)
        self.steps.append(kernel)

    def read(self, formula: Formula, source: Source, index: Sequence[int]) -> int:
        """The let for an element that lies in a buffer."""
        return element(formula, source, index, self.buffer)

    def _reading(self, unit: Single) -> Read:
        """How a unit reads elements: some are formulas."""
        if not unit.shown:
            return self.read
        return lambda formula, source, index: Elements(formula, unit.shown, self.source, self.buffer).of(source, index)

    def _lower_single(self, unit: Single) -> None:
        node, read = unit.node, self._reading(unit)
        op = node.op
        origins = (node.origin,)
        match op:
            case Leaf():
                return  # an output or update that is no computation is copied at the end
            case Product():
                self._lower_product(node, op)
            case Routine():
                reads = tuple(self.buffer(x) for x in node.inputs)
                if isinstance(node.type, TensorType):
                    writes: tuple[Buffer, ...] = (self._result(node),)
                else:
                    writes = self.several(node)
                self.steps.append(Extern(op.routine, op.options(), reads, writes, origins))
            case Repeated():
                self.steps.append(lower_loop(node, op, self))
            case Chosen():
                self.steps.append(lower_branch(node, op, self))
            case Deposit():
                operands = [self.source(x) for x in node.inputs]
                self.steps.append(deposit_kernel(unit, operands, self._result(node), read))
            case Scatter():
                operands = [self.source(x) for x in node.inputs]
                self.steps.append(scatter_kernel(unit, operands, self._result(node), read))
            case Running():
                self.steps.append(running_kernel(unit, self.source(node.inputs[0]), self._result(node), read))
            case Movement():
                source = self.partition.sources[node]
                self.steps.append(copy_kernel(source, self._result(node), unit.origins, read))
            case _:
                raise AssertionError(f"no lowering for {node!r}")

    def _lower_product(self, node: Node, op: Product) -> None:
        """One contraction, whose operands are read through movements, or copied."""
        sources = [self.source(x) for x in node.inputs]
        maps, fixed = opened([source.map for source in sources])
        found = self.iterations.get((op, *maps))
        is_repeated = found is not None
        if found is None:
            found = self.iterations[(op, *maps)] = iteration_of(op, maps)
        iteration = found.at(fixed)
        buffers = [self.buffer(source.node) for source in sources]
        for which, is_copied in enumerate(iteration.copied):
            if is_copied:
                x = node.inputs[which]
                buffers[which] = Buffer(Role.TEMPORARY, x.dtype, x.shape)
                self.steps.append(copy_kernel(sources[which], buffers[which], (x.origin,), self.read))
        first, second = buffers
        result, origins = self._result(node), (node.origin,)
        step = Contract(
            iteration.extents,
            first,
            second,
            result,
            iteration.left,
            iteration.right,
            iteration.out,
            origins,
            op.points_apart,
        )
        self.steps.append(step)
        if is_repeated:
            self.repeated.add(step)


def _made_as(node: Node) -> Node:
    """The node whose step makes the elements of a reshaped one, or of one result of several."""
    while isinstance(node.op, Reshaped | Item):
        node = node.inputs[0]
    return node


def _reads(buffer: Buffer) -> Read:
    """How elements of one buffer are read, whatever node they are of."""
    return lambda formula, source, index: element(formula, source, index, lambda _: buffer)


def _view(of: Buffer, node: Node) -> Buffer:
    return Buffer(of.role, node.dtype, node.shape, of.slot, of.root)
