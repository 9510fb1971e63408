"""Hoisting: work of a loop that no carry decides is done before it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, final

from graphc.dataclass import dataclass
from graphc.ir.control import Repeated, Structured
from graphc.ir.graph import Graph, exchanged
from graphc.ir.kinds import Leaf, Movement, Product, Reshaped, Routine
from graphc.ir.node import Node
from graphc.ops.bodies import dependent, stand_in
from graphc.ops.loop_batch import over_rows
from graphc.origin import standing_for
from graphc.passes.pipeline import Log, Pass
from graphc.passes.throughout import with_changed_bodies

__all__ = ["HoistFromLoops"]


@final
@dataclass(frozen=True)
class HoistFromLoops(Pass[Graph, Graph]):
    """Compute before a loop what is the same in all its steps, and products of rows with weights as one.

    Afterwards no node of a body depends on shared operands alone, but for what only shows them otherwise.  With
    `products`, a product of a row with what all steps share is made for all steps at once, with what follows up to
    where a carry comes in.  Bodies come first, so that work can leave several loops.
    """

    products: bool
    name: ClassVar[str] = "hoist"

    @property
    def exact(self) -> bool:  # type: ignore[override]
        """Whether only what is the same in all steps leaves the loop: a product of all rows may round otherwise."""
        return not self.products

    def run(self, form: Graph, log: Log) -> Graph:
        form = with_changed_bodies(form, lambda body: self.run(body, log))
        new: dict[Node, Node] = {}
        for node in form.nodes:
            same = exchanged(node, new)
            if isinstance(node.op, Repeated):
                same = _without_invariant(same, node.op, log)
                if self.products and isinstance(same.op, Repeated) and not (same.op.is_open or same.op.recomputes):
                    same = _without_products(same, same.op, log)
            new[node] = same
        return form.exchanged(new)


def _without_invariant(node: Node, op: Repeated, log: Log) -> Node:
    """The loop, given what is the same in all steps."""
    own = set(op.inner().carries) | set(op.inner().sequences)
    moving = dependent((*op.body.outputs, *op.body.demanded), own)
    read = [x for each in op.body.nodes if each in moving for x in each.inputs if x not in moving]
    read += [y for y in op.body.outputs if y not in moving]
    shared = set(op.inner().shared)
    wanted: dict[Node, None] = {}
    pending = list(reversed(read))
    while pending:
        x = pending.pop()
        if isinstance(x.op, Movement | Reshaped):
            pending += x.inputs
        elif x not in shared and not isinstance(x.op, Leaf):
            wanted[x] = None
    if not wanted:
        return node
    log.note(f"{len(wanted)} computed before the loop", node.origin)
    outside = dict(zip(op.inner().shared, op.parts(node.inputs).shared, strict=True))
    found = Graph((), tuple(wanted)).replace(outside).outputs
    return _given(node, op, (), list(zip(wanted, found, strict=True)))


def _without_products(node: Node, op: Repeated, log: Log) -> Node:
    """The loop, given as rows the products that no carry decides."""
    inner, given = op.inner(), op.parts(node.inputs)
    carried = dependent((*op.body.outputs, *op.body.demanded), inner.carries)
    rowwise = dependent((*op.body.outputs, *op.body.demanded), inner.sequences) - carried
    liftable, made = set(inner.sequences), set[Node]()
    for x in op.body.nodes:
        read = [y for y in x.inputs if y in rowwise]
        if x not in rowwise or not read or isinstance(x.op, Structured | Routine) or not liftable.issuperset(read):
            continue
        if x.origin.members:  # to be computed again at each step, rather than kept for all
            continue
        if isinstance(x.op, Product) and len(read) > 1:  # of two rows: larger than either, perhaps
            continue
        liftable.add(x)
        if isinstance(x.op, Product) or not made.isdisjoint(read):
            made.add(x)
    read = [x for each in op.body.nodes if each not in made for x in each.inputs]
    wanted = [x for x in dict.fromkeys((*read, *op.body.outputs)) if x in made]
    if not wanted or op.length is None:
        return node
    if any(demand.index in rowwise for demand in op.body.demands):
        return node  # a step that fails is the first that does
    log.note(f"{len(wanted)} made for all steps at once", node.origin)
    with standing_for(*wanted):
        shared = dict(zip(inner.shared, given.shared, strict=True))
        rows = dict(zip(inner.sequences, given.sequences, strict=True))
        once = Graph((), tuple(wanted)).replace(shared).outputs
        found = over_rows(once, rows, op.length)
    return _given(node, op, list(zip(wanted, found, strict=True)), ())


def _given(node: Node, op: Repeated, rows: Sequence[tuple[Node, Node]], shared: Sequence[tuple[Node, Node]]) -> Node:
    """The loop whose steps are given rows, and shared operands, in the place of nodes of the body."""
    inner, given = op.inner(), op.parts(node.inputs)
    exchange = {x: _named(x) for x, _ in (*rows, *shared)}
    body = replace(
        op.body.replace(exchange),
        inputs=(
            *inner.carries,
            *inner.sequences,
            *(exchange[x] for x, _ in rows),
            *inner.shared,
            *(exchange[x] for x, _ in shared),
        ),
    )
    bodies = [body]
    if op.condition is not None:
        bodies.append(replace(op.condition, inputs=(*op.condition.inputs, *(_named(x) for x, _ in shared))))
    changed = replace(op, bodies=tuple(bodies), sequences=op.sequences + len(rows))
    inputs = (
        *given.carries,
        *given.sequences,
        *(outer for _, outer in rows),
        *given.counts,
        *given.shared,
        *(outer for _, outer in shared),
    )
    return Node(changed, inputs, node.type, node.origin)


def _named(node: Node) -> Node:
    """What stands in a body for a node of it that is now given."""
    with standing_for(node):
        return stand_in(node.name or node.op.name, node.tensor, "a loop")
