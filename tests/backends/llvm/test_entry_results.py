"""What a native function returns beside arrays and flat tuples: containers in containers."""

import gc
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from graphc.backends.llvm.code import link, object_code
from graphc.backends.llvm.entry import Arrays, Entry, Form, callable_of, supported
from graphc.backends.llvm.entry_text import entry_text
from graphc.backends.llvm.machine import host

pytestmark = pytest.mark.skipif(not supported(), reason="the layout of objects is not known here")

F8 = np.dtype(np.float64)
Call = Callable[..., Any]

# y = [x], z = x + 1.  Table: x, y, z, extent of y.
TWO = """
define i64 @run(ptr %table) {
  %x = load ptr, ptr %table
  %value = load double, ptr %x
  %y.at = getelementptr ptr, ptr %table, i64 1
  %y = load ptr, ptr %y.at
  store double %value, ptr %y
  %z.at = getelementptr ptr, ptr %table, i64 2
  %z = load ptr, ptr %z.at
  %more = fadd double %value, 1.0
  store double %more, ptr %z
  ret i64 0
}
"""


def made(nested: object) -> Call:
    results = Arrays(F8, (1,)), Arrays(F8, ())
    entry = Entry((Arrays(F8, ()),), results, 0, Form.NESTED, "run", names=("x",), nested=nested)
    code = link([object_code(TWO + entry_text(entry, "entry"), host())], entry.symbols_used, ["entry"])
    return callable_of(entry, code, "entry", lambda *given, **named: "handed on")[0]


def plain(found: object) -> object:
    """The same containers of numbers.  Recursion is over how deep they are nested."""
    if isinstance(found, dict):
        return {key: plain(part) for key, part in found.items()}
    if isinstance(found, tuple | list):
        return type(found)(plain(part) for part in found)
    if isinstance(found, np.ndarray):
        return [int(number) for number in found]
    return int(found) if isinstance(found, np.float64) else found


FORMS: list[tuple[object, object]] = [
    ({"here": 0, "there": 1}, {"here": [2], "there": 3}),
    ({"there": 0, "here": 1}, {"there": [2], "here": 3}),
    ((0, {"a": 1}), ([2], {"a": 3})),
    ([0, [1]], [[2], [3]]),
    ((None, 0, ((), {}, []), (1,)), (None, [2], ((), {}, []), (3,))),
    ({"a": {"b": {"a": [0], "": (1, None)}}}, {"a": {"b": {"a": [[2]], "": (3, None)}}}),
    (([[[[[[0]]]]]], 1), ([[[[[[[2]]]]]]], 3)),
]


@pytest.mark.parametrize(("nested", "wanted"), FORMS)
def test_results_stand_in_containers(nested: object, wanted: object) -> None:
    call = made(nested)
    found = [call(np.array(2.0)), call(x=2), call(2.0)]
    for one in found:
        assert plain(one) == wanted
        assert repr(plain(one)) == repr(wanted)  # and the keys of dicts in their order
    assert call(2.0, out=found[0]) == "handed on"


def test_containers_are_fresh_and_nothing_leaks() -> None:
    call, x = made((0, {"key": [1, None]}, ())), np.array(2.0)
    first, second = call(x), call(x)
    assert first[1] is not second[1]
    assert first[0] is not second[0]
    parts = (first[0], first[1], first[1]["key"])
    assert [sys.getrefcount(part) for part in parts] == [5, 4, 4]  # parts, part, the call, its container; the ring
    del first, second, parts
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(1000):
        call(x)
    gc.collect()
    assert sys.getallocatedblocks() - before < 100
    first = call(x)
    assert gc.is_tracked(first)
