"""Windows of products reach outside of arrays that are framed by zeros for them alone."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

import graphc as gx
from graphc.backends.numpy.backend import NumpyBackend
from graphc.ir.graph import Graph
from graphc.kernel.buffer import Role
from graphc.kernel.program import Program
from graphc.kernel.reference import interpret
from graphc.kernel.steps import Contract
from graphc.kernel.verify import verify
from graphc.passes.lower import Lowered
from graphc.passes.pipeline import Log, Trace
from graphc.passes.standard import improve, standard
from graphc.passes.steps import ReadUnpadded
from tests.case import Array

#: what has no product in tiles, and no window that reaches outside
PLAIN = replace(NumpyBackend.target, chunk_bytes=0)


def lowered(inputs: Sequence[gx.Node], outputs: Sequence[gx.Node]) -> Lowered:
    """The program before the pass."""
    graph, trace = Graph(tuple(inputs), tuple(outputs), {}), Trace()
    passes = standard(graph, PLAIN, 2)
    cut = next(number for number, each in enumerate(passes) if each.name == "lower")
    return improve(graph, passes[: cut + 1], trace)


def unpadded(inputs: Sequence[gx.Node], outputs: Sequence[gx.Node], sizes: dict[str, int] | None = None) -> Program:
    """The program after it, which gives the same bits."""
    before = lowered(inputs, outputs)
    after = ReadUnpadded().run(before, Log())
    verify(after.program)
    rng, sizes = np.random.default_rng(0), sizes or {}
    arrays: list[Array] = []
    for x in inputs:
        shape = [extent if isinstance(extent, int) else sizes[str(extent)] for extent in x.shape]
        arrays.append(rng.standard_normal(shape).astype(x.dtype))
    found, exact = (interpret(each.program, arrays, [], sizes, each.constants) for each in (after, before))
    for one, other in zip(found[0], exact[0], strict=True):
        np.testing.assert_array_equal(one, other)
    return after.program


def products(program: Program) -> list[Contract]:
    return [step for step in program.steps if isinstance(step, Contract)]


def operands() -> tuple[gx.Node, gx.Node]:
    return gx.input("x", (2, 4, 5, 6)), gx.input("w", (4, 4, 3, 2))


@pytest.mark.parametrize(
    "options",
    [
        {"padding": 1},
        {"padding": "same"},
        {"padding": [(2, 0), (0, 1)]},
        {"padding": 1, "stride": 2},
        {"padding": 2, "dilation": 2},
    ],
)
def test_a_padded_convolution_is_one_step(options: dict[str, object]) -> None:
    x, w = operands()
    (step,) = unpadded([x, w], [gx.conv2d(x, w, **options)]).steps  # type: ignore[arg-type]  # they vary
    assert isinstance(step, Contract)
    assert step.guarded
    assert step.left.role is Role.INPUT


def test_a_convolution_without_padding_is_not_guarded() -> None:
    x, w = operands()
    (step,) = products(unpadded([x, w], [gx.conv2d(x, w)]))
    assert not step.guarded


def test_groups_of_channels_are_read_where_they_are() -> None:
    x, w = gx.input("x", (2, 4, 5, 6)), gx.input("w", (6, 2, 3, 3))
    (step,) = unpadded([x, w], [gx.conv2d(x, w, padding=1, groups=2)]).steps
    assert isinstance(step, Contract)
    assert (step.left.root.role, step.left.shape) == (Role.INPUT, (2, 2, 2, 5, 6))


def test_both_gradients_of_a_padded_convolution_read_it_unpadded() -> None:
    x, w = operands()
    y = gx.conv2d(x, w, padding=1)
    g = gx.input("g", y.shape)
    program = unpadded([x, w, g], gx.grad(gx.sum(y * g), [x, w]))
    assert [step.guarded for step in products(program)] == [True, True]
    assert not program.temporaries


def test_what_is_computed_for_a_padded_convolution_is_kept_unpadded() -> None:
    x, w = operands()
    program = unpadded([x, w], [gx.conv2d(gx.exp(x), w, padding=1)])
    assert [buffer.shape for buffer in program.temporaries] == [x.shape]


def test_images_of_open_sizes_are_guarded() -> None:
    x, w = gx.input("x", ("n", 2, "h", "k")), gx.input("w", (3, 2, 3, 3))
    (step,) = products(unpadded([x, w], [gx.conv2d(x, w, padding="same")], {"n": 2, "h": 4, "k": 3}))
    assert step.guarded


def test_padding_that_something_else_reads_is_made() -> None:
    x, w = operands()
    framed = gx.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])
    program = unpadded([x, w], [gx.conv2d(framed, w), gx.sum(framed, (2, 3))])
    assert not any(step.guarded for step in products(program))


def test_padding_by_another_number_is_made() -> None:
    x, w = operands()
    framed = gx.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)], value=1.0)
    assert not any(step.guarded for step in products(unpadded([x, w], [gx.conv2d(framed, w)])))


def test_a_padded_matrix_is_made_for_a_library_that_multiplies_matrices() -> None:
    x, w = gx.input("x", (3, 4)), gx.input("w", (6, 5))
    program = unpadded([x, w], [gx.pad(x, [(0, 0), (1, 1)]) @ w])
    assert not any(step.guarded for step in products(program))


def test_two_convolutions_of_one_padded_image_read_it_unpadded() -> None:
    x, w = operands()
    v = gx.input("v", (2, 4, 3, 3))
    framed = gx.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])
    program = unpadded([x, w, v], [gx.conv2d(framed, w), gx.conv2d(framed, v)])
    assert [step.guarded for step in products(program)] == [True, True]
    assert len(program.steps) == 2
