"""Mistakes that users make with loops and branches; tests/test_errors.py keeps what they are told.

Golden texts name the lines of this file: add at its end.
"""

from typing import Any

import numpy as np

import graphc as gx


def carry_that_becomes_wider() -> None:
    h, xs = gx.input("h", (4,)), gx.input("xs", ("time", 4), "float64")

    def step(h: gx.Node, x: gx.Node) -> Any:
        total = h + x
        return total, None

    gx.scan(step, h, xs)


def carry_that_starts_as_an_integer() -> None:
    xs = gx.input("xs", ("time",))
    gx.scan(lambda total, x: (total + x, None), 0, xs)


def carry_that_grows() -> None:
    h, xs = gx.zeros(4), gx.input("xs", ("time", 3, 4))
    gx.scan(lambda h, x: (h + x, None), h, xs)


def carry_of_many_that_becomes_shorter() -> None:
    start = {"h": gx.zeros(4), "c": gx.zeros(4)}
    gx.scan(lambda s, _: ({"h": s["h"] + s["c"], "c": s["c"][1:]}, None), start, length=3)


def carry_that_loses_a_part() -> None:
    start = {"h": gx.zeros(4), "c": gx.zeros(4)}
    gx.scan(lambda s, _: ({"h": s["h"] + s["c"]}, None), start, length=3)


def carry_that_becomes_a_pair() -> None:
    gx.scan(lambda h, _: ((h, h), None), gx.zeros(4), length=3)


def carry_of_another_size_when_called() -> None:
    h, xs = gx.input("h", ("width",)), gx.input("xs", ("time", "depth"))
    last, _ = gx.scan(lambda h, x: (x, None), h, xs)
    f = gx.compile([h, xs], last)
    f(np.zeros(3, np.float32), np.zeros((2, 4), np.float32))


def body_that_gives_no_output() -> None:
    xs = gx.input("xs", ("time", 4))
    gx.scan(lambda h, x: h + x, gx.zeros(4), xs)


def body_that_gives_nothing() -> None:
    xs = gx.input("xs", ("time", 4))
    gx.scan(lambda h, x: None, gx.zeros(4), xs)  # type: ignore[arg-type, return-value]


def sequences_of_different_length() -> None:
    xs, ts = gx.input("xs", (5, 4)), gx.input("ts", (6, 4))
    gx.scan(lambda h, row: (h + row["x"] * row["t"], None), gx.zeros(4), {"x": xs, "t": ts})


def sequence_of_another_length_than_said() -> None:
    xs = gx.input("xs", (5, 4))
    gx.scan(lambda h, x: (h + x, None), gx.zeros(4), xs, length=6)


def sequences_of_different_length_when_called() -> None:
    xs, ts = gx.input("xs", ("time", 4)), gx.input("ts", ("steps", 4))
    last, _ = gx.scan(lambda h, row: (h + row["x"] * row["t"], None), gx.zeros(4), {"x": xs, "t": ts})
    f = gx.compile([xs, ts], last)
    f(np.zeros((5, 4), np.float32), np.zeros((6, 4), np.float32))


def sequence_that_is_a_number() -> None:
    x = gx.input("x")
    gx.scan(lambda h, x: (h + x, None), 0.0, x)


def loop_without_a_length() -> None:
    gx.scan(lambda h, _: (2 * h, None), 1.0)


def length_that_is_an_open_size_and_too_small() -> None:
    x = gx.input("x", ("n",))
    _, powers = gx.scan(lambda h, _: (2 * h, h), gx.sum(x), length=x.shape[0] - 3)
    gx.compile([x], powers)(np.zeros(2, np.float32))


def value_of_a_step_that_is_used_after_the_loop() -> None:
    xs, states = gx.input("xs", ("time", 4)), list[gx.Node]()

    def step(h: gx.Node, x: gx.Node) -> Any:
        states.append(gx.tanh(h + x))
        return states[-1], None

    gx.scan(step, gx.zeros(4), xs)
    loss = gx.sum(states[0])
    gx.compile([xs], loss)


def gradient_of_a_value_of_a_step() -> None:
    w, states = gx.param("w", 2.0), list[gx.Node]()

    def step(h: gx.Node) -> Any:
        states.append(w * h)
        return states[-1]

    gx.while_loop(lambda h: h < 9, step, 1.0, max_steps=9)
    slope = gx.grad(states[0], w)
    gx.evaluate(slope)


def value_of_a_step_that_is_used_in_another_loop() -> None:
    xs, totals = gx.input("xs", ("time", 4)), list[gx.Node]()

    def step(h: gx.Node, x: gx.Node) -> Any:
        totals.append(h + x)
        return totals[-1], None

    gx.scan(step, gx.zeros(4), xs)
    again, _ = gx.scan(lambda h, x: (h + x * totals[0], None), gx.zeros(4), xs)
    gx.compile([xs], again)


def value_of_one_place_that_is_used_outside() -> None:
    xs, seen = gx.input("xs", ("batch", 4)), list[gx.Node]()

    def loss(x: gx.Node) -> gx.Node:
        seen.append(gx.exp(x))
        return gx.sum(seen[-1])

    gx.vmap(loss)(xs)
    gx.compile([xs], seen[0])


def loop_that_never_ends() -> None:
    x = gx.input("x")
    y = gx.while_loop(lambda x: x > 0, lambda x: 0.5 * x, x, max_steps=20)
    gx.compile([x], y)(1.0)


def gradient_through_a_loop_without_a_limit() -> None:
    x = gx.input("x")
    y = gx.while_loop(lambda y: y < 100, lambda y: y * y, x)
    gx.grad(y, x)


def gradient_through_a_loop_to_a_computed_bound() -> None:
    n, x = gx.input("n", (), "int64"), gx.input("x")
    y = gx.fori_loop(0, n, lambda i, y: y * x, 1.0)
    gx.grad(y, x)


def condition_of_a_loop_that_is_a_number() -> None:
    gx.while_loop(lambda n: n - 1, lambda n: n - 1, gx.input("n", (), "int64"))


def condition_of_a_loop_that_is_many() -> None:
    x = gx.input("x", (3,))
    gx.while_loop(lambda x: x < 9, lambda x: 2 * x, x)


def body_of_a_while_loop_that_gives_nothing() -> None:
    states: list[gx.Node] = []
    gx.while_loop(lambda x: x < 9, lambda x: states.append(2 * x), gx.input("x"))


def bound_that_is_a_float() -> None:
    gx.fori_loop(0, 2.5, lambda i, x: x + i, 0)


def branch_of_another_dtype() -> None:
    x = gx.input("x", (4,))
    gx.cond(gx.sum(x) > 0, lambda: x, lambda: x.astype("float64"))


def branch_of_another_shape() -> None:
    x = gx.input("x", (4,))
    gx.cond(gx.sum(x) > 0, gx.sum, lambda x: x, x)


def branch_of_another_form() -> None:
    x = gx.input("x", (4,))
    gx.cond(gx.sum(x) > 0, lambda: {"y": x, "z": -x}, lambda: {"y": x})


def branch_of_a_switch_of_another_shape() -> None:
    kind, x = gx.input("kind", (), "int64"), gx.input("x", (4, 4))
    gx.switch(kind, [gx.exp, gx.sin, lambda x: x[0]], x)


def branch_of_another_size_when_called() -> None:
    x, y = gx.input("x", ("n",)), gx.input("y", ("m",))
    chosen = gx.cond(gx.sum(x) > 0, lambda: x, lambda: y)
    gx.compile([x, y], chosen)(np.ones(3, np.float32), np.ones(4, np.float32))


def branch_that_is_not_there() -> None:
    kind, x = gx.input("kind", (), "int64"), gx.input("x", (4,))
    chosen = gx.switch(kind, [gx.exp, gx.sin], x)
    gx.compile([kind, x], chosen)(2, np.ones(4, np.float32))


def condition_of_a_branch_that_is_many() -> None:
    x = gx.input("x", (3,))
    gx.cond(x > 0, lambda: x, lambda: -x)


def condition_of_a_branch_that_is_a_number() -> None:
    x = gx.input("x")
    gx.cond(x, lambda: x, lambda: -x)


def index_of_a_switch_that_is_a_float() -> None:
    gx.switch(gx.input("kind"), [gx.exp, gx.sin], 1.0)


def update_in_a_loop() -> None:
    xs, calls = gx.input("xs", ("time",)), gx.state("calls", 0)

    def step(h: gx.Node, x: gx.Node) -> Any:
        counted = gx.with_update(h + x, calls, lambda old: old + 1)
        return counted, None

    gx.scan(step, gx.zeros(()), xs)


def update_in_a_branch() -> None:
    x, calls = gx.input("x"), gx.state("calls", 0)
    gx.cond(x > 0, lambda: gx.with_update(x, calls, lambda old: old + 1), lambda: x)


def segment_of_no_steps() -> None:
    xs: Any = gx.input("xs", ("time",))
    gx.scan(lambda h, x: (h + x, None), gx.zeros(()), xs, checkpoint=0)


def checkpoint_of_an_unknown_kind() -> None:
    xs, kind = gx.input("xs", ("time",)), "log"
    gx.scan(lambda h, x: (h + x, None), gx.zeros(()), xs, checkpoint=kind)  # type: ignore[arg-type]
