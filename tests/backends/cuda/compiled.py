"""What tests of CUDA C++ compile: what a user gets, and what NVRTC says of it."""

import pytest

from graphc.backends.cuda.backend import CudaBackend
from graphc.backends.cuda.nvrtc import is_installed
from graphc.compilation import Compilation
from graphc.function import CompiledFunction

__all__ = ["NEEDS_NVRTC", "for_cuda"]

NEEDS_NVRTC = pytest.mark.skipif(not is_installed(), reason="NVRTC is not installed")


def for_cuda(function: CompiledFunction, backend: CudaBackend | None = None) -> Compilation:
    """The graph of a function as `gx.compile(..., backend="cuda")` compiles it, with the same options.

    The program of another backend is another one: passes decide by what a target can do.
    """
    return Compilation(function.graph, backend or CudaBackend(), function.compilation().options)
