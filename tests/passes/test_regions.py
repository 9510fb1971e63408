"""Sums and products of padding and of parts, as gradients of slices are: one kernel, which stores each element once."""

from collections.abc import Callable, Sequence
from random import Random

import numpy as np
import numpy.typing as npt
import pytest

import graphc as gx
from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.indices import affine_of
from graphc.kernel.scalar import Axis, Formula
from graphc.kernel.steps import Kernel, Stage, Store
from graphc.passes.pairs import join_pairs
from graphc.passes.pipeline import Log
from graphc.passes.regions import made_once
from graphc.sizes import estimate
from tests.passes.one_kernel import BACKENDS, kernels, same

SHAPE = (40, 60)


def differences(x: gx.Node) -> gx.Node:
    """Between neighbours along either axis, in one row."""
    down, along = gx.square(x[1:] - x[:-1]), gx.square(x[:, 1:] - x[:, :-1])
    return gx.concat([gx.ravel(down), gx.ravel(along)], 0)


def shifted(x: gx.Node) -> gx.Node:
    padded = gx.pad(x, 1)
    return gx.tanh(padded[2:, 2:]) + padded[1:-1, 1:-1] * 2 + gx.tanh(padded[:-2, :-2])


def quarters(x: gx.Node) -> gx.Node:
    return gx.concat([x[::2, ::2] + x[1::2, 1::2], x[::2, 1::2] * x[1::2, ::2]], 1)


OF: dict[str, Callable[[gx.Node], gx.Node]] = {
    "diagonal neighbours": lambda x: x[1:, 1:] * x[:-1, :-1],
    "differences": differences,
    "padded and shifted": shifted,
    "padded, shifted by rows": lambda x: gx.tanh(gx.pad(x, ((1, 1), (0, 0)))[:-2]) * x,
    "rolled along both axes": lambda x: gx.roll(x, 1, 0) * gx.roll(x, 1, 1),
    "cut, joined, cut": lambda x: gx.tanh(gx.concat([x[1:], gx.exp(x)[:3]], 0))[2:],
    "joined with itself from behind": lambda x: gx.concat([x, gx.flip(gx.exp(x), 0)], 0),
    "even and odd rows": lambda x: gx.tanh(x[::2]) * x[1::2],
    "quarters": quarters,
    "corners stacked": lambda x: gx.stack([x[1:, :-1], gx.exp(x[:-1, 1:])], 0),
}


def gradient(of: Callable[[gx.Node], gx.Node], shape: Sequence[int] = SHAPE) -> tuple[list[gx.Node], list[gx.Node]]:
    x = gx.input("x", tuple(shape))
    y = of(x)
    g = gx.input("g", y.shape)
    return [x, g], [gx.vjp(y, x, g)]


@pytest.mark.parametrize("of", OF.values(), ids=OF)
def test_the_gradient_of_slices_is_one_native_kernel(of: Callable[[gx.Node], gx.Node]) -> None:
    inputs, outputs = gradient(of)
    f = gx.compile(inputs, outputs, backend="llvm")
    assert len(kernels(f)) == 1
    assert sum(stored(kernel) for kernel in kernels(f)) == SHAPE[0] * SHAPE[1]
    for backend in BACKENDS:
        same(inputs, outputs, backend)


def stored(kernel: Kernel) -> int:
    """How many elements a kernel stores."""
    found = 0
    for stage in kernel.stages:
        extents = [int(axis.extent) for axis in (*kernel.outer, *stage.inner)]
        found += len(stage.effects) * int(np.prod(extents, dtype=int))
    return found


def test_the_gradient_of_a_stencil_is_one_kernel_behind_its_slope() -> None:
    def stencil(x: gx.Node) -> gx.Node:
        beside = x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:]
        return gx.tanh(x[1:-1, 1:-1] * 4 - beside)

    inputs, outputs = gradient(stencil)
    assert len(kernels(same(inputs, outputs, "llvm"))) == 2


def test_few_makers_are_tried_for_what_has_many_stages() -> None:
    """Each time all of its stages are written again: a sum of many padded arrays takes no longer than it has terms."""

    def windows(x: gx.Node) -> gx.Node:
        moved = [x[i : 34 + i, j : 54 + j] * (i + j + 1) for i in range(6) for j in range(6)]
        return gx.sum(gx.stack([gx.tanh(part) for part in moved], 0), 0)

    inputs, outputs = gradient(windows)
    tried: list[Kernel] = []
    join_pairs(gx.compile(inputs, outputs, backend="llvm").program, lambda _, reader: tried.append(reader), "", Log())
    reader = max(tried, key=lambda kernel: len(kernel.stages))
    assert len(reader.reads) > 20
    assert tried.count(reader) <= 64 // len(reader.stages) + 1


def test_few_elements_are_stored_again_rather_than_in_parts() -> None:
    x = gx.input("x", (4, 6))
    (kernel,) = kernels(same([x], [gx.roll(gx.pad(x, 1) * 2, 1, 0)], "llvm"))
    assert stored(kernel) > 6 * 8


# Stages alone.


OUT = Buffer(Role.OUTPUT, np.dtype("int64"), (200, 300), 0)


def box(number: int, *walks: tuple[int, int, int]) -> Stage:
    """A stage that stores a number at (start, step, count) along each axis."""
    axes = [Axis(n, count) for n, (_, _, count) in enumerate(walks)]
    formula = Formula()
    index = [
        formula.affine(AffineIndex(((0, step),), start), [formula.axis(axis)])
        for axis, (start, step, _) in zip(axes, walks, strict=True)
    ]
    value = formula.constant(number, OUT.dtype)
    return Stage(tuple(axes), tuple(formula.lets), (Store(OUT, tuple(index), value),))


def drawn(rng: Random, extent: int) -> tuple[int, int, int]:
    step = rng.choice([1, 1, 1, 2, 3, -1, -2])
    count = rng.randint(1, extent // abs(step))
    low = rng.randint(0, extent - 1 - (count - 1) * abs(step))
    return (low if step > 0 else low + (count - 1) * -step), step, count


def made(stages: Sequence[Stage]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """What stages leave, and how often each element is stored."""
    out, times = np.zeros((2, 200, 300), "int64")
    for stage in stages:
        affine = affine_of(stage.lets)
        for effect in stage.effects:
            assert isinstance(effect, Store)
            places = []
            for part in effect.index:
                place = affine[part]
                assert place is not None
                walk = [estimate(step) * np.arange(estimate(axis.extent)) for axis, step in place.terms]
                places.append(estimate(place.offset) + (walk[0] if walk else np.zeros(1, int)))
            at = np.ix_(*places)
            out[at] = stage.lets[effect.value].value  # type: ignore[union-attr]
            times[at] += 1
    return out, times


@pytest.mark.parametrize("seed", range(30))
def test_the_last_to_store_an_element_is_the_only_one(seed: int) -> None:
    rng = Random(seed)
    stages = [box(0, (0, 1, 200), (0, 1, 300))]
    stages += [box(n, drawn(rng, 200), drawn(rng, 300)) for n in range(1, rng.randint(2, 5))]
    (expected, before), (found, after) = made(stages), made(made_once(stages))
    np.testing.assert_array_equal(found, expected)
    assert after.sum() <= before.sum()


def test_boxes_within_a_box_are_left_out_of_it() -> None:
    stages = [box(0, (0, 1, 200), (0, 1, 300)), box(1, (1, 1, 150), (2, 1, 250)), box(2, (190, -2, 60), (0, 1, 300))]
    _, times = made(made_once(stages))
    assert times.min() == times.max() == 1
