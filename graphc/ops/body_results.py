"""What bodies give: nodes in the form, the dtypes and the shapes that their loop or their branches want."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphc.errors import ArgumentError, DTypeError, GraphError, ShapeError
from graphc.ir.node import Node, made_at
from graphc.ir.operands import as_node, cast
from graphc.origin import called, here, place_of
from graphc.printable import a_thing, tuple_text
from graphc.sizes import equal
from graphc.structure import Structure, aligned, paths
from graphc.types import Shape, promote

__all__ = ["a_pair", "next_carries", "nodes_like", "require_alike"]


def a_pair(what: str, result: Any) -> tuple[Structure, Structure]:  # Any: whatever a user gives
    """The carry and the output of one step."""
    if isinstance(result, tuple | list) and len(result) == 2:
        carry, output = result
        return carry, output
    hint = "return carry, None where a step has no output"
    if isinstance(result, Node):
        error = ArgumentError(f"{what}: the body gives one node, not a pair (carry, output)", hint=hint)
        raise _located(error, ("result", result))
    shown = f"{a_thing(result)} of {len(result)}" if isinstance(result, tuple | list) else _named(result)
    raise ArgumentError(f"{what}: the body gives {shown}, not a pair (carry, output)", hint=hint)


def nodes_like(form: Structure, value: Structure, what: str) -> list[Node]:
    """The nodes of `value`, which has to have the form of `form`; `what` it is, for an error."""
    found = aligned(form, value, what)
    for (path, _), leaf in zip(paths(form), found, strict=True):
        if leaf is None or isinstance(leaf, Mapping | list | tuple):
            raise ArgumentError(f"{what} is {_named(leaf)}{_at(path)}, not one node")
    return [as_node(leaf) for leaf in found]


def next_carries(
    what: str, carries: Structure, first: Sequence[Node], carried: Sequence[Node], result: Structure
) -> list[Node]:
    """What a body gives for the carries: of the form, the dtypes and the shapes with which they start.

    first    the carries before the first step
    carried  what stands for them in the body
    """
    after: list[Node] = []
    found = nodes_like(carries, result, f"{what}: what the body gives for the carry")
    for start, old, new in zip(first, carried, found, strict=True):
        if new.tensor.weak and promote(old.tensor, new.tensor) == old.dtype:
            new = cast(new, old.dtype)
        name = "a carry" if old.name == "the carry" else f"the carry {old.name!r}"
        problem = f"{what}: the body changes {name} from {old.type} to {new.type}"
        if new.dtype != old.dtype:
            hint = f'start with a carry of {new.dtype}, or return value.astype("{old.dtype}")'
            raise _located(DTypeError(problem, hint=hint), ("start", start), ("next", new))
        if _differ(new.shape, old.shape):
            wider = new.ndim >= old.ndim and all(
                n == 1 or equal(n, m) is True for n, m in zip(old.shape[::-1], new.shape[::-1], strict=False)
            )
            hint = f"start with gx.broadcast_to(start, {tuple_text(new.shape)})" if wider else "a carry keeps its shape"
            raise _located(ShapeError(problem, hint=hint), ("start", start), ("next", new))
        after.append(new)
    return after


def require_alike(what: str, form: Structure, branches: Sequence[tuple[str, Sequence[Node]]]) -> None:
    """Raise where branches, by name, give different dtypes or shapes for the leaves of one form."""
    (first, wanted), *others = branches
    for place, (path, _) in enumerate(paths(form)):
        for name, found in others:
            one, other = wanted[place], found[place]
            problem = f"{what}: {first} gives {one.type}{_at(path)}, and {name} gives {other.type}"
            made = ((first, one), (name, other))
            if one.dtype != other.dtype:
                common = promote(one.tensor, other.tensor)
                widened = first if one.dtype != common else name
                raise _located(DTypeError(problem, hint=f'return value.astype("{common}") from {widened}'), *made)
            if _differ(one.shape, other.shape):
                raise _located(ShapeError(problem), *made)


def _differ(one: Shape, other: Shape) -> bool:
    """Whether two shapes are different, whatever the symbols in them are."""
    return len(one) != len(other) or any(equal(n, m) is False for n, m in zip(one, other, strict=True))


def _named(value: object) -> str:
    return "None" if value is None else a_thing(value)


def _at(path: str) -> str:
    return f" at {path!r}" if path else ""


def _located(error: GraphError, *made: tuple[str, Node]) -> GraphError:
    """The error with the user's line, and a line for each node by its part in it."""
    return error.located((*place_of(here()), *(line for role, node in made for line in made_at(role, node))), called())
