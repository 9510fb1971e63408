"""Convolutions are products whose windows reach outside of images: no padded copy, tensor cores where asked for."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import pytest

import graphc as gx
from graphc.backends.cuda.emulation.emulator import Emulator
from graphc.backends.cuda.nvrtc import compiled_for
from tests.backends.cuda.compiled import NEEDS_NVRTC
from tests.backends.cuda.emulated import NEEDS_COMPILER, made_at_once, near

Precision: TypeAlias = Literal["bf16", "f16", "tf32"] | None
Options: TypeAlias = Mapping[str, Any]  # Any: padding is of several kinds

#: what a convolution may be told
KINDS: Mapping[str, Options] = {
    "valid": {},
    "same": {"padding": "same"},
    "sides": {"padding": [(2, 0), (1, 2)]},
    "stride": {"padding": 1, "stride": 2},
    "dilation": {"padding": 2, "dilation": 2},
    "groups": {"padding": 1, "groups": 2},
    "depthwise": {"padding": 1, "groups": 32},
}


def operands(dtype: str = "float32", groups: int = 1, n: int | str = "n") -> tuple[gx.Node, gx.Node]:
    return gx.input("x", (n, 32, 8, 7), dtype), gx.input("w", (32, 32 // groups, 3, 3), dtype)


def three(options: Options, dtype: str = "float32", n: int | str = 2) -> list[tuple[Sequence[gx.Node], gx.Node]]:
    """A convolution, and the cotangents of its operands."""
    x, w = operands(dtype, options.get("groups", 1), n)
    y = gx.conv2d(x, w, **options)
    g = gx.input("g", y.shape, dtype)
    by_x, by_w = gx.grad(gx.sum(y * g), [x, w])
    return [([x, w], gx.relu(y)), ([x, w, g], by_x), ([x, w, g], by_w)]


def compiled(
    built: Sequence[tuple[Sequence[gx.Node], gx.Node]], precision: Precision = None
) -> list[gx.CompiledFunction]:
    return [gx.compile(inputs, y, backend="cuda", precision=precision) for inputs, y in built]


def kernels(function: gx.CompiledFunction) -> int:
    return function.source.count("__global__")


@pytest.mark.parametrize("kind", ["valid", "same", "sides", "dilation"])
def test_a_padded_convolution_and_its_gradients_are_one_kernel_each(kind: str) -> None:
    for dtype in ("float32", "bfloat16"):
        assert [kernels(f) for f in compiled(three(KINDS[kind], dtype))] == [1, 1, 1]


@pytest.mark.parametrize("kind", ["stride", "groups"])
def test_strides_and_groups_of_a_padded_convolution_are_read_where_they_are(kind: str) -> None:
    for dtype in ("float32", "bfloat16"):
        forward, by_x, by_w = compiled(three(KINDS[kind], dtype))
        assert [kernels(forward), kernels(by_w)] == [1, 1]
        is_widened = dtype == "bfloat16" or kind == "stride"  # in groups, axes of an operand are two; or it is cleared
        assert kernels(by_x) == (3 if is_widened else 2)  # it is cut


@pytest.mark.parametrize("kind", ["same", "sides", "stride", "dilation", "groups"])
def test_tensor_cores_make_padded_convolutions(kind: str) -> None:
    for precision in ("bf16", "f16", "tf32", None):
        functions = compiled(three(KINDS[kind]), precision)
        used = [f"add_{precision}(total" in f.source for f in functions]
        assert used == [precision is not None] * 3
    assert ["add_bf16(total" in f.source for f in compiled(three(KINDS[kind], "bfloat16"))] == [True] * 3


def test_elements_outside_are_neither_read_nor_computed_for() -> None:
    text = gx.compile(*three({"padding": 1}, n="n")[0], backend="cuda").source
    assert "if (place >= 0 && place < 8 && place1 >= 0 && place1 < 7) {" in text
    before = gx.compile(*three({"padding": [(1, 0), (1, 0)]})[0], backend="cuda").source
    assert "if (place >= 0 && place1 >= 0) {" in before
    assert "place" not in gx.compile(*three({})[0], backend="cuda").source


def test_filters_are_read_by_vectors() -> None:
    plain, _, by_w = compiled(three({"padding": 1, "stride": 1}))
    assert "load_vector<4>(&x1[column * 288 + sum])" in plain.source
    assert "load_vector<4>(&x" in by_w.source  # places of the cotangent
    narrow = compiled(three({"padding": 1}, "bfloat16"))[0]
    assert "load_vector<8>(&x1[column * 288 + sum])" in narrow.source


@NEEDS_NVRTC
@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("precision", [None, "bf16"])
def test_padded_convolutions_compile_without_warnings_and_spills(
    architecture: str, precision: Precision, full_tier: bool
) -> None:
    built = [each for kind in ("same", "stride", "groups") for each in three(KINDS[kind], n="n")]
    for f in compiled(built if full_tier else built[:1], precision):
        found = compiled_for(f.source, architecture)
        assert not found.warnings
        assert not any(used.spilled for used in found.resources.values())
        assert ("mma.sync" in found.ptx) is (precision is not None)


@NEEDS_COMPILER
@pytest.mark.parametrize(
    ("kind", "precision"),
    [
        ("same", "bf16"),
        ("stride", None),
        *[
            pytest.param(kind, precision, marks=pytest.mark.full)
            for kind in KINDS
            for precision in (None, "bf16", "f16", "tf32")
        ],
    ],
)
def test_values_of_padded_convolutions(kind: str, precision: Precision) -> None:
    require_near(three(KINDS[kind]), precision)


@NEEDS_COMPILER
def test_values_of_padded_convolutions_of_open_sizes_and_few_channels() -> None:
    x, w = gx.input("x", ("n", 1, "h", "k"), "bfloat16"), gx.input("w", (20, 1, 3, 3), "bfloat16")
    s, v = gx.input("s", ("n", 1, 9)), gx.input("v", (20, 1, 4))
    single, few = gx.input("single", (1, 3, 5, 5)), gx.input("few", (1, 3, 3, 3))
    grouped, filters = operands(groups=2, n=2)
    require_near(
        [
            ([x, w], gx.conv2d(x, w, padding=1)),
            ([s, v], gx.conv1d(gx.tanh(s), v, padding=2)),
            ([single, few], gx.conv2d(gx.exp(single), few, padding="full", stride=2)),
            ([grouped, filters], gx.conv2d(grouped, filters, padding=1, groups=2, dilation=2)),
            ([grouped, filters], gx.conv_transpose2d(grouped, filters, padding=1, groups=2)),
        ]
    )


def require_near(built: Sequence[tuple[Sequence[gx.Node], gx.Node]], precision: Precision = None) -> None:
    """Raise where the emulation gives something else than NumPy."""
    rng = np.random.default_rng(0)
    plain = [gx.compile(inputs, y, backend="numpy", precision=precision) for inputs, y in built]
    for exact, function in zip(plain, made_at_once(compiled(built, precision), Emulator(2)), strict=True):
        shapes = [[n if isinstance(n, int) else 5 for n in x.shape] for x in exact.graph.inputs]
        inputs = exact.graph.inputs
        arrays = [rng.standard_normal(shape).astype(x.dtype) for shape, x in zip(shapes, inputs, strict=True)]
        near(function(*arrays), exact(*arrays))
