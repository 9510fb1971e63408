"""The same key gives the same numbers, whatever stands around, at every level, batched or not, of every backend."""

from collections.abc import Callable

import numpy as np
import pytest

import graphc as gx
from graphc.kernel.reference import interpret
from tests.case import Array
from tests.philox_reference import numbers_32

SHAPES = [(), (1,), (5,), (3, 4), (2, 3, 5), (0, 3), (70_001,), (9, 9_001)]

Draw = Callable[[gx.Node], gx.Node]

DRAWS: dict[str, Draw] = {
    "bits": lambda key: gx.random.bits(key, (7, 3)),
    "bits of 8": lambda key: gx.random.bits(key, 7, "uint8"),
    "bits of 16": lambda key: gx.random.bits(key, 7, "uint16"),
    "bits of 64": lambda key: gx.random.bits(key, (3, 5), "uint64"),
    "uniform": lambda key: gx.random.uniform(key, 9, low=2, high=5),
    "uniform f64": lambda key: gx.random.uniform(key, 9, "float64"),
    "uniform f16": lambda key: gx.random.uniform(key, 9, "float16"),
    "uniform bf16": lambda key: gx.random.uniform(key, 9, "bfloat16"),
    "normal": lambda key: gx.random.normal(key, (4, 5)),
    "truncated": lambda key: gx.random.truncated_normal(key, -1, 2, 9),
    "exponential": lambda key: gx.random.exponential(key, 9),
    "bernoulli": lambda key: gx.random.bernoulli(key, 0.3, 40),
    "gamma": lambda key: gx.random.gamma(key, 0.7, 9),
    "beta": lambda key: gx.random.beta(key, 2, np.full(9, 0.5, np.float32)),
    "categorical": lambda key: gx.random.categorical(key, np.zeros((3, 4), np.float32), 0, (5,)),
    "permutation": lambda key: gx.random.permutation(key, 12),
    "choice": lambda key: gx.random.choice(key, 100, (3, 4)),
    "choice without": lambda key: gx.random.choice(key, 20, 7, replace=False),
    "shuffle": lambda key: gx.random.shuffle(key, np.arange(12).reshape(3, 4), 1),
    "split": lambda key: gx.stack(gx.random.split(key, 3)),
    "fold_in": lambda key: gx.random.bits(gx.random.fold_in(key, 5), 3),
}
EVERY = pytest.mark.parametrize("draw", DRAWS.values(), ids=list(DRAWS))


def drawn(node: gx.Node, level: int = 2) -> Array:
    return np.asarray(gx.compile([], node, level=level)())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_element_i_is_word_i(shape: tuple[int, ...]) -> None:
    words = numbers_32(77, int(np.prod(shape))).reshape(shape)
    for level in (0, 1, 2):
        np.testing.assert_array_equal(drawn(gx.random.bits(gx.random.key(77), shape), level), words)


@EVERY
def test_levels_and_the_interpreter_agree(draw: Draw) -> None:
    key = gx.input("key", (), "uint64")
    seed = np.uint64(0x9E3779B97F4A7C15)
    results = []
    for level in (0, 1, 2):
        f = gx.compile([key], draw(key), level=level)
        (meant,), _ = interpret(f.program, [np.asarray(seed)], [], {}, f.constants)
        results += [np.asarray(f(seed)), meant]
    first, *others = results
    for other in others:
        if first.dtype.kind == "f":
            np.testing.assert_array_max_ulp(first, other, 4)
        else:
            np.testing.assert_array_equal(first, other)


@EVERY
def test_a_batch_is_a_loop_over_keys(draw: Draw) -> None:
    keys = gx.random.keys(gx.random.key(3), 5)
    every, batch = gx.compile([], [keys, gx.vmap(draw)(keys)])()
    for one, found in zip(every, batch, strict=True):
        np.testing.assert_array_equal(drawn(draw(gx.random.key(int(one)))), found)


def test_batches_nest_and_go_along_any_axis() -> None:
    keys = gx.random.keys(gx.random.key(3), (2, 6))
    nested = gx.vmap(gx.vmap(lambda key: gx.random.bits(key, 9)), 1, 2)(keys)
    every, batch = gx.compile([], [keys, nested])()
    assert batch.shape == (2, 9, 6)
    np.testing.assert_array_equal(batch[1, :, 4], numbers_32(int(every[1, 4]), 9))


def test_sizes_may_be_open() -> None:
    n, m = gx.size("n"), gx.size("m")
    f = gx.compile([n, m], gx.random.bits(gx.random.key(5), (n, 3, m)))
    for extents in ((1, 1), (2, 5), (40, 900), (0, 2)):
        found = f(*extents)
        np.testing.assert_array_equal(found.reshape(-1), numbers_32(5, found.size))


@pytest.mark.parametrize("shape", [(6, 5), (300, 700)], ids=str)
def test_what_reads_a_draw_in_another_order_reads_the_same(shape: tuple[int, int]) -> None:
    x = gx.input("x", shape[::-1], "uint32")
    bits = gx.random.bits(gx.random.key(1), shape)
    words = numbers_32(1, bits.type.size).reshape(shape).astype(np.uint32)  # type: ignore[union-attr, arg-type]
    zeros = np.zeros(shape[::-1], np.uint32)
    for node, wanted in (
        (x + bits.T, words.T),
        (x[1:, :1] + bits[:1, 1:].T, words[:1, 1:].T),
        (x[::-1] + gx.flip(bits.T, 0), words.T[::-1]),
        (x[0] + gx.sum(bits, 1), words.sum(1, dtype=np.uint64)),
    ):
        np.testing.assert_array_equal(gx.compile([x], node)(zeros), wanted)


def test_a_draw_is_part_of_the_kernel_that_uses_it() -> None:
    x = gx.input("x", ("batch", 64))
    kept = gx.random.bernoulli(gx.random.key(0), 0.9, x.shape)
    f = gx.compile([x], gx.where(kept, gx.tanh(x) / 0.9, 0.0))
    assert len(f.program.steps) == 1
    assert f.memory(batch=10_000).peak_bytes < 3_000_000  # of 2,560,000 bytes of x: what one block needs, and no mask


def test_a_block_of_rows_goes_on_where_the_last_one_ended() -> None:
    f = gx.compile([], gx.exp(gx.random.uniform(gx.random.key(8), (1000, 300))))
    wanted = np.exp(np.float32(2**-24) * (numbers_32(8, 300_000) >> np.uint64(8)).astype(np.float32))
    np.testing.assert_array_max_ulp(f().reshape(-1), wanted, 2)
