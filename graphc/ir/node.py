"""Nodes, and the contract that every op keeps."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, NoReturn, Protocol, TypeAlias, cast, final

import numpy as np
import numpy.typing as npt

from graphc.display import Displayed
from graphc.errors import ArgumentError, GraphError
from graphc.ir.refusals import HINT, Refusals
from graphc.ir.ufuncs import OPERATORS
from graphc.origin import Origin, called, here, place_of
from graphc.printable import printable
from graphc.signatures import public
from graphc.sizes import Size
from graphc.types import DType, NodeType, Shape, TensorType
from graphc.value import Value

__all__ = [
    "IndexBound",
    "Like",
    "Node",
    "Op",
    "Operators",
    "SameSize",
    "Stored",
    "made_at",
    "made_meanwhile",
]

Like: TypeAlias = "Node | npt.NDArray[Any] | np.generic | bool | int | float | complex | Size"


@final
class SameSize(Value):
    """An op needs two sizes to be equal.  Undecided ones are checked when the graph is called."""

    left: Size
    right: Size
    because: str
    hint: str | None = None


@final
class IndexBound(Value):
    """An op needs the elements of operand `operand` to be valid indices into `extent`: -extent .. extent - 1.

    negative   whether they may count from the end; else they are in 0 .. extent - 1
    """

    operand: int
    extent: Size
    because: str
    negative: bool = True


class Op(Value):
    """What a computation is: the type of its result, what it needs, how it acts on a batch.

    An op is a value: its options are its fields.
    What one element of the result is, and how derivatives flow, is said by the kind the op belongs to (see
    `graphc.ir.kinds`).  No ABC: passes ask for the kind of every node, and to ask ABCs takes ten times as long.
    """

    name: ClassVar[str]

    def __repr__(self) -> str:
        return printable(f"<{self.text()}>", 200)

    @abstractmethod
    def infer(self, *types: TensorType) -> NodeType:
        """The type of the result.  May assume `requirements`.  Raises ShapeError or DTypeError."""

    def requirements(self, *types: TensorType) -> Sequence[SameSize | IndexBound]:
        """What must hold of the operands, beyond what `infer` can see."""
        return ()

    @abstractmethod
    def lifted(self, extent: Size) -> "Op":
        """The op that does the same to operands which all have a further leading axis of `extent`."""

    def batch(self, inputs: Sequence["Node"], batched: Sequence[bool], extent: Size) -> "Node | Sequence[Node] | None":
        """A better batch rule than spreading every operand, or None.  The result, or each of several, has the axis."""
        return None

    def text(self) -> str:
        """The op with its options, as printed: `sum[1]`."""
        return self.name

    def told_by(self) -> Sequence[object] | None:
        """What tells the op from others of its class, for a key under which a program is kept; None for its fields."""
        return None

    def definition(self) -> str:
        """What the op computes, where its name does not say: printed once below a graph."""
        return ""


class Stored(Protocol):
    """What a variable's node keeps: an array that outlives calls."""

    def read(self) -> npt.NDArray[Any]: ...
    def write(self, value: object) -> None: ...


class Operators(Protocol):
    """What Python's operators on nodes do.  Supplied once, by `graphc.ops.operators`."""

    def binary(self, name: str, left: "Like", right: "Like") -> "Node": ...
    def unary(self, name: str, x: "Node") -> "Node": ...
    def getitem(self, x: "Node", index: object) -> "Node": ...
    def method(self, name: str, x: "Node", *args: object, **options: object) -> "Node": ...


_made: "ContextVar[list[Node] | None]" = ContextVar("made", default=None)


class Node(Displayed, Refusals):
    """One value of a graph: an op, its inputs, its type, and where it was made.

    Immutable, compared and hashed by identity.  `==` and the other operators build nodes.  (A pass tells a node that
    it made itself what it stands for, before anybody sees it.)
    """

    __slots__ = ("__weakref__", "inputs", "op", "origin", "type")

    operators: ClassVar[Operators]
    __hash__ = object.__hash__

    def __init__(self, op: Op, inputs: tuple["Node", ...], type: NodeType, origin: Origin) -> None:
        self.op = op
        self.inputs = inputs
        self.type = type
        self.origin = origin
        made = _made.get()
        if made is not None:
            made.append(self)

    # What it is.

    @property
    def tensor(self) -> TensorType:
        """The type of a node with one result."""
        if isinstance(self.type, TensorType):
            return self.type
        raise ArgumentError(
            f"{self.op.name} has {len(self.type.items)} results", hint="take one of them: node[0]"
        ).located((*place_of(here()), *made_at("node", self)), called())

    @property
    def shape(self) -> Shape:
        tensor = self.type
        return tensor.shape if tensor.__class__ is TensorType else self.tensor.shape

    @shape.setter
    def shape(self, shape: object) -> NoReturn:
        self._refuse("shape to set", "node.reshape(shape) has the same elements")

    @property
    def dtype(self) -> DType:
        tensor = self.type
        return tensor.dtype if tensor.__class__ is TensorType else self.tensor.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> Size:
        """The number of elements."""
        return self.tensor.size

    @property
    def name(self) -> str | None:
        """The name a user gave: of an input, a parameter, a state."""
        return cast("str | None", getattr(self.op, "label", None))

    @property
    def value(self) -> npt.NDArray[Any]:
        """What a parameter or state holds now: a read-only snapshot.  Assigning copies, and keeps shape and dtype."""
        return self._stored().read()

    @value.setter
    def value(self, value: object) -> None:
        self._stored().write(value)

    def _stored(self) -> Stored:
        stored = getattr(self.op, "stored", None)
        if stored is None:
            raise ArgumentError(
                f"{self.op.name} owns no value; only parameters and states do",
                hint="gx.evaluate(node, {input: array})",
            ).located((*place_of(here()), *made_at("node", self)))
        return cast(Stored, stored)

    def __repr__(self) -> str:
        label = f" {self.name!r}" if self.name is not None else ""
        return printable(f"<{self.op.text()}{label} {self.type} {self.origin.place()}>", 200)

    # Operators.

    def __add__(self, other: Like) -> "Node":
        return self.operators.binary("add", self, other)

    def __radd__(self, other: Like) -> "Node":
        return self.operators.binary("add", other, self)

    def __sub__(self, other: Like) -> "Node":
        return self.operators.binary("sub", self, other)

    def __rsub__(self, other: Like) -> "Node":
        return self.operators.binary("sub", other, self)

    def __mul__(self, other: Like) -> "Node":
        return self.operators.binary("mul", self, other)

    def __rmul__(self, other: Like) -> "Node":
        return self.operators.binary("mul", other, self)

    def __truediv__(self, other: Like) -> "Node":
        return self.operators.binary("div", self, other)

    def __rtruediv__(self, other: Like) -> "Node":
        return self.operators.binary("div", other, self)

    def __floordiv__(self, other: Like) -> "Node":
        return self.operators.binary("floordiv", self, other)

    def __rfloordiv__(self, other: Like) -> "Node":
        return self.operators.binary("floordiv", other, self)

    def __mod__(self, other: Like) -> "Node":
        return self.operators.binary("mod", self, other)

    def __rmod__(self, other: Like) -> "Node":
        return self.operators.binary("mod", other, self)

    def __pow__(self, other: Like) -> "Node":
        return self.operators.binary("pow", self, other)

    def __rpow__(self, other: Like) -> "Node":
        return self.operators.binary("pow", other, self)

    def __matmul__(self, other: Like) -> "Node":
        return self.operators.binary("matmul", self, other)

    def __rmatmul__(self, other: Like) -> "Node":
        return self.operators.binary("matmul", other, self)

    def __eq__(self, other: object) -> "Node":  # type: ignore[override]
        return self.operators.binary("eq", self, cast(Like, other))

    def __ne__(self, other: object) -> "Node":  # type: ignore[override]
        return self.operators.binary("ne", self, cast(Like, other))

    def __lt__(self, other: Like) -> "Node":
        return self.operators.binary("lt", self, other)

    def __le__(self, other: Like) -> "Node":
        return self.operators.binary("le", self, other)

    def __gt__(self, other: Like) -> "Node":
        return self.operators.binary("gt", self, other)

    def __ge__(self, other: Like) -> "Node":
        return self.operators.binary("ge", self, other)

    def __and__(self, other: Like) -> "Node":
        return self.operators.binary("bitwise_and", self, other)

    def __or__(self, other: Like) -> "Node":
        return self.operators.binary("bitwise_or", self, other)

    def __xor__(self, other: Like) -> "Node":
        return self.operators.binary("bitwise_xor", self, other)

    def __lshift__(self, other: Like) -> "Node":
        return self.operators.binary("left_shift", self, other)

    def __rlshift__(self, other: Like) -> "Node":
        return self.operators.binary("left_shift", other, self)

    def __rshift__(self, other: Like) -> "Node":
        return self.operators.binary("right_shift", self, other)

    def __rrshift__(self, other: Like) -> "Node":
        return self.operators.binary("right_shift", other, self)

    def __neg__(self) -> "Node":
        return self.operators.unary("neg", self)

    def __pos__(self) -> "Node":
        return self

    def __abs__(self) -> "Node":
        return self.operators.unary("abs", self)

    def __invert__(self) -> "Node":
        return self.operators.unary("bitwise_not", self)

    def __getitem__(self, index: object) -> "Node":
        return self.operators.getitem(self, index)

    # NumPy's methods.

    @property
    def T(self) -> "Node":
        """All axes reversed."""
        return self.operators.method("transpose", self)

    @property
    def mT(self) -> "Node":
        """The last two axes exchanged."""
        return self.operators.method("matrix_transpose", self)

    @property
    def real(self) -> "Node":
        """The real part."""
        return self.operators.method("real", self)

    @property
    def imag(self) -> "Node":
        """The imaginary part; 0 of real numbers."""
        return self.operators.method("imag", self)

    @public
    def conj(self) -> "Node":
        """The complex conjugate."""
        return self.operators.method("conj", self)

    @public
    def astype(self, dtype: object) -> "Node":
        """The same values in another dtype."""
        return self.operators.method("cast", self, dtype)

    @public
    def reshape(self, *shape: object) -> "Node":
        """The same elements in another shape; one extent may be -1."""
        return self.operators.method("reshape", self, shape[0] if len(shape) == 1 else shape)

    @public
    def sum(self, axis: object = None, *, keepdims: bool = False) -> "Node":
        """The sum over `axis`."""
        return self.operators.method("sum", self, axis, keepdims=keepdims)

    @public
    def mean(self, axis: object = None, *, keepdims: bool = False) -> "Node":
        """The mean over `axis`."""
        return self.operators.method("mean", self, axis, keepdims=keepdims)

    # What a node is not.

    def _refuse(self, what: str, hint: str, kind: Callable[..., GraphError] = ArgumentError) -> NoReturn:
        raise kind(f"a node has no {what}: it stands for a value that exists when the graph runs", hint=hint).located(
            (*place_of(here()), *made_at("node", self)), called()
        )

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Like, **options: object) -> "Node":
        """An operator with an array on its left.  NumPy's functions are refused."""
        operator = OPERATORS.get(ufunc.__name__)
        if operator is None or method != "__call__" or options or isinstance(operands[0], Node):
            self._refuse(f"array for np.{ufunc.__name__}", HINT)
        return self.operators.binary(operator, operands[0], operands[1])

    def __copy__(self) -> "Node":
        return self  # it never changes

    def __deepcopy__(self, memory: object) -> "Node":
        if hasattr(self.op, "stored"):
            self._refuse("copy that shares nothing", "gx.param(name, w.value) makes a variable of the same value")
        return self


@contextmanager
def made_meanwhile() -> Iterator[list[Node]]:
    """All nodes that are made while this is open."""
    made: list[Node] = []
    outer = _made.get()
    token = _made.set(made)
    try:
        yield made
    finally:
        _made.reset(token)
        if outer is not None:
            outer.extend(made)


def made_at(role: str, node: Node) -> tuple[str, ...]:
    """One line of an error: `left   f32[32,784]  made at train.py:38: hidden = gx.tanh(x)`."""
    name = f" {node.name!r}" if node.name is not None else ""
    source = node.origin.source()
    return (f"  {role:<6} {node.type}{name}  made at {node.origin.place()}" + (f": {source}" if source else ""),)
