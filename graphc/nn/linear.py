"""The linear layer."""

from typing import Final, final

import numpy as np

from graphc.ir.declare import param
from graphc.ir.given import a_flag, a_function
from graphc.ir.node import Like, Node
from graphc.nn.initial import Initialiser, glorot_uniform
from graphc.nn.layer import Layer
from graphc.ops.products import matmul
from graphc.signatures import public
from graphc.types import as_dtype

__all__ = ["Linear"]


@final
class Linear(Layer):
    """x W + b.

    x [..., n]   weight [n, m]   bias [m]   ->   [..., m]

    The weight is drawn from `rng` by `initial`, the bias starts at zero.

    dy = dx W + x dW + db.
    """

    @public
    def __init__(
        self,
        n: int,
        m: int,
        *,
        rng: np.random.Generator,
        bias: bool = True,
        initial: Initialiser = glorot_uniform,
        dtype: object = "float32",
    ) -> None:
        wanted = as_dtype(dtype)
        a_function("Linear", "initial", initial)
        self.weight: Final = param("weight", initial(rng, (n, m)), dtype=wanted)
        self.bias: Final = param("bias", np.zeros(m), dtype=wanted) if a_flag("Linear", "bias", bias) else None

    @public
    def __call__(self, x: Like, *, train: object = None) -> Node:
        product = matmul(x, self.weight)
        return product if self.bias is None else product + self.bias
