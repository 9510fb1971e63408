"""Regions that derivatives compute again, instead of keeping what is inside them."""

from collections.abc import Callable
from functools import wraps

from graphc.ir.given import a_function
from graphc.regions import region
from graphc.structure import Structure

__all__ = ["checkpoint"]


def checkpoint(function: Callable[..., Structure]) -> Callable[..., Structure]:
    """`function`, of which derivatives keep what it is given, and compute what is inside it again.

    function   takes and gives whatever it likes; what it reads from around it is kept too

    The nodes are those of `function`, and so are the nodes of derivatives: results are the same to the bit.  But
    a compiled function computes what a derivative needs from the inside once more, just before it is needed: a chain
    of n equal regions keeps n values, and the inside of one region at a time.  So at any order: what a gradient has
    inside a region is computed again for the next derivative.  Regions nest, and stand in bodies of loops and
    branches and around them.

        block = gx.checkpoint(lambda x: x + gx.relu(x @ w + b))

    What is kept anyway, as something outside needs it as late, is not computed again.  `gx.compile(memory=)` lets
    the compiler choose instead.

    Griewank, Walther: Algorithm 799: revolve, 2000.  Chen, Xu, Zhang, Guestrin: Training Deep Nets with Sublinear
    Memory Cost, 2016.
    """
    a_function("checkpoint", "the function", function)

    @wraps(function)
    def recomputed(*arguments: Structure, **named: Structure) -> Structure:
        with region():
            return function(*arguments, **named)

    return recomputed
