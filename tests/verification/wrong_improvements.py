"""Passes for digits, memory and fewer steps that are wrong."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

import graphc as gx
from graphc.ir.apply import apply
from graphc.ir.arithmetic import Neg
from graphc.ir.graph import Graph
from graphc.ir.kinds import Product
from graphc.ir.node import Node, Op
from graphc.kernel.scalar import AxisIndex, Call, Const, Fn, Let
from graphc.kernel.steps import Contract, Kernel, Step
from graphc.ops.elementwise import Exp, Exp2, Log, Log1p
from graphc.ops.trigonometry import Cos, Sin
from graphc.passes.lower import Lowered
from graphc.passes.units import Loops, Partition
from graphc.types import INT64
from tests.verification.mutants import Model, Mutant, Spoiled, everywhere
from tests.verification.wrong_programs import lets, steps, with_steps, wrong

__all__ = ["WRONG_IMPROVEMENTS", "regions"]


def naive() -> Model:
    """A cross-entropy as on paper."""
    x, t = gx.input("x", (3, 4)), gx.input("t", (3, 4))
    shares = gx.exp(x) / gx.sum(gx.exp(x), -1, keepdims=True)
    loss = -gx.sum(t * gx.log(shares))
    return Model([x, t], [loss, gx.grad(loss, x)])


def regions() -> Model:
    """A region whose inside its derivative computes again."""
    x, w = gx.input("x", (3, 4)), gx.param("w", np.linspace(-1, 1, 16, dtype="float32").reshape(4, 4))
    inside = gx.checkpoint(lambda h: gx.sin(gx.sin(h @ w) * 2) @ w)
    loss = gx.sum(gx.square(inside(x)))
    return Model([x], [loss, gx.grad(loss, [w])[0]])


def layers() -> Model:
    """Products with what follows each of their elements."""
    x, w = gx.input("x", (3, 4)), gx.param("w", np.linspace(-1, 1, 16, dtype="float32").reshape(4, 4))
    b = gx.param("b", np.linspace(0, 1, 4, dtype="float32"))
    return Model([x], [gx.relu(gx.tanh(x @ w + b) @ w + b)])


def tiles() -> Model:
    """Something computed that is seen twice."""
    x, y = gx.input("x", (3, 4)), gx.input("y", (6, 4))
    return Model([x, y], [gx.tile(gx.exp(x), (2, 1)) * y])


def parts() -> Model:
    """Something put together that is put together again."""
    x = gx.input("x", (3, 4))
    return Model([x], [gx.pad(gx.concat([gx.exp(x), x], 0), 1)])


def op_for(old: type[Op], new: Op) -> Callable[[Graph], Graph]:
    """A graph in which one function stands for another."""

    def changed(node: Node) -> Node | None:
        return apply(new, *node.inputs) if isinstance(node.op, old) else None

    return everywhere(changed)


def difference(let: Let) -> Let | None:
    return replace(let, fn=Fn.SUB) if isinstance(let, Call) and let.fn is Fn.ADD else None


def exponential(let: Let) -> Let | None:
    return replace(let, fn=Fn.EXP2) if isinstance(let, Call) and let.fn is Fn.EXP else None


def in_epilogue(step: Step) -> Step | None:
    """A bias that is taken away."""
    if not isinstance(step, Contract) or step.then is None:
        return None
    found = lets(difference)(step.then)
    return replace(step, then=found) if isinstance(found, Kernel) else None


def without_epilogue(step: Step) -> Step | None:
    return replace(step, then=None) if isinstance(step, Contract) and step.then is not None else None


def in_one_place(step: Step) -> Step | None:
    """What is written to several places is written to the first of them each time."""
    if not isinstance(step, Kernel) or not step.stages[-1].inner:
        return None
    *stages, last = step.stages
    first = Const("0", 0, INT64)
    lets = [first if isinstance(let, AxisIndex) and let.axis in last.inner else let for let in last.lets]
    return Kernel(step.outer, (*stages, replace(last, lets=tuple(lets))), step.origins)


def without_a_part(step: Step) -> Step | None:
    """A part that is stored nowhere."""
    return Kernel(step.outer, step.stages[:-1], step.origins) if isinstance(step, Kernel) else None


def reader_first(form: Lowered) -> Lowered:
    """Two steps the other way round, of which the second reads what the first makes."""
    every = list(form.program.steps)
    for place in range(form.program.commit - 1):
        first, second = every[place : place + 2]
        if not {buffer.root for buffer in first.writes}.isdisjoint(buffer.root for buffer in second.reads):
            every[place : place + 2] = second, first
            break
    return with_steps(form, every)


def rows() -> Model:
    """Two results of each row and a total over all rows, which share a pass."""
    x, y = gx.input("x", (4, 4)), gx.input("y", (4, 4))
    return Model([x, y], [gx.softmax(x, 1), gx.sum(gx.sin(x) * y, 0)])


def deep() -> Model:
    """Layers whose slopes need what they were given."""
    x, w = gx.input("x", (64, 8)), gx.param("w", np.linspace(-1, 1, 64, dtype="float32").reshape(8, 8))
    h = x
    for _ in range(6):
        h = h + gx.sin((h @ w) * 0.5)
    loss = gx.sum(gx.square(h))
    return Model([x], [loss, gx.grad(loss, [w])[0]])


def columns_for_rows(form: Partition) -> Partition:
    """A unit that took another in sees the rows of one node as columns."""
    for unit in form.units:
        if isinstance(unit, Loops) and unit.after:
            node, place = next((n, p) for n, p in unit.places.items() if len(p) == 2 and n not in unit.walks)
            unit.places[node] = place[::-1]
            return form
    raise AssertionError("nothing to spoil")


def copies(op: Op) -> Callable[[Graph], Graph]:
    """A graph in which the copies of products, which come later, are done something to."""

    def changed(form: Graph) -> Graph:
        products = [node for node in form.nodes if isinstance(node.op, Product)]
        known = {(node.op, node.origin.line, node.inputs[0].origin, node.origin) for node in products}
        assert len(known) < len(products), "nothing is computed again"
        last = products[-1]
        return form.map(lambda node: apply(op, node) if node is last else node)

    return changed


WRONG_IMPROVEMENTS: tuple[Mutant, ...] = (
    wrong("a logarithm of more", "stabilise", lambda step: Spoiled(step, op_for(Log, Log1p())), naive),
    wrong("another base", "stabilise", lambda step: Spoiled(step, op_for(Exp, Exp2())), naive),
    wrong("another function, again", "again", lambda step: Spoiled(step, op_for(Sin, Cos())), regions),
    wrong("a bias that is taken away", "epilogues", steps(in_epilogue), layers),
    wrong("nothing done with a product", "epilogues", steps(without_epilogue), layers),
    wrong("a part that is left out", "forward", steps(without_a_part), parts),
    wrong("another function of what is moved", "forward", steps(lets(exponential)), parts),
    wrong("not written to all places", "repeats", steps(in_one_place), tiles),
    wrong("another function where it is repeated", "repeats", steps(lets(exponential)), tiles),
    wrong("read before it is made", "schedule", lambda step: Spoiled(step, reader_first), layers),
    wrong("columns for rows", "fuse", lambda step: Spoiled(step, columns_for_rows), rows),
    replace(
        wrong("a negative copy", "rematerialise", lambda step: Spoiled(step, copies(Neg())), deep),
        bytes=12_000,
    ),
    replace(
        wrong("another function", "rematerialise", lambda step: Spoiled(step, op_for(Sin, Cos())), deep), bytes=12_000
    ),
)
