"""Keys of random numbers, and the random numbers of a key, bit by bit.

A key is a uint64 without axes: an ordinary node, which can be a constant, an input, or computed.  What a key is used
for has a purpose, so that its numbers and the keys made of it are different parts of what Philox gives: see
`graphc.kernel.philox`.
"""

from graphc.errors import ArgumentError, DTypeError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import spread
from graphc.ir.given import a_whole_number, an_array_shape, is_whole
from graphc.ir.leaves import full
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, cast
from graphc.ir.philox import Philox, Purpose
from graphc.ops.creation import Positions
from graphc.ops.movement import Extents, unstack
from graphc.origin import here
from graphc.printable import described
from graphc.sizes import Expression
from graphc.types import DTYPES, INT64, Shape, is_integer

__all__ = ["fold_in", "key", "keys", "numbers", "parts", "split"]

_UINT64 = DTYPES["uint64"]
_HINT = "gx.random.key(seed) makes one"


def numbers(name: str, key: Like, shape: Shape, width: int, purpose: Purpose = Purpose.NUMBERS) -> Node:
    """The first random numbers of a key, of 32 or 64 bits, in row-major order."""
    node = as_key(name, key)
    index = apply(Positions(shape)) if shape else full((), 0, INT64)
    return apply(Philox(width, purpose), spread(node, shape, range(len(shape))), index)


def as_key(name: str, key: Like) -> Node:
    """The node of a key.  Raises DTypeError or ShapeError for what is none."""
    node = as_node(key)
    if node.dtype != _UINT64:
        raise locate(DTypeError(f"{name}: a key is a u64, not {node.type}", hint=_HINT), here(), (node,))
    if node.shape != ():
        hint = "gx.vmap(lambda key: ...)(keys) draws with each of several keys"
        raise locate(ShapeError(f"{name}: a key is one u64, not {node.type}", hint=hint), here(), (node,))
    return node


def key(seed: Like) -> Node:
    """The key of a seed: an int of up to 64 bits, or a node of integers without axes.   seed []   ->   []

    The same seed gives the same key, and so the same numbers, everywhere.  No slope.
    """
    if is_whole(seed):
        if not -(2**63) <= seed < 2**64:
            problem = f"key: a seed has 64 bits at most, not {int(seed).bit_length()}"
            raise locate(ArgumentError(problem), here(), ())
        return full((), int(seed) % 2**64, _UINT64)
    node = _an_integer("key", "the seed", seed)
    return cast(node, _UINT64)


def keys(key: Like, shape: Extents) -> Node:
    """Keys that are made of a key, as an array: one for each example of a `vmap`.   key []   ->   `shape`

    Its elements are what `split` gives: the numbers of different keys do not depend on each other.  No slope.
    """
    return numbers("keys", key, an_array_shape("keys", shape), 64, Purpose.KEYS)


def split(key: Like, n: int = 2) -> tuple[Node, ...]:
    """`n` keys that are made of a key, which is not to be used again.   key []   ->   [] for each

    `gx.random.keys` gives the same ones as an array, also of a size.  No slope.
    """
    count = a_whole_number("split", "the number of keys", n, least=1)
    return tuple(unstack(numbers("split", key, (count,), 64, Purpose.KEYS)))


def parts(name: str, key: Like, n: int) -> list[Node]:
    """The keys of what one draw is made of."""
    return unstack(numbers(name, key, (n,), 64, Purpose.PARTS))


def fold_in(key: Like, data: Like) -> Node:
    """The key that a key and an integer make: of a step, a layer, an example.   key []   data []   ->   []

    Different integers give different keys; unlike other uses, a key may be folded with many.  No slope.
    """
    node = as_key("fold_in", key)
    return apply(Philox(64, Purpose.FOLDED), node, cast(_an_integer("fold_in", "the data", data), INT64))


def _an_integer(name: str, what: str, value: Like) -> Node:
    """An integer without axes, as a node."""
    given: object = value
    if not isinstance(given, Node | Expression) and not is_whole(given):
        raise locate(ArgumentError(f"{name}: {what} is an integer, not {described(given)}"), here(), ())
    node = as_node(value)
    if not is_integer(node.dtype):
        raise locate(DTypeError(f"{name}: {what} is an integer, not {node.type}"), here(), (node,))
    if node.shape != ():
        raise locate(ShapeError(f"{name}: {what} is one integer, not {node.type}"), here(), (node,))
    return node
