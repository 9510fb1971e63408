"""What a native function takes beside arrays by position: arrays by name, and numbers where there are no axes."""

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from graphc.backends.llvm.code import link, object_code
from graphc.backends.llvm.entry import Arrays, Entry, Form, callable_of, supported
from graphc.backends.llvm.entry_text import entry_text
from graphc.backends.llvm.machine import host
from graphc.types import DTYPES, DType

pytestmark = pytest.mark.skipif(not supported(), reason="the layout of objects is not known here")

F8 = np.dtype(np.float64)
Call = Callable[..., Any]

# y[3] = 100 a + 10 b + c for numbers a, b, c.  Table: a, b, c, y, extent of y.
DIGITS = """
define double @at(ptr %table, i64 %place) {
  %at = getelementptr ptr, ptr %table, i64 %place
  %array = load ptr, ptr %at
  %value = load double, ptr %array
  ret double %value
}
define i64 @run(ptr %table) {
  %a = call double @at(ptr %table, i64 0)
  %b = call double @at(ptr %table, i64 1)
  %c = call double @at(ptr %table, i64 2)
  %a.ten = fmul double %a, 10.0
  %ab = fadd double %a.ten, %b
  %ab.ten = fmul double %ab, 10.0
  %abc = fadd double %ab.ten, %c
  %y.at = getelementptr ptr, ptr %table, i64 3
  %y = load ptr, ptr %y.at
  store double %abc, ptr %y
  ret i64 0
}
"""
NAMED = Entry((Arrays(F8, ()),) * 3, (Arrays(F8, (1,)),), 0, Form.ONE, "run", fills=True, names=("a", "b", "c"))


def made(entry: Entry, native: str) -> Call:
    code = link([object_code(native + entry_text(entry, "entry"), host())], entry.symbols_used, ["entry"])
    return callable_of(entry, code, "entry", refused)[0]


def refused(*given: object, **named: object) -> tuple[str, tuple[object, ...], dict[str, object]]:
    return "handed on", given, named


@pytest.fixture(scope="module")
def number() -> Call:
    return made(NAMED, DIGITS)


one, two, three = np.array(1.0), np.array(2.0), np.array(3.0)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ((one, two, three), {}),
        ((one, two), {"c": three}),
        ((one,), {"c": three, "b": two}),
        ((), {"a": one, "b": two, "c": three}),
        ((), {"c": three, "a": one, "b": two}),
        ((), {"b": two, "c": three, "a": one}),
    ],
)
def test_arrays_may_have_names(number: Call, given: tuple[object, ...], named: dict[str, object]) -> None:
    assert number(*given, **named).tolist() == [123]
    room = np.zeros(1)
    assert number(*given, **named, out=room) is room
    assert number(*given, out=room, **named) is room
    assert room.tolist() == [123]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ((), {}),
        ((one,), {"b": two}),
        ((one, two), {"d": three}),
        ((one, two), {"b": three}),
        ((one, two, three), {"a": one}),
        ((one, two, three), {"d": one}),
        ((one, two, three, one), {"out": np.zeros(1)}),
        ((one, two), {"out": np.zeros(1)}),
        ((one,), {"b": two, "out": np.zeros(1)}),
        ((one, two), {"c": three, "out": np.zeros(2)}),
        ((one, two), {"c": three, "out": None}),
        ((one, two), {"c": "three"}),
        ((one, two), {"c": np.float32(3)}),
        ((one, two), {"c": np.ones(1)}),
    ],
)
def test_other_names_are_handed_on(number: Call, given: tuple[object, ...], named: dict[str, object]) -> None:
    said, got, by_name = number(*given, **named)
    assert said == "handed on"
    assert all(a is b for a, b in zip(got, given, strict=True))
    assert list(by_name) == list(named)
    assert all(by_name[name] is value for name, value in named.items())


def test_a_name_of_which_there_is_another_string_is_handed_on() -> None:
    wanted = "layer.0.weight"
    twin = str(b"layer.0.weight", "ascii")
    assert twin is not sys.intern(wanted)
    call = made(replace(NAMED, names=("a", "b", wanted)), DIGITS)
    assert call(one, two, **{twin: three})[0] == "handed on"
    assert call(one, two, **{sys.intern(twin): three}).tolist() == [123]


def test_names_and_numbers_do_not_leak(number: Call) -> None:
    values = [np.array(1.0), np.array(2.0), 3.5, 7**30]
    a, b, c, large = values
    room = np.zeros(1)

    def use() -> None:
        number(a, c=c, b=b)
        number(a, c=c, b=b, out=room)
        number(a, d=c, b=b)
        number(a, b, c)
        number(a, b, large)

    use()
    before = [sys.getrefcount(value) for value in (*values, room)]
    for _ in range(100):
        use()
    assert [sys.getrefcount(value) for value in (*values, room)] == before


def copied(dtype: DType) -> Call:
    """A function that gives its argument, an array without axes, in an array of one axis."""
    bits = 8 * dtype.itemsize
    text = f"""
define i64 @run(ptr %table) {{
  %x = load ptr, ptr %table
  %y.at = getelementptr ptr, ptr %table, i64 1
  %y = load ptr, ptr %y.at
  %value = load i{bits}, ptr %x, align 1
  store i{bits} %value, ptr %y, align 1
  ret i64 0
}}
"""
    return made(Entry((Arrays(dtype, ()),), (Arrays(dtype, (1,)),), 0, Form.ONE, "run", fills=True), text)


FITTING: dict[str, list[object]] = {
    "float32": [0.0, -0.0, 0.1, -3.5e38 / 1.1, 1e-320, 7, -(2**53) - 1, 2**62 + 1],
    "float64": [0.1, -0.0, float("inf"), 1e300, 5e-324, 2**53 + 1, -(2**63)],
    "int64": [0, -1, 2**63 - 1, -(2**63)],
    "int32": [2**31 - 1, -(2**31)],
    "int8": [127, -128],
    "uint8": [0, 255],
    "uint64": [0, 2**63 - 1],
}
OTHERS: dict[str, list[object]] = {
    "float32": [1e39, -1e300, True, 2**63, 1j, "1", None, [1.0], np.float64(1), np.int64(1), np.float16(1)],
    "float64": [True, 2**63, -(2**63) - 1, np.float32(1), 1j],
    "int64": [2**63, 1.0, True, np.int32(1), np.uint64(1)],
    "int32": [2**31, -(2**31) - 1, np.int64(1)],
    "int8": [128, -129],
    "uint8": [256, -1],
    "uint64": [-1, 2**63, 2**64],
    "bool": [True, 1, 1.0],
    "complex64": [1j, 1.0, np.complex128(1)],
    "float16": [1.0, 1, np.float32(1)],
}


@pytest.mark.parametrize("name", DTYPES)
def test_numbers_stand_for_arrays_without_axes(name: str) -> None:
    dtype = DTYPES[name]
    copy = copied(dtype)
    for value in FITTING.get(name, []):
        with np.errstate(all="ignore"):
            wanted = np.array([value]).astype(dtype)
        assert copy(value).tobytes() == wanted.tobytes(), value
        room = np.zeros(1, dtype)
        assert copy(value, out=room).tobytes() == wanted.tobytes(), value
    for value in OTHERS.get(name, []):
        assert copy(value)[:2] == ("handed on", (value,)), value
    own = dtype.type(1)
    found = copy(own)
    assert found[0] == "handed on" if name == "bfloat16" else found.tolist() == [own]
    assert copy(np.array(1, dtype)).tolist() == [own]
