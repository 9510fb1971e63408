"""What tests of joined kernels ask: the kernels of a function, and that it computes what single ops do."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

import graphc as gx
from graphc.kernel.scalar import Call, Fn
from graphc.kernel.steps import Kernel
from graphc.kernel.target import Target
from graphc.kernel.verify import verify

__all__ = ["BACKENDS", "FREE", "Backend", "calls", "kernels", "same"]

Backend: TypeAlias = Literal["numpy", "llvm"]
BACKENDS: Sequence[Backend] = ("numpy", "llvm")
FREE = Target("free", addition=0.0, cached=0.0, cache_bytes=1 << 60)  # computing takes nothing, nor does reading


def kernels(f: gx.CompiledFunction) -> list[Kernel]:
    """The kernels of a function, those in loops too."""
    return [step for step in f.program.timeline if isinstance(step, Kernel)]


def calls(f: gx.CompiledFunction, fn: Fn) -> int:
    """How many lets of all kernels call a function."""
    lets = [let for kernel in kernels(f) for stage in kernel.stages for let in stage.lets]
    return sum(isinstance(let, Call) and let.fn is fn for let in lets)


def same(inputs: Sequence[gx.Node], outputs: Sequence[gx.Node], backend: Backend) -> gx.CompiledFunction:
    """The compiled function, which gives the bits of single ops."""
    f, plain = (gx.compile(inputs, outputs, backend=backend, level=level) for level in (1, 0))
    verify(f.program)
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(x.shape).astype(x.dtype) for x in inputs]
    for one, other in zip(f(*arrays), plain(*arrays), strict=True):
        assert np.array_equal(one, other)
    return f
