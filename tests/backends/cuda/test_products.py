"""Products in tiles: what is moved at once, what tensor cores make, and what both give."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
import pytest

import graphc as gx
from graphc.backends.cuda.backend import CudaBackend
from graphc.backends.cuda.emulation.emulator import Emulator
from graphc.backends.cuda.nvrtc import compiled_for
from tests.backends.cuda.compiled import NEEDS_NVRTC
from tests.backends.cuda.emulated import NEEDS_COMPILER, made_at_once, near
from tests.case import Array

#: rows, terms, columns: around the sides of tiles, and around 16 bytes
SHAPES = ((64, 64, 64), (33, 70, 50), (17, 36, 132), (40, 5, 18), (600, 24, 520))


Built: TypeAlias = tuple[list[gx.Node], gx.Node]
Precision: TypeAlias = Literal["bf16", "tf32"] | None


def product(n: int, k: int, m: int, dtype: str, kind: str) -> Built:
    """A product whose operands lie in memory in one of several ways."""
    x = gx.input("x", {"plain": (n, k), "turned": (k, n), "both": (k, n), "batch": (2, n, k)}[kind], dtype)
    w = gx.input("w", {"plain": (k, m), "turned": (k, m), "both": (m, k), "batch": (2, k, m)}[kind], dtype)
    y = (x.mT if kind in ("turned", "both") else x) @ (w.mT if kind == "both" else w)
    return [x, w], gx.relu(y + 0.5)


def source(n: int, k: int, m: int, dtype: str = "float32", kind: str = "plain") -> str:
    inputs, y = product(n, k, m, dtype, kind)
    return gx.compile(inputs, y, backend="cuda").source


def require_near(built: Sequence[Built], schedule: int, precision: Precision = None) -> None:
    """Raise where the emulation gives something else than NumPy."""
    rng = np.random.default_rng(0)
    all_plain = [gx.compile(*each, backend="numpy", precision=precision) for each in built]
    for plain, function in zip(all_plain, made_at_once(all_plain, Emulator(schedule)), strict=True):
        arrays: list[Array] = []
        for x in plain.graph.inputs:
            shape = [extent if isinstance(extent, int) else 37 for extent in x.shape]
            arrays.append((rng.standard_normal(shape) * 2).astype(x.dtype))
        near(function(*arrays), plain(*arrays))


def test_tiles_are_read_by_vectors_where_rows_begin_at_16_bytes() -> None:
    assert source(512, 256, 512).count("= load_vector<4>(&x") == 2
    assert source(512, 256, 512, "float64").count("= load_vector<2>(&x") == 2
    assert source(512, 256, 512, kind="both").count("= load_vector<4>(&x") == 2
    assert source(512, 255, 512).count("= load_vector<4>(&x") == 1  # the columns of the right one
    assert source(511, 255, 511).count("= load_vector<4>(&x") == 0


def test_rows_of_an_open_batch_are_read_by_vectors() -> None:
    x, w = gx.input("x", ("n", 64)), gx.input("w", (64, 96))
    text = gx.compile([x, w], x @ w, backend="cuda").source
    assert "= load_vector<4>(&x0[row * 64 + sum])" in text
    assert "= load_vector<4>(&x1[column + sum * 96])" in text


@NEEDS_NVRTC
def test_the_machine_moves_16_bytes_of_tiles_at_a_time() -> None:
    ptx = compiled_for(source(1024, 1024, 1024), "sm_90").ptx
    assert "ld.global.nc.v4" in ptx
    assert "ld.shared.v4" in ptx


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_products_of_16_bits_are_made_by_tensor_cores(dtype: str) -> None:
    text = source(512, 256, 512, dtype)
    assert f"add_{'bf16' if dtype == 'bfloat16' else 'f16'}(total[i][j], a[i], b[j])" in text
    assert "add_f16(total[i]" not in source(512, 256, 512)


@pytest.mark.parametrize("precision", ["bf16", "f16", "tf32"])
def test_rounded_operands_are_multiplied_by_tensor_cores(precision: Literal["bf16", "f16", "tf32"]) -> None:
    x, w = gx.input("x", ("n", 64)), gx.param("w", np.ones((64, 32), np.float32))
    y = gx.tanh(x @ w)
    f = gx.compile([x], [y, gx.grad(gx.sum(y), w)], backend="cuda", precision=precision)
    assert f.source.count(f"add_{precision}(total[i][j], a[i], b[j])") == 2


def test_two_blocks_of_tensor_cores_fit_unless_what_follows_takes_many_registers() -> None:
    assert "__launch_bounds__(256, 2)" in source(512, 256, 512, "float16")
    assert "__launch_bounds__(256, 2)" not in source(512, 256, 512)
    x = gx.input("x", (512, 512), "float16")
    followed = gx.compile([x], gx.lgamma(x @ x), backend="cuda").source
    assert "__launch_bounds__(256, 2)" not in followed


def test_a_few_rows_are_not_made_by_tensor_cores() -> None:
    assert "add_f16(total[i]" not in source(8, 256, 512, "float16")


@NEEDS_NVRTC
@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
def test_products_compile_without_warnings_and_spills(architecture: str) -> None:
    for text in (source(32, 64, 32, "float16"), source(1024, 1024, 1024, "bfloat16"), source(1024, 1024, 1024)):
        found = compiled_for(text, architecture)
        assert not found.warnings
        assert not any(used.spilled for used in found.resources.values())
        assert ("mma.sync" in found.ptx) is ("total[i][j], a[i], b[j]);" in text.split('extern "C"', 1)[1])


@NEEDS_COMPILER
@pytest.mark.parametrize(
    "dtype", ["float32", "bfloat16", *(pytest.param(t, marks=pytest.mark.full) for t in ("float64", "float16"))]
)
def test_values_of_products(dtype: str) -> None:
    forms = [(shape, kind) for shape in SHAPES[:-1] for kind in ("plain", "turned", "both", "batch")]
    forms.append((SHAPES[-1], "plain"))
    require_near([product(*shape, dtype, kind) for shape, kind in forms], schedule=3)


@NEEDS_COMPILER
def test_what_is_emulated_is_what_users_get() -> None:
    inputs, y = product(17, 36, 132, "bfloat16", "plain")
    written = gx.compile(inputs, [y, gx.grad(gx.sum(y), inputs)[0]], backend="cuda")
    plain = gx.compile(inputs, [y, gx.grad(gx.sum(y), inputs)[0]], backend="numpy")
    (function,) = made_at_once([plain], Emulator())
    assert function.source == written.source
    assert CudaBackend().emit(plain.program).source != written.source


@NEEDS_COMPILER
@pytest.mark.parametrize("precision", ["bf16", "tf32"])
def test_values_of_rounded_products_with_open_sizes_and_windows(precision: Precision) -> None:
    x, w = gx.input("x", ("n", 48)), gx.input("w", (48, 20))
    image, filters = gx.input("image", (2, 4, 9, 9)), gx.input("filters", (20, 4, 3, 3))
    built: list[Built] = [([x, w], gx.relu(x @ w)), ([image, filters], gx.conv2d(image, filters))]
    slopes: list[Built] = [(inputs, gx.grad(gx.sum(gx.square(y)), inputs[1])) for inputs, y in built]
    require_near([*built, *slopes], schedule=4, precision=precision)


def test_a_product_that_only_its_epilogue_reads_is_not_stored() -> None:
    inputs, y = product(64, 64, 64, "bfloat16", "plain")
    text = gx.compile(inputs, y, backend="cuda").source
    head = text[text.index("kernel_0(") :].split("{")[0]
    assert "float*" not in head
    x, w = inputs
    several = gx.compile(inputs, [x @ w, gx.tanh(x @ w), gx.sum(x @ w)], backend="cuda").source
    assert several.count("add_bf16(total") == 1


@NEEDS_COMPILER
def test_narrow_operands_are_read_as_they_are() -> None:
    x, w, u = gx.input("x", ("n", 48), "bfloat16"), gx.input("w", (48, 20), "bfloat16"), gx.input("u", (20, 33))
    network = gx.relu(x @ w) @ gx.astype(u, "bfloat16")
    text = gx.compile([x, w, u], network, backend="cuda").source
    assert "const Vector<float" not in text
    assert text.count("add_bf16(total") == 2
    y = gx.input("y", (33, 48), "float16")
    few, many = gx.input("few", (8, 64), "bfloat16"), gx.input("many", (64, 64), "bfloat16")
    built: list[Built] = [
        ([few, many], few @ many),  # without tensor cores
        ([few, many], few @ many.mT),
        ([x, w], gx.tanh(x @ w) + gx.sum(x @ w)),
        ([x, w, u], network),
        ([x, w, u], gx.tanh(x) @ w + x @ gx.exp(w)),
        ([x, y], x @ y.mT),  # of two kinds: float32
        ([x, u, w], x @ w @ u),
        ([x, w], gx.scan(lambda state, row: (gx.tanh(state + row @ w), state), gx.zeros((20,), "bfloat16"), x)[1]),
        ([x, w], gx.grad(gx.sum(gx.square(x @ w)), w)),
    ]
    require_near(built, schedule=1)
