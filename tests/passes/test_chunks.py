"""Products, and rows between them, that are made chunk by chunk: where, along which axes, and with the same bits."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

import graphc as gx
from graphc.backends.llvm.backend import LlvmBackend
from graphc.kernel.buffer import Role
from graphc.kernel.steps import Contract, Kernel, Loop
from graphc.kernel.verify import verify

CHUNK = 1 << 12  # bytes
HINTS = {"b": 6}


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LlvmBackend, "target", replace(LlvmBackend.target, chunk_bytes=CHUNK))


def same(inputs: Sequence[gx.Node], outputs: Sequence[gx.Node]) -> gx.CompiledFunction:
    """The compiled function, which gives the bits of steps that are made apart."""
    f = gx.compile(inputs, outputs, backend="llvm", debug=True)
    verify(f.program)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LlvmBackend, "target", replace(LlvmBackend.target, chunk_bytes=0))
        apart = gx.compile(inputs, outputs, backend="llvm")
    assert not loops(apart)
    rng = np.random.default_rng(0)
    shapes = [[n if isinstance(n, int) else HINTS[str(n)] for n in x.shape] for x in inputs]
    arrays = [rng.standard_normal(shape).astype(x.dtype) for shape, x in zip(shapes, inputs, strict=True)]
    for one, other in zip(f(*arrays), apart(*arrays), strict=True):
        assert np.array_equal(one, other)
    return f


def loops(f: gx.CompiledFunction) -> list[Loop]:
    return [step for step in f.program.timeline if isinstance(step, Loop)]


def lengths(f: gx.CompiledFunction) -> list[str]:
    return [str(loop.length) for loop in loops(f)]


def three(*shape: int | str) -> list[gx.Node]:
    return [gx.input(name, shape) for name in "qkv"]


def scores(q: gx.Node, k: gx.Node) -> gx.Node:
    return q @ k.mT / 8.0


def test_attention_is_one_loop_and_keeps_a_chunk_of_its_weights() -> None:
    q, k, v = three(4, 8, 24, 16)
    f = same([q, k, v], [gx.softmax(scores(q, k)) @ v])
    (loop,) = f.program.steps
    assert isinstance(loop, Loop)
    assert (loop.length, [type(step) for step in loop.steps]) == (32, [Contract, Kernel, Contract])
    assert {x.shape for x in f.program.temporaries} == {(24, 24)}
    assert "3 steps are made chunk by chunk, of 2,304 bytes" in str(f.trace["chunks"].notes)


def test_chunks_are_blocks_of_rows_where_one_head_is_too_much() -> None:
    q, k, v = three(2, 256, 8)
    assert lengths(same([q, k, v], [gx.softmax(scores(q, k)) @ v])) == []  # k alone is larger than a chunk
    q, k, v = gx.input("q", (2, 512, 8)), gx.input("k", (2, 32, 8)), gx.input("v", (2, 32, 8))
    f = same([q, k, v], [gx.softmax(scores(q, k)) @ v])
    assert lengths(f) == ["2", "4"]
    assert {x.shape for x in f.program.temporaries if x.role is Role.TEMPORARY} == {(128, 32)}


def test_the_gradient_of_attention_is_in_the_same_loop() -> None:
    q, k, v = three(4, 4, 24, 16)
    y = gx.softmax(scores(q, k)) @ v
    f = same([q, k, v], [y, *gx.grad(gx.sum(y * y), [q, k, v])])
    assert lengths(f) == ["16"]
    assert len(f.program.steps) == 1


MIDDLES: dict[str, Callable[[gx.Node], gx.Node]] = {
    "a mask of row numbers": lambda s: gx.softmax(gx.where(gx.arange(24)[:, None] >= gx.arange(24), s, -1e4)),
    "a mask that is given": lambda s: gx.softmax(s + gx.input("mask", (24, 24))),
    "columns of a head": lambda s: gx.softmax(s, axis=-2) + gx.softmax(s),
    "two kernels": lambda s: gx.cumsum(gx.cumsum(s, -1), -1),
}


@pytest.mark.parametrize("name", MIDDLES)
def test_what_stands_between_two_products_has_the_same_bits(name: str) -> None:
    q, k, v = three(3, 4, 24, 16)
    y = MIDDLES[name](scores(q, k)) @ v
    masks = [node for node in gx.Graph((), (y,)).nodes if node.name == "mask"]
    f = same([q, k, v, *masks], [y])
    assert lengths(f) == ["12"]
    before = [step for step in f.program.steps if isinstance(step, Contract)]
    assert len(before) == (name == "columns of a head")  # which are summed in blocks of all heads


def test_a_product_that_is_no_product_at_each_point_follows_the_loop() -> None:
    """Its rows are too few to be walked: it would keep all from being made in chunks."""
    q, k, v = three(20, 24, 16)
    w = gx.input("w", (16, 16))
    f = same([q, k, v, w], [gx.softmax(scores(q, k)) @ v @ w])
    assert [type(step) for step in f.program.steps] == [Loop, Contract]


def test_an_array_that_is_handed_on_may_be_a_result_too() -> None:
    q, k, v = three(4, 8, 24, 16)
    s = scores(q, k)
    p = gx.softmax(s)
    assert lengths(same([q, k, v], [p @ v, p, s])) == ["32"]


def test_axes_of_one_element_in_front_are_none() -> None:
    q, k, v = three(1, 16, 24, 16)
    f = same([q, k, v], [gx.softmax(scores(q, k)) @ v])
    assert lengths(f) == ["16"]


def test_the_number_of_chunks_may_be_open() -> None:
    q, k, v = three("b", 4, 24, 16)
    f = same([q, k, v], [gx.softmax(scores(q, k)) @ v])
    assert lengths(f) == ["4*b"]
    assert f(*(np.ones((0, 4, 24, 16), np.float32) for _ in range(3)))[0].shape == (0, 4, 24, 16)
    assert (
        f(*(np.ones((1, 4, 24, 16), np.float32) for _ in range(3)))[0].round(5).tolist()
        == np.ones((1, 4, 24, 16)).tolist()
    )


def test_a_step_that_has_nothing_to_do_with_a_group_comes_before_it() -> None:
    q, k, v = three(4, 8, 24, 16)
    x = gx.input("x", (5, 5))
    f = same([q, k, v, x], [gx.softmax(scores(q, k)) @ v, x @ x])
    assert [type(step) for step in f.program.steps] == [Contract, Loop]


@pytest.mark.parametrize("shape", [(2, 2, 16, 16), (40, 8)])
def test_small_arrays_and_large_operands_stay_as_they_are(shape: tuple[int, ...]) -> None:
    q, k, v = three(*shape)
    assert not loops(same([q, k, v], [gx.softmax(scores(q, k)) @ v]))


def test_heads_within_rows_of_time_are_not_walked() -> None:
    q, k, v = three(4, 64, 8 * 16)
    first, second, third = (gx.transpose(x.reshape(4, 64, 8, 16), (0, 2, 1, 3)) for x in (q, k, v))
    assert not loops(same([q, k, v], [gx.softmax(scores(first, second)) @ third]))


def test_dtypes_whose_products_are_not_made_in_tiles_stay_as_they_are() -> None:
    q, k, v = (gx.input(name, (4, 8, 24, 16), "complex64") for name in "qkv")
    assert not loops(same([q, k, v], [gx.exp(q @ k.mT) @ v]))
