"""Graphs as networks of networkx: nodes numbered as in every view, with plain data as attributes."""

from typing import TYPE_CHECKING

from graphc.inspection.listing import Kind, Showable, listing_of

if TYPE_CHECKING:
    import networkx

__all__ = ["to_networkx"]


def to_networkx(shown: Showable) -> "networkx.MultiDiGraph":
    """The graph of a node, of several nodes, or of a compiled function, with every constant.

    Nodes    number -> op, kind, type, name, file, line, scope, merged, derived, output, sets
    Edges    from operands to readers, with `operand`, the position among the reader's operands

    `derived` says which rules made a node, `merged` which further lines passes merged into it, `sets` which
    variable becomes its value.  All these, and `name`, are "" for most.  Attributes are texts, integers and truth
    values; names are as the user wrote them.
    """
    import networkx

    listing = listing_of(shown)
    outputs = frozenset(listing.graph.outputs)
    sets = {value: variable.name or "" for variable, value in listing.graph.updates.items()}
    network = networkx.MultiDiGraph()
    for node, number in listing.numbers.items():
        origin = node.origin
        network.add_node(
            number,
            op=node.op.text(),
            kind=Kind.of(node).value,
            type=str(node.type),
            name=node.name or "",
            file=origin.file,
            line=origin.line,
            scope=origin.scope,
            merged="; ".join(f"{part.file}:{part.line}" for part in list(origin.behind())[1:]),
            derived="; ".join(
                listing.reason(derivation) for part in origin.behind() for derivation in part.derived_from
            ),
            output=node in outputs,
            sets=sets.get(node, ""),
        )
    network.add_edges_from(
        (listing.numbers[operand], number, {"operand": position})
        for node, number in listing.numbers.items()
        for position, operand in enumerate(node.inputs)
    )
    return network
