"""The LLVM backend: IR by `emit`, native functions by compiling it."""

from dataclasses import dataclass
from typing import ClassVar, final

from graphc.backends.backend import Artifact, Backend, Loaded
from graphc.backends.llvm.code import assembly
from graphc.backends.llvm.loading import loaded
from graphc.backends.llvm.machine import Machine, host
from graphc.backends.llvm.module import Module
from graphc.backends.llvm.program import written
from graphc.kernel.program import Program
from graphc.kernel.target import Target

__all__ = ["LlvmBackend"]


@final
@dataclass(frozen=True)
class LlvmBackend(Backend):
    """Native kernels in explicit vectors, for the machine that runs them or for another one."""

    name: ClassVar[str] = "llvm"
    target: ClassVar[Target] = Target(name="llvm")
    machine: Machine | None = None

    def emit(self, program: Program) -> Artifact:
        module = Module(program, self.machine or host())
        text = written(module)
        return Artifact((text,), tuple(module.rooms), module.library, 1, module)

    def load(self, artifact: Artifact, name: str) -> Loaded:
        return loaded(artifact)

    def assembly(self, artifact: Artifact) -> str:
        return assembly(artifact.source, artifact.notes.machine)
