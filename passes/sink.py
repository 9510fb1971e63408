"""Sinking: products that the steps of a loop only add up are made after it, all at once."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar, NamedTuple, final

from graphc.dataclass import dataclass
from graphc.ir.arithmetic import Add
from graphc.ir.control import Repeated, Structured
from graphc.ir.graph import Graph, exchanged
from graphc.ir.leaves import Item, item, uniform
from graphc.ir.node import Node
from graphc.ir.operands import add
from graphc.kernel.affine import axes_in
from graphc.ops.bodies import dependent
from graphc.ops.contraction import Contraction
from graphc.ops.movement import flip
from graphc.origin import here, merged, standing_for
from graphc.passes.lifetimes import bytes_of
from graphc.passes.pipeline import Log, Pass, Spill
from graphc.passes.throughout import with_changed_bodies
from graphc.printable import counted
from graphc.sizes import Size, estimate
from graphc.types import DType

__all__ = ["SinkFromLoops"]


class _Sum(NamedTuple):
    """A carry to which each step adds a product of what it makes, and nothing else reads."""

    carry: int
    product: Node


@final
@dataclass(frozen=True)
class SinkFromLoops(Pass[Graph, Graph]):
    """Keep the operands of products that are only added up, as rows, and make one product of them after the loop.

    So gradients of weights that all steps share are not read and written at every step.  The terms are added in the
    order of the steps: where an element of a product is one chain of them, as for the `dtypes` that a target makes in
    tiles, the bits stay.  Rows that are kept take no more room than those that the loop is given.
    """

    dtypes: Sequence[DType]
    name: ClassVar[str] = "sink"
    spill: ClassVar[Spill] = Spill.LESS  # terms are added one by one, not the products of steps

    def run(self, form: Graph, log: Log) -> Graph:
        form = with_changed_bodies(form, lambda body: self.run(body, log))
        new: dict[Node, Node] = {}
        totals: dict[tuple[Node, int], Node] = {}  # a loop before, and the number of a carry -> the sum
        for node in form.nodes:
            op = node.op
            if isinstance(op, Item) and (node.inputs[0], op.index) in totals:
                total = totals[node.inputs[0], op.index]
                origin = merged(total.origin, [node.origin, node.inputs[0].origin])
                new[node] = Node(total.op, total.inputs, total.type, origin)
                continue
            same = exchanged(node, new)
            if isinstance(op, Repeated) and (sums := _sums(same, op, self.dtypes)):
                log.note(f"{counted(len(sums), 'product')} made after the loop", node.origin)
                same, found = _sunk(same, op, sums)
                totals.update({(node, carry): total for carry, total in found.items()})
            new[node] = same
        return form.exchanged(new)


def _sums(node: Node, op: Repeated, dtypes: Sequence[DType]) -> Sequence[_Sum]:
    """The carries that only products are added to, as long as there is room for what these are made of."""
    if op.is_open or op.recomputes or op.kept or op.length is None or op.body.has(Structured):
        return ()
    inner = op.inner()
    rows = dependent(op.body.outputs, (*inner.carries, *inner.sequences))
    found = [each for each in _added(op) if each.product.dtype in dtypes and rows.issuperset(each.product.inputs)]
    more = {x for each in found for x in each.product.inputs}.difference(inner.sequences, op.outputs)
    room = sum(bytes_of(x) for x in op.parts(node.inputs).sequences)
    return found if sum(bytes_of(x) for x in more) * max(estimate(op.length), 1) <= room else ()


def _added(op: Repeated) -> Iterator[_Sum]:
    users, named = op.body.users, Counter(op.body.outputs)
    for number, (carry, after) in enumerate(zip(op.inner().carries, op.next, strict=True)):
        terms = set(after.inputs) - {carry}
        if not isinstance(after.op, Add) or carry not in set(after.inputs) or not terms:
            continue
        (term,) = terms
        is_alone = set(users[carry]) == set(users[term]) == {after} and not users.get(after)
        is_alone &= (named[carry], named[term], named[after]) == (0, 0, 1)
        if is_alone and isinstance(term.op, Contraction) and _is_of_matrices(term.op):
            yield _Sum(number, term)


def _is_of_matrices(op: Contraction) -> bool:
    """Whether there are rows, columns, and one axis of sums: these are added up in chains, one by one."""
    held = [axes_in(places) for places in op.indices()]
    kinds = [tuple([axis in axes for axes in held]) for axis, extent in enumerate(op.extents) if extent != 1]
    rows, columns = kinds.count((True, False, True)), kinds.count((False, True, True))
    return not op.apart and bool(rows and columns) and kinds.count((True, True, False)) == 1


def _sunk(node: Node, op: Repeated, sums: Sequence[_Sum]) -> tuple[Node, dict[int, Node]]:
    """The loop without the sums, and these by the number of the carry."""
    inner, given = op.inner(), op.parts(node.inputs)
    assert op.length is not None, node
    stacks = dict(zip(inner.sequences, given.sequences, strict=True))
    own = [x for each in sums for x in each.product.inputs if x not in stacks]
    more = [x for x in dict.fromkeys(own) if x not in set(op.outputs)]
    after = list(op.next)
    for each in sums:
        after[each.carry] = inner.carries[each.carry]
    body = replace(op.body, outputs=(*after, *op.outputs, *more))
    changed = replace(op, bodies=(body,))
    loop = Node(changed, node.inputs, changed.infer(*[x.tensor for x in node.inputs]), node.origin)
    places = {x: place for place, x in enumerate(body.outputs) if place >= op.carries}
    totals = {}
    for each in sums:
        with standing_for(each.product, *op.body.users[each.product]):
            found = [stacks[x] if x in stacks else item(loop, places[x]) for x in each.product.inputs]
            many = _over_steps(each.product, found, op.length, reverse=op.reverse)
            start = given.carries[each.carry]
            totals[each.carry] = many if uniform(start) == 0 else add(start, many)
    return loop, totals


def _over_steps(node: Node, rows: Sequence[Node], length: Size, *, reverse: bool) -> Node:
    """The sum of a product over steps, in the order in which these are made."""
    assert isinstance(node.op, Contraction), node
    operands = tuple([flip(x, 0) if reverse else x for x in rows])
    op = node.op.added_up(length)
    return Node(op, operands, op.infer(*[x.tensor for x in operands]), here())
