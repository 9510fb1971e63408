"""A native kernel that goes one element too far.  Run as a program, it does so between guard pages."""

import faulthandler
import sys
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np
import pytest

import graphc as gx
from graphc.backends.backend import Artifact, Backend, Loaded
from graphc.backends.llvm.backend import LlvmBackend
from graphc.kernel.program import Program
from graphc.kernel.target import Target
from tests.guard_pages import guard_native_calls

__all__ = ["EXTENT", "MISTAKES", "Overflowing", "overflow"]

EXTENT = 1237


@final
@dataclass(frozen=True)
class Overflowing(Backend):
    """The LLVM backend, but for some words."""

    name: ClassVar[str] = "llvm"
    target: ClassVar[Target] = LlvmBackend.target
    old: str
    new: str

    def emit(self, program: Program) -> Artifact:
        found = LlvmBackend().emit(program)
        assert self.old in found.source, found.source
        return replace(found, pieces=(found.source.replace(self.old, self.new),))

    def load(self, artifact: Artifact, name: str) -> Loaded:
        return LlvmBackend().load(artifact, name)


#: which effect a kernel has outside of its arrays: its graph, and how it is misled
MISTAKES = {
    "stores behind": ("range", Overflowing(str(EXTENT), str(EXTENT + 1))),
    "stores before": ("range", Overflowing("store i64 0, ptr", "store i64 -1, ptr")),
    "reads behind": ("sum", Overflowing(str(EXTENT), str(EXTENT + 1))),
    "reads before": ("sum", Overflowing("store i64 0, ptr", "store i64 -1, ptr")),
    "nothing": ("sum", Overflowing(str(EXTENT), str(EXTENT))),
}


def overflow(mistake: str, patch: pytest.MonkeyPatch, *, debug: bool) -> object:
    """What a call gives."""
    graph, backend = MISTAKES[mistake]
    patch.setattr("graphc.driver.BACKENDS", {"llvm": lambda threads: backend})
    x, s = gx.input("x", (EXTENT,)), gx.input("s", ())
    y = gx.arange(EXTENT, dtype="float32") * s if graph == "range" else s * gx.sum(gx.exp(x))
    return gx.compile([x, s], y, backend="llvm", debug=debug)(np.ones(EXTENT, np.float32), 1.0)


if __name__ == "__main__":
    faulthandler.enable()
    guard_native_calls(pytest.MonkeyPatch())
    overflow(sys.argv[1], pytest.MonkeyPatch(), debug=False)
