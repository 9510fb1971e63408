"""Functions of one example, for all examples of an axis at once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any, TypeAlias

from graphc.autodiff.batching import batched
from graphc.errors import ArgumentError, ShapeError
from graphc.ir.apply import locate
from graphc.ir.declare import carried_updates
from graphc.ir.given import a_function, a_whole_number, is_whole
from graphc.ir.graph import topological
from graphc.ir.leaves import Input, Variable
from graphc.ir.node import Node
from graphc.ir.operands import as_node
from graphc.ops.axes import one_axis
from graphc.ops.bodies import dependent, stand_in
from graphc.ops.movement import moveaxis
from graphc.origin import here
from graphc.printable import a_thing
from graphc.sizes import Size, equal
from graphc.structure import Structure, aligned, leaves, paths, rebuild
from graphc.types import TensorType

__all__ = ["Axes", "vmap"]

Axes: TypeAlias = Any  # Any: an int, None, or a structure of these


def vmap(function: Callable[..., Structure], in_axes: Axes = 0, out_axes: Axes = 0) -> Callable[..., Structure]:
    """`function` at every place along an axis of its arguments, without a loop: each node gets a further axis.

    function   takes nodes, and nested lists, tuples and dicts of them; gives nodes in any such form
    in_axes    the axis to walk: an int or None for every argument, or one of these for each in a tuple; in the
               place of one a structure like that argument.  None: all places share it
    out_axes   where results have the axis: an int, or a structure like the result; None for what does not differ

    Keyword arguments are walked along axis 0.  What `function` reads from around it is shared.  Nests, and goes
    with derivatives in either order:

        by_example = gx.vmap(lambda x, t: gx.grad(loss(x, t), w))(xs, ts)      one gradient for each example
        jacobian = gx.vmap(lambda row: gx.vjp(y, x, row))(gx.eye(n))           one row for each element of y

    Raises ShapeError where the axes to walk differ in extent, ArgumentError where axes and arguments do not go
    together, or where a carried update would differ from place to place.
    """
    a_function("vmap", "the function", function)
    for what, axes in (("in_axes", in_axes), ("out_axes", out_axes)):
        for path, axis in paths(axes, what):
            a_whole_number("vmap", path, axis)

    @wraps(function)
    def mapped(*arguments: Structure, **named: Structure) -> Structure:
        given = [as_node(leaf) for leaf in leaves((arguments, named))]
        axes = [*_axes_of(arguments, in_axes), *[0 for _ in leaves(named)]]
        walked = [None if axis is None else _first(x, axis) for x, axis in zip(given, axes, strict=True)]
        extent = _extent(walked)
        each = [
            x if wide is None else _one_of(x, wide, place)
            for place, (x, wide) in enumerate(zip(given, walked, strict=True))
        ]
        positional, by_name = rebuild((arguments, named), each)
        result = function(*positional, **by_name)
        exchange = {one: wide for one, wide in zip(each, walked, strict=True) if wide is not None}
        return _together(result, out_axes, exchange, extent)

    return mapped


def _axes_of(arguments: Sequence[Structure], in_axes: Axes) -> list[int | None]:
    """The axis of every leaf."""
    if in_axes is None or is_whole(in_axes):
        entries: Sequence[Axes] = [in_axes] * len(arguments)
    elif isinstance(in_axes, list | tuple):
        entries = in_axes
    else:
        raise ArgumentError(f"vmap: in_axes is an int, None, or a tuple of these, not {a_thing(in_axes)}")
    if len(entries) != len(arguments):
        raise ArgumentError(f"vmap: in_axes are {len(entries)}, and the arguments {len(arguments)}")
    found: list[int | None] = []
    for place, (argument, entry) in enumerate(zip(arguments, entries, strict=True)):
        found += _spread(argument, entry, f"in_axes[{place}]")
    return found


def _spread(structure: Structure, axes: Axes, what: str) -> list[int | None]:
    """One axis for each leaf of a structure: the same for all, or from a structure like it."""
    listed = (
        [axes] * len(leaves(structure)) if axes is None or is_whole(axes) else aligned(structure, axes, f"vmap: {what}")
    )
    return [None if axis is None else a_whole_number("vmap", what, axis) for axis in listed]


def _first(x: Node, axis: int) -> Node:
    """`x` with the axis to walk in front."""
    return moveaxis(x, one_axis("vmap", axis, x.ndim, x), 0)


def _extent(walked: Iterable[Node | None]) -> Size:
    """How many places there are."""
    wide = [x for x in walked if x is not None]
    if not wide:
        raise ArgumentError("vmap: no argument has an axis to walk", hint="in_axes=0 walks the first axis of all")
    first, *others = wide
    for other in others:
        if equal(first.shape[0], other.shape[0]) is False:
            problem = f"vmap: the axes to walk have extents {first.shape[0]} and {other.shape[0]}"
            raise locate(ShapeError(problem), here(), (first, other))
    return first.shape[0]


def _one_of(x: Node, wide: Node, place: int) -> Node:
    """What stands for one place of an argument while the function builds its graph."""
    one = TensorType(wide.shape[1:], wide.dtype)
    label = x.name if isinstance(x.op, Input | Variable) else f"argument {place}"
    return stand_in(f"one place of {label}", one, "vmap")


def _together(result: Structure, out_axes: Axes, exchange: Mapping[Node, Node], extent: Size) -> Structure:
    """The results for all places."""
    single = [as_node(leaf) for leaf in leaves(result)]
    axes = _spread(result, out_axes, "out_axes")
    differing = dependent(single, exchange)
    for variable, value in carried_updates(single, {}).items():
        if not exchange.keys().isdisjoint(topological([value])):
            problem = f"vmap: what sets {variable.name!r} differs from place to place"
            raise locate(ArgumentError(problem, hint="set it outside, from all places"), here(), (variable,))
    for y, axis in zip(single, axes, strict=True):
        if axis is None and y in differing:
            problem = "vmap: out_axes is None for a result that differs from place to place"
            raise locate(ArgumentError(problem), here(), (y,))
    many = iter(batched([y for y, axis in zip(single, axes, strict=True) if axis is not None], exchange, extent))
    found = [y if axis is None else _placed(next(many), axis) for y, axis in zip(single, axes, strict=True)]
    return rebuild(result, found)


def _placed(y: Node, axis: int) -> Node:
    return moveaxis(y, 0, one_axis("vmap", axis, y.ndim, y))
