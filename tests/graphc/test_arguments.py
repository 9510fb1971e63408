"""Numbers, arrays of every layout, and sizes: what a call accepts, and what it refuses before anything has run."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import graphc as gx

Array = npt.NDArray[Any]  # Any: arrays of several dtypes


# Python numbers, and casts.


@pytest.mark.parametrize(
    "dtype", ["float16", "bfloat16", "float32", "float64", "int8", "uint8", "int64", "uint64", "bool"]
)
def test_python_numbers_adopt_the_dtype(dtype: str) -> None:
    x = gx.input("x", (), dtype)
    found = gx.compile([x], x)(True if dtype == "bool" else 1)
    assert (found.dtype, found) == (dtype, 1)


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("int8", 128),
        ("uint8", -1),
        ("int32", 1.5),
        ("int32", 1.0),
        ("bool", 1),
        ("float32", 1e300),
        ("float32", 1j),
        ("int64", 2**70),
        ("float32", "1"),
        ("float32", None),
        ("float32", np.zeros((), np.int64)),
        ("float32", np.zeros((), np.float64)),
        ("int64", np.zeros((), np.uint64)),
        ("int32", np.int64(1)),
        ("float32", np.array(None)),
        ("int64", np.datetime64("2020-01-01")),
        ("float32", np.ma.masked_array(1.0, True)),
    ],
    ids=str,
)
def test_what_would_lose_something_is_refused(dtype: str, value: object) -> None:
    x = gx.input("x", (), dtype)
    with pytest.raises(gx.DTypeError, match="input 'x' is"):
        gx.compile([x], x)(value)


@pytest.mark.parametrize(
    ("dtype", "array"),
    [
        ("float64", np.ones(3, np.float32)),
        ("float64", np.ones(3, np.int32)),
        ("float32", np.ones(3, np.int16)),
        ("float32", np.ones(3, bool)),
        ("int64", np.ones(3, np.uint32)),
        ("float32", [1, 1, 1]),
        ("float32", (1.0, True, 1)),
        ("uint8", [1, 1, 1]),
    ],
    ids=str,
)
def test_safe_casts_are_made(dtype: str, array: object) -> None:
    x = gx.input("x", 3, dtype)
    found = gx.compile([x], x)(array)
    assert (found.dtype, found.tolist()) == (dtype, [1, 1, 1])


def test_lists_that_are_no_array_are_refused() -> None:
    x = gx.input("x", ("n", "m"))
    with pytest.raises(gx.ShapeError, match="input 'x' is no array"):
        gx.compile([x], x)([[1.0], [1.0, 2.0]])


def test_a_node_is_no_argument() -> None:
    x = gx.input("x")
    with pytest.raises(gx.ArgumentError, match=r"given a node"):
        gx.compile([x], x)(x)


def test_weak_numbers_adopt_the_dtype_they_meet() -> None:
    found = {}
    for dtype in ("float16", "float64", "int8", "uint8"):
        x = gx.input("x", (), dtype)
        found[dtype] = str((x * 2 + 1).dtype)
        assert str((x * 2.5).dtype) == (dtype if "float" in dtype else "float32")
    assert found == {dtype: dtype for dtype in found}


def test_a_weak_integer_that_does_not_fit_is_refused() -> None:
    x = gx.input("x", (), "uint8")
    for number in (300, -1):
        with pytest.raises(gx.DTypeError, match="does not fit into uint8"):
            x + number


def test_a_size_adopts_the_dtype_it_meets() -> None:
    x = gx.input("x", ("n",), "float16")
    assert (x * x.shape[0]).dtype == np.float16


# Layouts.


def plain(x: Array) -> Array:
    return x


def read_only(x: Array) -> Array:
    x = x.copy()
    x.flags.writeable = False
    return x


def unaligned(x: Array) -> Array:
    memory = np.zeros(x.nbytes + 1, np.uint8)
    moved = memory[1:].view(x.dtype).reshape(x.shape)
    moved[...] = x
    assert not moved.flags.aligned
    return moved


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "plain": plain,
    "read-only": read_only,
    "Fortran order": np.asfortranarray,
    "strided": lambda x: np.repeat(x, 2, 1)[:, ::2],
    "negative strides": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "byte-swapped": lambda x: x.astype(x.dtype.newbyteorder()),
    "unaligned": unaligned,
    "subclass": lambda x: x.view(type("Mine", (np.ndarray,), {})),
    "repeated": lambda x: np.broadcast_to(x[:1], x.shape),
    "nested lists": lambda x: x.tolist(),
}


@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_of_every_layout_are_read_and_never_written(layout: str, level: int) -> None:
    x = gx.input("x", ("n", 3))
    y = gx.exp(x) - gx.flip(x) * 2
    f = gx.compile([x], [y, x.reshape(-1), gx.grad(gx.sum(y * y), x)], level=level)
    array = np.arange(12, dtype=np.float32).reshape(4, 3) / 7
    given = LAYOUTS[layout](array)
    before = np.array(given, np.float32)
    expected, found = f(before.copy()), f(given)
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)
        assert type(other) is np.ndarray
    np.testing.assert_array_equal(before, given)


@pytest.mark.parametrize("level", [0, 2])
def test_inputs_that_overlap_each_other(level: int) -> None:
    x, y = gx.input("x", ("n",)), gx.input("y", ("n",))
    f = gx.compile([x, y], [gx.exp(x) + y, gx.cumsum(x, 0) * y], level=level)
    memory = np.arange(6, dtype=np.float32)
    expected = f(memory[:5].copy(), memory[1:].copy())
    found = f(memory[:5], memory[1:])
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)
    assert memory.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize(("n", "m"), [(0, 3), (3, 0), (0, 0), (1, 1)])
def test_arrays_without_elements(n: int, m: int, level: int) -> None:
    x, w = gx.input("x", ("n", "m"), "float64"), gx.input("w", ("m", 2), "float64")
    hidden = gx.tanh(x @ w)
    outputs = [hidden, gx.sum(x, 0), gx.prod(x, 1), gx.cumsum(x, 1), gx.concat((x, x), 0), gx.softmax(hidden, 1)]
    outputs += gx.grad(gx.sum(hidden * hidden), [x, w])
    rng = np.random.default_rng(0)
    X, W = rng.standard_normal((n, m)), rng.standard_normal((m, 2))
    found = gx.compile([x, w], outputs, level=level)(X, W)
    H = np.tanh(X @ W)
    G = 2 * H * (1 - H * H)
    E = np.exp(H)
    expected = [
        H,
        X.sum(0),
        X.prod(1),
        X.cumsum(1),
        np.concatenate((X, X)),
        E / E.sum(1, keepdims=True),
        G @ W.T,
        X.T @ G,
    ]
    for one, other in zip(expected, found, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(other, one)


# The caller's settings.


def test_calls_do_not_depend_on_how_the_caller_treats_floating_point_errors() -> None:
    x, w = gx.input("x", ("n",)), gx.param("w", np.float32(3))
    y = gx.log(x) / x + gx.exp(1000 * x) + gx.sqrt(-x)
    integer = (x / 0).astype("int32")
    f = gx.compile([x], [y, gx.mean(x), integer], updates={w: gx.sum(y)})
    array = np.array([-1, 0, 1, 1e38], np.float32)
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        f(array)
        f(array[:0])
        w.value = 1e30
        assert np.geterr()["over"] == "raise"
    assert np.geterr()["over"] == "warn"


# Sizes.


def test_every_kind_of_size() -> None:
    n = gx.size("n")
    x, y = gx.input("x", (n, 3), "float64"), gx.input("y", (2 * n + 1,), "float64")
    outputs = {
        "mean": gx.mean(x, 0),
        "mean of all": gx.mean(y),
        "flat": x.reshape(-1),
        "wide": x.reshape(3, -1),
        "half": y[n // 2 :],
        "every other": y[::2],
        "last": y[-n - 1 :],
        "middle": y[1:].reshape(n, 2),
        "size": gx.constant(n * n),
        "scaled": x * n,
        "pooled": gx.sum(x * y[:n].reshape(n, 1)),
    }
    f = gx.compile([y, x], outputs)
    rng = np.random.default_rng(0)
    for k in (1, 2, 3, 4, 7):
        X, Y = rng.standard_normal((k, 3)), rng.standard_normal(2 * k + 1)
        found = f(Y, X)
        expected = {
            "mean": X.mean(0),
            "mean of all": Y.mean(),
            "flat": X.reshape(-1),
            "wide": X.reshape(3, -1),
            "half": Y[k // 2 :],
            "every other": Y[::2],
            "last": Y[-k - 1 :],
            "middle": Y[1:].reshape(k, 2),
            "size": k * k,
            "scaled": X * k,
            "pooled": (X * Y[:k].reshape(k, 1)).sum(),
        }
        for name, value in expected.items():
            assert np.shape(found[name]) == np.shape(value), name
            np.testing.assert_allclose(found[name], value, err_msg=name)
    assert f.compile_count == 1


def test_mean_over_a_size_and_its_gradient() -> None:
    x = gx.input("x", ("n", "m"), "float64")
    y = gx.mean(x * x)
    f = gx.compile([x], [y, gx.grad(y, x), gx.var(x)])
    for shape in [(2, 3), (5, 1)]:
        X = np.random.default_rng(0).standard_normal(shape)
        value, slope, variance = f(X)
        np.testing.assert_allclose(value, (X * X).mean())
        np.testing.assert_allclose(slope, 2 * X / X.size)
        np.testing.assert_allclose(variance, X.var())


@pytest.mark.parametrize("level", [0, 2])
def test_extents_of_a_convolution(level: int) -> None:
    x = gx.input("x", ("batch", 2, "height", "width"), "float64")
    w = gx.input("w", (3, 2, 3, 2), "float64")
    y = gx.conv2d(x, w, stride=2, padding=1)
    f = gx.compile([x, w], [y, gx.grad(gx.sum(y * y), x)], level=level)
    rng = np.random.default_rng(0)
    for b, h, v in [(1, 5, 6), (2, 6, 5), (3, 3, 2)]:
        X, W = rng.standard_normal((b, 2, h, v)), rng.standard_normal((3, 2, 3, 2))
        padded = np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 2), (2, 3))[:, :, ::2, ::2]
        found, slope = f(X, W)
        np.testing.assert_allclose(found, np.einsum("bcijkl,ockl->boij", windows, W), atol=1e-12)
        assert slope.shape == X.shape


def test_a_size_is_given_as_an_input() -> None:
    n, x = gx.size("n"), gx.input("x", (10,))
    f = gx.compile([x, n], [x[n:], x[:n], gx.iota(n), gx.constant(n)])
    array = np.arange(10, dtype=np.float32)
    for k in (0, 3, 10):
        tail, head, counted, size = f(array, k)
        assert (tail.tolist(), head.tolist()) == (array[k:].tolist(), array[:k].tolist())
        assert (counted.tolist(), size) == (list(range(k)), k)
    assert f(array, n=2)[3] == f(n=np.int8(2), x=array)[3] == 2
    assert f.compile_count == 1


@pytest.mark.parametrize("value", [-1, 2.0, True, None, np.ones(1)], ids=str)
def test_a_size_is_a_number_that_is_not_negative(value: object) -> None:
    n = gx.size("n")
    with pytest.raises(gx.ArgumentError, match="the size 'n' is a number >= 0"):
        gx.compile([n], gx.constant(n))(value)


def test_a_size_in_a_structure() -> None:
    n, x = gx.size("n"), gx.input("x", ("n",))
    f = gx.compile([{"x": [x], "n": n}, gx.size("unused")], gx.sum(x) + n)
    assert f({"n": 2, "x": [[1.0, 1.0]]}, 5) == 4
    with pytest.raises(gx.ShapeError, match=r"axis 0 has 2, but n is 3 \(as given\)"):
        f({"n": 3, "x": [[1.0, 1.0]]}, 5)


def test_a_size_that_nothing_tells_is_refused_when_compiled() -> None:
    x = gx.input("x", (2 * gx.size("n"),))
    with pytest.raises(gx.ArgumentError, match="the size 'n' cannot be read from the shape of any input"):
        gx.compile([x], gx.sum(x))


def test_sizes_that_were_not_decided_are_checked_at_the_call() -> None:
    x, y = gx.input("x", ("n",)), gx.input("y", ("m",))
    total = x + y
    f = gx.compile([x, y], total)
    assert f([1, 2], [3, 4]).tolist() == [4, 6]
    with pytest.raises(gx.ShapeError, match="add: extents differ along axis 0, n = 3 and m = 1") as caught:
        f([1, 2, 3], [3])
    assert "total = x + y" in str(caught.value)
    assert f([1], [3]).tolist() == [4]


def test_memory_is_asked_by_size() -> None:
    x = gx.input("x", ("batch", 4))
    f = gx.compile([x], gx.softmax(gx.exp(x) @ np.ones((4, 4), np.float32), 1))
    assert f.memory(batch=20).output_bytes == 20 * 4 * 4
    assert f.memory(batch=0).output_bytes == 0
    with pytest.raises(gx.ArgumentError, match="no size is named 'bach'"):
        f.memory(bach=3)
    with pytest.raises(gx.ArgumentError, match="the size 'batch' is missing"):
        f.memory()


def test_a_list_that_holds_itself_is_refused() -> None:
    endless: list[object] = []
    endless += [endless, endless]
    x = gx.input("x", (3,))
    for wrong in (
        lambda: gx.compile([x], endless),
        lambda: gx.compile([endless], x),
        lambda: gx.grad(gx.sum(x), endless),
    ):
        with pytest.raises(gx.ArgumentError, match="does one hold itself") as caught:
            wrong()
        assert "test_arguments.py" in str(caught.value)


def test_a_dict_of_inputs_is_given_by_its_keys_or_as_a_dict() -> None:
    x, y = gx.input("x", (2,)), gx.input("y", (2,))
    f = gx.compile({"left": x, "pair": {"y": y}}, x - y)
    a, b = np.array([5, 6], np.float32), np.array([1, 2], np.float32)
    for found in (f(left=a, pair={"y": b}), f({"left": a, "pair": {"y": b}}), f(a, {"y": b}), f(a, pair={"y": b})):
        assert found.tolist() == [4, 4]
    with pytest.raises(gx.ArgumentError, match="no input is named 'right'; this function takes 2: left, pair"):
        f(a, right=b)
    with pytest.raises(gx.ArgumentError, match="the input 'pair' is missing"):
        f({"left": a})
    with pytest.raises(gx.ArgumentError, match="a dict of inputs has their names as keys"):
        gx.compile({1: x}, x)


def test_no_input_is_named_as_the_keyword_of_outputs() -> None:
    with pytest.raises(gx.ArgumentError, match="an input is named 'out'"):
        gx.compile([gx.input("out", ())], [])


def test_derivatives_of_several_results_come_in_their_form() -> None:
    x, y = gx.input("x", 2, "float64"), gx.input("y", 2, "float64")
    at = {x: np.array([1.0, 2.0]), y: np.array([3.0, 4.0])}
    results = {"a": x * y, "b": gx.sum(x)}
    back = gx.evaluate(gx.vjp(results, [x, y], {"a": np.ones(2), "b": 2.0}), at)
    assert [part.tolist() for part in back] == [[5, 6], [1, 2]]
    rows = gx.evaluate(gx.jacobian(results, x), at)
    assert rows["a"].tolist() == [[3, 0], [0, 4]]
    assert rows["b"].tolist() == [1, 1]
    with pytest.raises(gx.ArgumentError, match="vjp: there is no result"):
        gx.vjp([], x, [])
