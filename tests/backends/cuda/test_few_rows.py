"""Few long rows are made in parts, by enough blocks: how many there are, and what they give."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

import graphc as gx
from graphc.backends.cuda.backend import CudaBackend
from graphc.backends.cuda.emulation.emulator import Emulator
from graphc.backends.cuda.stepping import launches_in
from tests.backends.cuda.compiled import ARCHITECTURES, NEEDS_NVRTC, require_clean
from tests.backends.cuda.emulated import NEEDS_COMPILER, made_at_once, near

Build = Callable[[gx.Node], Sequence[gx.Node]]


def normed(x: gx.Node) -> Sequence[gx.Node]:
    """A norm over batches and images, its statistics, and its slope."""
    axes = (0, 2, 3)
    mean = gx.mean(x, axes, keepdims=True)
    variance = gx.mean(gx.square(x - mean), axes, keepdims=True)
    y = (x - mean) / gx.sqrt(variance + 1e-5)
    return [y, mean, variance, gx.vjp(y, x, gx.exp(x))]


BUILDS: Mapping[str, tuple[tuple[int, ...], Build]] = {
    "means of channels": ((4, 2, 128, 128), lambda x: [gx.mean(x, (0, 2, 3)), gx.max(x, (0, 2, 3))]),
    "norm of channels": ((4, 2, 128, 128), normed),
    "softmax of long rows": ((2, 1 << 16), lambda x: [gx.softmax(x)]),
    "sums of long rows": ((2, 1 << 16), lambda x: [gx.sum(x, 1), gx.any(x > 4, 1)]),
}


def blocks(x: gx.Node, *outputs: gx.Node) -> list[object]:
    """Of each launch."""
    program = gx.compile([x], list(outputs), backend="numpy").program
    return [launch.blocks for launch in launches_in(CudaBackend().emit(program).notes.compute)]


def test_means_of_channels_keep_a_device_at_work() -> None:
    x = gx.input("x", (32, 64, 56, 56))
    assert blocks(x, gx.mean(x, (0, 2, 3))) == [2048, 8]
    assert "load_vector<4>(&x0[first + j * 3136" in gx.compile([x], gx.mean(x, (0, 2, 3)), backend="cuda").source


def test_few_long_rows_fall_into_parts() -> None:
    x = gx.input("x", (8, 1 << 20))
    assert blocks(x, gx.sum(x, 1)) == [1024, 1]


@pytest.mark.parametrize("shape", [(256, 1 << 16), ("n", 1 << 16), (8, 1 << 12)])
def test_many_rows_or_short_ones_are_one_kernel(shape: tuple[int | str, ...]) -> None:
    x = gx.input("x", shape)
    assert len(blocks(x, gx.softmax(x))) == 1


@NEEDS_NVRTC
@pytest.mark.parametrize("name", [pytest.param(x, marks=() if "norm" in x else pytest.mark.full) for x in BUILDS])
def test_parts_compile_without_warnings(name: str) -> None:
    shape, build = BUILDS[name]
    x = gx.input("x", shape)
    require_clean(gx.compile([x], list(build(x)), backend="cuda").source, ARCHITECTURES[:1])


@NEEDS_COMPILER
def test_values_of_parts() -> None:
    xs = {name: gx.input("x", shape) for name, (shape, _) in BUILDS.items()}
    plain = [gx.compile([x], list(BUILDS[name][1](x)), backend="numpy") for name, x in xs.items()]
    rng = np.random.default_rng(0)
    for x, exact, function in zip(xs.values(), plain, made_at_once(plain, Emulator(3)), strict=True):
        array = rng.standard_normal(x.shape).astype(np.float32)
        for found, expected in zip(function(array), exact(array), strict=True):
            near(found, expected)


@NEEDS_COMPILER
def test_a_variable_is_normed_in_place() -> None:
    start = np.random.default_rng(0).standard_normal((2, 1 << 16)).astype(np.float32)
    s = gx.state("s", start)
    mean = gx.mean(s, 1, keepdims=True)
    shifted = s - mean
    value = shifted / gx.sqrt(gx.mean(gx.square(shifted), 1, keepdims=True))
    (function,) = made_at_once([gx.compile([], [mean], updates={s: value}, backend="numpy")], Emulator(1))
    near(function()[0], start.mean(1, keepdims=True))
    near(s.value, (start - start.mean(1, keepdims=True)) / start.std(1, keepdims=True))
