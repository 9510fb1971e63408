"""gx.at(x)[index].set(values): arrays with some elements replaced; nothing is changed in place."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, TypeAlias, final

import numpy as np

from graphc.dataclass import dataclass
from graphc.errors import DTypeError, ShapeError, UnsupportedError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import Squeeze
from graphc.ir.node import Like, Node, made_at
from graphc.ir.operands import accumulated, add, as_node, broadcast, cast, mul, where
from graphc.ir.refusals import MissingError
from graphc.ir.values import as_numbers
from graphc.ops.extremes import ordered
from graphc.ops.indexing import ScatterAdd
from graphc.ops.inset import Inset
from graphc.ops.movement import broadcast_to, reshape, transpose
from graphc.ops.piecewise import maximum, minimum
from graphc.ops.placement import moved
from graphc.ops.scattering import ScatterMax, ScatterMin, ScatterMultiply, last_written
from graphc.ops.slicing import Selection, getitem, selection
from graphc.origin import here, place_of
from graphc.printable import counted, tuple_text
from graphc.signatures import public
from graphc.sizes import equal
from graphc.types import BOOL, Shape, is_floating, is_integer

__all__ = ["At", "Place", "at"]

#: (old, values) -> new, of one shape: for places that are met once
Change: TypeAlias = Callable[[Node, Node], Node]
#: (array, places, values, axis) -> array: for places from data, along one axis
Scattered: TypeAlias = Callable[[Node, Node, Node, int], Node]


#: what other libraries call what a place does not have
_INSTEAD = {
    **dict.fromkeys(("subtract", "sub"), ".add(-values)"),
    **dict.fromkeys(("divide", "div"), ".multiply(1 / values)"),
    **dict.fromkeys(("mul", "mult"), ".multiply(values)"),
    **dict.fromkeys(("apply", "power", "pow"), ".set(function(x[index]))"),
    "get": "x[index]",
}


def _refuse(problem: str, hint: str, name: str, asked: "At | Place") -> NoReturn:
    """Raise what says that there is no attribute `name`."""
    if name.startswith("_") or name in ("x", "index"):  # asked by Python, which takes no for an answer
        raise AttributeError(name)
    raise MissingError(problem, hint=hint).located((*place_of(here()), *made_at("x", asked.x)))


@final
@dataclass(frozen=True, eq=False)
class At:
    """`gx.at(x)`, which is indexed as `x` is."""

    x: Node

    if not TYPE_CHECKING:  # a type checker finds them all before

        def __getattr__(self, name: str) -> NoReturn:
            _refuse(f"at(x) has no {name!r}", "gx.at(x)[index].set(values), or .add, .multiply, .max, .min", name, self)

    def __getitem__(self, index: object) -> "Place":
        return Place(self.x, index)


def at(x: Like) -> At:
    """`gx.at(x)[index].set(values)`: a copy of `x` with other elements at an index; or .add, .multiply, .max, .min.

    The index is of any form that `x[index]` has, or a mask of the shape of `x`.  The values broadcast to the
    shape of `x[index]`, and take the dtype of `x`.  Where an array of indices names a place several times, all
    values are added, multiplied or compared, and the last one in row-major order is set.  float16 and bfloat16
    are added and multiplied in float32 and rounded once.

    x [n...]   values, of the shape of x[index]   ->   [n...]

    Slopes of set: 1 by `x` elsewhere, 1 by the value that stands; of add: 1, 1; of multiply: the products of the
    others; of max and min: 1 / k for each of the k that reach the extreme.
    """
    return At(as_node(x))


@final
@dataclass(frozen=True, eq=False)
class Place:
    """`gx.at(x)[index]`: what gives a copy of `x` that differs there."""

    x: Node
    index: object

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            _refuse(
                f"at(x)[index] has no {name!r}", _INSTEAD.get(name, ".set, .add, .multiply, .max, .min"), name, self
            )

    @public
    def set(self, values: Like) -> Node:
        """`x` with `values` at the index; of several for one place the last, in row-major order."""
        return self._changed("set", values, lambda old, new: new, last_written)

    @public
    def add(self, values: Like) -> Node:
        """`x` with `values` added at the index; several for one place are added up."""
        return self._changed(
            "add", values, add, lambda x, index, new, axis: accumulated(ScatterAdd(axis, checked=False), x, index, new)
        )

    @public
    def multiply(self, values: Like) -> Node:
        """`x` with elements at the index multiplied by `values`; several for one place all multiply.

        Derivatives hold at zeros.
        """
        return self._changed(
            "multiply", values, mul, lambda x, index, new, axis: accumulated(ScatterMultiply(axis), x, index, new)
        )

    @public
    def max(self, values: Like) -> Node:
        """`x` with the larger of element and `values` at the index; nan if one is.  Equal ones share the gradient."""
        ordered("max", self.x)
        return self._changed("max", values, maximum, lambda x, index, new, axis: apply(ScatterMax(axis), x, index, new))

    @public
    def min(self, values: Like) -> Node:
        """`x` with the smaller of element and `values` at the index; nan if one is.  Equal ones share the gradient."""
        ordered("min", self.x)
        return self._changed("min", values, minimum, lambda x, index, new, axis: apply(ScatterMin(axis), x, index, new))

    def _changed(self, name: str, values: Like, change: Change, scattered: Scattered) -> Node:
        new = _fitting(name, self.x, as_node(values))
        mask = _mask(self.x, self.index)
        if mask is not None:
            return _where_masked(name, self.x, mask, new, change)
        chosen = selection(self.x, self.index)
        shape = getitem(self.x, self.index).shape
        if new.ndim > len(shape):
            problem = (
                f"{name}: values of rank {new.ndim} at an index that selects {counted(len(shape), 'axis', 'axes')}"
            )
            raise locate(ShapeError(problem), here(), (self.x, new))
        lead = len(shape) - new.ndim
        if any(n != 1 and equal(n, m) is False for n, m in zip(new.shape, shape[lead:], strict=True)):
            problem = f"{name}: values of shape {tuple_text(new.shape)} at an index that selects {tuple_text(shape)}"
            raise locate(ShapeError(problem, hint="only an extent of 1 is repeated"), here(), (self.x, new))
        new = moved(Squeeze(chosen.new), broadcast_to(new, shape))
        region = chosen.region(self.x)
        changed = _scattered(region, chosen, new, scattered) if chosen.indexed else change(region, new)
        if region is self.x:
            return changed
        places = dict(zip(chosen.picked.axes, chosen.picked.places, strict=True))
        starts = tuple(places.get(axis, start) for axis, start in enumerate(chosen.box.starts))
        return apply(Inset(starts, chosen.box.steps, chosen.picked.axes), self.x, changed)


def _scattered(region: Node, chosen: Selection, new: Node, scattered: Scattered) -> Node:
    """The region with values at the places that arrays of indices name."""
    joined = scattered(chosen.joined(region), chosen.place(region), new, chosen.at)
    order = chosen.order
    apart: Shape = tuple(region.shape[axis] for axis in order)
    return transpose(reshape(joined, apart), sorted(range(len(order)), key=order.__getitem__))


def _fitting(name: str, x: Node, values: Node) -> Node:
    """The values in the dtype of `x`, which must not be of a lower kind."""
    ranks = [2 if is_floating(node.dtype) else int(is_integer(node.dtype)) for node in (x, values)]
    if ranks[0] < ranks[1]:
        problem = f"{name}: values of {values.dtype} in an array of {x.dtype}"
        raise locate(DTypeError(problem, hint=f'values.astype("{x.dtype}")'), here(), (x, values))
    return cast(values, x.dtype)


def _mask(x: Node, index: object) -> Node | None:
    """The index as a mask, where it is an array of bools."""
    if isinstance(index, np.ndarray | list):
        array = as_numbers(index, "the index")
        index = as_node(array) if array.dtype == bool else index
    return index if isinstance(index, Node) and index.dtype == BOOL else None


def _where_masked(name: str, x: Node, mask: Node, new: Node, change: Change) -> Node:
    """`x` changed where a mask of its shape holds."""
    if mask.ndim != x.ndim or new.ndim:
        problem = f"{name}: a mask of rank {mask.ndim} and values of rank {new.ndim}, in an array of rank {x.ndim}"
        hint = "a mask has the shape of the array, and sets one number; gx.where(mask, values, x) takes more"
        raise locate(UnsupportedError(problem, hint=hint), here(), (x, mask, new))
    return where(mask, change(x, broadcast(new, x.shape)), x)
