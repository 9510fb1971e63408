"""What a function of kernels is given: addresses of buffers and numbers, in a block of 8 bytes each."""

from dataclasses import field
from typing import TypeAlias, final

from graphc.backends.llvm.fourier_plans import Planner
from graphc.backends.llvm.text import Text
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.sizes import Size

__all__ = ["RUN", "Argument", "Arguments", "Run", "Scratch"]


@final
@dataclass(frozen=True)
class Scratch:
    """Bytes that are the function's own while it runs."""

    bytes: Size


@final
@dataclass(frozen=True)
class Run:
    """The run that the function is a part of: what says whether it has been given up."""


RUN = Run()
Argument: TypeAlias = "Buffer | Size | Scratch | Planner | Run"


@final
@dataclass
class Arguments:
    """The arguments of one function, loaded where it begins."""

    text: Text
    listed: list[Argument] = field(default_factory=list)
    _loaded: dict[Argument, str] = field(default_factory=dict)

    def pointer(self, buffer: Buffer) -> str:
        """The address of the bytes of a buffer."""
        return self._load(buffer.root, "ptr")

    def number(self, size: Size) -> str:
        """The value of a size."""
        return str(size) if isinstance(size, int) else self._load(size, "i64")

    def is_known(self, value: str) -> bool:
        """Whether it is a number, or stands where the function begins."""
        return not value.startswith("%") or value in self._loaded.values()

    def scratch(self, bytes: Size) -> str:
        """The address of scratch."""
        return self._load(Scratch(bytes), "ptr")

    def plan(self, planner: Planner) -> str:
        """The address of the numbers of a plan."""
        return self._load(planner, "ptr")

    def run(self) -> str:
        """The address of what is watched."""
        return self._load(RUN, "ptr")

    def _load(self, argument: Argument, type: str) -> str:
        found = self._loaded.get(argument)
        if found is None:
            place = self.text.early(f"getelementptr i64, ptr %args, i64 {len(self.listed)}")
            found = self._loaded[argument] = self.text.early(f"load {type}, ptr {place}")
            self.listed.append(argument)
        return found
