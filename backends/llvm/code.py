"""LLVM IR made into objects, and objects linked into this process."""

import itertools
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import field
from functools import cache
from typing import Any, final

from graphc.backends.llvm.lock import LLVM
from graphc.backends.llvm.machine import Machine, host
from graphc.backends.llvm.symbol_map import note_functions
from graphc.dataclass import dataclass

__all__ = ["Linked", "assembly", "link", "object_code"]

SHOWN = 3  # lines of a text before and after the one that is wrong

_numbers = itertools.count()  # a name of a library is never used twice


@final
@dataclass(frozen=True, eq=False)
class Linked:
    """Code in memory, for as long as this is kept: a call of what was dropped ends the process.

    addresses   of the symbols that were asked for
    """

    addresses: Mapping[str, int]
    _tracker: Any = field(repr=False)  # Any: llvmlite has no types

    def __getitem__(self, symbol: str) -> int:
        return self.addresses[symbol]

    def __del__(self, lock: AbstractContextManager[bool] = LLVM) -> None:
        with lock:
            object.__delattr__(self, "_tracker")  # llvmlite unloads the code here, unless the process ends

    def keep_forever(self) -> None:
        """Leave the code where it is until the process ends: for threads that run it until then."""
        self._tracker.detach()


def object_code(text: str, machine: Machine) -> bytes:
    """The object of a module of IR.  The only pass before takes what lies on the stack into registers."""
    with LLVM:
        return bytes(_target_machine(machine).emit_object(_in_registers(_module(text, machine), machine)))


def assembly(text: str, machine: Machine) -> str:
    """The same for people."""
    with LLVM:
        return str(_target_machine(machine).emit_assembly(_in_registers(_module(text, machine), machine)))


def link(objects: Sequence[bytes], symbols: Mapping[str, int], exports: Sequence[str]) -> Linked:
    """Load objects, which may use each other's symbols, and find `exports` among what they define.

    symbols   name -> address of all that they use and do not define; functions that LLVM calls by itself, such as
              memset, it finds in the process
    """
    import llvmlite.binding as llvm

    with LLVM:
        library = llvm.JITLibraryBuilder()
        for code in objects:
            library.add_object_img(code)
        for name, address in symbols.items():
            assert address, f"{name} is nowhere"
            library.import_symbol(name, address)
        for name in exports:
            library.export_symbol(name)
        named = f"graphc{next(_numbers)}"
        try:
            tracker = library.link(_linker(), named)
        except RuntimeError as error:  # LLVM itself has printed which symbols are missing
            raise AssertionError(f"not linked: {error}") from None
        addresses = {name: tracker[name] for name in exports}
        for code in objects:
            note_functions(code, named, addresses)
        return Linked(addresses, tracker)


@cache
def _linker() -> Any:
    """The one LLJIT of the process, which it never gives back: others' threads may run its code until the end.

    It is the newer of LLVM's two linkers: it puts a whole library into one piece of memory, so that no
    distance inside is too long for an instruction.
    """
    import llvmlite.binding as llvm

    return llvm.create_lljit_compiler(host().target_machine(), use_jit_link=True)


@cache
def _target_machine(machine: Machine) -> Any:
    return machine.target_machine()


def _module(text: str, machine: Machine) -> Any:
    """The parsed text, which was looked at."""
    import llvmlite.binding as llvm

    layout = _target_machine(machine).target_data
    try:  # on the first line of the text, so that the parser counts as its readers do
        module = llvm.parse_assembly(f'target datalayout = "{layout}" target triple = "{machine.triple}" {text}')
        module.verify()
    except RuntimeError as error:
        raise AssertionError(_told(text, str(error))) from None
    return module


def _in_registers(module: Any, machine: Machine) -> Any:
    """The module with what its functions keep on the stack in registers."""
    import llvmlite.binding as llvm

    builder = llvm.create_pass_builder(_target_machine(machine), llvm.create_pipeline_tuning_options(0))
    passes = llvm.create_new_function_pass_manager()
    passes.add_sroa_pass()
    for function in module.functions:
        if not function.is_declaration:
            passes.run(function, builder)
    return module


def _told(text: str, problem: str) -> str:
    """What LLVM says, and the lines of the text that it speaks of."""
    lines = text.splitlines()
    shown: set[int] = set()
    for place in re.finditer(r"<string>:(\d+):", problem):  # the parser knows the line
        shown.update(range(int(place[1]) - 1 - SHOWN, int(place[1]) + SHOWN))
    if not shown:  # the verifier prints instructions
        said = {line.strip() for line in problem.splitlines()}
        for number, line in enumerate(lines):
            if line.strip() in said:
                shown.update(range(number - SHOWN, number + SHOWN + 1))
    listing = [f"{number + 1:6}  {lines[number]}" for number in sorted(shown) if 0 <= number < len(lines)]
    return "\n".join([problem.rstrip(), *listing])
