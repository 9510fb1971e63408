"""The CUDA backend: readable CUDA C++ by `emit`, and what launches it."""

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import ClassVar, final

from graphc.backends.backend import Artifact, Backend, Loaded
from graphc.backends.cuda.device import Device
from graphc.backends.cuda.gpu import gpu
from graphc.backends.cuda.launcher import cmake_text, launcher_text
from graphc.backends.cuda.listing import listing, memory_lines
from graphc.backends.cuda.module import Module
from graphc.backends.cuda.running import loaded
from graphc.backends.cuda.schedule import Schedule
from graphc.dataclass import dataclass
from graphc.kernel.plan import Plan
from graphc.kernel.program import Program
from graphc.kernel.target import Target

__all__ = ["CudaBackend"]


@final
@dataclass(frozen=True)
class CudaBackend(Backend):
    """Kernels for GPUs, and the device that runs them."""

    name: ClassVar[str] = "cuda"
    target: ClassVar[Target] = Target(name="cuda", reads_narrow=True, reads_outside=True)
    device: Device = field(default_factory=gpu)

    @property
    def runs_here(self) -> bool:
        return self.device.is_there

    def emit(self, program: Program) -> Artifact:
        module = Module(program)
        schedule = Schedule(module)
        module.compute = schedule.of(program.steps[: program.commit])
        module.commit = schedule.of(program.steps[program.commit :])
        return Artifact((listing(module),), tuple(module.rooms), (), 1, module)

    def text(self, artifact: Artifact, plan: Callable[[], Plan | None]) -> str:
        return listing(artifact.notes, [*memory_lines(artifact.notes, plan())])

    def project(self, artifact: Artifact, stem: str) -> Mapping[str, str]:
        return {f"{stem}_main.cu": launcher_text(artifact.notes, stem), "CMakeLists.txt": cmake_text(stem)}

    def load(self, artifact: Artifact, name: str) -> Loaded:
        return loaded(artifact, self.device)
