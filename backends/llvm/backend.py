"""The LLVM backend: IR by `emit`, native functions by compiling it."""

from dataclasses import replace
from typing import ClassVar, final

from graphc.backends.backend import Artifact, Code, KeepingBackend, Loaded
from graphc.backends.llvm.code import assembly
from graphc.backends.llvm.cores import at_most
from graphc.backends.llvm.loading import Notes, loaded
from graphc.backends.llvm.machine import TILED, Machine, host
from graphc.backends.llvm.objects import kept_object, version
from graphc.dataclass import dataclass
from graphc.kernel.outline import Outline, outline_of
from graphc.kernel.program import Program
from graphc.kernel.target import Target

__all__ = ["LlvmBackend"]


@final
@dataclass(frozen=True)
class LlvmBackend(KeepingBackend):
    """Native kernels in explicit vectors, for the machine that runs them or for another one.

    threads   that a function may use at most; None: all of the pool
    spares    whether threads have no arrays of their own
    """

    name: ClassVar[str] = "llvm"
    target: ClassVar[Target] = Target(name="llvm", tiled=TILED, chunk_bytes=1 << 19, undisturbed=1e9)
    machine: Machine | None = None
    threads: int | None = None
    spares: bool = False

    @property
    def sparing(self) -> "LlvmBackend":
        return replace(self, spares=True)

    def emit(self, program: Program) -> Artifact:
        from graphc.backends.llvm.module import Module
        from graphc.backends.llvm.program import written

        module = Module(program, self._machine, self.threads, self.spares)
        text = written(module)
        return Artifact((text,), tuple(module.rooms), module.library, 1, module)

    def load(self, artifact: Artifact, name: str) -> Loaded:
        code = _code(artifact)
        return replace(self.revive(code, outline_of(artifact.notes.program)), code=code)

    @property
    def version(self) -> str:
        return f"{version(self._machine)}, {at_most(self.threads)} threads"  # which say what memory a call takes

    def revive(self, code: Code, outline: Outline) -> Loaded:
        return loaded(code.content, code.notes, outline, self.threads)

    def assembly(self, artifact: Artifact) -> str:
        return assembly(artifact.source, artifact.notes.machine)

    @property
    def _machine(self) -> Machine:
        return self.machine or host()


def _code(artifact: Artifact) -> Code:
    from graphc.backends.llvm.declarations import imported

    module, text = artifact.notes, artifact.source
    imports, counted, planners = map(tuple, (imported(text), module.counted, module.planners))
    notes = Notes(module.machine, module.table, imports, counted, planners)
    return Code(notes, kept_object(text, module.machine))
