"""How a user declares a graph: inputs, parameters, states, constants, sizes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, TypeAlias, TypeGuard, final

import numpy as np

from graphc.errors import ArgumentError, DTypeError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import ones_like
from graphc.ir.given import LARGEST, a_function, is_whole
from graphc.ir.graph import Graph, topological
from graphc.ir.kinds import Elementwise
from graphc.ir.leaves import Input, Variable, constant_array
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node
from graphc.ir.storage import Storage, label_of
from graphc.ir.values import as_numbers
from graphc.kernel.scalar import Scalar
from graphc.origin import here
from graphc.origin import scope as named_scope
from graphc.printable import a_thing, described
from graphc.sizes import Expression, Size, symbol
from graphc.structure import Structure, leaves, paths, rebuild
from graphc.types import DTYPES, DType, Shape, TensorType, as_dtype

__all__ = [
    "Extent",
    "constant",
    "input",
    "param",
    "parameters",
    "replace",
    "scope",
    "size",
    "state",
    "state_of_zeros",
    "variables",
    "with_update",
]

Extent: TypeAlias = int | str | Expression


def size(name: str, hint: int | None = None) -> Size:
    """A size that is known when a function is called.  The same name is the same size.

    `hint` is a typical value: it guides decisions such as budgets, never results.
    """
    if hint is not None and not _is_count(hint):
        raise ArgumentError(f"size: the hint is a number of elements, not {described(hint)}")
    return symbol(label_of(name, "a size"), None if hint is None else int(hint))


def _is_count(value: object) -> TypeGuard["int | np.integer[Any]"]:
    return is_whole(value) and int(value) >= 0


def as_shape(shape: Extent | Sequence[Extent]) -> Shape:
    """A shape as users write it: ints, names of sizes, and sizes; one alone stands for a vector."""
    result: list[Size] = []
    for extent in shape if isinstance(shape, list | tuple | range) else (shape,):
        if isinstance(extent, str):
            result.append(symbol(label_of(extent, "a size")))
        elif isinstance(extent, Expression):
            result.append(extent)
        elif _is_count(extent) and extent <= LARGEST:
            result.append(int(extent))
        else:
            raise ShapeError(
                f"an extent is a number >= 0, the name of a size, or a size, not {described(extent)}",
                hint="-1 has a meaning in reshape only; a name such as 'batch' leaves an extent open",
            )
    return tuple(result)


def input(name: str, shape: Extent | Sequence[Extent] = (), dtype: object = "float32") -> Node:
    """A value that is given at each call.

    `shape`: ints, names of sizes (`"batch"`), and sizes.  One compiled function serves every value of a name.
    Raises ShapeError and DTypeError.
    """
    try:
        if isinstance(shape, str) and shape in DTYPES:
            raise ArgumentError(f"the shape of an input is a dtype: {shape!r}", hint=f'gx.input(name, (), "{shape}")')
        tensor = TensorType(as_shape(shape), as_dtype(dtype))
        return Node(Input(label_of(name, "an input"), tensor), (), tensor, here())
    except (ArgumentError, ShapeError, DTypeError) as error:
        raise locate(error, here(), ()) from None


def _variable(name: str, value: object, dtype: object, trainable: bool) -> Node:
    try:
        stored = Storage.of(label_of(name, "a variable"), value, dtype)
    except (ArgumentError, ShapeError, DTypeError) as error:
        raise locate(error, here(), ()) from None
    return _holding(stored, trainable)


def _holding(stored: Storage, trainable: bool) -> Node:
    tensor = TensorType(stored.array.shape, stored.array.dtype)
    return Node(Variable(stored.label, stored, trainable), (), tensor, here())


def param(name: str, value: object, *, dtype: object = None) -> Node:
    """A value that training changes.  It owns a copy of `value`; every function that uses it shares that.

    Arrays keep their dtype, Python floats become float32.  `node.value` reads and assigns.
    """
    return _variable(name, value, dtype, True)


def state(name: str, value: object, *, dtype: object = None) -> Node:
    """A value that outlives calls but is not trained: batch statistics, slots of optimisers, counters."""
    return _variable(name, value, dtype, False)


def state_of_zeros(name: str, shape: Sequence[int], dtype: DType) -> Node:
    """A state that begins as zeros.  They are written: a page that is read first is fetched twice."""
    return _holding(Storage(name, np.full(shape, 0, dtype)), trainable=False)


def constant(value: "Like | list[Any] | tuple[Any, ...]") -> Node:  # Any: numbers, nested to any depth
    """A value that is part of the graph.  Arrays are copied; Python numbers adopt the dtype they meet."""
    if isinstance(value, list | tuple):
        array = as_numbers(value, "constant: the value")
        kinds = {"f": float, "i": int, "c": complex}
        return constant_array(array.astype(as_dtype(kinds.get(array.dtype.kind, array.dtype))))
    return as_node(value)


# Updates that travel with a value.


@final
class Carried(Elementwise):
    """The operand; whoever computes it also sets `variable` to `step(old value)`."""

    variable: Node
    step: Callable[[Node], Node]
    name: ClassVar[str] = "with_update"
    __eq__ = object.__eq__
    __hash__ = object.__hash__
    accepts: ClassVar[str] = "biufc"

    def told_by(self) -> Sequence[object]:
        """Nothing: the next value of its variable is among those of the graph."""
        return ()

    def scalar(self, *xs: Scalar) -> Scalar:
        return xs[0]

    def partials(self, y: Node, *xs: Node) -> Sequence[Node | None]:
        return (ones_like(y),)


def with_update(y: Node, variable: Node, step: Callable[[Node], Node]) -> Node:
    """`y`; a function that computes it also sets `variable` to `step(old)`.

    `step` is a function of the old value, so that two uses in one function compose, in the order of the graph.
    """
    given: object = variable
    if not isinstance(given, Node) or not isinstance(given.op, Variable):
        raise ArgumentError("with_update: only a param or state can be set")
    a_function("with_update", "the step", step)
    return apply(Carried(variable, step), as_node(y))


def carried_updates(roots: Iterable[Node], named: Mapping[Node, Node]) -> dict[Node, Node]:
    """All updates of a function: those named, and those carried by nodes it computes, in graph order.

    A variable that is named takes the named value.
    """
    updates: dict[Node, Node] = {}
    seen: set[Node] = set()
    pending = [*roots, *named.values()]
    while pending:
        order, pending = topological(pending), []
        for node in order:
            if isinstance(node.op, Carried) and node not in seen:
                seen.add(node)
                variable = node.op.variable
                if variable not in named:
                    updates[variable] = node.op.step(updates.get(variable, variable))
                    pending.append(updates[variable])
    return {**named, **updates}


def scope(name: str) -> AbstractContextManager[None]:
    """Label the nodes made inside, for people who read the graph.  Scopes nest: `encoder/attention`."""
    return named_scope(label_of(name, "a scope"))


# What a graph uses.


def variables(*roots: Structure) -> dict[str, Node]:
    """The params and states that `roots` use, by name.

    Nodes give the labels of their variables; layers and structures give paths.  Raises ArgumentError where two
    variables have one name.
    """
    found: dict[str, Node] = {}
    for path, leaf in paths(list(roots)):
        held = getattr(leaf, "variables", None)
        prefix = path.partition(".")[2]
        if isinstance(leaf, Node) and isinstance(leaf.op, Variable) and prefix:
            pairs = [(prefix, leaf)]
        elif isinstance(leaf, Node):
            pairs = [(node.name or "", node) for node in topological([leaf]) if isinstance(node.op, Variable)]
        elif callable(held):
            pairs = [(f"{prefix}.{name}" if prefix else name, node) for name, node in held().items()]
        else:
            raise locate(ArgumentError(f"{a_thing(leaf)} holds no variables"), here(), ())
        for name, node in pairs:
            if found.setdefault(name, node) is not node:
                hint = "give them other names, or ask the layer, dict or list that holds them"
                raise locate(ArgumentError(f"two variables are named {name!r}", hint=hint), here(), (node, found[name]))
    return found


def parameters(*roots: Structure) -> dict[str, Node]:
    """The trainable ones of `variables`."""
    return {
        name: node for name, node in variables(*roots).items() if isinstance(node.op, Variable) and node.op.trainable
    }


def _require_node(what: str, node: object) -> None:
    if not isinstance(node, Node):
        raise locate(ArgumentError(f"{what} is {a_thing(node)}, not a node"), here(), ())


def replace(outputs: Structure, exchange: Mapping[Node, Like]) -> Structure:
    """The same graph with nodes exchanged, all at once; in the form of `outputs`.

    Raises ShapeError or DTypeError where a new node has another type than the one it stands for.
    """
    given: object = exchange
    if not isinstance(given, Mapping):
        problem = f"replace: the exchange is {a_thing(given)}, not a dict"
        raise ArgumentError(problem, hint="gx.replace(outputs, {old: new})")
    nodes = {old: as_node(new) for old, new in exchange.items()}
    for old, new in nodes.items():
        _require_node("replace: what is exchanged", old)
        if new.shape != old.shape or new.dtype != old.dtype:
            kind = ShapeError if new.shape != old.shape else DTypeError
            raise locate(kind(f"replace: {new.type} cannot stand for {old.type}"), here(), (old, new))
    roots = leaves(outputs)
    for root in roots:
        _require_node("replace: an output", root)
    return rebuild(outputs, Graph((), tuple(roots)).replace(nodes).outputs)
