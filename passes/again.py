"""What derivatives compute again: the insides of regions, copied and put where they are needed."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, final

from graphc.dataclass import dataclass
from graphc.ir.graph import Graph
from graphc.ir.kinds import Leaf
from graphc.ir.node import Node
from graphc.passes.copies import with_copies
from graphc.passes.lifetimes import in_short_order
from graphc.passes.pipeline import Log, Pass
from graphc.passes.throughout import bodies_of
from graphc.regions import Member, Membership, Region, read_again

__all__ = ["ComputeAgain", "has_regions"]


def has_regions(graph: Graph) -> bool:
    """Whether some node, of the graph or of a body, is in a region.  Recursion is over the depth of nested loops."""
    return any(node.origin.members for node in graph.nodes) or any(has_regions(body) for body in bodies_of(graph))


@final
@dataclass(frozen=True)
class ComputeAgain(Pass[Graph, Graph]):
    """Copy what a derivative reads of the inside of a region, and say in which order nodes are computed.

    A copy comes when it is first needed, and what needs it when the cotangents that come into the region are there.
    """

    name: ClassVar[str] = "again"
    exact: ClassVar[bool] = True

    def run(self, form: Graph, log: Log) -> Graph:
        members = _settled(form)
        if not members:
            return form
        order = in_short_order(form, _waits(form, members))
        found = with_copies(form, order, _Reading(form, members).again)
        for node in found.nodes:
            log.note(f"{node.op.name} computed again", node.origin)
        return found.graph


def _settled(graph: Graph) -> Mapping[Node, Membership]:
    """What nodes are in which regions, where each is there before those who read it.

    Of nodes that passes have merged, the one that stayed may be of a later generation than what it is read by.
    """
    members = {node: node.origin.members for node in graph.nodes if node.origin.members}
    for reader in reversed(graph.nodes) if members else ():
        by = members.get(reader)
        for x in reader.inputs if by else ():
            of = members.get(x)
            if of and by and read_again(of, by):
                members[x] = (*map(_earlier, of, by), *of[len(by) :])
    return members


def _earlier(one: Member, other: Member) -> Member:
    return other if one.region is other.region and one.generation > other.generation else one


def _waits(graph: Graph, members: Mapping[Node, Membership]) -> Mapping[Node, Sequence[Node]]:
    """For what a derivative has in a region: its operands, and before them the cotangents that come from outside."""
    coming: dict[Member, dict[Node, None]] = {}
    parts: dict[Node, list[Member]] = {}
    for node in graph.nodes:
        later = [m for m in members.get(node, ()) if m.generation]
        if later:
            parts[node] = later
        for member in later:
            found = coming.setdefault(member, {})
            for x in node.inputs:
                if x.origin.derived_from and not _is_in(member.region, members.get(x, ())):
                    found[x] = None
    waits: dict[Node, Sequence[Node]] = {}
    for node, later in parts.items():
        first = [x for member in later for x in coming[member]]
        if not set(node.inputs).issuperset(first):
            waits[node] = tuple(dict.fromkeys([*first, *node.inputs]))
    return _without_circles(graph, waits)


def _is_in(region: Region, members: Membership) -> bool:
    return any(member.region is region for member in members)


def _without_circles(graph: Graph, waits: dict[Node, Sequence[Node]]) -> Mapping[Node, Sequence[Node]]:
    """Those of `waits` that lead in no circle: passes may have merged what is inside a region with what is outside."""
    users: dict[Node, list[Node]] = {}
    missing: dict[Node, int] = {}
    for node in graph.nodes:
        needed = dict.fromkeys(waits.get(node, node.inputs))
        missing[node] = len(needed)
        for x in needed:
            users.setdefault(x, []).append(node)
    ready = [node for node in graph.nodes if not missing[node]]
    done: set[Node] = set()
    while True:
        while ready:
            node = ready.pop()
            done.add(node)
            for user in users.get(node, ()):
                missing[user] -= 1
                if not missing[user] and user not in done:
                    ready.append(user)
        stuck = [node for node in waits if node not in done and done.issuperset(node.inputs)]
        if not stuck:
            return waits
        for node in stuck:
            del waits[node]
        ready += stuck


@dataclass(frozen=True, eq=False)
class _Reading:
    """Who reads what computed again."""

    graph: Graph
    members: Mapping[Node, Membership]

    def again(self, node: Node, copied: Membership | None, read: Node) -> Membership | None:
        """For which regions what a node reads is computed again: of a copy, for those that it is for or more inside."""
        around = copied or ()
        reader = (*around, *self.members.get(node, ())[len(around) :])
        if not reader or isinstance(read.op, Leaf):
            return None
        found = read_again(reader, self.members.get(read, ()))
        while found and self._is_kept(read, found[-1].region):
            found = read_again(found[:-1], self.members[read])
        return found or None

    def _is_kept(self, node: Node, region: Region) -> bool:
        """Whether a derivative outside of a region reads it as well."""
        readers = [x for x in self.graph.users[node] if x.origin.derived_from]
        return any(not _is_in(region, self.members.get(x, ())) for x in readers)
