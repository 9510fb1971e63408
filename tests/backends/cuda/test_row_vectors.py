"""Rows that are moved 16 bytes at a time: which are, that they are in the code of the machine, and what they give."""

import numpy as np
import pytest

import graphc as gx
from graphc.backends.cuda.emulation.emulator import Emulator
from graphc.backends.cuda.nvrtc import compiled_for
from graphc.structure import leaves
from tests.backends.cuda.compiled import NEEDS_NVRTC
from tests.backends.cuda.emulated import NEEDS_COMPILER, made_at_once, near


def normed(x: gx.Node) -> gx.Node:
    shifted = x - gx.mean(x, 1, keepdims=True)
    return shifted / gx.sqrt(gx.mean(shifted * shifted, 1, keepdims=True) + 1e-5)


def softmax_of(*shape: int | str, dtype: str = "float32") -> str:
    x = gx.input("x", shape, dtype)
    return gx.compile([x], gx.softmax(x), backend="cuda").source


@pytest.mark.parametrize(("extent", "dtype", "width"), [(1000, "float32", 4), (64, "float32", 4), (512, "float64", 2)])
def test_threads_take_whole_vectors_of_rows(extent: int, dtype: str, width: int) -> None:
    text = softmax_of("n", extent, dtype=dtype)
    assert f"load_vector<{width}>(&x0" in text
    assert "store_vector(&y0" in text


def test_16_bits_are_moved_in_eights() -> None:
    assert "load_vector<8>(&x0" in softmax_of("n", 1024, dtype="bfloat16")


def test_vectors_fit_the_widest_elements_that_they_move() -> None:
    x, w = gx.input("x", ("n", 1024), "bfloat16"), gx.input("w", 1024)
    text = gx.compile([x, w], gx.softmax(x.astype("float32") * w), backend="cuda").source
    assert text.count("load_vector<4>(&x") == 2


@pytest.mark.parametrize("shape", [("n", 1001), ("n", 20)])
def test_rows_that_begin_anywhere_are_moved_by_elements(shape: tuple[int | str, ...]) -> None:
    assert "load_vector" not in softmax_of(*shape)


@pytest.mark.parametrize(("dtype", "width"), [("float32", 4), ("float64", 2), ("bfloat16", 8)])
def test_open_rows_are_moved_by_vectors_where_all_of_them_begin_at_one(dtype: str, width: int) -> None:
    text = softmax_of("n", "m", dtype=dtype)
    assert f"load_vector<{width}>(&x0" in text
    assert "store_vector(&a0[first1], out)" in text  # what stages hand on as well
    assert text.count(f"= n0 % {width} == 0 ? n0 : 0;") == 1


def test_open_rows_that_are_known_to_fit_are_moved_by_vectors_alone() -> None:
    x = gx.input("x", ("n", "m", 4))
    text = gx.compile([x], gx.softmax(gx.reshape(x, (x.shape[0], x.shape[1] * 4))), backend="cuda").source
    assert "load_vector<4>(&x0" in text
    assert "whole" not in text


def test_the_end_of_an_open_row_of_vectors_is_moved_by_elements() -> None:
    x, m = gx.input("x", ("n", 512)), gx.input("m", ("m",))
    text = gx.compile([x, m], gx.softmax(x[:, : m.shape[0]]) * m, backend="cuda").source
    assert "load_vector<4>(&x0" in text


def test_a_part_that_begins_between_vectors_is_read_by_elements() -> None:
    x = gx.input("x", ("n", 1004))
    text = gx.compile([x], gx.softmax(x[:, 4:]), backend="cuda").source
    assert "load_vector<4>(&x0" in text
    text = gx.compile([x], gx.softmax(x[:, 1:1001]), backend="cuda").source
    assert "load_vector<4>(" not in text
    assert "store_vector(&y0" in text


@NEEDS_NVRTC
@pytest.mark.parametrize("extent", [128, 512, 1024, 2048])
def test_rows_that_fill_registers_compile_without_warnings(extent: int) -> None:
    assert not compiled_for(softmax_of("n", extent), "sm_90").warnings


@NEEDS_NVRTC
def test_the_machine_moves_16_bytes_at_a_time() -> None:
    ptx = compiled_for(softmax_of("n", 1000), "sm_90").ptx
    assert "ld.global.nc.v4" in ptx
    assert "st.global.v4" in ptx


@NEEDS_COMPILER
def test_values_at_extents_around_those_of_vectors() -> None:
    rng = np.random.default_rng(0)
    plain, arrays = [], []
    for dtype, extents in (("float32", (64, 100, 500, 768, 10000)), ("float64", (66, 1026)), ("bfloat16", (256, 2056))):
        for extent in extents:
            x = gx.input("x", ("n", extent), dtype)
            weight = gx.param("weight", rng.standard_normal(extent).astype(x.dtype))
            y = gx.softmax(normed(x) * weight)
            outputs = [y, gx.grad(gx.sum(gx.square(y)), [x, weight]), gx.argmax(x, 1), gx.cumsum(x, 1), y[:, ::-1]]
            plain.append(gx.compile([x], leaves(outputs), backend="numpy"))
            arrays.append(rng.standard_normal((3, extent)).astype(x.dtype))
    for function, exact, array in zip(made_at_once(plain, Emulator(2)), plain, arrays, strict=True):
        for found, expected in zip(function(array), exact(array), strict=True):
            near(found, expected)


@NEEDS_COMPILER
def test_values_of_open_rows_that_are_whole_vectors_and_others() -> None:
    rng = np.random.default_rng(0)
    x, w = gx.input("x", ("n", "m")), gx.input("w", ("m",))
    y = gx.softmax(normed(x) * w)
    slopes = gx.grad(gx.sum(gx.square(y)), [x, w])
    part = gx.softmax(x[:, 1:]) * w[1:]
    plain = gx.compile([x, w], [y, *slopes, part, gx.argmax(x, 1), gx.cumsum(x, 1)], backend="numpy")
    (function,) = made_at_once([plain], Emulator(2))
    for n, m in ((3, 4), (3, 96), (2, 1000), (5, 1001), (3, 6), (2, 1)):
        arrays = rng.standard_normal((n, m)).astype(np.float32), rng.standard_normal(m).astype(np.float32)
        for found, expected in zip(function(*arrays), plain(*arrays), strict=True):
            near(found, expected)
