"""Rewriting: identities that replace one node by another of the same type, tried until none applies."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import ClassVar, TypeAlias, final

from graphc.dataclass import dataclass
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.once import once
from graphc.origin import standing_for
from graphc.passes.matching import (
    Form,
    Learnt,
    Match,
    Pattern,
    at_a_glance,
    built,
    look,
    matched,
    may_fit,
    orders,
    written,
)
from graphc.passes.pipeline import Log, Pass, Spill
from graphc.passes.provenance import consumed
from graphc.passes.share import Known

__all__ = ["Change", "Rewrite", "Rule"]

Change: TypeAlias = Callable[[Match], Node | None]


@dataclass(frozen=True)
class Rule:
    """An identity: a node that looks like `left` may be replaced by what `right` says.

    left    what it looks like; operands of ops that commute are tried in every order
    right   a pattern over the same holes; or a function that gives the replacement, of the same dtype and equal
            extents, or None where the rule does not apply after all: for sides with options and conditions
    exact   whether no bit of any result changes; `because` says what another rule is good for
    called  the identity in words, where `right` is a function
    spill   what leaves the range of floats on the right side, beside what does on the left one
    """

    left: Form
    right: Pattern | Change
    exact: bool
    because: str = ""
    called: str = ""
    spill: Spill = Spill.AS_BEFORE

    @cached_property
    def name(self) -> str:
        """The identity: `-(-x) = x`."""
        return self.called or f"{written(self.left)} = {self.right}"

    @cached_property
    def lefts(self) -> tuple[Pattern, ...]:
        """The left side in all orders of operands that commute."""
        return orders(self.left)


_Candidates: TypeAlias = Sequence[tuple[Rule, Pattern]]


@final
@dataclass(frozen=True)
class Rewrite(Pass[Graph, Graph]):
    """Apply rules to every node, operands first, and to what they make.  Afterwards none applies to any node.

    A node is looked at when its operands are settled, so once, unless a rule replaces it: then what the rule made is
    looked at, again operands first.  Which rules can apply is looked up by the classes and dtypes of the op and of
    its operands, and most nodes find none.  Equal nodes are one as soon as they are made, so a hole that stands twice
    in a rule is filled however often the user wrote down what fills it.
    """

    rules: Sequence[Rule]
    name: ClassVar[str] = "rewrite"

    @property
    def exact(self) -> bool:  # type: ignore[override]
        """Whether every rule is."""
        return all(rule.exact for rule in self.rules)

    @once
    def _lookup(self) -> "_Lookup":
        return _Lookup(self.rules)

    def run(self, form: Graph, log: Log) -> Graph:
        return _Rewriting(self._lookup, log).run(form)


class _Lookup:
    """Which rules can apply to a node, by the look of it: found once for each look, whatever the graph."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._by_op: dict[type, list[tuple[int, Rule]]] = {}
        for number, rule in enumerate(rules):
            self._by_op.setdefault(rule.left.of, []).append((number, rule))
        self._found: dict[Hashable, _Candidates] = {}

    def candidates(self, node: Node) -> _Candidates:
        """The rules that the look of a node admits, in order, each with the left side that does."""
        glance = at_a_glance(node)
        found = self._found.get(glance)
        if found is None:
            seen = look(node)
            rules = sorted([each for of in seen.of.__mro__ for each in self._by_op.get(of, ())], key=itemgetter(0))
            found = [(rule, left) for _, rule in rules for left in rule.lefts if may_fit(left, seen)]
            self._found[glance] = found
        return found


_MOST = 4000  # replacements that one node may lead to: more are rules that undo each other


class _Rewriting:
    """One run.

    settled    node -> what became of it and of all below it
    moved      those nodes that became others
    becomes    node, on settled operands -> what a rule makes of it, not yet settled
    readings   settled node of the graph -> how often the nodes of the graph read what it stands for
    """

    def __init__(self, lookup: _Lookup, log: Log) -> None:
        self.lookup, self.log = lookup, log
        self.known = Known()
        self.settled: dict[Node, Node] = {}
        self.moved: set[Node] = set()
        self.becomes: dict[Node, Node] = {}
        self.readings: dict[Node, int] = {}
        self.learnt: Learnt = {}

    def run(self, form: Graph) -> Graph:
        counts = Counter([x for node in form.nodes for x in node.inputs])
        counts.update((*form.roots, *form.demanded))
        self._settle(form.nodes, counts)
        return self.known.given_to(form.exchanged(self.settled), set(form.nodes))

    def _settle(self, nodes: Sequence[Node], counts: Mapping[Node, int]) -> None:
        """Settle all nodes of a graph, operands first, which are read so often."""
        settled, readings = self.settled, self.readings
        for node in nodes:
            if node not in settled:
                self._settle_one(node)
            found = settled[node]
            readings[found] = readings.get(found, 0) + counts[node]

    def _settle_one(self, root: Node) -> None:
        settled, becomes, moved = self.settled, self.becomes, self.moved
        one_of, ancestry = self.known.one_of, self.known.ancestry
        pending = [root]
        replaced = 0
        while pending:
            node = pending[-1]
            if node in settled:
                pending.pop()
                continue
            later = becomes.get(node)
            if later is not None:
                if later in settled:
                    settled[node] = settled[later]
                    moved.add(node)
                    continue
                replaced += 1
                assert replaced < _MOST, f"rules undo each other: {[note.what for note in self.log.notes[-8:]]}"
                pending.append(later)
                continue
            try:
                inputs = tuple([settled[x] for x in node.inputs])
            except KeyError:
                pending += [x for x in reversed(node.inputs) if x not in settled]
                continue
            candidate = node
            if not moved.isdisjoint(node.inputs):
                candidate = Node(node.op, inputs, node.type, node.origin)
                ancestry.add(candidate, node)  # what a rule made of others stands for these, on whatever operands
            candidate = one_of(candidate)
            if candidate is not node and candidate in settled:
                settled[node] = settled[candidate]
                moved.add(node)
                if settled[node] is not candidate:  # what became something else stands for more by now
                    ancestry.add(settled[node], candidate)
                continue
            found = self._replacement(candidate)
            if found is not None:
                becomes[node] = becomes[candidate] = found
                continue
            settled[node] = settled[candidate] = candidate
            if candidate is not node:
                moved.add(node)
            pending.pop()

    def _replacement(self, node: Node) -> Node | None:
        """What the first rule that applies makes of a node, of the same type."""
        for rule, left in self.lookup.candidates(node):
            match = matched(left, node, self.readings, self.learnt)
            if match is None:
                continue
            with standing_for(node):
                found = built(rule.right, match) if isinstance(rule.right, Pattern) else rule.right(match)
            if found is None or found is node or not _same_type(rule, node, found):
                continue
            self.log.note(rule.name, node.origin)
            self.log.replaced(rule.name, node, found, exact=rule.exact, spill=rule.spill)
            self.known.ancestry.add(found, node, *consumed(node, found, self.settled))
            return found
        return None


def _same_type(rule: Rule, node: Node, found: Node) -> bool:
    """Whether a replacement has the type of what it replaces.

    Sizes that are equal in every call may be written differently, and a weak operand may stand beside one that
    is not: what one operand alone gives can then have another type, and the node stays.
    """
    if found.type == node.type:
        return True
    assert (found.dtype, found.ndim) == (node.dtype, node.ndim), (rule.name, node, found)
    return False
