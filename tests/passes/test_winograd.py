"""Convolutions in tiles: which are, what they compute, and how well."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

import graphc as gx
from graphc.backends.llvm.backend import LlvmBackend
from graphc.kernel.steps import Loop

Array = npt.NDArray[np.float32]


@pytest.fixture
def _always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products cost so much that tiles always pay."""
    monkeypatch.setattr(LlvmBackend, "target", replace(LlvmBackend.target, products=0.0))


def in_tiles(f: gx.CompiledFunction) -> int:
    return len(f.trace["winograd"].notes)


def model(x: Sequence[int | str], w: Sequence[int], padding: object, dtype: str = "float32") -> list[gx.Node]:
    image, kernel = gx.input("x", x, dtype), gx.input("w", w, dtype)
    y = gx.conv2d(image, kernel, padding=padding)  # type: ignore[arg-type]
    return [image, kernel, y, *gx.grad(gx.sum(gx.square(y)), [image, kernel])]


def arrays(nodes: Sequence[gx.Node], hints: Mapping[str, int]) -> list[npt.NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal([n if isinstance(n, int) else hints[str(n)] for n in x.shape]) for x in nodes]


CASES: dict[str, tuple[tuple[int | str, ...], tuple[int, ...], object, int]] = {
    "even": ((2, 3, 8, 6), (4, 3, 3, 3), 1, 3),
    "odd": ((2, 3, 7, 9), (4, 3, 3, 3), 1, 3),
    "one tile": ((2, 3, 2, 2), (4, 3, 3, 3), 1, 2),  # more would be laid down than can be read instead
    "one row": ((2, 3, 1, 6), (4, 3, 3, 3), ((1, 1), (1, 1)), 2),
    "one place": ((2, 3, 3, 3), (4, 3, 3, 3), 0, 2),
    "full": ((2, 3, 4, 5), (4, 3, 3, 3), 2, 3),
    "uneven": ((2, 3, 9, 8), (4, 3, 3, 3), ((1, 0), (2, 1)), 3),
    "one image": ((1, 2, 6, 6), (3, 2, 3, 3), 1, 3),
    "one channel": ((2, 1, 6, 6), (1, 1, 3, 3), 1, 3),
    "any number": (("n", 2, 6, 7), (3, 2, 3, 3), 1, 3),
    "many tiles": ((2, 2, 24, 22), (3, 2, 3, 3), 1, 3),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("dtype", "chunk"), [("float32", 1 << 19), ("float32", 0), ("float64", 0)])
@pytest.mark.usefixtures("_always")
def test_values_and_gradients_are_those_of_the_convolution(
    case: str, dtype: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Image by image, or all images at once where there are no chunks."""
    monkeypatch.setattr(LlvmBackend, "target", replace(LlvmBackend.target, chunk_bytes=chunk))
    x, w, padding, count = CASES[case]
    image, kernel, *outputs = model(x, w, padding, dtype)
    f = gx.compile([image, kernel], outputs, backend="llvm", verify=True)
    assert in_tiles(f) == count
    given = arrays([image, kernel], {"n": 3})
    wide = model(x, w, padding, "float64")
    exact = gx.compile(wide[:2], wide[2:], backend="numpy", level=0)(*given)
    eps = float(np.finfo(dtype).eps)
    for found, expected in zip(f(*[a.astype(dtype) for a in given]), exact, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=40 * eps * (np.abs(expected).max() + 1))


@pytest.mark.usefixtures("_always")
def test_narrow_floats_are_convolved_in_wide_ones() -> None:
    x, w = gx.input("x", (2, 3, 6, 6), "bfloat16"), gx.input("w", (4, 3, 3, 3), "bfloat16")
    f = gx.compile([x, w], gx.conv2d(x, w, padding=1), backend="llvm")
    assert in_tiles(f) == 1
    given = [a.astype(x.dtype) for a in arrays([x, w], {})]
    plain = gx.compile([x, w], gx.conv2d(x, w, padding=1), backend="numpy", level=0)(*given)
    np.testing.assert_allclose(f(*given).astype("f4"), plain.astype("f4"), rtol=2**-7, atol=2**-6)


@pytest.mark.parametrize(
    "options", [{"stride": 2}, {"dilation": 2}, {"groups": 2}], ids=["stride", "dilation", "groups"]
)
@pytest.mark.usefixtures("_always")
def test_other_windows_are_left(options: dict[str, int]) -> None:
    x, w = gx.input("x", (2, 4, 9, 9)), gx.input("w", (4, 4 // options.get("groups", 1), 3, 3))
    assert in_tiles(gx.compile([x, w], gx.conv2d(x, w, padding=1, **options), backend="llvm")) == 0


@pytest.mark.usefixtures("_always")
def test_other_kernels_are_left() -> None:
    x = gx.input("x", (2, 4, 9, 9))
    for window in ((5, 5), (3, 1), (1, 1), (3, 2)):
        w = gx.input("w", (4, 4, *window))
        assert in_tiles(gx.compile([x, w], gx.conv2d(x, w), backend="llvm")) == 0


@pytest.mark.usefixtures("_always")
def test_products_that_round_alone_are_left() -> None:
    """What `gx.vmap` makes of a convolution has the bits of each made alone."""
    x, w = gx.input("x", (3, 2, 4, 6, 6)), gx.input("w", (4, 4, 3, 3))
    y = gx.vmap(lambda image: gx.conv2d(image, w, padding=1))(x)
    given = [a.astype("float32") for a in arrays([x, w], {})]
    found = gx.compile([x, w], y, backend="llvm")(*given)
    expected = gx.compile([x, w], y, backend="numpy", level=0)(*given)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("_always")
def test_levels_that_keep_bits_keep_convolutions() -> None:
    image, kernel, y, *_ = model((2, 3, 6, 6), (4, 3, 3, 3), 1)
    f = gx.compile([image, kernel], y, backend="llvm", level=1)
    assert "winograd" not in {record.name for record in f.trace.records}


@pytest.mark.parametrize(
    ("x", "w", "count"),
    [
        ((1, 3, 224, 224), 64, 0),  # few channels: what is saved is less than what tiles take
        ((1, 64, 112, 112), 128, 0),
        ((1, 256, 56, 56), 256, 1),
        ((1, 512, 28, 28), 512, 1),
        ((16, 64, 32, 32), 64, 1),  # image by image, while tiles are near
    ],
)
def test_it_is_done_where_it_pays(x: tuple[int, ...], w: int, count: int) -> None:
    image, kernel = gx.input("x", x), gx.input("w", (w, x[1], 3, 3))
    assert in_tiles(gx.compile([image, kernel], gx.conv2d(image, kernel, padding=1), backend="llvm")) == count


def test_backends_without_tiles_are_left() -> None:
    image, kernel = gx.input("x", (1, 256, 56, 56)), gx.input("w", (256, 256, 3, 3))
    f = gx.compile([image, kernel], gx.conv2d(image, kernel, padding=1), backend="numpy")
    assert "winograd" not in {record.name for record in f.trace.records}


def test_sums_over_channels_alone_round_less() -> None:
    """256 terms in each sum, not 2304: the error is smaller than that of the sums as they stand."""
    x, w = gx.input("x", (1, 256, 16, 16)), gx.input("w", (64, 256, 3, 3))
    given = [a.astype("float32") for a in arrays([x, w], {})]
    y = gx.conv2d(x, w, padding=1)
    wide = gx.input("x", x.shape, "float64"), gx.input("w", w.shape, "float64")
    exact = gx.compile(wide, gx.conv2d(*wide, padding=1), backend="numpy")(*[a.astype("float64") for a in given])
    errors = []
    for products in (0.0, 1e30):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(LlvmBackend, "target", replace(LlvmBackend.target, products=products))
            f = gx.compile([x, w], y, backend="llvm")
        assert in_tiles(f) == (products == 0)
        errors.append(float(np.sqrt(np.mean(np.square(f(*given) - exact)))))
    assert errors[0] < errors[1]


def test_a_batch_is_walked_image_by_image_with_what_follows() -> None:
    x, w, b = gx.input("x", (16, 64, 32, 32)), gx.input("w", (64, 64, 3, 3)), gx.input("b", (64, 1, 1))
    f = gx.compile([x, w, b], gx.relu(gx.conv2d(x, w, padding=1) + b), backend="llvm")
    loops = [step for step in f.program.steps if isinstance(step, Loop)]
    assert [loop.length for loop in loops] == [16]
    assert len(f.program.steps) == 2  # the kernels in their tiles, and the loop


@pytest.mark.usefixtures("_always")
def test_the_same_bits_at_any_number_of_threads() -> None:
    image, kernel, *outputs = model((4, 16, 24, 24), (16, 16, 3, 3), 1)
    given = [a.astype("float32") for a in arrays([image, kernel], {})]
    found = [gx.compile([image, kernel], outputs, backend="llvm", threads=n)(*given) for n in (1, 2, 3)]
    for other in found[1:]:
        for one, same in zip(found[0], other, strict=True):
            assert one.tobytes() == same.tobytes()
