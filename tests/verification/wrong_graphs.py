"""Passes from graphs to graphs that are wrong, beside the rules: folding, sharing, and what is done to loops."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, TypeAlias, final

import numpy as np
import numpy.typing as npt

import graphc as gx
from graphc.ir.apply import apply
from graphc.ir.arithmetic import Add, Mul, Sub
from graphc.ir.control import Chosen, Repeated
from graphc.ir.graph import Graph, rebuilt
from graphc.ir.leaves import ConstantValue, Item, constant_array, full
from graphc.ir.node import Node, Op
from graphc.ops.placement import Slice
from graphc.passes.pipeline import Log, Pass
from graphc.passes.standard import AnyPass
from graphc.passes.throughout import Throughout
from graphc.types import TupleType
from tests.verification.models import constants, deciding, demanding, looping, twice
from tests.verification.mutants import Model, Mutant, Spoiled, everywhere, or_itself

__all__ = ["WRONG_GRAPHS"]

Array: TypeAlias = npt.NDArray[np.float32]


@final
@dataclass(frozen=True)
class WrongFolding(Pass[Graph, Graph]):
    """Folds sums and exponentials of constants to something else."""

    name: ClassVar[str] = "fold"
    number: float

    def run(self, form: Graph, log: Log) -> Graph:
        def fold(node: Node) -> Node:
            if not node.inputs or any(not isinstance(x.op, ConstantValue) for x in node.inputs) or node.ndim:
                return node
            result = full(node.shape, self.number, node.dtype)
            log.replaced(f"{node.op.name} of constants", node, result, exact=False)
            return result

        return form.map(fold)


@final
@dataclass(frozen=True)
class WrongSharing(Pass[Graph, Graph]):
    """Merges nodes whose keys are equal, whether they are the same or not."""

    name: ClassVar[str] = "share"
    exact: ClassVar[bool] = True
    key: Callable[[Node, tuple[Node, ...]], object]

    def run(self, form: Graph, log: Log) -> Graph:
        known: dict[object, Node] = {}
        new: dict[Node, Node] = {}
        for node in form.nodes:
            operands = tuple([new[x] for x in node.inputs])
            candidate = rebuilt(node, operands)
            new[node] = candidate
            if node.inputs:
                new[node] = known.setdefault((self.key(node, operands), node.type), candidate)
                if new[node] is not candidate:
                    log.replaced(f"one {node.op.name} for two", candidate, new[node], exact=True)
        return form.exchanged(new)


def in_any_order(node: Node, operands: tuple[Node, ...]) -> object:
    return node.op, frozenset(operands)


def whatever_its_options(node: Node, operands: tuple[Node, ...]) -> object:
    return type(node.op), node.op.name, operands


def whatever_it_reads(node: Node, operands: tuple[Node, ...]) -> object:
    return node.op if isinstance(node.op, Sub) else (node.op, operands)


def sharing(key: Callable[[Node, tuple[Node, ...]], object]) -> Callable[[AnyPass], AnyPass]:
    return lambda _: Throughout(WrongSharing(key))


def spoiled(spoil: Callable[[Graph], Graph]) -> Callable[[AnyPass], AnyPass]:
    return lambda step: Spoiled(step, spoil)


def array_changed(change: Callable[[Array], Array]) -> Callable[[Graph], Graph]:
    """Arrays of constants after `change`."""

    def changed(node: Node) -> Node | None:
        op = node.op
        return constant_array(change(op.array)) if isinstance(op, ConstantValue) and not op.is_uniform else None

    return everywhere(changed)


def results_exchanged(graph: Graph) -> Graph:
    """Of every loop and branch, the first two results of one type for each other."""

    def changed(node: Node) -> Node | None:
        op = node.op
        if not isinstance(op, Item) or not isinstance(node.inputs[0].op, Repeated | Chosen):
            return None
        several = node.inputs[0].type
        assert isinstance(several, TupleType), several
        items = several.items
        alike = [place for place, type in enumerate(items) if type == node.type]
        other = alike[alike.index(op.index) - 1]
        return None if other == op.index else Node(Item(other), node.inputs, node.type, node.origin)

    return graph.map(or_itself(changed))


def loops_changed(change: Callable[[Repeated], Op]) -> Callable[[Graph], Graph]:
    """The first loop of a graph after `change`."""

    def changed(graph: Graph) -> Graph:
        loop, op = next((node, node.op) for node in graph.nodes if isinstance(node.op, Repeated))
        other = Node(change(op), loop.inputs, loop.type, loop.origin)
        return graph.map(lambda node: other if node is loop else node)

    return changed


def body_changed(change: Callable[[Repeated], Graph]) -> Callable[[Graph], Graph]:
    return loops_changed(lambda op: op.with_bodies([change(op), *op.bodies[1:]]))


def without_a_step(op: Repeated) -> Graph:
    """A body whose first carry stays what it is."""
    return replace(op.body, outputs=(op.body.inputs[0], *op.body.outputs[1:]))


def carries_exchanged(op: Repeated) -> Graph:
    first, second, *rest = op.body.outputs
    return replace(op.body, outputs=(second, first, *rest))


def one_row_for_all(graph: Graph) -> Graph:
    """What loops get as rows, all of them the first one."""

    def changed(node: Node) -> Node | None:
        op = node.op
        if not isinstance(op, Repeated) or not op.sequences:
            return None
        inputs = list(node.inputs)
        for place in range(op.carries, op.carries + op.sequences):
            x = inputs[place]
            inputs[place] = x[:1] + gx.zeros_like(x)
        return Node(op, tuple(inputs), node.type, node.origin)

    return graph.map(or_itself(changed))


def rows_reversed(graph: Graph) -> Graph:
    """The first rows that a loop gets, from the last one on."""

    def changed(node: Node) -> Node | None:
        op = node.op
        if not isinstance(op, Repeated) or not op.sequences:
            return None
        inputs = list(node.inputs)
        inputs[op.carries] = gx.flip(inputs[op.carries], 0)
        return Node(op, tuple(inputs), node.type, node.origin)

    return graph.map(or_itself(changed))


def shared_changed(graph: Graph) -> Graph:
    """What all steps of a loop share, the last operand, made twice as large."""

    def changed(node: Node) -> Node | None:
        op = node.op
        if not isinstance(op, Repeated) or len(node.inputs) == op.carries + op.sequences:
            return None
        return Node(op, (*node.inputs[:-1], node.inputs[-1] * 2.0), node.type, node.origin)

    return graph.map(or_itself(changed))


def one_row_earlier(graph: Graph) -> Graph:
    """Slices of what loops keep, which begin a row earlier."""

    def changed(node: Node) -> Node | None:
        op = node.op
        if not isinstance(op, Slice) or not isinstance(node.inputs[0].op, Item) or op.starts[0] != 1:
            return None
        return apply(replace(op, starts=(0, *op.starts[1:])), *node.inputs)

    return graph.map(or_itself(changed))


def without_demands(graph: Graph) -> Graph:
    return replace(graph, demands=())


def sums_for_products(node: Node) -> Node | None:
    return apply(Add(), *node.inputs) if isinstance(node.op, Mul) else None


def wrong(title: str, name: str, change: Callable[[AnyPass], AnyPass], model: Callable[[], Model], says: str = "", *,
          last: bool = False) -> Mutant:  # fmt: skip
    return Mutant(f"{name}: {title}", name, change, model, says, last=last)


WRONG_GRAPHS = (
    wrong("a number of its own", "fold", lambda _: WrongFolding(1.5), constants, "by the rule 'exp of constants'"),
    wrong("a rounded number", "fold", lambda _: WrongFolding(2.0137), constants, "by the rule 'exp of constants'"),
    wrong("sums where products are", "fold", spoiled(everywhere(sums_for_products)), constants, "add("),
    wrong("an array backwards", "fold arrays", spoiled(array_changed(lambda a: a[::-1])), constants),
    wrong("an array off by little", "fold arrays", spoiled(array_changed(lambda a: a * np.float32(1.0001))), constants),
    wrong("an array of zeros", "fold arrays", spoiled(array_changed(np.zeros_like)), constants),
    wrong("x - y and y - x", "share", sharing(in_any_order), twice, "by the rule 'one sub for two'"),
    wrong("sums over different axes", "share", sharing(whatever_its_options), twice, "by the rule 'one sum for two'"),
    wrong("ops on different operands", "share", sharing(whatever_it_reads), twice, "by the rule 'one sub for two'"),
    wrong("results of two loops exchanged", "join loops", spoiled(results_exchanged), looping),
    wrong("a carry that stays", "join loops", spoiled(body_changed(without_a_step)), looping),
    wrong("an index that nobody checks", "demands", spoiled(without_demands), demanding, "a call goes on"),
    wrong("a live carry that stays", "trim loops", spoiled(body_changed(without_a_step)), looping),
    wrong("results exchanged", "trim loops", spoiled(results_exchanged), looping),
    wrong("carries exchanged", "trim loops", spoiled(body_changed(carries_exchanged)), looping, last=True),
    wrong("results of a branch exchanged", "trim loops", spoiled(results_exchanged), deciding),
    wrong("one row for all steps", "hoist", spoiled(one_row_for_all), looping),
    wrong("rows from the last one on", "hoist", spoiled(rows_reversed), looping),
    wrong("twice what is shared", "hoist", spoiled(shared_changed), looping),
    wrong("one row earlier", "keep carries", spoiled(one_row_earlier), looping),
    wrong("carries exchanged", "keep carries", spoiled(body_changed(carries_exchanged)), looping),
    wrong("the other direction", "keep carries",
          spoiled(loops_changed(lambda op: replace(op, reverse=not op.reverse))), looping),
)  # fmt: skip
