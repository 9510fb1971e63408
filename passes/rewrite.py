"""Rewriting: rules that replace one node by another of the same type, tried until none applies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias, final

from graphc.ir.graph import Graph, rebuilt
from graphc.ir.node import Node, Op
from graphc.origin import standing_for
from graphc.passes.pipeline import Log, Pass
from graphc.passes.provenance import Ancestry, consumed

__all__ = ["Rewrite", "Rule"]

Change: TypeAlias = Callable[[Node], Node | None]


@dataclass(frozen=True)
class Rule:
    """What a node with an op of class `of` may be replaced by.

    `change` gives the replacement, of the same dtype and equal extents, or None where the rule does not apply.
    An exact rule changes no bit of any result; `because` says what another one is good for.
    """

    name: str
    of: type  # a class of ops, or a kind of them
    change: Change
    exact: bool
    because: str = ""


@final
@dataclass(frozen=True)
class Rewrite(Pass[Graph, Graph]):
    """Apply rules to every node, operands first, and to what they make.  Afterwards none applies to any node."""

    rules: Sequence[Rule]
    name: ClassVar[str] = "rewrite"

    @property
    def exact(self) -> bool:  # type: ignore[override]
        """Whether every rule is."""
        return all(rule.exact for rule in self.rules)

    def run(self, form: Graph, log: Log) -> Graph:
        table: dict[type[Op], Sequence[Rule]] = {}
        new: dict[Node, Node] = {}
        ancestry = Ancestry()
        for node in form.nodes:
            candidate = rebuilt(node, [new[x] for x in node.inputs])
            kind = type(node.op)
            if kind not in table:
                table[kind] = self._for(kind)
            new[node] = self._settled(candidate, table, ancestry, log) if table[kind] else candidate
        settled = form.exchanged(new)
        return ancestry.given_to(settled, settled.nodes)

    def _for(self, kind: type[Op]) -> Sequence[Rule]:
        return [rule for rule in self.rules if issubclass(kind, rule.of)]

    def _settled(self, node: Node, table: dict[type[Op], Sequence[Rule]], ancestry: Ancestry, log: Log) -> Node:
        """`node`, after all rules that apply to it."""
        found: Node | None = node
        while found is not None:
            node, found = found, None
            kind = type(node.op)
            if kind not in table:
                table[kind] = self._for(kind)
            with standing_for(node):
                for rule in table[kind]:
                    found = self._replacement(rule, node)
                    if found is not None:
                        log.note(rule.name, node.origin)
                        log.replaced(rule.name, node, found, exact=rule.exact)
                        ancestry.add(found, (node, *consumed(node, found)))
                        break
        return node

    def _replacement(self, rule: Rule, node: Node) -> Node | None:
        """What a rule makes of `node`, of the same type.

        Sizes that are equal in every call may be written differently, and a weak operand may stand beside one that
        is not: what one operand alone gives can then have another type, and the node stays.
        """
        found = rule.change(node)
        if found is None or found.type == node.type:
            return found
        assert (found.dtype, found.ndim) == (node.dtype, node.ndim), (rule.name, node, found)
        return None
