"""What tests of CUDA C++ compile: what a user gets, and what NVRTC says of it."""

from collections.abc import Sequence

import pytest

from graphc.backends.cuda.backend import CudaBackend
from graphc.backends.cuda.nvrtc import compiled_for, is_installed
from graphc.compilation import Compilation
from graphc.function import CompiledFunction

__all__ = ["ARCHITECTURES", "NEEDS_NVRTC", "for_cuda", "require_clean"]

ARCHITECTURES = ("sm_80", "sm_90")

NEEDS_NVRTC = pytest.mark.skipif(not is_installed(), reason="NVRTC is not installed")


def for_cuda(function: CompiledFunction, backend: CudaBackend | None = None) -> Compilation:
    """The graph of a function as `gx.compile(..., backend="cuda")` compiles it, with the same options.

    The program of another backend is another one: passes decide by what a target can do.
    """
    return Compilation(function.graph, backend or CudaBackend(), function.compilation().options)


def require_clean(source: str, architectures: Sequence[str] = ARCHITECTURES) -> None:
    """Raise where the compiler warns, or keeps registers of a kernel in local memory."""
    for architecture in architectures:
        found = compiled_for(source, architecture)
        assert not found.warnings
        assert found.cubin
        assert ".version" in found.ptx
        assert not {name: used for name, used in found.resources.items() if used.spilled}
