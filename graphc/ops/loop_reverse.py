"""The reverse rule of a loop: a loop the other way, over what the steps have kept."""

from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from graphc.autodiff.reverse import pull_back
from graphc.dataclass import dataclass
from graphc.errors import UnsupportedError
from graphc.ir.apply import apply
from graphc.ir.arithmetic import Add, or_zeros, zeros_like
from graphc.ir.control import Repeated
from graphc.ir.graph import Graph
from graphc.ir.kinds import Leaf, Movement, Reshaped
from graphc.ir.leaves import Item, item, uniform
from graphc.ir.node import Node
from graphc.ir.operands import add
from graphc.ops.bodies import stand_in
from graphc.origin import place_of
from graphc.regions import Membership, read_again
from graphc.types import TensorType, is_differentiable

__all__ = ["vjp"]


def vjp(op: Repeated, node: Node, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
    """The cotangent of each operand."""
    if op.length is None:
        raise UnsupportedError(
            "while_loop: without max_steps there is no room known to keep its steps in, so no reverse mode",
            hint="while_loop(cond, body, state, max_steps=...), or bounds of fori_loop that are numbers or sizes; "
            "forward mode (gx.jvp) needs neither",
        ).located(place_of(node.origin))
    return _Reversal(op, node, cotangents).run()


@dataclass(eq=False)
class _Step:
    """The derivative of one step.

    carried   carry -> the cotangent of its value after the step, an input of the body
    rows      the cotangents of the rows of outputs, likewise
    before    cotangents of the carries before the step, for those of `carried`
    given     cotangents of the rows of sequences
    shared    cotangents of what all steps share
    """

    carried: Mapping[int, Node]
    rows: Sequence[Node]
    before: Sequence[Node]
    given: Mapping[int, Node]
    shared: Mapping[int, Node]


@dataclass(eq=False)
class _Reversal:
    op: Repeated
    node: Node
    cotangents: Sequence[Node | None]
    stacks: dict[Node, Node] = field(default_factory=dict)  # cotangent of a row -> those of all rows

    def run(self) -> Sequence[Node | None]:
        op = self.op
        if all(cotangent is None for cotangent in self.cotangents):
            return [None] * len(self.node.inputs)
        step = self._step(self._outputs())
        accumulated = {place: _like(op.inner().shared[place], "sum") for place in step.shared}
        sums = [add(accumulated[place], part) for place, part in step.shared.items()]
        body = _with_one_item_each(Graph((), (*step.before, *sums, *step.given.values())), op.body)
        forward, exchange = self._kept(body)
        body = body.replace({old: new for old, new, _ in exchange})
        steps = Graph(
            (*step.carried.values(), *accumulated.values(), *step.rows, *(new for _, new, _ in exchange),
             *op.inner().shared),
            body.outputs,
        )  # fmt: skip
        shared = op.parts(self.node.inputs).shared
        back = replace(
            op,
            bodies=(_continued(steps, len(step.carried), list(accumulated.values())),),
            carries=len(step.carried) + len(accumulated),
            sequences=len(step.rows) + len(exchange),
            reverse=not op.reverse,
            counted=op.is_open,
        )
        result = apply(
            back,
            *(self._last(carry) for carry in step.carried),
            *(zeros_like(shared[place]) for place in accumulated),
            *(self.stacks[row] for row in step.rows),
            *(stack for _, _, stack in exchange),
            *self._count(forward),
            *shared,
        )
        return self._results(step, result)

    # What the steps of this loop get.

    def _outputs(self) -> list[tuple[Node, Node]]:
        """Each output of the body that has a cotangent, with what stands for that of its row."""
        op = self.op
        found: list[tuple[Node, Node]] = []
        for output, stack in zip(op.outputs, self.cotangents[op.carries : len(op.body.outputs)], strict=True):
            for part in [] if stack is None else _terms(stack) if op.is_open else [stack]:
                row = _like(output, "cotangent")
                self.stacks[row] = part
                found.append((output, row))
        return found

    def _last(self, carry: int) -> Node:
        return or_zeros(self.cotangents[carry], self.op.parts(self.node.inputs).carries[carry])

    # One step.

    def _step(self, outputs: Sequence[tuple[Node, Node]]) -> _Step:
        """The derivative of one step, for the carries that have a cotangent at some step."""
        op, inner = self.op, self.op.inner()
        wrt = [x for x in op.body.inputs if is_differentiable(x.dtype)]
        moving = {carry for carry in range(op.carries) if self.cotangents[carry] is not None}
        while True:
            carried = {carry: _like(op.next[carry], "cotangent") for carry in sorted(moving)}
            found = dict(
                zip(
                    wrt,
                    pull_back(
                        [*(op.next[carry] for carry in carried), *(y for y, _ in outputs)],
                        [*carried.values(), *(row for _, row in outputs)],
                        wrt,
                    ),
                    strict=True,
                )
            )
            reached = {carry for carry, x in enumerate(inner.carries) if found.get(x) is not None}
            if reached <= moving:
                break
            moving |= reached
        before = [found[inner.carries[carry]] for carry in carried]
        return _Step(
            carried,
            [row for _, row in outputs],
            [or_zeros(t, inner.carries[c]) for c, t in zip(carried, before, strict=True)],
            {place: t for place, x in enumerate(inner.sequences) if (t := found.get(x)) is not None},
            {place: t for place, x in enumerate(inner.shared) if (t := found.get(x)) is not None},
        )

    # What the steps of this loop keep.

    def _kept(self, back: Graph) -> tuple[Node, list[tuple[Node, Node, Node]]]:
        """The loop, which now keeps what its derivative reads; and of that each value of a step, what stands for it
        in the derivative, and all its rows."""
        op = self.op
        read = self._read(back)
        rows = {x: place for place, x in enumerate(op.inner().sequences)}
        outputs = {y: place for place, y in enumerate(op.outputs)}
        further = [x for x in read if x not in rows and x not in outputs]
        outputs |= {x: len(op.outputs) + place for place, x in enumerate(further)}
        forward = self.node
        if further:
            body = Graph(op.body.inputs, (*op.body.outputs, *further))
            forward = apply(replace(op, bodies=(body, *op.bodies[1:])), *self.node.inputs)
        sequences = op.parts(self.node.inputs).sequences
        stacks = [sequences[rows[x]] if x in rows else item(forward, op.carries + outputs[x]) for x in read]
        return forward, [(x, _like(x, "kept"), stack) for x, stack in zip(read, stacks, strict=True)]

    def _read(self, back: Graph) -> list[Node]:
        """What of a step its derivative reads, in order: values as they come, not what only shows them otherwise.

        What it computes again it does not read.
        """
        own, shared = set(self.op.body.nodes), set(self.op.inner().shared)
        given = set(self.op.body.inputs) - shared
        values = {node for node in own - shared if _is_kept(node)}
        values |= {node for node in back.nodes if isinstance(node.op, Item) and node.inputs[0] in own}
        found: dict[Node, None] = {}
        seen: set[tuple[Node, Membership]] = set()
        pending: list[tuple[Node, Membership]] = [(y, ()) for y in reversed(back.outputs)]
        while pending:
            node, again = pending.pop()
            if (node, again) in seen:
                continue
            seen.add((node, again))
            if node in given or (node in values and not again and not self.op.recomputes):
                found[node] = None
                continue
            reader = (*again, *node.origin.members[len(again) :])
            pending += [(x, read_again(reader, x.origin.members)) for x in reversed(node.inputs)]
        return list(found)

    def _count(self, forward: Node) -> Sequence[Node]:
        """How many steps there were, where only a call knows."""
        if self.op.condition is not None:
            return [item(forward, len(forward.type.items) - 1)]  # type: ignore[union-attr]
        return self.op.parts(self.node.inputs).counts

    def _results(self, step: _Step, back: Node) -> Sequence[Node | None]:
        op = self.op
        sums = len(step.carried)
        order = list(step.carried)
        carries = [item(back, order.index(carry)) if carry in order else None for carry in range(op.carries)]
        given = list(step.given)
        outputs = sums + len(step.shared)
        sequences = [item(back, outputs + given.index(s)) if s in given else None for s in range(op.sequences)]
        places = list(step.shared)
        width = len(op.inner().shared)
        shared = [item(back, sums + places.index(k)) if k in places else None for k in range(width)]
        return [*carries, *sequences, *([None] * op.counted), *shared]


def _like(x: Node, what: str) -> Node:
    return stand_in(f"{what} of {x.name}" if x.name else what, TensorType(x.shape, x.dtype), "a loop")


def _terms(stack: Node) -> list[Node]:
    """What a sum of stacks adds up: of an open loop rows are added step by step, as there is room for many more."""
    found: list[Node] = []
    pending = [stack]
    while pending:
        node = pending.pop()
        if isinstance(node.op, Add):
            pending += reversed(node.inputs)
        else:
            found.append(node)
    return found


def _continued(body: Graph, first: int, totals: Sequence[Node]) -> Graph:
    """The body, in which a loop that adds up from 0 what is then added to a total adds it to the total itself.

    So a sum over parts of a sequence is taken term by term, and is the same to the bit as one over the whole.
    """
    outputs = list(body.outputs)
    users = body.users
    starts: dict[Node, dict[int, Node]] = {}
    for place, total in enumerate(totals, first):
        y = outputs[place]
        if not isinstance(y.op, Add) or y.inputs[0] is not total or len(users[y.inputs[1]]) > 1:
            continue
        summed = y.inputs[1]
        if isinstance(summed.op, Item) and _adds_up(summed.inputs[0], summed.op.index):
            starts.setdefault(summed.inputs[0], {})[summed.op.index] = total
            outputs[place] = summed
    exchange = {
        loop: Node(loop.op, tuple([at.get(i, x) for i, x in enumerate(loop.inputs)]), loop.type, loop.origin)
        for loop, at in starts.items()
    }
    return Graph(body.inputs, tuple(outputs)).replace(exchange)


def _adds_up(loop: Node, carry: int) -> bool:
    """Whether a carry starts with 0, and each step only adds to it."""
    op = loop.op
    if not isinstance(op, Repeated) or carry >= op.carries or uniform(loop.inputs[carry]) != 0:
        return False
    total, after = op.body.inputs[carry], op.next[carry]
    while isinstance(after.op, Item):  # a loop in the body goes on with the total
        inner, place = after.inputs[0], after.op.index
        within = inner.op
        if not isinstance(within, Repeated) or place >= within.carries or inner.inputs[place] is not total:
            return False
        if len(op.body.users[total]) != 1:
            return False
        op, total, after = within, within.body.inputs[place], within.next[place]
    return isinstance(after.op, Add) and after.inputs[0] is total and len(op.body.users[total]) == 1


def _with_one_item_each(back: Graph, body: Graph) -> Graph:
    """The derivative of a body, in which each result of a node with several is one node."""
    known = {(x.inputs[0], x.op.index): x for x in body.nodes if isinstance(x.op, Item)}
    items = [x for x in back.nodes if isinstance(x.op, Item)]
    return back.replace({x: known.setdefault((x.inputs[0], x.op.index), x) for x in items if isinstance(x.op, Item)})


def _is_kept(node: Node) -> bool:
    """Whether a node has a value of its own that a step computes: it shows no other's, nor is it written down."""
    if isinstance(node.op, Leaf | Movement | Reshaped) or not isinstance(node.type, TensorType):
        return False
    return uniform(node) is None
