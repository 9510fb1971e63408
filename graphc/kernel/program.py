"""Steps over buffers: what a backend is given, complete and in order."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from functools import cached_property

from graphc.dataclass import dataclass
from graphc.display import Displayed
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.nesting import all_steps
from graphc.kernel.steps import Branch, Check, Contract, Extern, Kernel, Loop, Step, unique, within
from graphc.printable import counted

__all__ = ["Program", "kind_of"]

_SEVERAL = {"branch": "branches"}
_KINDS: Mapping[type[Step], str] = {
    Kernel: "kernel", Contract: "contraction", Extern: "extern", Check: "check", Loop: "loop", Branch: "branch",
}  # fmt: skip


def kind_of(step: Step) -> str:
    """What a step is called: `kernel`, `contraction`."""
    return _KINDS[type(step)]


@dataclass(frozen=True, eq=False)
class Program(Displayed):
    """Steps in order over buffers.

    inputs, outputs    one buffer per input and output of the graph, in order
    variables          one buffer per variable, in order
    constants          one buffer per array that is part of the program, in order of their slot
    commit             the first step that writes a variable; every step that may raise comes before it
    """

    steps: tuple[Step, ...]
    inputs: tuple[Buffer, ...]
    variables: tuple[Buffer, ...]
    constants: tuple[Buffer, ...]
    outputs: tuple[Buffer, ...]
    commit: int
    symbols: tuple[str, ...]
    aliases: Mapping[Buffer, Buffer] = field(default_factory=dict)  # temporary -> the one it is written over

    @property
    def contents(self) -> str:
        """How many steps of each kind there are: `3 kernels, 1 contraction`."""
        counts = Counter(kind_of(step) for step in self.steps)
        return ", ".join(counted(n, kind, _SEVERAL.get(kind, "")) for kind, n in counts.items()) or "nothing to do"

    def __repr__(self) -> str:
        return f"<program: {self.contents}>"

    @cached_property
    def timeline(self) -> tuple[Step, ...]:
        """All steps, those inside a step right after it."""
        return tuple(all_steps(self.steps))

    @cached_property
    def numbers(self) -> Mapping[Step, int]:
        """Where each step stands in the timeline."""
        return {step: number for number, step in enumerate(self.timeline)}

    @cached_property
    def ends(self) -> Mapping[int, int]:
        """For each step of the timeline that has steps inside, the number of the last of them."""
        return {
            number: number + sum(1 for part in within(step) for _ in all_steps(part))
            for number, step in enumerate(self.timeline)
            if within(step)
        }

    @cached_property
    def stacks(self) -> tuple[Buffer, ...]:
        """The buffers that grow with the steps of loops, in order of their writer."""
        return unique([buffer for step in self.timeline for buffer in step.writes if buffer.role is Role.STACK])

    @cached_property
    def temporaries(self) -> tuple[Buffer, ...]:
        """The buffers that the plan places, in order of their first writer."""
        written = [buffer.base or buffer for step in self.timeline for buffer in step.writes]
        return unique([buffer for buffer in written if buffer.role is Role.TEMPORARY])
