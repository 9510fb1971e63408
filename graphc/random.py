"""Random numbers, by keys that are part of the graph.

    key = gx.random.key(0)
    first, second = gx.random.split(key)
    x = gx.random.normal(first, ("batch", 3))

What a key gives depends on the key alone: the same bits by every backend, fused or not, batched or one by one.
"""

from graphc.ops.draws import bernoulli, bits, exponential, normal, truncated_normal, uniform
from graphc.ops.gamma_draws import beta, gamma
from graphc.ops.keys import fold_in, key, keys, split
from graphc.ops.sampling import categorical, choice, permutation, shuffle
from graphc.ops.stream import Stream
from graphc.signatures import offered

__all__ = [
    "Stream",
    "bernoulli",
    "beta",
    "bits",
    "categorical",
    "choice",
    "exponential",
    "fold_in",
    "gamma",
    "key",
    "keys",
    "normal",
    "permutation",
    "shuffle",
    "split",
    "truncated_normal",
    "uniform",
]

globals().update(offered(__name__, globals(), __all__))
