"""Products by cuBLASLt where it is faster: over a library and a driver that are emulated, and its real header."""

import ctypes
import gc
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as gx
from graphc.backends.cuda import choosing, cublaslt, products
from graphc.backends.cuda import gpu as module
from graphc.backends.cuda.arrays import DeviceSpace
from graphc.backends.cuda.cublaslt import SIGNATURES, CublasLt, library
from graphc.backends.cuda.emulation.emulator import Emulator
from graphc.backends.cuda.gpu import Gpu
from graphc.backends.cuda.multiplication import Matrices
from tests.backends.cuda.emulated import NEEDS_COMPILER, made_at_once, near
from tests.backends.cuda.fake_cublaslt import FakeCublasLt
from tests.backends.cuda.fake_driver import FakeDriver, install

#: functions of the library whose failure is told: what ends in a finaliser is heard by nobody
HEARD = sorted(name for name in SIGNATURES if not name.endswith(("GetVersion", "DescDestroy", "LayoutDestroy")))
LARGE = 1000  # products of elements, here


class Machine:
    """A GPU with the library, both emulated."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.emulator = Emulator(apart=False)
        self.driver, self.device = FakeDriver(self.emulator), Gpu(0)
        self.library = FakeCublasLt(self.driver)
        install(patch, self.driver)
        patch.setattr(module, "image_for", lambda source, capability: source.encode())
        patch.setattr(module, "library", lambda: self.library)
        for each in (products, choosing):
            patch.setattr(each, "LEAST_WORK", LARGE)

    def made(self, inputs: Any, outputs: Any, updates: Any = None) -> tuple[gx.CompiledFunction, gx.CompiledFunction]:
        """A function on the GPU, and what NumPy makes of the same."""
        plain = gx.compile(inputs, outputs, updates=updates, backend="numpy")
        (function,) = made_at_once([plain], self.emulator, self.device)
        artifact = function.artifact
        self.driver.entries = {**self.driver.entries, artifact.source: artifact.notes.entries}
        return function, plain

    @property
    def multiplied(self) -> int:
        """How often the library was asked to multiply, or to be recorded."""
        return self.library.used["cublasLtMatmul"]

    @property
    def measured(self) -> int:
        """How often it was asked for a way."""
        return self.library.used["cublasLtMatmulAlgoGetHeuristic"]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    monkeypatch.setenv("GRAPHC_CACHE", str(tmp_path))
    return Machine(monkeypatch)


def normal(*shape: int, dtype: str = "float32") -> Any:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


CASES: dict[str, tuple[tuple[int, ...], tuple[int, ...], Callable[[gx.Node, gx.Node], Any]]] = {
    "x @ y": ((12, 20), (20, 16), lambda x, y: x @ y),
    "x @ y.T": ((12, 20), (16, 20), lambda x, y: x @ y.mT),
    "x.T @ y": ((20, 12), (20, 16), lambda x, y: x.mT @ y),
    "x.T @ y.T": ((20, 12), (16, 20), lambda x, y: x.mT @ y.mT),
    "several": ((3, 12, 20), (3, 20, 16), lambda x, y: x @ y),
    "followed": ((12, 20), (20, 16), lambda x, y: gx.maximum(x @ y + y[0], 0) * 2),
    "kept and followed": ((12, 20), (20, 16), lambda x, y: [gx.tanh(x @ y), x @ y]),
}


@NEEDS_COMPILER
@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        *((name, dtype) for name in CASES for dtype in ("float32", "float64")),
        *(("x.T @ y", dtype) for dtype in ("float16", "bfloat16")),
        ("followed", "bfloat16"),
    ],
)
def test_products_of_the_library_are_those_of_the_kernel(machine: Machine, name: str, dtype: Any) -> None:
    left, right, of = CASES[name]
    machine.library.time = -5.0  # less than any kernel that follows
    x, y = gx.input("x", left, dtype), gx.input("y", right, dtype)
    f, plain = machine.made([x, y], of(x, y))
    arrays = normal(*left, dtype=dtype), normal(*right, dtype=dtype)
    for _ in range(4):
        found, exact = f(*arrays), plain(*arrays)
        for a, b in zip(found, exact, strict=True) if isinstance(exact, list) else [(found, exact)]:
            near(a, b)
    assert machine.measured >= 1
    assert machine.multiplied > machine.measured * (module.REPEATED + 3)


@NEEDS_COMPILER
def test_the_kernel_stays_where_it_is_faster(machine: Machine) -> None:
    machine.library.time = 1.5
    x, y = gx.input("x", (12, 20)), gx.input("y", (20, 16))
    f, plain = machine.made([x, y], x @ y)
    arrays = normal(12, 20), normal(20, 16)
    for _ in range(3):
        near(f(*arrays), plain(*arrays))
    assert (machine.measured, machine.multiplied) == (1, module.REPEATED)
    again, _ = machine.made([x, y], x @ y)
    near(again(*arrays), plain(*arrays))
    assert machine.measured == 1, "what was found is remembered"


@NEEDS_COMPILER
def test_what_is_faster_is_remembered_for_each_shape(machine: Machine) -> None:
    x, y = gx.input("x", ("n", 20)), gx.input("y", (20, 16))
    f, plain = machine.made([x, y], x @ y)
    for n in (12, 12, 13):
        near(f(normal(n, 20), normal(20, 16)), plain(normal(n, 20), normal(20, 16)))
    assert machine.measured == 2
    small = normal(2, 20)
    near(f(small, normal(20, 16)), plain(small, normal(20, 16)))
    assert machine.measured == 2, "a small one is the kernel's"
    again, _ = machine.made([x, y], x @ y)
    before = machine.multiplied
    near(again(normal(12, 20), normal(20, 16)), plain(normal(12, 20), normal(20, 16)))
    assert (machine.measured, machine.multiplied) == (2, before + 1)


@NEEDS_COMPILER
def test_nothing_is_chosen_where_nothing_is_remembered(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHC_CACHE", "off")
    x, y = gx.input("x", (12, 20)), gx.input("y", (20, 16))
    f, plain = machine.made([x, y], x @ y)
    near(f(normal(12, 20), normal(20, 16)), plain(normal(12, 20), normal(20, 16)))
    assert not machine.measured


@NEEDS_COMPILER
def test_a_step_with_products_of_the_library_is_recorded_and_follows_its_arrays(machine: Machine) -> None:
    x = gx.input("x", ("n", 20))
    w, v = gx.param("w", normal(20, 24) / 5), gx.param("v", normal(24, 16) / 5)
    loss = gx.mean(gx.square(gx.tanh(gx.tanh(x @ w) @ v)))
    updates = {p: p - 0.1 * g for p, g in zip((w, v), gx.grad(loss, [w, v]), strict=True)}
    f, plain = machine.made([x], loss, updates)
    space, batches = DeviceSpace(machine.device), [normal(12, 20) * k for k in range(1, 8)]
    start = w.value, v.value
    expected = [float(plain(batch)) for batch in batches]
    after = w.value, v.value
    w.value, v.value = start
    kept = [(array := space.uploaded(batch), f(array)) for batch in batches]
    near(np.array([float(y) for _, y in kept], np.float32), np.array(expected, np.float32))
    for p, value in zip((w, v), after, strict=True):
        near(p.value, value)
    assert machine.measured
    assert machine.driver.graphs
    f.release()  # variables lie elsewhere afterwards
    again = plain(batches[0])
    w.value, v.value = after
    for _ in range(3):
        w.value, v.value = after
        near(np.asarray(f(space.uploaded(batches[0]))), again)


@NEEDS_COMPILER
def test_descriptions_go_with_the_function(machine: Machine) -> None:
    x, y = gx.input("x", (12, 20)), gx.input("y", (20, 16))
    f, _ = machine.made([x, y], x @ y)
    f(normal(12, 20), normal(20, 16))
    assert len(machine.library.known) == 4
    del f
    assert not machine.library.known
    gc.collect()


@NEEDS_COMPILER
@pytest.mark.parametrize("name", HEARD)
def test_what_the_library_refuses_is_an_error_of_graphc(machine: Machine, name: str) -> None:
    x, y = gx.input("x", (3, 12, 20)), gx.input("y", (3, 20, 16))
    f, plain = machine.made([x, y], x @ y)
    arrays = normal(3, 12, 20), normal(3, 20, 16)
    machine.library.statuses[name] = 13
    with pytest.raises(gx.DeviceError, match=f"{name} of cuBLASLt gave status 13"):
        f(*arrays)
    machine.library.statuses.clear()
    assert machine.driver.contexts == ["none"]
    near(f(*arrays), plain(*arrays))


@NEEDS_COMPILER
@pytest.mark.parametrize(("name", "status"), [("cublasLtCreate", 1), ("cublasLtMatmulAlgoGetHeuristic", 15)])
def test_where_the_library_does_not_run_the_kernel_does(machine: Machine, name: str, status: int) -> None:
    machine.library.statuses[name] = status
    x, y = gx.input("x", (12, 20)), gx.input("y", (20, 16))
    f, plain = machine.made([x, y], x @ y)
    near(f(normal(12, 20), normal(20, 16)), plain(normal(12, 20), normal(20, 16)))
    assert not machine.multiplied


def installed() -> Any:
    """The real library, which says what it thinks of descriptions without a GPU too."""
    found = library()
    if found is None:
        pytest.skip("cuBLASLt is not installed")
    return found


def test_functions_take_what_the_header_says() -> None:
    folder = Path(installed()._name).parent.parent / "include"
    header = next((path for path in folder.glob("cublasLt.h")), None)
    if header is None:
        pytest.skip("the header of cuBLASLt is not installed")
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", header.read_text(), flags=re.DOTALL)
    kinds = {"size_t": ctypes.c_size_t, "int": ctypes.c_int, "uint64_t": ctypes.c_uint64, "int64_t": ctypes.c_int64}
    for name, taken in SIGNATURES.items():
        given = re.search(rf"\b{name}\(([^)]*)\);", text)
        assert given is not None, name
        parts = [part.strip() for part in given[1].split(",") if part.strip() != "void"]
        assert len(parts) == len(taken), name
        for part, kind in zip(parts, taken, strict=True):
            base = part.removeprefix("const ").split()[0]
            is_address = "*" in part or "[" in part or re.search(r"(Handle|Desc|Layout|Preference|Stream)_t", base)
            size = ctypes.sizeof(kind)
            assert size == (8 if is_address else ctypes.sizeof(kinds.get(base, ctypes.c_int))), (name, part)
    for name, value in {
        "MATMUL_DESC_TRANSA": cublaslt._DESC_TRANSA,
        "MATMUL_DESC_TRANSB": cublaslt._DESC_TRANSB,
        "MATRIX_LAYOUT_BATCH_COUNT": cublaslt._LAYOUT_BATCH_COUNT,
        "MATRIX_LAYOUT_STRIDED_BATCH_OFFSET": cublaslt._LAYOUT_STRIDED_BATCH_OFFSET,
        "MATMUL_PREF_MAX_WORKSPACE_BYTES": cublaslt._PREF_MAX_WORKSPACE_BYTES,
        "MATMUL_PREF_REDUCTION_SCHEME_MASK": cublaslt._PREF_REDUCTION_SCHEME_MASK,
        "REDUCTION_SCHEME_NONE": cublaslt._NO_REDUCTION,
    }.items():
        assert re.search(rf"\bCUBLASLT_{name} = {value}\b", text), name
    for letter, value in zip("ABCD", cublaslt._PREF_MIN_ALIGNMENT, strict=True):
        assert f"CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_{letter}_BYTES = {value}," in text


@pytest.mark.parametrize(
    ("dtype", "result"),
    [
        *((dtype, dtype) for dtype in ("float16", "bfloat16", "float32", "float64")),
        *((dtype, "float32") for dtype in ("float16", "bfloat16")),
    ],
)
def test_the_real_library_takes_descriptions(dtype: str, result: str) -> None:
    functions = installed()
    made = CublasLt(functions, ctypes.c_void_p(), lambda: 0, lambda _: None)
    for count, turned in ((1, (False, True)), (5, (True, False))):
        leading = (30 if turned[0] else 20, 40 if turned[1] else 30, 20)
        matrices = Matrices(dtype, result, 20, 40, 30, count, leading, (600, 1200, 800), turned)
        description, layouts = made._described(matrices)
        assert description.value
        assert all(layout.value for layout in layouts)
        cublaslt._destroy(functions, description, layouts)
    assert made.version.startswith("cublasLt 1")
