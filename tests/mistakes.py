"""Mistakes that users make, one function each; tests/test_errors.py keeps what they are told.

Golden texts name the lines of this file: add at its end.
"""

from typing import Any

import numpy as np

import graphc as gx


def matmul_with_inner_extents_that_differ() -> None:
    hidden = gx.tanh(gx.input("x", (32, 784)))
    weight = gx.param("weight", np.zeros((10, 784), np.float32))
    hidden @ weight


def add_of_shapes_that_do_not_fit() -> None:
    image, bias = gx.input("image", ("batch", 28, 28)), gx.param("bias", np.zeros(10))
    image + bias


def transpose_of_too_many_axes() -> None:
    x = gx.input("x", ("batch", 3))
    gx.transpose(x, (0, 2, 1))


def reshape_that_loses_elements() -> None:
    x = gx.input("x", (4, 6))
    x.reshape(5, -1)


def sum_over_an_axis_that_is_not_there() -> None:
    x = gx.input("x", ("batch", 3))
    gx.sum(x, axis=2)


def sizes_that_can_never_agree() -> None:
    n = gx.size("n")
    x, y = gx.input("x", (n,)), gx.input("y", (n + 1,))
    x * y


def sizes_that_disagree_when_called() -> None:
    x, y = gx.input("x", ("batch", 3)), gx.input("y", ("rows", 3))
    difference = x - y
    f = gx.compile([x, y], difference)
    f(np.zeros((4, 3), np.float32), np.zeros((5, 3), np.float32))


def one_size_with_two_values() -> None:
    x, t = gx.input("x", ("batch", 3)), gx.input("t", ("batch",), "int64")
    f = gx.compile([x, t], gx.take_along_axis(x, t.reshape(-1, 1), 1))
    f(np.zeros((4, 3), np.float32), np.zeros(5, np.int64))


def array_of_another_shape() -> None:
    x = gx.input("x", ("batch", 784))
    gx.compile([x], gx.exp(x))(np.zeros((4, 28, 28), np.float32))


def array_that_would_be_narrowed() -> None:
    x = gx.input("x", (3,))
    gx.compile([x], gx.exp(x))(np.zeros(3))


def unknown_dtype() -> None:
    gx.input("x", (3,), "float23")


def complex_number_as_a_float() -> None:
    z = gx.input("z", (3,), "complex64")
    z.astype("float32")


def order_of_complex_numbers() -> None:
    z = gx.input("z", (3,), "complex64")
    gx.max(gx.where(z > 0, z, 0))


def gradient_of_a_complex_number() -> None:
    z = gx.input("z", (3,), "complex128")
    gx.grad(gx.sum(z * z), z)


def gradient_of_an_integer() -> None:
    count = gx.input("count", (), "int64")
    gx.grad(count * 2.0, count)


def gradient_of_a_vector() -> None:
    x = gx.input("x", ("batch",))
    gx.grad(gx.exp(x), x)


def gradient_by_what_is_not_used() -> None:
    x, y = gx.input("x"), gx.input("y")
    loss = gx.exp(x)
    gx.grad(loss, {"x": x, "y": y})


def gradient_through_a_comparison() -> None:
    x = gx.input("x", (3,))
    hits = gx.sum((x > 0).astype("float32"))
    gx.grad(hits, x)


def missing_argument() -> None:
    x, rate = gx.input("x"), gx.input("rate")
    f = gx.compile([x, rate], x * rate)
    f(1.0)


def extra_argument() -> None:
    x = gx.input("x")
    f = gx.compile([x], x * x)
    f(1.0, 2.0)


def misspelt_argument() -> None:
    x, rate = gx.input("x"), gx.input("rate")
    f = gx.compile([x, rate], x * rate)
    f(1.0, raet=0.1)


def argument_given_twice() -> None:
    x = gx.input("x")
    gx.compile([x], x * x)(1.0, x=2.0)


def index_that_is_out_of_range() -> None:
    table, rows = gx.param("table", np.zeros((10, 3))), gx.input("rows", ("k",), "int64")
    found = gx.take(table, rows, axis=0)
    gx.compile([rows], found)(np.array([0, 3, 10]))


def index_of_a_slice_that_is_out_of_range() -> None:
    x = gx.input("x", (5, 3))
    x[5]


def node_as_a_condition() -> None:
    x = gx.input("x")
    if x > 0:
        print("positive")


def numpy_function_of_a_node() -> None:
    x = gx.input("x", (3,))
    np.exp(x)


def loop_over_a_node() -> None:
    x = gx.input("x", (3,))
    list(x)


def float_of_a_node() -> None:
    x = gx.input("x")
    float(x)


def selection_by_a_boolean() -> None:
    x = gx.input("x", ("n",))
    x[x > 0]


def update_of_another_shape() -> None:
    w = gx.param("w", np.zeros((3, 4)))
    gx.compile([], None, updates={w: gx.sum(w, 0)})


def update_of_another_dtype() -> None:
    count = gx.state("count", 0)
    gx.compile([], None, updates={count: count * 0.5})


def update_of_an_input() -> None:
    x = gx.input("x")
    gx.compile([x], None, updates={x: x + 1})


def update_made_twice() -> None:
    w = gx.param("w", 0.0)
    gx.compile([], None, updates=[{w: w + 1}, {w: w + 2}])


def two_inputs_of_one_name() -> None:
    x, y = gx.input("x"), gx.input("x")
    gx.compile([x, y], x + y)


def two_parameters_of_one_name() -> None:
    one, other = gx.param("w", 0.0), gx.param("w", 1.0)
    gx.parameters(one + other)


def input_that_is_not_listed() -> None:
    x, y = gx.input("x"), gx.input("y")
    total = x + y
    gx.compile([x], total)


def input_that_is_a_computed_node() -> None:
    x = gx.input("x")
    gx.compile([x * 2], x)


def output_that_is_an_array() -> None:
    x = gx.input("x")
    gx.compile([x], [x, np.zeros(3)])


def value_of_another_shape() -> None:
    w = gx.param("w", np.zeros((3, 4)))
    w.value = np.zeros((4, 3))


def value_that_would_be_narrowed() -> None:
    count = gx.state("count", np.int8(0))
    count.value = 300


def list_in_arithmetic() -> None:
    x = gx.input("x", (3,))
    numbers: Any = [1.0, 2.0, 3.0]
    x + numbers


def condition_that_is_no_bool() -> None:
    x = gx.input("x", (3,))
    gx.where(x, x, -x)


def name_that_is_empty() -> None:
    gx.input("", (3,))


def extent_that_is_negative() -> None:
    gx.input("x", (-1, 3))


def hostile_names() -> None:
    evil = 'x"""\n__import__("os").abort()\x1b[31m\r{}'
    x, y = gx.input(evil, (evil, 3)), gx.input("y", (evil, 4))
    with gx.scope(evil):
        x + y


def half_spectrum_of_complex_numbers() -> None:
    z = gx.input("z", ("batch", 8), "complex64")
    gx.fft.rfft(z)


def transform_of_no_elements() -> None:
    x = gx.input("x", ("batch", 8))
    gx.fft.fft(x, n=0)


def transform_of_no_elements_when_called() -> None:
    x = gx.input("x", ("batch", "samples"))
    f = gx.compile([x], gx.fft.rfft(x))
    f(np.zeros((3, 0), np.float32))


def half_spectrum_of_one_number() -> None:
    z = gx.input("z", ("batch", 1), "complex64")
    gx.fft.irfft(z)


def transform_along_an_axis_that_is_not_there() -> None:
    x = gx.input("x", ("batch", 8))
    gx.fft.fft2(x, axes=(1, 2))


def norm_that_is_unknown() -> None:
    x = gx.input("x", ("batch", 8))
    norm: Any = "unitary"
    gx.fft.fft(x, norm=norm)


def extents_of_a_transform_that_are_one_number() -> None:
    x = gx.input("x", ("batch", 8))
    extents: Any = 8
    gx.fft.fft2(x, extents)


def length_of_a_transform_that_is_a_pair() -> None:
    x = gx.input("x", ("batch", 8))
    n: Any = (8, 8)
    gx.fft.fft(x, n)


def third_layer_that_is_one_too_narrow() -> None:
    rng = np.random.default_rng(0)
    first, second = gx.nn.Linear(8, 16, rng=rng), gx.nn.Linear(16, 16, rng=rng)
    third = gx.nn.Linear(15, 4, rng=rng)
    net = gx.nn.Sequential(first, gx.relu, second, gx.relu, third)
    net(gx.input("x", ("batch", 8)))


def layer_of_a_model_that_is_one_too_narrow() -> None:
    rng = np.random.default_rng(0)
    hidden, out = gx.nn.Linear(8, 16, rng=rng), gx.nn.Linear(15, 4, rng=rng)
    x = gx.input("x", ("batch", 8))
    with gx.scope("head"):
        out(gx.relu(hidden(x)))


def index_of_an_embedding_that_is_out_of_range() -> None:
    table, words = gx.param("table", np.zeros((10, 3))), gx.input("words", ("batch", 5), "int64")
    f = gx.compile([words], gx.embedding(table, words))
    f(np.full((2, 5), 10))


def window_that_is_larger_than_an_image() -> None:
    image = gx.input("image", ("batch", 3, 8, 8))
    gx.max_pool(image, 9)


def window_that_is_larger_than_an_image_when_called() -> None:
    image = gx.input("image", (1, 3, "height", 8))
    kernel = gx.param("kernel", np.zeros((4, 3, 3, 3), np.float32))
    f = gx.compile([image], gx.conv2d(image, kernel))
    f(np.zeros((1, 3, 2, 8), np.float32))


def stride_of_a_convolution_that_is_zero() -> None:
    image, kernel = gx.input("image", (1, 3, 8, 8)), gx.param("kernel", np.zeros((4, 3, 3, 3), np.float32))
    gx.conv2d(image, kernel, stride=0)


def number_that_an_integer_cannot_be() -> None:
    pixels = gx.input("pixels", ("n",), "uint8")
    gx.clip(pixels + 300, 0, 255)


def values_that_do_not_fit_where_they_are_set() -> None:
    x, row = gx.input("x", (4, 3)), gx.input("row", (4,))
    gx.at(x)[0].set(row)


def draw_with_a_seed_instead_of_a_key() -> None:
    gx.random.normal(42, (3,))


def draw_with_several_keys() -> None:
    keys = gx.random.keys(gx.random.key(0), 4)
    gx.random.uniform(keys, (3,))


def seed_that_is_a_float() -> None:
    gx.random.key(0.5)


def probability_above_one() -> None:
    gx.random.bernoulli(gx.random.key(0), 1.5, (3,))


def draw_of_a_negative_extent() -> None:
    gx.random.normal(gx.random.key(0), (3, -1))


def draw_of_integers_by_a_distribution_of_floats() -> None:
    gx.random.uniform(gx.random.key(0), (3,), "int32")


def more_different_ones_than_there_are() -> None:
    gx.random.choice(gx.random.key(0), 3, (2, 2), replace=False)


def probabilities_that_do_not_add_up() -> None:
    gx.random.choice(gx.random.key(0), 3, p=np.array([0.5, 0.5, 0.5]))


def key_that_is_used_twice() -> None:
    key = gx.input("key", (), "uint64")
    noise = gx.random.normal(key, (3,))
    kept = gx.random.bernoulli(key, 0.5, (3,))
    gx.compile([key], gx.where(kept, noise, 0.0), reused_keys="raise")


def shape_of_gamma_that_is_not_positive() -> None:
    gx.random.gamma(gx.random.key(0), -1.0, (3,))


def dropout_that_is_told_true() -> None:
    x = gx.input("x", ("batch", 3))
    gx.nn.Dropout(0.5)(x, train=True)


def budget_that_is_too_small() -> None:
    x, w = gx.input("x", (64, 64)), gx.param("w", np.zeros((64, 64), np.float32))
    gx.compile([x], gx.grad(gx.sum(gx.tanh(x @ w)), w), memory="1KB")


def budget_in_words() -> None:
    x = gx.input("x", (3,))
    gx.compile([x], gx.exp(x), memory="half of it")


def budget_in_a_unit_that_is_none() -> None:
    x = gx.input("x", (3,))
    gx.compile([x], gx.exp(x), memory="200m")


def budget_of_half_a_byte() -> None:
    x = gx.input("x", (3,))
    gx.compile([x], gx.exp(x), memory=1.5)


def precision_by_the_name_of_a_dtype() -> None:
    x, precision = gx.input("x", (3, 3)), "bfloat16"
    gx.compile([x], x @ x, precision=precision)  # type: ignore[arg-type]


def precision_that_is_a_class() -> None:
    x, precision = gx.input("x", (3, 3)), np.float16
    gx.compile([x], x @ x, precision=precision)  # type: ignore[arg-type]


def region_of_no_function() -> None:
    steps: Any = 3
    gx.checkpoint(steps)


def plan_as_a_photograph() -> None:
    x = gx.input("x", ("n", 3))
    gx.compile([x], gx.exp(x)).memory(n=3).plot("plan.png")


def scale_that_is_no_number() -> None:
    gx.optim.LossScale(float("nan"))
