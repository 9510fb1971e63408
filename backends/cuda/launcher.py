"""What a host does as C++: a program that reads inputs from files, launches the kernels, and prints outputs."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from itertools import groupby
from typing import final

import numpy as np

from graphc.backends.cuda.dtypes import in_memory
from graphc.backends.cuda.function_text import Argument, Lines, Scratch, enclosed
from graphc.backends.cuda.host import Choose, HostStep, Launch, Multiply, Repeat, Require
from graphc.backends.cuda.launcher_text import OPENING, PRINTING
from graphc.backends.cuda.module import Module
from graphc.backends.cuda.quoting import string
from graphc.backends.cuda.size_text import size_text
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.carries import Carry
from graphc.kernel.naming import names
from graphc.kernel.provenance import lines_behind
from graphc.kernel.steps import Check, IndexInRange, Loop, SizesAgree, Step
from graphc.printable import printable
from graphc.sizes import Size, name_of, product
from graphc.types import NARROW, is_complex

__all__ = ["cmake_text", "launcher_text"]

COMPLEX_SHOWN = """\
template <class T> inline void shown(complex<T> x) { shown(x.x); shown(x.y); }
"""
NARROW_SHOWN = """\
inline void shown(bf16 x) { const u32 bits = u32(x.bits) << 16; float y; std::memcpy(&y, &bits, 4); shown(y); }
inline void shown(f16 x) {  // an exponent of 5 bits, a fraction of 10
    const int sign = x.bits >> 15, exponent = x.bits >> 10 & 31, fraction = x.bits & 1023;
    double y = exponent ? 1.0 + fraction / 1024.0 : fraction / 512.0;
    for (int n = 15; n < exponent; ++n) y *= 2;
    for (int n = exponent; n < 15; ++n) y /= 2;
    if (exponent == 31) y = fraction ? 0.0 / 0.0 : 1.0 / 0.0;
    shown(sign ? -y : y);
}
"""
END = """\
}  // namespace program

int main(int count, char** given) { return program::run(count, given); }
"""


def cmake_text(stem: str) -> str:
    """What CMake needs to build the launcher."""
    return f"""\
cmake_minimum_required(VERSION 3.24)
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80 90)  # before `project`, which defines it
endif()
project(program LANGUAGES CXX CUDA)
add_executable(program {stem}_main.cu)
set_target_properties(program PROPERTIES OUTPUT_NAME {stem})
target_compile_features(program PRIVATE cuda_std_17)
target_compile_options(program PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:--fmad=false>)
"""


def launcher_text(module: Module, stem: str) -> str:
    """The launcher of `stem`.cu."""
    writer = _Launcher(module, stem)
    body = writer.program()
    dtypes = {buffer.dtype for buffer in (*module.program.inputs, *module.program.outputs, *module.program.variables)}
    shown = [COMPLEX_SHOWN] if any(map(is_complex, dtypes)) else []
    shown += [NARROW_SHOWN] if dtypes & NARROW else []
    files = " ".join(f"input{number}.npy" for number in range(len(module.program.inputs)))
    usage = f"// {stem} {files}  runs the kernels once and prints each output."
    return "\n".join((usage, f'#include "{stem}.cu"', OPENING, *shown, PRINTING, body, END))


@final
@dataclass
class _Launcher:
    """Writes the program: a variable for each buffer that owns its bytes."""

    module: Module
    stem: str
    lines: Lines = field(default_factory=Lines)
    _named: dict[Buffer | Scratch, str] = field(default_factory=dict)
    _owners: list[Buffer | Scratch] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.known: Mapping[Buffer, str] = names(self.module.program)

    # Names.

    def size(self, size: Size) -> str:
        """The text of a size."""
        return size_text(size, self.module.symbols)

    def name(self, what: Buffer | Scratch) -> str:
        """The variable of what owns the bytes of a buffer."""
        owner = what if isinstance(what, Scratch) or what in self.module.scratch else self.module.owner(what)
        if owner not in self._named:
            known = self.known.get(owner) if isinstance(owner, Buffer) else None
            self._named[owner] = known or f"s{len(self._named)}"
            self._owners.append(owner)
        return self._named[owner]

    def argument(self, argument: Argument, kind: str) -> str:
        """What a launch passes."""
        match argument:
            case Buffer() | Scratch():
                cast = f"({kind.replace(' __restrict__', '')})"
                return f"{cast}{self.name(argument)}"
            case str():
                return self.module.symbols[argument]
            case int():
                return str(argument)

    # The program.

    def program(self) -> str:
        """The functions that run the steps, and `main`."""
        program, lines = self.module.program, self.lines
        functions = []
        for name, steps in (("compute", self.module.compute), ("commit", self.module.commit)):
            self.lines = Lines()
            with self.lines.braces(f"static void {name}()"):
                for is_recorded, part in groupby(steps, _is_recorded):
                    self._part([*part], is_recorded=is_recorded)
            functions.append(str(self.lines.writer))
        self.lines = lines
        with lines.braces("static int run(int count, char** given)"):
            self._inputs()
            self._sizes()
            for buffers, letter in ((program.variables, "w"), (program.constants, "c")):
                for number, buffer in enumerate(buffers):
                    self._read(buffer, f'"{self.stem}_{letter}{number}.npy"', f"{letter}{number}")
            set_up = [*program.inputs, *program.variables, *program.constants]
            for buffer in program.outputs:
                self.name(buffer)
            for owner in self._owners:
                is_row = isinstance(owner, Buffer) and owner.role in (Role.ROW, Role.STACK)
                if owner not in set_up and not is_row:
                    kind, size = in_memory(owner.dtype), self.size(owner.size)
                    lines.line(f"{self.name(owner)} = allocated<{kind}>({size});")
            lines.line("compute();")
            for number, buffer in enumerate(program.outputs):
                lines.line(f'print("y{number}", {self.name(buffer)}, {self.size(buffer.size)});')
            lines.line("commit();")
            lines.line('require(cudaStreamSynchronize(stream), "the kernels");')
            lines.line("return 0;")
        declared = [f"static i64 {variable};" for variable in self.module.symbols.values()]
        for owner in self._owners:
            declared.append(f"static {in_memory(owner.dtype)}* {self._named[owner]};")
            if isinstance(owner, Buffer) and owner.role is Role.STACK:
                declared.append(f"static i64 {self._named[owner]}_held;")
        return "\n".join((*declared, "", *functions, str(lines.writer)))

    def _inputs(self) -> None:
        """Sizes from the extents of inputs; those that are no extent are given behind them."""
        program, lines = self.module.program, self.lines
        found: set[str] = set()
        sizes = {name_of(extent) for buffer in program.inputs for extent in buffer.shape}
        missing = [symbol for symbol in program.symbols if symbol not in sizes]
        wanted = len(program.inputs) + len(missing)
        lines.line(f'if (count != {wanted + 1}) fail("{wanted} arguments are wanted: .npy files, then sizes");')
        lines.line('require(cudaStreamCreate(&stream), "cudaStreamCreate");')
        for place, symbol in enumerate(missing, start=len(program.inputs) + 1):
            lines.line(f"{self.module.symbols[symbol]} = number(given[{place}]);")
            found.add(symbol)
        for number, buffer in enumerate(program.inputs):
            self._read(buffer, f"given[{number + 1}]", f"x{number}", found)

    def _sizes(self) -> None:
        """Whether sizes fit together."""
        for step in self.module.program.timeline:
            if isinstance(step, Check) and isinstance(step.condition, SizesAgree):
                sides = f"{self.size(step.condition.left)}, {self.size(step.condition.right)}"
                self.lines.line(f"require_same({sides}, {self._problem(step)});")

    def _read(self, buffer: Buffer, path: str, what: str, found: set[str] | None = None) -> None:
        lines, name = self.lines, self.name(buffer)
        array = lines.fresh("array")
        kind = np.lib.format.dtype_to_descr(buffer.dtype)
        lines.line(f'const Array {array} = read({path}, "{kind}", {buffer.dtype.itemsize});')
        rank = f"i64({array}.shape.size()), {len(buffer.shape)}"
        lines.line(f'require_extent({rank}, "{what}, its rank");')
        for axis, extent in enumerate(buffer.shape):
            symbol = name_of(extent)
            place = f"{array}.shape[{axis}]"
            if found is not None and symbol is not None and symbol not in found:
                found.add(symbol)
                lines.line(f"{self.module.symbols[symbol]} = {place};")
            else:
                lines.line(f'require_extent({place}, {self.size(extent)}, "{what}");')
        lines.line(f"{name} = allocated<{in_memory(buffer.dtype)}>({self.size(buffer.size)});")
        lines.line(f"copied({name}, {array}.bytes.data(), i64({array}.bytes.size()), cudaMemcpyHostToDevice);")

    # Steps.

    def _part(self, steps: Sequence[HostStep], *, is_recorded: bool) -> None:
        """Steps in order: as a CUDA graph, where they are more than a launch and nothing is read back between them."""
        is_graph = is_recorded and (len(steps) > 1 or isinstance(steps[0], Repeat))
        if is_graph:
            self.lines.line("record();")
        self.run(steps)
        if is_graph:
            self.lines.line("replay();")

    def run(self, steps: Sequence[HostStep]) -> None:
        """Steps in order.  Recursion is over their depth."""
        types = {entry.name: entry.types for entry in self.module.entries}
        for step in steps:
            match step:
                case Launch(kernel=kernel):
                    pairs = zip(step.arguments, types[kernel], strict=True)
                    given = "".join(f", {self.argument(argument, kind)}" for argument, kind in pairs)
                    self.lines.line(f'launch("{kernel}", {kernel}, {self.size(step.blocks)}, {step.threads}{given});')
                case Multiply(tiles=tiles):
                    self.run([tiles])
                case Require(number=number, flag=flag):
                    self.run(step.search)
                    self.lines.line(f"if ({self._is_wrong(number, flag)}) fail({self._problem(self._step(number))});")
                case Choose(branch=branch, parts=parts):
                    with self.lines.braces(f"switch (fetched({self.name(branch.index)}))"):
                        for number, part in enumerate(parts):
                            label = "default" if number == len(parts) - 1 else f"case {number}"
                            with self.lines.braces(f"{label}:"):
                                self.run(part)
                                self.lines.line("break;")
                case Repeat():
                    with self.lines.braces(""):
                        self._repeat(step)

    def _is_wrong(self, number: int, flag: Buffer) -> str:
        """The condition that an index is out of range; where there is nothing to index, no kernel has set the flag."""
        check, found = self._step(number), f"fetched({self.name(flag)})"
        assert isinstance(check, Check), check
        assert isinstance(check.condition, IndexInRange), check
        if isinstance(check.condition.extent, int) and check.condition.extent:
            return found
        extent, count = (enclosed(self.size(n)) for n in (check.condition.extent, check.condition.index.size))
        return f"{extent} == 0 ? {count} != 0 : {found}"

    def _step(self, number: int) -> Step:
        return self.module.program.timeline[number]

    def _problem(self, step: Step) -> str:
        said = step.because if isinstance(step, Check) else "while_loop: too many steps"
        places = "; ".join(lines_behind(step.origins, 2))
        return string(printable(f"{said} ({places})", 300))

    def _repeat(self, step: Repeat) -> None:
        loop, lines = step.loop, self.lines
        if loop.count is not None:
            lines.line(f"const i64 count = i64(fetched({self.name(loop.count)}));")
        elif loop.length is not None:
            lines.line(f"const i64 count = {self.size(loop.length)};")
        stacks = [buffer for buffer in loop.writes if buffer.role is Role.STACK]
        for stack in stacks:
            self._ensure(stack, "1")
        for carry in loop.carries:
            self._show(carry.before, carry.rows, "count" if carry.is_kept and loop.reverse else "i64(0)")
            self._copy(carry.before, carry.start)
        for held in loop.held:
            self._copy(held.buffer, held.start)
        lines.line("i64 made = 0;")
        with lines.braces("for (;; ++made)"):
            lines.line(f"const i64 at = {'count - 1 - made' if loop.reverse else 'made'};")
            for stack in stacks:
                self._ensure(stack, "made + 2")
            for carry in loop.carries:
                self._show(carry.before, carry.rows, _row(carry, loop)[0])
            self.run(step.condition)
            going = "made < count" if loop.holds is None else f"fetched({self.name(loop.holds)})"
            lines.line(f"if (!({going})) break;")
            if loop.holds is not None and loop.length is not None:
                lines.line(f"if (made == {self.size(loop.length)}) fail({self._problem(self._step(step.number))});")
            for carry in loop.carries:
                self._show(carry.after, carry.rows, _row(carry, loop)[1])
            for rows in (*loop.sequences, *loop.outputs):
                self._show(rows.row, rows.of, f"(at + {enclosed(self.size(rows.shift))})" if rows.shift != 0 else "at")
            self.run(step.steps)
        for carry in loop.carries:
            if carry.last is not None:
                self._copy(carry.last, carry.before)
        if loop.made is not None:
            kind = in_memory(loop.made.dtype)
            lines.line(f"const {kind} last = {kind}(made);")
            lines.line(f"copied({self.name(loop.made)}, &last, sizeof last, cudaMemcpyHostToDevice);")

    def _show(self, row: Buffer, of: Buffer, place: str) -> None:
        step = enclosed(self.size(product(of.shape[1:])))
        self.lines.line(f"{self.name(row)} = {self.name(of)} + {place} * {step};")

    def _copy(self, to: Buffer, of: Buffer) -> None:
        self.lines.line(f"moved({self.name(to)}, {self.name(of)}, {self.size(of.bytes)});")

    def _ensure(self, stack: Buffer, rows: str) -> None:
        name = self.name(stack)
        self.lines.line(f"ensure({name}, {name}_held, {rows}, {self.size(product(stack.shape[1:]))});")


def _is_recorded(step: HostStep) -> bool:
    """Whether sizes alone say what the host does.  Recursion is over the depth of loops."""
    match step:
        case Launch() | Multiply():
            return True
        case Repeat(condition=condition, steps=steps):
            return step.is_counted and all(map(_is_recorded, (*condition, *steps)))
        case Require() | Choose():
            return False


def _row(carry: Carry, loop: Loop) -> tuple[str, str]:
    """The rows of a carry before and after a step."""
    if not carry.is_kept:
        return "(made % 2)", "((made + 1) % 2)"
    return ("(at + 1)", "at") if loop.reverse else ("at", "(at + 1)")
