"""The text of a kernel that is being written: where its locals are, and what its warps share."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import final

from graphc.backends.cuda.dtypes import in_memory
from graphc.backends.cuda.effects import Held, start_text
from graphc.backends.cuda.function_text import Lines, Parameters, Scratch, enclosed
from graphc.backends.cuda.lets import Home, Library, Scope
from graphc.backends.cuda.owned import side_by_side
from graphc.backends.cuda.row_vectors import element_of
from graphc.backends.cuda.rows import Rows
from graphc.backends.cuda.teams import BLOCK, KernelPlan, Team
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.naming import LETTERS
from graphc.kernel.scalar import Axis
from graphc.kernel.steps import Total
from graphc.sizes import Size

__all__ = ["Body", "Function", "Made"]

SHARED_BYTES = 32 << 10  # of locals of rows in shared memory
ON_THREAD = 512  # bytes of locals that a thread keeps for itself


@final
@dataclass(frozen=True)
class Function:
    """A function: its text, in which KERNEL stands for its name, and how it is launched."""

    text: str
    parameters: Parameters
    blocks: Size
    threads: int = BLOCK


@final
@dataclass(frozen=True)
class Made:
    """How a kernel is made.

    owned      locals that threads keep in registers, and how many elements each of them has
    width      elements side by side that threads take of rows, where these allow it
    blocks     that make it
    is_serial  whether one thread makes all of it
    parts      of totals, where teams leave theirs, side by side along the first axis
    """

    plan: KernelPlan
    symbols: Mapping[str, str]
    owner: Callable[[Buffer], Buffer]
    library: Library
    owned: Mapping[Buffer, int]
    width: int
    blocks: Size
    is_serial: bool
    parts: Mapping[Buffer, Buffer]

    @property
    def threads(self) -> int:
        """Of a block."""
        return 1 if self.is_serial else BLOCK

    @property
    def teams(self) -> Size:
        """How many there are."""
        return 1 if self.is_serial else self.blocks * self.plan.team.rows


def home_kind(locals: Sequence[Buffer], team: Team) -> str:
    """Where locals of several elements lie: "thread", "shared" or "scratch"."""
    bytes = sum(x.size * x.dtype.itemsize if isinstance(x.size, int) else SHARED_BYTES + 1 for x in locals)
    if team.threads == 1:
        return "thread" if bytes <= ON_THREAD else "scratch"
    return "shared" if bytes * team.rows <= SHARED_BYTES else "scratch"


@final
@dataclass
class Body:
    """A function that is being written."""

    made: Made
    lines: Lines = field(default_factory=Lines)
    _first: list[str] = field(default_factory=list)
    _rooms: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        made, kernel = self.made, self.made.plan.kernel
        self.team = made.plan.team
        written = frozenset([*map(made.owner, kernel.writes), *made.parts.values()])
        self.parameters = Parameters(made.symbols, written, made.owner, made.library.need)
        self.scope = Scope(self.lines, self.parameters, made.library, made.plan.index)
        numbers = sorted({axis.number for axis in (*made.plan.outer, *self._inner)})
        self.letters = {n: LETTERS[place] if place < len(LETTERS) else f"i{place}_" for place, n in enumerate(numbers)}
        self.rows = Rows(self.team, self.letters, self.room, {}, made.owned, made.width)

    @property
    def _inner(self) -> Iterator[Axis]:
        for shared in (*self.made.plan.stages, *self.made.plan.last):
            yield from shared.plan.inner

    def room(self, type: str) -> str:
        """The shared memory in which the warps of a block leave values of a type."""
        if type not in self._rooms:
            self._rooms[type] = f"room{len(self._rooms)}"
            self._first.append(f"__shared__ {type} {self._rooms[type]}[{BLOCK // 32}];")
        return self._rooms[type]

    def square(self, buffer: Buffer, side: int) -> str:
        """Shared memory for a square of elements of a buffer, whose columns are in different banks."""
        name = self.lines.fresh("tile")
        self._first.append(f"__shared__ {in_memory(buffer.dtype)} {name}[{side}][{side + 1}];")
        return name

    def homes(self, locals: Sequence[Buffer]) -> None:
        """Give locals of several elements a place."""
        homes = dict(self.scope.homes)
        others = [local for local in locals if local not in self.made.owned]
        kind = home_kind(others, self.team)
        for local in locals:
            name, type, size = self.lines.fresh("a"), in_memory(local.dtype), self.parameters.size(local.size)
            if local in self.made.owned:
                self._first.append(f"{type} {name}[{self.made.owned[local]}];")
                homes[local] = _at(name, "e")
            elif kind == "thread":
                self.lines.line(f"{type} {name}[{max(int(local.size), 1)}];")
                homes[local] = _at(name)
            elif kind == "shared" and self.team.rows == 1:
                self._first.append(f"__shared__ {type} {name}[{max(int(size), 1)}];")
                homes[local] = _at(name)
            elif kind == "shared":
                self._first.append(f"__shared__ {type} {name}[{self.team.rows}][{max(int(size), 1)}];")
                homes[local] = _at(f"{name}[{self.team.number}]")
            else:
                homes[local] = self._in_scratch(local, name, size)
        self.scope.homes = homes

    def _in_scratch(self, local: Buffer, name: str, size: str) -> Home:
        """A place in global memory: the elements of all threads side by side, or those of a team."""
        base = self.parameters.scratch(Scratch(local.dtype, local.size * self.made.teams), f"scratch_{name}")
        if self.made.is_serial:
            return _at(base)
        if self.team.threads == 1:
            self.lines.line(f"{in_memory(local.dtype)}* const {name} = {base} + blockIdx.x * {BLOCK} + threadIdx.x;")
            return lambda at: f"{name}[({at}) * (i64(gridDim.x) * {BLOCK})]"
        self.lines.line(f"{in_memory(local.dtype)}* const {name} = {base} + {self._team_number} * ({size});")
        return _at(name)

    @property
    def _team_number(self) -> str:
        """The number of the team among all."""
        if self.made.is_serial:
            return "0"
        return (
            "i64(blockIdx.x)" if self.team.rows == 1 else f"(i64(blockIdx.x) * {self.team.rows} + {self.team.number})"
        )

    # Totals of several elements: each team has its own.

    def start_total(self, total: Total) -> None:
        """Let the part of a team be what the monoid is over nothing."""
        local, lines = total.result, self.lines
        start = start_text(total.monoid, self.made.parts[local].dtype, self.made.library.need)
        name, size = lines.fresh("total"), self.parameters.size(local.size)
        each = self.made.owned.get(local)
        type = in_memory(self.made.parts[local].dtype)
        homes = dict(self.scope.homes)
        if each is not None:
            self._first.append(f"{type} {name}[{each}];")
            lines.line("#pragma unroll")
            lines.line(f"for (int e = 0; e < {each}; ++e) {name}[e] = {start};")
            homes[local] = _at(name, "e")
        else:
            lines.line(
                f"{type}* const {name} = {self.parameters.pointer(self.made.parts[local])} + {self._offset(size)};"
            )
            first, step = ("0", 1) if self.team.threads == 1 else ("member", self.team.threads)
            lines.line(f"for (i64 e = {first}; e < {size}; e += {step}) {name}[e] = {start};")
            if self.team.barrier:
                lines.line(self.team.barrier)
            homes[local] = _at(name)
        self.scope.homes = homes

    def leave_total(self, total: Total) -> None:
        """Write what a team keeps in registers to where its part goes."""
        each = self.made.owned.get(total.result)
        if each is None:
            return
        size, threads = self.parameters.size(total.result.size), self.team.threads
        part = self.parameters.pointer(self.made.parts[total.result])
        place = element_of(threads, side_by_side(self.made.plan, total.result, self.made.width))
        self.lines.line("#pragma unroll")
        with self.lines.braces(f"for (int e = 0; e < {each}; ++e)"):
            at = self.lines.let(self.scope.index, place, "at")
            target = f"{part}[{self._offset(size)} + {at}]"
            self.lines.line(f"if ({at} < {size}) {target} = {self.scope.homes[total.result]('')};")

    def _offset(self, size: str) -> str:
        return f"{self._team_number} * {enclosed(size)}"

    def leave_part(self, total: Total, held: Held) -> None:
        """Write the part of a block of a total of one element."""
        whole = Rows(Team(BLOCK), self.letters, self.room, {}).of_team(self.scope, held)
        with self.lines.braces("if (threadIdx.x == 0)"):
            self.lines.line(f"{self.parameters.pointer(self.made.parts[total.result])}[blockIdx.x] = {whole.name};")

    def function(self) -> Function:
        """The whole function."""
        lines = str(self.lines.writer).splitlines()
        opening = [f"    {line}" for line in self._first]
        if self.team.threads > 1:
            opening.append(f"    const {self.scope.index} member = {self.team.member};")
        threads = self.made.threads
        text = "\n".join([self.parameters.head(threads), *opening, *lines[1:], ""])
        return Function(text, self.parameters, self.made.blocks, threads)


def _at(name: str, place: str = "") -> Home:
    return lambda at: f"{name}[{place or at}]"
