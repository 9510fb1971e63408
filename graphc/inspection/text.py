"""Graphs as text: one node a line, with its type, its operands, and where it was made; and the bodies of loops."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from graphc.inspection.bodies import Body, bodies_of
from graphc.inspection.escaping import quoted
from graphc.inspection.listing import Listing, Showable, listing_of
from graphc.inspection.widening import widenings
from graphc.inspection.wording import op_text, place_text, type_text
from graphc.ir.node import Node
from graphc.ir.philox import Reuse, reuses
from graphc.origin import Origin
from graphc.printable import printable
from graphc.types import short_name

__all__ = ["aligned", "graph_text"]

_WIDEST = 40  # characters; a longer cell moves the rest of its line instead of every line
_ALSO = 2  # what a merged node stands for, beside its own line
_FORMULA = 300  # characters of a formula
_INDENT = "    "  # of a body, beside what it is in
_LOOKED_AT = 200  # origins of one node


def graph_text(shown: Showable) -> str:
    """One node a line, numbered in an order in which operands come first; then outputs, updates and notes.

        %0  input x    f32[batch,784]           digits.py:12  x = gx.input("x", ("batch", 784))
        %4  matmul     f32[batch,10]   %0 %3    digits.py:20  logits = hidden @ w
        %9  mul        f32[batch,10]   %7 0.5   digits.py:20  grad of tanh %4
        return %9
        w %3 <- %12

    A constant that is one number, and a size, stands where it is read.  The source line is not repeated.  A node
    into which passes have merged others says what else it stands for: `also digits.py:31, grad of exp %6`.
    What a function made of a formula computes, and what its derivatives do, is said once below.

    Bodies of loops and branches follow, each numbered by itself, and then those inside them.  An input of a body
    says what it stands for in the graph around it, and a loop what its body gives for the carries and as a row:

        body of %3
            %0  input h  f32[4]         digits.py:31  carry, at first outer %0
            %1  input x  f32[4]         digits.py:31  row of outer %1
            %2  add      f32[4]  %0 %1  digits.py:31  total = h + x
            next %2
    """
    listing = listing_of(shown)
    lines = _lines(listing, {}, _results(listing))
    pending = [(1, listing, body) for body in reversed(list(bodies_of(listing)))]
    while pending:
        depth, outer, body = pending.pop()
        stands = {x: f"{role}{_from_outside(outer, operand, x)}" for x, (role, operand) in body.stands.items()}
        lines.append(f"{_INDENT * (depth - 1)}{body.title}")
        lines += [_INDENT * depth + line for line in _lines(body.listing, stands, _given(body))]
        pending += [(depth + 1, body.listing, inner) for inner in reversed(list(bodies_of(body.listing)))]
    return "\n".join(lines)


def _lines(listing: Listing, stands: Mapping[Node, str], results: Iterable[str]) -> list[str]:
    """One graph, without the bodies in it; `stands` says what inputs stand for."""
    table = aligned([_row(listing, node) for node in listing.nodes])
    return [*_unrepeated(listing, table, stands), *results, *_definitions(listing), *_notes(listing)]


def _row(listing: Listing, node: Node) -> tuple[str, ...]:
    scope = node.origin.scope
    return (
        listing.reference(node),
        op_text(node),
        type_text(node),
        " ".join(listing.operand(x, node) for x in node.inputs),
        place_text(node.origin.place()),
        f"[{printable(scope, _WIDEST)}]" if scope else "",
    )


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The rows with their columns under each other; a column that is empty everywhere is left out."""
    columns = [column for column in zip(*rows, strict=True) if any(column)]
    widths = [max((len(cell) for cell in column if len(cell) <= _WIDEST), default=0) for column in columns]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in zip(*columns, strict=True)
    ]


def _unrepeated(listing: Listing, table: Sequence[str], stands: Mapping[Node, str]) -> Iterator[str]:
    """The lines with what made each node: the rule of a derived one, else the source where it is new."""
    before = ("", 0)
    for node, line in zip(listing.nodes, table, strict=True):
        first, *others = islice(node.origin.behind(), _LOOKED_AT)
        if node in stands:
            because = stands[node]
        elif first.derived_from:
            because = _reason(listing, first)
            before = ("", 0)
        else:
            because = "" if before == (first.file, first.line) else printable(first.source(), 80)
            before = (first.file, first.line)
        yield f"{line}  {because}{_also(listing, others)}".rstrip()


def _reason(listing: Listing, origin: Origin) -> str:
    """Why a node of this origin is there, beside the source: the rule, or the place."""
    if not origin.derived_from:
        return place_text(origin.place())
    return ", ".join(listing.reason(derivation) for derivation in origin.derived_from[:2])


def _also(listing: Listing, others: Sequence[Origin]) -> str:
    """What else a merged node stands for."""
    reasons = list(dict.fromkeys(_reason(listing, origin) for origin in others))
    if not reasons:
        return ""
    more = [] if len(reasons) <= _ALSO else [f"and {len(reasons) - _ALSO} more"]
    return f"  also {', '.join((*reasons[:_ALSO], *more))}"


def _results(listing: Listing) -> Iterator[str]:
    graph = listing.graph
    yield " ".join(("return", *map(listing.reference, graph.outputs)))
    for variable, value in graph.updates.items():
        yield f"{quoted(variable.name or '')} {listing.reference(variable)} <- {listing.reference(value)}"


def _from_outside(outer: Listing, operand: Node, x: Node) -> str:
    """An operand of a loop or branch, in the numbers of the graph around that."""
    text = outer.operand(operand, x)
    return f"outer {text}" if outer.is_placed(operand) else text


def _given(body: Body) -> Iterator[str]:
    """What a body gives, by what it is for."""
    for what, nodes in body.results.items():
        if nodes:
            yield " ".join((what, *map(body.listing.reference, nodes)))


def _definitions(listing: Listing) -> Iterator[str]:
    """What the ops compute whose names do not say it, in the order of their first nodes."""
    for text in dict.fromkeys(node.op.definition() for node in listing.nodes):
        if text:
            yield f"with {printable(text, _FORMULA)}"


def _notes(listing: Listing) -> Iterator[str]:
    for widening in widenings(listing.nodes):
        cause = widening.cause
        made = f"{op_text(cause)} {type_text(cause)} ({place_text(cause.origin.place())})"
        dtypes = f"{short_name(widening.narrow)} to {short_name(cause.dtype)}"
        yield f"note: {made} widens {dtypes} at {listing.reference(widening.node)}"
    for reuse in reuses(listing.nodes):
        yield _reused(listing, reuse)


def _reused(listing: Listing, reuse: Reuse) -> str:
    """Which key is used again, and where; what stands in the body of a loop has no number here."""
    known = [node for node in (reuse.key, *reuse.uses) if node in listing.numbers and listing.is_placed(node)]
    names = {node: f"{listing.reference(node)} " for node in known}
    uses = [f"{names.get(use, '')}({place_text(use.origin.place())})" for use in reuse.uses]
    more = f", and {len(uses) - _ALSO} more" if len(uses) > _ALSO else ""
    key = names.get(reuse.key, "").strip() or op_text(reuse.key)
    return f"note: one key, {key}, has {len(uses)} uses, which depend on each other: {', '.join(uses[:_ALSO])}{more}"
