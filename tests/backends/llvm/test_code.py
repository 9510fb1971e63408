"""Text to object to address, and what happens when the text is wrong."""

import ctypes
import gc
import os
import shutil
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from graphc.backends.llvm.code import Linked, assembly, link, object_code
from graphc.backends.llvm.machine import host
from graphc.backends.llvm.symbol_map import functions_in, sections_of
from graphc.backends.llvm.symbols import address_of, blas, c_functions, lapack
from tests.backends.llvm.children import finished

REMAINDER = """
declare double @fmod(double, double)
@shift = external global double
define double @remainder(double %x, double %y) {
  %r = call double @fmod(double %x, double %y)
  %s = load double, ptr @shift
  %t = fadd double %r, %s
  ret double %t
}
"""
CALLER = """
declare double @remainder(double, double)
define double @twice(double %x, double %y) {
  %r = call double @remainder(double %x, double %y)
  %s = fadd double %r, %r
  ret double %s
}
"""
BINARY = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double, ctypes.c_double)


def number(value: int) -> str:
    return f"define i64 @number() {{ ret i64 {value} }}"


def called(code: Linked) -> int:
    return int(ctypes.CFUNCTYPE(ctypes.c_int64)(code["number"])())


def test_functions_and_variables_are_imported() -> None:
    shift = ctypes.c_double(10)
    symbols = {**c_functions(["fmod"]), "shift": ctypes.addressof(shift)}
    code = link([object_code(REMAINDER, host())], symbols, ["remainder"])
    assert BINARY(code["remainder"])(7, 3) == 11
    shift.value = 20
    assert BINARY(code["remainder"])(7, 3) == 21


def test_objects_of_one_library_see_each_other() -> None:
    shift = ctypes.c_double(10)
    symbols = {**c_functions(["fmod"]), "shift": ctypes.addressof(shift)}
    objects = [object_code(text, host()) for text in (CALLER, REMAINDER)]
    code = link(objects, symbols, ["twice"])
    assert BINARY(code["twice"])(7, 3) == 22


def test_libraries_define_the_same_name_without_harm() -> None:
    found = [link([object_code(number(value), host())], {}, ["number"]) for value in range(8)]
    assert [called(code) for code in found] == list(range(8))


def test_the_same_text_gives_the_same_object() -> None:
    assert object_code(REMAINDER, host()) == object_code(REMAINDER, host())


def test_dropped_code_leaves_the_others_alone() -> None:
    kept = link([object_code(number(1), host())], {}, ["number"])
    for value in range(100):
        link([object_code(number(value), host())], {}, ["number"])
    gc.collect()
    assert called(kept) == 1


def test_a_missing_symbol_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AssertionError, match=r"not linked: .*remainder"):
        link([object_code(REMAINDER, host())], c_functions(["fmod"]), ["remainder"])
    assert "shift" in capfd.readouterr().err


def test_a_mistake_of_grammar_shows_its_line() -> None:
    with pytest.raises(AssertionError, match=r"(?s)fsum.* 5  .*fsum"):
        object_code(REMAINDER.replace("call double @fmod", "fsum double @fmod"), host())


def test_a_mistake_of_meaning_shows_its_line() -> None:
    wrong = (
        "define i64 @f(i64 %x) {\n  br label %next\nnext:\n  %y = add i64 %z, 1\n  %z = add i64 %x, 1\n  ret i64 %y\n}"
    )
    with pytest.raises(AssertionError, match=r"(?s)dominate.*     4    %y = add"):
        object_code(wrong, host())


def test_assembly_is_for_people() -> None:
    assert "remainder" in assembly(REMAINDER, host())


def test_threads_compile_and_link_at_once() -> None:
    found: dict[int, int] = {}

    def work(value: int) -> None:
        for turn in range(10):
            found[value * 10 + turn] = called(link([object_code(number(value * 10 + turn), host())], {}, ["number"]))

    threads = [threading.Thread(target=work, args=(value,)) for value in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {value: value for value in range(40)}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="systems that fork")
def test_children_compile_and_link() -> None:
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            called(link([object_code(number(3), host())], {}, ["number"]))

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for _ in range(10):
            child = os.fork()
            if not child:
                os._exit(called(link([object_code(number(5), host())], {}, ["number"])))
            assert finished(child, seconds=20) == 5
    finally:
        stop.set()
        worker.join()


def test_functions_of_c_are_found() -> None:
    names = ["malloc", "free", "memcpy", "fmod", "exp", "sin", "tgamma", "erf"]
    assert list(c_functions(names)) == names
    with pytest.raises(AssertionError, match="no_such_function"):
        c_functions(["fmod", "no_such_function"])


def test_functions_of_ctypes_have_addresses() -> None:
    assert address_of(BINARY(c_functions(["fmod"])["fmod"])) == c_functions(["fmod"])["fmod"]


def test_products_of_the_blas_of_scipy() -> None:
    a, b, c = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4), np.empty((2, 4))
    m, k, n = (ctypes.c_int(size) for size in (2, 3, 4))
    one, zero = ctypes.c_double(1), ctypes.c_double(0)
    letter = ctypes.c_char(b"N")
    at_a, at_b, at_c = (ctypes.c_void_p(x.ctypes.data) for x in (a, b, c))
    product = ctypes.CFUNCTYPE(None, *13 * [ctypes.c_void_p])(blas(["dgemm"])["dgemm"])
    numbers = [ctypes.byref(x) for x in (letter, letter, n, m, k, one)]
    # Fortran's columns are our rows: c^T = b^T a^T
    product(*numbers, at_b, ctypes.byref(n), at_a, ctypes.byref(k), ctypes.byref(zero), at_c, ctypes.byref(n))
    np.testing.assert_array_equal(c, a @ b)


def test_functions_of_lapack_are_found() -> None:
    assert all(lapack(["dpotrf", "dgetrf", "dgesdd"]).values())


NAMED = """
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import gettempdir
import numpy as np
import graphc as gx
x, w = gx.input("x", ("n", 64)), gx.param("w", np.ones((64, 64), np.float32))
f = gx.compile([x], gx.softmax(gx.tanh(x) @ w), backend="llvm")
for _ in range(5):
    f(np.ones((30, 64), np.float32))
path = Path(gettempdir(), f"perf-{os.getpid()}.map")
print(path.read_text())
path.unlink()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="perf is a part of Linux")
def test_profilers_are_told_which_function_lies_where() -> None:
    said = subprocess.run(
        [sys.executable, "-c", NAMED],
        env={**os.environ, "GRAPHC_PERF": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split() for line in said.stdout.splitlines() if line]
    places = {name.partition(".")[2]: (int(start, 16), int(size, 16)) for start, size, name in rows}
    assert {"kernel_0", "kernel_1", "graphc_compute", "graphc_entry", "graphc_parallel"} <= set(places)
    ordered = sorted(places.values())
    assert all(start + size <= after for (start, size), (after, _) in pairwise(ordered))


CALLED = """
import numpy as np
import graphc as gx
x = gx.input("x", ("n",))
f = gx.compile([x], gx.exp(x), backend="llvm")
for _ in range(5):
    f(np.ones(3, np.float32))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="objects are of ELF")
def test_debuggers_are_told_which_function_lies_where(tmp_path: Path) -> None:
    environment = {**os.environ, "GRAPHC_PERF": "1", "GRAPHC_GDB": "1", "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", CALLED], env=environment, check=True)
    (map_of,), (commands,) = tmp_path.glob("perf-*.map"), tmp_path.glob("gdb-*.gdb")
    rows = [line.split() for line in map_of.read_text().splitlines()]
    addresses = {name.partition(".")[2]: int(start, 16) for start, _, name in rows}
    found = {}
    for line in commands.read_text().splitlines():
        command, file, *options = line.split()
        assert (command, options[0::3]) == ("add-symbol-file", ["-s"] * (len(options) // 3))
        starts = dict(zip(options[1::3], options[2::3], strict=True))
        code = Path(file).read_bytes()
        names = sections_of(code)
        for name, place in functions_in(code):
            found[name] = int(starts[names[place.section]], 16) + place.start
    assert found == addresses
    assert {"kernel_0", "graphc_compute", "graphc_entry", "graphc_parallel"} <= set(found)
    debugger = shutil.which("gdb")
    if debugger is None:
        return
    asked = [part for name in sorted(found) for part in ("-ex", f"info symbol {found[name]:#x}")]
    order = [debugger, "-nx", "-batch", "-x", str(commands), *asked]
    said = subprocess.run(order, capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in said.stdout.splitlines() if " in section " in line] == sorted(found)
