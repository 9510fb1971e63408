"""Every model is written for machines that are not here: the code is verified and made, not run."""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import pytest

from benchmarks.workloads.workload import Workload, declared
from graphc.backends.llvm.backend import LlvmBackend
from graphc.backends.llvm.code import object_code
from graphc.backends.llvm.declarations import imported
from graphc.backends.llvm.machine import NAMED
from graphc.driver import compile
from graphc.function import CompiledFunction
from tests.small_workloads import SMALL
from tests.thirty_models import MODELS


def _compiled(work: Workload) -> CompiledFunction:
    inputs, outputs, updates = declared(work)
    return compile(list(inputs), list(outputs), updates=updates, backend="llvm")


WORKS = {f"work {work.name}": partial(_compiled, work) for work in SMALL}
ALL: Mapping[str, Callable[[], CompiledFunction]] = {**MODELS, **WORKS}

# What LLVM calls by itself is in the C library of every system: nothing of a compiler's, which a process may lack.
OF_C = {"memcpy", "memmove", "memset", "fma", "fmaf", "fmod", "fmodf"}


def machines_of(number: int, *, full: bool) -> Sequence[str]:
    """The machines that a model is written for: two in turn, so that a few models in a row have them all."""
    names = [*NAMED]
    return names if full else [names[(number + step) % len(names)] for step in (0, 3)]


def asked_for(code: bytes) -> Iterator[str]:
    """The functions that an object of ELF needs and does not hold."""
    (start,), (size, count) = struct.unpack_from("<Q", code, 0x28), struct.unpack_from("<HH", code, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", code, start + size * number) for number in range(count)]
    for _, kind, _, _, place, length, names, *_ in sections:
        if kind == 2:  # the table of symbols
            for symbol in range(place, place + length, 24):
                name, section = struct.unpack_from("<I2xH", code, symbol)
                if name and not section:
                    yield code[sections[names][4] + name :].partition(b"\0")[0].decode()


@pytest.mark.parametrize("name", ALL)
def test_a_model_is_written_for_other_machines(name: str, full_tier: bool) -> None:
    program = ALL[name]().program
    for named in machines_of([*ALL].index(name), full=full_tier):
        machine = NAMED[named]
        text = LlvmBackend(machine).emit(program).source
        code = object_code(text, machine)
        assert code, named
        if machine.is_linux:
            others = {symbol for symbol in asked_for(code) if not symbol.startswith("graphc_")}
            assert others <= OF_C.union(imported(text)), named


def test_models_in_a_row_have_all_machines() -> None:
    assert {name for number in range(len(NAMED)) for name in machines_of(number, full=False)} == {*NAMED}
