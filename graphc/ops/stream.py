"""A stream of keys: a new one at every use and at every call."""

from itertools import count
from typing import Final, final
from zlib import crc32

import numpy as np

from graphc.errors import ArgumentError
from graphc.ir.apply import apply, locate
from graphc.ir.declare import state, with_update
from graphc.ir.given import is_whole
from graphc.ir.node import Node
from graphc.ir.operands import as_node, cast
from graphc.ir.philox import Philox, Purpose
from graphc.ir.storage import label_of
from graphc.kernel.philox import number_64
from graphc.origin import here
from graphc.printable import described
from graphc.signatures import public
from graphc.types import INT64

__all__ = ["Stream"]


@final
class Stream:
    """Keys for what is random in training: every use has one of its own, and every call has new ones.

        masks = gx.random.Stream("masks", 0)
        kept = gx.random.bernoulli(masks.key(), 0.9, x.shape)

    `state` holds a seed, made of `seed` and `name`, and how far the stream has come: two numbers, uint64.  It is a
    variable as others are: a function that uses a key also advances it, and with its value back the same bits follow.
    A use is known by its number: the first `key()` of a program, the second, and so on.
    """

    @public
    def __init__(self, name: str, seed: int) -> None:
        if not is_whole(seed) or not -(2**63) <= seed < 2**64:
            raise locate(ArgumentError(f"Stream: the seed is an int of 64 bits, not {described(seed)}"), here(), ())
        own = number_64(int(seed) % 2**64, Purpose.STREAM << 32, crc32(label_of(name, "a stream").encode()))
        self.state: Final = state(name, np.array([own, 0], np.uint64))
        self._uses = count()

    @public
    def key(self) -> Node:
        """A new key.  [].  No slope."""
        seed, calls = self.state[0], cast(self.state[1], INT64)
        key = apply(Philox(64, Purpose.STREAM, next(self._uses)), seed, calls)
        return with_update(key, self.state, _advanced)

    def variables(self) -> dict[str, Node]:
        """The state, as layers list what they hold."""
        return {"state": self.state}


def _advanced(old: Node) -> Node:
    return old + as_node(np.array([0, 1], np.uint64))
