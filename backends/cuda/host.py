"""What a host does to run a program: launches of kernels, copies, loops and choices, as plain data."""

from typing import TypeAlias, final

from graphc.backends.cuda.function_text import Argument
from graphc.backends.cuda.products import Product
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.steps import Branch, Loop
from graphc.origin import Origin
from graphc.sizes import Size

__all__ = ["Choose", "HostStep", "Launch", "Multiply", "Repeat", "Require"]


@final
@dataclass(frozen=True, eq=False)
class Launch:
    """One launch: `blocks` of `threads`; none where there is nothing to do."""

    kernel: str
    blocks: Size
    threads: int
    arguments: tuple[Argument, ...]
    origins: tuple[Origin, ...] = ()


@final
@dataclass(frozen=True, eq=False)
class Require:
    """The call fails with what step `number` says if the flag is set when `search`, or a launch before, has looked."""

    number: int
    flag: Buffer
    search: tuple[Launch, ...]


@final
@dataclass(frozen=True, eq=False)
class Repeat:
    """The steps of a loop, again and again; rows are shown by their addresses."""

    loop: Loop
    number: int
    condition: "tuple[HostStep, ...]"
    steps: "tuple[HostStep, ...]"

    @property
    def is_counted(self) -> bool:
        """Whether sizes alone say how many times its steps are made."""
        loop = self.loop
        return loop.count is loop.holds is loop.made is None and loop.length is not None


@final
@dataclass(frozen=True, eq=False)
class Choose:
    """Of several lists of steps the one that an index in device memory says."""

    branch: Branch
    parts: "tuple[tuple[HostStep, ...], ...]"


@final
@dataclass(frozen=True, eq=False)
class Multiply:
    """A product that a library may make as well.

    tiles   the kernel that makes it, with what follows
    then    what follows alone
    text    of the kernel, whatever its name is: where it is another, it may take another time
    """

    product: Product
    tiles: Launch
    then: tuple[Launch, ...]
    text: str


HostStep: TypeAlias = Launch | Require | Repeat | Choose | Multiply
