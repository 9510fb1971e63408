"""What layers have in common: they build graph when called, and know their variables by path."""

from abc import ABC, abstractmethod

from graphc.ir.declare import variables
from graphc.ir.leaves import Variable
from graphc.ir.node import Node
from graphc.ops.stream import Stream
from graphc.structure import paths

__all__ = ["Layer"]


class Layer(ABC):
    """A callable that builds graph and holds params, states and other layers as attributes.

        class Residual(gx.nn.Layer):
            def __init__(self, n, *, rng):
                self.inner = gx.nn.Linear(n, n, rng=rng)

            def __call__(self, x, *, train=None):
                return x + gx.relu(self.inner(x, train=train))

    Its variables are found in its attributes, also inside lists, tuples and dicts: `inner.weight`.
    """

    @abstractmethod
    def __call__(self, x: Node, *, train: object = None) -> Node:
        """The graph of the layer at `x`.  `train` is None where the layer evaluates."""

    def variables(self) -> dict[str, Node]:
        """The params and states of this layer and of the layers it holds, by path."""
        return variables({path: held for path, held in paths(vars(self)) if _is_variable(held)})


def _is_variable(held: object) -> bool:
    """Whether an attribute is a layer, a stream or a variable; options, functions and other nodes do not count."""
    return isinstance(held.op, Variable) if isinstance(held, Node) else isinstance(held, Layer | Stream)
