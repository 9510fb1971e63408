"""Branches: one of several computations, of which only the one chosen runs."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, final

from graphc.autodiff.batching import batched as lifted_nodes
from graphc.autodiff.forward import push_forward
from graphc.autodiff.reverse import pull_back
from graphc.errors import ArgumentError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import or_zeros
from graphc.ir.control import Chosen
from graphc.ir.given import a_function, several
from graphc.ir.graph import Graph
from graphc.ir.leaves import items
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, cast, where
from graphc.ops.bodies import Inner, made_inside, refuse_updates, stand_in, strong
from graphc.ops.body_results import nodes_like, require_alike
from graphc.ops.logic import equal, logical_not
from graphc.ops.movement import reshape
from graphc.ops.reduction import any as any_of
from graphc.ops.sheltered import counted, sheltered
from graphc.origin import here
from graphc.sizes import Size
from graphc.structure import Structure, rebuild
from graphc.types import BOOL, INT64, TensorType, is_differentiable, is_integer

__all__ = ["Choice", "cond", "switch"]


@final
class Choice(Chosen):
    """One of several bodies.  Each derivative is a choice again: of the derivatives of the bodies."""

    bodies: tuple[Graph, ...]
    name: ClassVar[str] = "switch"

    def vjp(self, node: Node, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
        given = [(place, c) for place, c in enumerate(cotangents) if c is not None]
        shared = self.bodies[0].inputs
        places = [place for place, x in enumerate(shared) if is_differentiable(x.dtype)]
        stands = [_like(c, "cotangent") for _, c in given]
        found = [
            pull_back([body.outputs[place] for place, _ in given], stands, [body.inputs[k] for k in places])
            for body in self.bodies
        ]
        reached = [k for n, k in enumerate(places) if any(parts[n] is not None for parts in found)]
        if not reached:
            return [None] * len(node.inputs)
        bodies = [
            Graph(
                (*body.inputs, *stands),
                tuple([or_zeros(parts[places.index(k)], body.inputs[k]) for k in reached]),
            )
            for body, parts in zip(self.bodies, found, strict=True)
        ]
        results = items(apply(Choice(tuple(bodies)), *node.inputs, *(c for _, c in given)))
        return [None, *(results[reached.index(k)] if k in reached else None for k in range(len(shared)))]

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Sequence[Node | None]:
        moving = [(place, t) for place, t in enumerate(tangents[1:]) if t is not None]
        stands = [_like(t, "tangent") for _, t in moving]
        found = [
            push_forward(body.outputs, {body.inputs[place]: s for (place, _), s in zip(moving, stands, strict=True)})
            for body in self.bodies
        ]
        reached = [n for n in range(len(node.type.items)) if any(parts[n] is not None for parts in found)]  # type: ignore[union-attr]
        if not reached:
            return [None] * len(node.type.items)  # type: ignore[union-attr]
        bodies = [
            Graph(
                (*body.inputs, *stands),
                tuple([or_zeros(parts[n], body.outputs[n]) for n in reached]),
            )
            for body, parts in zip(self.bodies, found, strict=True)
        ]
        results = items(apply(Choice(tuple(bodies)), *node.inputs, *(t for _, t in moving)))
        return [results[reached.index(n)] if n in reached else None for n in range(len(node.type.items))]  # type: ignore[union-attr]

    def batch(self, inputs: Sequence[Node], batched: Sequence[bool], extent: Size) -> Sequence[Node]:
        index, *operands = inputs
        flags = batched[1:]
        if not batched[0]:
            bodies = [_wide(body, flags, extent) for body in self.bodies]
            return items(apply(Choice(tuple(bodies)), index, *operands))
        chosen = (
            [logical_not(index), index] if index.dtype == BOOL else [equal(index, n) for n in range(len(self.bodies))]
        )
        results = [
            _where_chosen(body, operands, flags, counts, extent)
            for body, counts in zip(self.bodies, chosen, strict=True)
        ]
        return [_selected(chosen, parts) for parts in zip(*results, strict=True)]


def cond(
    pred: Like, then: Callable[..., Structure], else_: Callable[..., Structure], *operands: Structure
) -> Structure:
    """`then(*operands)` where `pred` holds, else `else_(*operands)`: only the one that is chosen runs.

    pred         one bool
    then, else_  called once each; what they use from around them is computed in any case, what they compute
                 themselves only where they are chosen.  Both give the same form, dtypes and shapes

    Derivatives are branches again.  Under `gx.vmap`, where `pred` differs from place to place, both run.

    Raises ArgumentError, DTypeError or ShapeError where `pred` is no bool or the branches give different things.
    """
    a_function("cond", "the first branch", then)
    a_function("cond", "the second branch", else_)
    chosen = as_node(pred)
    if chosen.shape != () or chosen.dtype != BOOL:
        hint = "a comparison of numbers, or gx.any(...); gx.where chooses element by element"
        raise locate(ArgumentError(f"cond: pred is {chosen.type}, not one bool", hint=hint), here(), (chosen,))
    return _branches("cond", chosen, {"then": then, "else_": else_}, operands)


def switch(index: Like, branches: Sequence[Callable[..., Structure]], *operands: Structure) -> Structure:
    """`branches[index](*operands)`: only the branch that is chosen runs.

    index     one whole number, 0 .. len(branches) - 1
    branches  functions, called once each, that give the same form, dtypes and shapes

    See `cond`.  Raises ArgumentError, DTypeError or ShapeError where `index` is no whole number or the branches
    give different things; when called, IndexRangeError where there is no such branch.
    """
    listed = several("switch", "the branches", branches)
    for branch in listed:
        a_function("switch", "a branch", branch)
    if not listed:
        raise ArgumentError("switch: there are no branches")
    chosen = as_node(index)
    if chosen.shape != () or not is_integer(chosen.dtype):
        raise locate(ArgumentError(f"switch: the index is {chosen.type}, not one whole number"), here(), (chosen,))
    return _branches(
        "switch", cast(chosen, INT64), {f"branch {k}": branch for k, branch in enumerate(listed)}, operands
    )


def _branches(
    what: str, index: Node, branches: Mapping[str, Callable[..., Structure]], operands: Sequence[Structure]
) -> Structure:
    """One of the branches, which have names; of two for a bool the first is for true."""
    forms: list[Structure] = []
    inner: list[Inner] = []
    for name, branch in branches.items():
        with made_inside() as made:
            forms.append(branch(*operands))
            found = [strong(y) for y in nodes_like(forms[0], forms[-1], f"{what}: what {name} gives")]
        refuse_updates(what, made, "return the value from all branches, and set the variable outside")
        inner.append(Inner.of(found, made))
    require_alike(what, forms[0], [(name, each.outputs) for name, each in zip(branches, inner, strict=True)])
    if not inner[0].outputs:
        return forms[0]
    shared = dict.fromkeys(x for each in inner for x in each.shared)
    in_order = inner[::-1] if index.dtype == BOOL else inner  # true is 1
    bodies = tuple([each.closed(shared, what) for each in in_order])
    return rebuild(forms[0], items(apply(Choice(bodies), index, *shared)))


def _like(x: Node, what: str) -> Node:
    return stand_in(x.name or what, TensorType(x.shape, x.dtype), "a branch")


def _wide(body: Graph, flags: Sequence[bool], extent: Size) -> Graph:
    """A body for all places of an axis."""
    exchange = {
        x: stand_in(x.name or "shared", TensorType((extent, *x.shape), x.dtype), "a branch")
        for x, flag in zip(body.inputs, flags, strict=True)
        if flag
    }
    return Graph(tuple([exchange.get(x, x) for x in body.inputs]), tuple(lifted_nodes(body.outputs, exchange, extent)))


def _where_chosen(
    body: Graph, operands: Sequence[Node], flags: Sequence[bool], chosen: Node, extent: Size
) -> Sequence[Node]:
    """What a body gives at all places of an axis, where it is only asked at those that are chosen."""
    counts = stand_in("chosen", TensorType((), BOOL), "a branch")
    pairs = list(zip(body.inputs, operands, flags, strict=True))
    outputs = sheltered(body.outputs, counts, [x for x, _, flag in pairs if flag])
    found = lifted_nodes(outputs, {counts: chosen} | {x: operand for x, operand, flag in pairs if flag}, extent)
    anywhere = any_of(chosen)
    shared = {x: counted(operand, anywhere) for x, operand, flag in pairs if not flag}
    return Graph((), tuple(found)).replace(shared).outputs


def _selected(chosen: Sequence[Node], parts: Sequence[Node]) -> Node:
    """Of each place the part that is chosen."""
    result = parts[-1]
    for is_chosen, part in zip(reversed(chosen[:-1]), reversed(parts[:-1]), strict=True):
        result = where(reshape(is_chosen, (*is_chosen.shape, *([1] * (result.ndim - 1)))), part, result)
    return result
