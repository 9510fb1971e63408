"""Mistakes that habits from Python and from other libraries lead to, one function each, as in tests/mistakes.py.

Golden texts name the lines of this file: add at its end.
"""

import copy
import pickle
from typing import Any

import numpy as np

import graphc as gx


def operand_that_is_nothing() -> None:
    x = gx.input("x", (3,))
    nothing: Any = None
    x + nothing


def comparison_with_nothing() -> None:
    loss: Any = gx.exp(gx.input("x"))
    print(loss == None)  # noqa: E711


def integer_that_is_huge() -> None:
    gx.input("x") * 10**5000


def backward_as_elsewhere() -> None:
    loss: Any = gx.sum(gx.param("w", np.zeros(3)))
    loss.backward()


def method_that_is_a_function() -> None:
    x: Any = gx.input("x", (3,))
    x.max()


def value_as_elsewhere() -> None:
    loss: Any = gx.exp(gx.input("x"))
    loss.item()


def element_that_is_assigned() -> None:
    x: Any = gx.input("x", (3,))
    x[0] = 1.0


def element_that_is_searched() -> None:
    x: Any = gx.input("x", (3,))
    print(3.0 in x)


def node_in_a_list_of_nodes() -> None:
    x, y = gx.input("x", (3,)), gx.input("y", (3,))
    print(y in [x, y])


def number_in_a_format() -> None:
    loss = gx.exp(gx.input("loss"))
    print(f"loss {loss:.3f}")


def sum_by_numpy() -> None:
    x: Any = gx.input("x", ("batch", 3))
    np.sum(x, axis=0)


def array_of_nodes() -> None:
    x = gx.input("x", (3,))
    np.array([x, x])


def length_of_a_node() -> None:
    len(gx.input("x", ("batch", 3)))


def copy_of_a_parameter() -> None:
    w = gx.param("w", np.zeros(3))
    copy.deepcopy({"weights": [w]})


def pickle_of_a_node() -> None:
    pickle.dumps(gx.input("x", (3,)))


def pickle_of_a_compiled_function() -> None:
    x = gx.input("x")
    pickle.dumps(gx.compile([x], x + 1))


def value_of_an_input() -> None:
    x = gx.input("x", (3,))
    print(x.value)


def value_of_a_computed_node() -> None:
    y = gx.exp(gx.input("x", (3,)))
    y.value = np.zeros(3)


def loop_over_an_open_size() -> None:
    x = gx.input("x", ("batch", 3))
    for row in range(x.shape[0]):
        print(x[row])


def branch_on_an_open_size() -> None:
    x = gx.input("x", ("batch", 3))
    if x.shape[0] > 1:
        print("many")


def axis_that_is_a_float() -> None:
    axis: Any = 1.0
    gx.sum(gx.input("x", (2, 3)), axis=axis)


def gradient_of_a_function() -> None:
    x = gx.input("x")
    square: Any = lambda x: x * x  # noqa: E731
    gx.grad(square, x)


def gradient_of_several() -> None:
    w = gx.param("w", 1.0)
    losses: Any = [w * w, gx.exp(w)]
    gx.grad(losses, w)


def gradient_by_a_name() -> None:
    w = gx.param("w", 1.0)
    gx.grad(w * w, "w")


def gradient_in_the_wrong_order() -> None:
    w = gx.param("w", np.zeros(3))
    loss = gx.sum(w)
    gx.grad(w, loss)


def inputs_and_outputs_exchanged() -> None:
    x = gx.input("x", (3,))
    y = gx.exp(x)
    gx.compile(y, [x])


def parameter_as_an_input() -> None:
    w = gx.param("w", 1.0)
    gx.compile([w], w * 2)


def updates_that_are_a_list_of_nodes() -> None:
    w = gx.param("w", 1.0)
    updates: Any = [w]
    gx.compile([], None, updates=updates)


def updates_by_name() -> None:
    w = gx.param("w", 1.0)
    updates: Any = {"w": w * 2}
    gx.compile([], None, updates=updates)


def call_with_a_dict() -> None:
    x = gx.input("x")
    gx.compile([x], x + 1)({"x": 1.0})


def call_with_a_node() -> None:
    x = gx.input("x")
    gx.compile([x], x + 1)(x)


def call_with_an_option_of_elsewhere() -> None:
    x = gx.input("x")
    gx.compile([x], x + 1)(1.0, device="cuda")


def size_that_is_no_number() -> None:
    x = gx.input("x", ("batch", 3))
    f = gx.compile([x], gx.exp(x))
    batch: Any = "64"
    f.memory(batch=batch)


def dtype_as_a_shape() -> None:
    gx.input("x", "float32")


def parameter_made_of_a_node() -> None:
    x = gx.input("x", (3,))
    gx.param("w", x)


def evaluation_without_an_input() -> None:
    x = gx.input("x")
    gx.evaluate(x + 1)


def evaluation_by_name() -> None:
    x = gx.input("x")
    given: Any = {"x": 1.0}
    gx.evaluate(x + 1, given)


def seed_as_a_generator() -> None:
    seed: Any = 0
    gx.nn.Linear(3, 2, rng=seed)


def layer_of_a_float() -> None:
    width: Any = 3.0
    gx.nn.Linear(width, 2, rng=np.random.default_rng(0))


def view_of_a_name() -> None:
    gx.show("x")


def formula_of_a_vector() -> None:
    x = gx.input("x", (3,))
    gx.to_sympy(gx.sum(x))


def operand_of_a_function_that_is_nothing() -> None:
    nothing: Any = None
    gx.softmax(nothing, axis=0)


def masked_array_as_an_operand() -> None:
    gx.sum(np.ma.masked_array([1.0, 2.0], [True, False]))


def dtype_that_is_nothing() -> None:
    gx.exp(gx.input("x", (3,))).astype(None)


def pooling_window_that_is_a_float() -> None:
    window: Any = 2.0
    gx.max_pool(gx.input("x", (1, 3, 8, 8)), window)


def number_of_elements_that_is_a_float() -> None:
    k: Any = 2.0
    gx.topk(gx.input("x", (8,)), k)


def flag_that_is_a_text() -> None:
    keepdims: Any = "yes"
    gx.sum(gx.input("x", (2, 3)), 0, keepdims=keepdims)


def exchange_that_is_a_pair() -> None:
    x, y = gx.input("x"), gx.input("y")
    exchange: Any = (x, y)
    gx.replace(gx.exp(x), exchange)


def structure_that_holds_itself() -> None:
    outputs: Any = [gx.constant(1.0)]
    outputs.append(outputs)
    gx.evaluate(outputs)


def correction_that_is_an_array() -> None:
    correction: Any = np.array([0.0, 1.0])
    gx.var(gx.input("x", (4, 2)), 0, correction=correction)


def number_beyond_its_dtype() -> None:
    gx.input("x", (3,)) * 1e300


def extents_one_by_one() -> None:
    columns: Any = 3
    gx.zeros(2, columns)


def parts_one_by_one() -> None:
    x, y = gx.input("x", (3,)), gx.input("y", (3,))
    concat: Any = gx.concat
    concat(x, y)


def change_without_an_index() -> None:
    place: Any = gx.at(gx.input("x", (3,)))
    place.set(1.0)


def change_that_is_a_difference() -> None:
    place: Any = gx.at(gx.input("x", (3,)))[0]
    place.subtract(1.0)


def shape_that_is_assigned() -> None:
    x: Any = gx.input("x", (2, 3))
    x.shape = (6,)


def rows_of_different_length() -> None:
    gx.param("w", [[1.0], [2.0, 3.0]])


def step_that_is_zero() -> None:
    gx.arange(0, 5, 0)


def axes_of_einsum_by_number() -> None:
    x = gx.input("x", (2, 3))
    gx.einsum(x, [0, 1, 2])


def optimiser_of_nothing() -> None:
    gx.optim.Adam(gx.exp(gx.input("x")), 0.1)


def keyword_of_torch() -> None:
    sum_of: Any = gx.sum
    sum_of(gx.input("x", (2, 3)), dim=1, keepdim=True)


def keyword_of_numpy() -> None:
    spread: Any = gx.std
    spread(gx.input("x", (2, 3)), ddof=1)


def option_by_position() -> None:
    x, argmax = gx.input("x", (2, 3)), gx.argmax
    options: Any = (1, True)
    argmax(x, *options)


def split_that_leaves_a_rest_when_called() -> None:
    x = gx.input("x", ("n", 2))
    left, _ = gx.split(x, 2)
    gx.compile([x], left)(np.zeros((5, 2), np.float32))


def topk_of_too_few_when_called() -> None:
    x = gx.input("x", ("n",))
    largest, _ = gx.topk(x, 3)
    gx.compile([x], largest)(np.zeros(2, np.float32))


def size_by_position() -> None:
    x = gx.input("x", ("n",))
    f = gx.compile([x], gx.exp(x))
    sizes: Any = (3,)
    f.cost(*sizes)
