"""What holds of every form between two passes, and of a pass: asked for by `compile(verify=True)`, and by tests."""

from collections.abc import Mapping, Set
from os import sep
from pathlib import Path
from typing import TypeAlias

from graphc import origin
from graphc.ir.graph import Graph
from graphc.ir.kinds import Elementwise
from graphc.ir.leaves import Input, Item, Variable
from graphc.ir.node import Node
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.overwriting import owner_of
from graphc.kernel.program import Program
from graphc.kernel.unsound import about
from graphc.kernel.verify import verify
from graphc.passes import units
from graphc.passes.lower import Lowered
from graphc.passes.pipeline import Record
from graphc.passes.rewrite import Rewrite
from graphc.passes.stabilise import Stabilise
from graphc.passes.throughout import all_graphs
from graphc.passes.trim_loops import TrimLoops
from graphc.passes.units import Partition
from graphc.sizes import evaluate
from graphc.types import TupleType

__all__ = ["require_apart", "require_provenance", "require_sound"]

_OWN = tuple({f"{Path(module.__file__ or '').parent}{sep}" for module in (origin, units)} | {"<graphc"})


def require_sound(form: object) -> None:
    """Raise AssertionError unless the form makes sense.

    Graphs, bodies too: operands come before users, and every node has the type that its op infers and leads to a line
    of a user.  Partitions: every unit comes after those whose nodes it reads, and no node is in two.  Programs: see
    `kernel.verify`.
    """
    match form:
        case Graph():
            for graph in all_graphs(form):
                _require_order(graph)
                if graph is not form:
                    _require_closed(graph)
                for node in graph.nodes:
                    with about((node.origin,)):
                        _require_type(node)
                        _require_line(node)
        case Partition():
            _require_units(form)
        case Lowered():
            verify(form.program)


def _require_order(graph: Graph) -> None:
    """No node reads itself, over whatever others: operands come before users."""
    seen: set[Node] = set()
    for node in graph.nodes:
        late = [x for x in node.inputs if x not in seen]
        with about((node.origin,)):
            assert not late, f"{node!r} reads {late[0]!r}, which reads it"
        seen.add(node)


def _require_type(node: Node) -> None:
    if isinstance(node.op, Item):
        (whole,) = node.inputs
        assert isinstance(whole.type, TupleType), f"{node!r} is a part of {whole!r}, which has none"
        part = whole.type.items[node.op.index]
        assert part == node.type, f"{node!r} is {node.type}, that part of {whole!r} is {part}"
    elif node.inputs:
        inferred = node.op.infer(*[x.tensor for x in node.inputs])
        assert inferred == node.type, f"{node!r} is {node.type}, its op infers {inferred}"


def _require_line(node: Node) -> None:
    """All origins behind a node are lines of users, and so is what the rules were applied to that made it."""
    for part in node.origin.behind():
        while True:
            is_of_a_user = part.line > 0 and not part.file.startswith(_OWN)
            assert is_of_a_user, f"{node!r} leads to {part.file}:{part.line}"
            if not part.derived_from:
                break
            part = part.derived_from[0].forward.origin


def _require_closed(body: Graph) -> None:
    """A body reads the inputs that it has, and nothing around it."""
    given = set(body.inputs)
    for node in body.nodes:
        is_around = isinstance(node.op, Input | Variable) and node not in given
        with about((node.origin,)):
            assert not is_around, f"a body reads {node!r}, which is no input of it"


def _require_units(partition: Partition) -> None:
    pending = [partition]
    while pending:
        part = pending.pop()
        pending += part.bodies.values()
        homes: dict[Node, list[int]] = {}
        for number, unit in enumerate(part.units):
            for node in unit.nodes:
                before = homes.setdefault(node, [])
                is_computed_again = isinstance(node.op, Elementwise) and number not in before
                with about((node.origin,)):
                    assert not before or is_computed_again, f"{node!r} is in the units {before[-1]} and {number}"
                before.append(number)
        ready: dict[Node, int] = {}  # after which unit the value of a node is there
        for node in part.graph.nodes:
            source = part.sources.get(node)
            seen = node.inputs if source is None else (source.node,)  # a result of several steps may be read past some
            last = max([ready[x] for x in seen], default=-1)
            for number in homes.get(node, ()):
                for x in node.inputs:
                    is_there = number in homes.get(x, ()) or ready[x] <= number
                    with about((node.origin,)):
                        assert is_there, f"{node!r} is in unit {number}, and reads what unit {ready[x]} gives"
            given = list(homes.get(node, ()))
            if source is not None or not given:
                given.append(last)
            ready[node] = min(given)


def require_provenance(record: Record) -> None:
    """Raise AssertionError where a pass from one graph to another lost lines of users, or rules of derivatives.

    What replaces an output leads to all that led to it, unless it is an input.  Nothing new leads elsewhere.  And of
    other nodes with operands none is lost, but by a pass that leaves out what nothing needs; unless one of its operands
    is a leaf or lost: then it may have become one.
    """
    before, after = record.before, record.after
    if not isinstance(before, Graph) or not isinstance(after, Graph):
        return
    roots = zip((*before.outputs, *before.updates.values()), (*after.outputs, *after.updates.values()), strict=True)
    for root, replaced in roots:
        if replaced.inputs:
            lost = _steps_to(root) - _steps_to(replaced)
            assert not lost, f"{replaced!r} stands for {root!r}, and does not lead to {_told(lost)}"
    known = {step for graph in all_graphs(before) for node in graph.nodes for step in _steps_to(node)}
    kept = {step for graph in all_graphs(after) for node in graph.nodes for step in _steps_to(node)}
    lines = {(file, line) for file, line, _ in known}
    elsewhere = {step for step in kept if step[:2] not in lines}  # a pass may apply further rules to known ones
    assert not elsewhere, f"something new leads to {_told(elsewhere)}, which nothing led to"
    if record.name not in _LEAVING_OUT:
        _require_none_lost(before, after, kept)


def _require_none_lost(before: Graph, after: Graph, kept: "_Steps") -> None:
    there = set(after.nodes)
    gone: set[Node] = set()
    for node in before.nodes:
        if node in there or _steps_to(node) <= kept:
            continue
        gone.add(node)
        may_be_an_operand = any(not x.inputs or x in gone for x in node.inputs) or not node.inputs
        assert may_be_an_operand, f"nothing leads to {_told(_steps_to(node) - kept)} any more, where {node!r} was made"


#: these leave out what a value does not depend on after all; what they replace is tested with each of their rules
_LEAVING_OUT = frozenset({TrimLoops.name, Rewrite.name, Stabilise.name})
_Steps: TypeAlias = Set[tuple[str, int, tuple[str, ...]]]  # a line, and the rules that led from there


def _steps_to(node: Node) -> _Steps:
    """The lines behind a node, with the rules that made it of them."""
    return frozenset((o.file, o.line, tuple(d.rule for d in o.derived_from)) for o in node.origin.behind())


def _told(steps: _Steps) -> str:
    return ", ".join(
        f"{file}:{line}{' by ' + ', '.join(rules) if rules else ''}" for file, line, rules in sorted(steps)
    )


def require_apart(program: Program, offsets: Mapping[Buffer, int], sizes: Mapping[str, int]) -> None:
    """Raise AssertionError where two temporaries lie over each other while both are alive.

    `offsets` are bytes in the arena.  What shares bytes on purpose is checked by `kernel.verify`.
    """
    first: dict[Buffer, int] = {}
    last: dict[Buffer, int] = {}
    for number, step in enumerate(program.timeline):
        end = program.ends.get(number, number)
        for buffer in (*step.reads, *step.writes):
            if buffer.root.role is Role.TEMPORARY:
                owner = owner_of(buffer, program.aliases)
                first.setdefault(owner, number)
                last[owner] = max(end, last.get(owner, end))
    spans = [(offsets[x], offsets[x] + evaluate(x.bytes, sizes), x) for x in first]
    open_spans: list[tuple[int, int, Buffer]] = []
    for start, end, buffer in sorted((span for span in spans if span[0] < span[1]), key=lambda span: span[:2]):
        open_spans = [span for span in open_spans if span[1] > start]
        for _, _, other in open_spans:
            together = first[buffer] <= last[other] and first[other] <= last[buffer]
            assert not together, (
                f"two temporaries share bytes from {start} on: one is alive in steps {first[other]} to {last[other]}, "
                f"the other in {first[buffer]} to {last[buffer]}"
            )
        open_spans.append((start, end, buffer))
