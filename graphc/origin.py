"""Where a node was made: the user's line, the scope, and for gradient nodes the forward node and the rule."""

import linecache
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import NamedTuple, Protocol, final

from graphc.regions import Membership, members_now
from graphc.value import Value

__all__ = [
    "RULES_SHOWN",
    "Derivation",
    "Merged",
    "Origin",
    "Traced",
    "asking",
    "called",
    "derived",
    "here",
    "merged",
    "of_call",
    "place_of",
    "public_name",
    "scope",
    "standing_for",
]

RULES_SHOWN = 3  # of a chain: a third derivative has three


class Traced(Protocol):
    """Anything that knows where it was made."""

    @property
    def origin(self) -> "Origin": ...


@final
class Derivation(Value):
    """Why a node exists that no user wrote: a rule, and the node it was applied to, known by identity.

    `rule` says what the node is to that one: `grad of tanh`, `tangent of tanh`, `batch of tanh`.
    """

    rule: str
    forward: Traced

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Derivation) and self.rule == other.rule and self.forward is other.forward

    def __hash__(self) -> int:
        return id(self.forward)


@final
class Merged(Value):
    """What one node stands for after passes: the origins of all that became it, its own first.

    Known by identity, and nested where merged nodes are merged again, so that merging costs the same however
    much a node stands for already.
    """

    origins: "tuple[Origin, ...]"
    __eq__ = object.__eq__
    __hash__ = object.__hash__


class Origin(NamedTuple):
    """One place in a user's program.  `derived_from` is empty for what the user wrote.

    `merged` is there for a node that stands for several; `behind` lists them.
    `called` is the function of graphc that the user called, for a node that asks something of a call.
    `members` says of which regions, that derivatives compute again, this is a part.
    """

    file: str
    line: int
    function: str
    scope: str = ""
    derived_from: tuple[Derivation, ...] = ()
    merged: Merged | None = None
    called: str = ""
    members: Membership = ()

    def place(self) -> str:
        """`train.py:41`: the last part of the path, and the line."""
        return f"{self.file.replace(chr(92), '/').rpartition('/')[2]}:{self.line}"

    def source(self) -> str:
        """The text of the line, without indentation, or nothing where it cannot be read."""
        return linecache.getline(self.file, self.line).strip()

    def behind(self) -> "Iterator[Origin]":
        """The origins of all nodes that became this one, each once: only itself, for most."""
        if self.merged is None:
            yield self
            return
        seen: set[Merged | Origin] = set()
        stack: list[Origin] = [self]
        while stack:
            origin = stack.pop()
            known = origin if origin.merged is None else origin.merged
            if known in seen:
                continue
            seen.add(known)
            if origin.merged is None:
                yield origin
            else:
                stack.extend(reversed(origin.merged.origins))

    def rules(self) -> list[str]:
        """The rules that led here from what a user wrote, the last first: `grad of mul`, then `grad of tanh`."""
        found: list[str] = []
        origin = self
        while origin.derived_from and len(found) <= RULES_SHOWN:
            found.append(origin.derived_from[0].rule)
            origin = origin.derived_from[0].forward.origin
        return found if len(found) <= RULES_SHOWN else [*found[:RULES_SHOWN], "…"]


_scope: ContextVar[str] = ContextVar("scope", default="")
_derived: ContextVar[Origin | None] = ContextVar("derived", default=None)

# modules whose frames are nobody's: copy.deepcopy asks nodes for copies, functools for what is computed once
_PASSED = frozenset({"graphc", "copy", "functools"})


def _is_own(frame: FrameType) -> bool:
    name = frame.f_globals.get("__name__", "")
    return bool(name in _PASSED or name.startswith("graphc."))


def place_of(origin: Origin) -> tuple[str, ...]:
    """The lines `at train.py:41 in loss` and the source text."""
    inside = f" in {origin.function}" if origin.function not in ("", "<module>") else ""
    within = f", scope {origin.scope}" if origin.scope else ""
    source = origin.source()
    first = f"  at {origin.place()}{inside}{within}"
    return (first, f"      {source}") if source else (first,)


def here() -> Origin:
    """The place of the caller's caller outside graphc.  One walk up the stack, to the first user frame."""
    fixed = _derived.get()
    if fixed is not None:
        return fixed
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:  # every node comes here: `_is_own` without a call of its own for each frame
        name = frame.f_globals.get("__name__", "")
        if not name.startswith("graphc.") and name not in _PASSED:
            break
        frame = frame.f_back
    if frame is None:
        return Origin("<graphc>", 0, "", _scope.get(), members=members_now())
    code = frame.f_code
    return Origin(code.co_filename, frame.f_lineno, code.co_name, _scope.get(), (), None, "", members_now())


#: what functions are called in public that have another name inside
_PUBLIC = {
    "sub": "subtract", "mul": "multiply", "div": "divide", "neg": "negative", "getitem": "indexing",
    **{f"Place.{name}": f"at().{name}" for name in ("set", "add", "multiply", "max", "min")},
}  # fmt: skip
_PASSING_ON = ("graphc.ops.operators", "graphc.signatures")  # modules whose functions only call those that users mean


def public_name(qualified: str) -> str:
    """What users call a function of ours, by its qualified name."""
    return _PUBLIC.get(qualified) or qualified.rpartition(".")[2]


def called() -> str:
    """`sum`: the function of graphc that the user called, or that an operator stands for; of an object, its class.

    Nothing while a rule or a pass makes nodes: no user called what it calls.
    """
    if _derived.get() is not None:
        return ""
    frame: FrameType | None = sys._getframe(1)
    found = ""
    while frame is not None and _is_own(frame):
        full = frame.f_code.co_qualname.partition(".<locals>")[0]  # what a function returns goes by its name
        name = full.rpartition(".")[2]
        if name in ("__init__", "__call__"):
            found = type(frame.f_locals.get("self")).__name__
        elif name.isidentifier() and not name.startswith("_") and frame.f_globals["__name__"] not in _PASSING_ON:
            found = public_name(full)
        frame = frame.f_back
    return found


def asking(origin: Origin) -> Origin:
    """The origin of a node that asks something of a call: it keeps what the user called."""
    return origin if origin.derived_from else origin._replace(called=called())


def of_call(problem: str) -> str:
    """`sum: problem`, where a function was called that has a name."""
    name = called()
    return f"{name}: {problem}" if name else problem


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Label the nodes made inside, for people who read the graph.  Scopes nest: `encoder/attention`."""
    outer = _scope.get()
    token = _scope.set(f"{outer}/{name}" if outer else name)
    try:
        yield
    finally:
        _scope.reset(token)


class _Fixed:
    """While inside, every node that is made has one origin."""

    __slots__ = ("_origin", "_token")

    def __init__(self, origin: Origin) -> None:
        self._origin = origin

    def __enter__(self) -> None:
        self._token = _derived.set(self._origin)

    def __exit__(self, *raised: object) -> None:
        _derived.reset(self._token)


def derived(rule: str, forward: Traced, members: Membership | None = None) -> _Fixed:
    """Nodes made inside say that `rule` made them from `forward`, and point at its user line.

    They belong to the same regions, where `members` does not say otherwise.

    A rule may differentiate what it has just made itself; to a reader that is one rule, the outer one.
    """
    origin = forward.origin
    if origin is _derived.get():
        return _Fixed(origin)
    members = origin.members if members is None else members
    by = (Derivation(rule, forward),)
    return _Fixed(Origin(origin.file, origin.line, origin.function, origin.scope, by, None, origin.called, members))


def standing_for(node: Traced, *others: Traced) -> _Fixed:
    """Nodes made inside have the origin of `node`, and of `others`: they are what all these became."""
    return _Fixed(merged(node.origin, [other.origin for other in others]) if others else node.origin)


def merged(origin: Origin, others: Iterable[Origin]) -> Origin:
    """The origin of a node that stands for others too: it stays where it was made."""
    parts = tuple(dict.fromkeys((origin, *others)))
    return origin if len(parts) == 1 else origin._replace(merged=Merged(parts))
