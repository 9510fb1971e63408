"""Arrays that lie crosswise: squares that are turned over, for vectors of every width, and at the ends of rows."""

import re

import numpy as np
import pytest

import graphc as gx
from graphc.backends.llvm import backend
from graphc.backends.llvm.machine import WIDTHS, restricted
from graphc.backends.llvm.rows import STRIP
from graphc.backends.llvm.squares import turned
from graphc.backends.llvm.text import Text
from graphc.driver import compile
from tests.guard_pages import HAS_PAGES, fenced

SHUFFLE = re.compile(r"  (%v\d+) = shufflevector <\d+ x \w+> (%\w+), <\d+ x \w+> (%\w+), <\d+ x i32> <(.*)>")


@pytest.mark.parametrize("bytes", [1, 2, 4, 8])
@pytest.mark.parametrize("size", [2, 4, 8, 16])
def test_rows_of_a_square_become_its_columns(size: int, bytes: int) -> None:
    if size * bytes > 64:
        return
    text = Text()
    known = {f"%r{row}": [(row, column) for column in range(size)] for row in range(size)}
    columns = turned(text, f"i{8 * bytes}", bytes, list(known))
    for line in text.lines:
        found = SHUFFLE.fullmatch(line)
        assert found is not None, line
        both = known[found[2]] + known[found[3]]
        known[found[1]] = [both[int(place.removeprefix("i32 "))] for place in found[4].split(", ")]
    assert [known[name] for name in columns] == [[(row, column) for row in range(size)] for column in range(size)]
    assert len(text.lines) == size * (size.bit_length() - 1)


@pytest.mark.skipif(not HAS_PAGES, reason="needs mprotect")
@pytest.mark.parametrize("bytes", WIDTHS)
@pytest.mark.parametrize(
    "dtypes", [("float32", "float32"), ("float64", "float64"), ("float32", "int32"), ("float32", "float64")]
)
@pytest.mark.parametrize("lanes", [2 * STRIP, 2 * STRIP + 3, STRIP + 17, 12])
def test_each_element_is_where_it_belongs(
    lanes: int, dtypes: tuple[str, str], bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = restricted(bytes)
    monkeypatch.setattr(backend, "host", lambda: machine)
    rng = np.random.default_rng(lanes)
    common = max(dtypes, key=["int32", "float32", "float64"].index)
    for turn, rows in enumerate((512, 521) if lanes > 16 else (11_008, 11_001)):
        straight = (9 * rng.standard_normal((rows, lanes))).astype(dtypes[0])
        across = (9 * rng.standard_normal((lanes, rows))).astype(dtypes[1])
        room = fenced("b", across.nbytes, across.itemsize, turn)  # nothing lies behind the last element, or before one
        array = room.bytes.view(across.dtype).reshape(across.shape)
        array[:] = across
        for extents in ((rows, lanes), ("n", lanes), (rows, "m")):
            a, b = gx.input("a", extents, dtypes[0]), gx.input("b", extents[::-1], dtypes[1])
            y = compile([a, b], gx.abs(a) * b.T.astype(common), backend="llvm")(straight, array)
            np.testing.assert_array_equal(y, np.abs(straight) * across.T.astype(common), strict=True)


def test_what_is_written_over_is_read_first() -> None:
    rng = np.random.default_rng(0)
    start, a, b = (rng.standard_normal(shape).astype("f") for shape in ((500, 531), (500, 531), (531, 500)))
    found = {}
    for name in ("llvm", "numpy"):
        w, v = gx.param("w", start.copy()), gx.param("v", b.copy())
        x, y = gx.input("x", a.shape), gx.input("y", b.shape)
        updates = {w: w * x + y.T, v: v * 2 + x.T + w.T}
        compile([x, y], [], updates=updates, backend=name)(a, b)
        found[name] = w.value, v.value
    for native, exact in zip(found["llvm"], found["numpy"], strict=True):
        np.testing.assert_array_equal(native, exact)


def test_a_choice_that_seldom_holds_reads_what_it_needs() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((521, 300)).astype("f"), 1e6 * rng.standard_normal((300, 521)).astype("f")
    x, y = gx.input("x", a.shape), gx.input("y", b.shape)
    z = gx.where(x > 2, gx.sin(y.T), x)
    native, exact = (compile([x, y], z, backend=name)(a, b) for name in ("llvm", "numpy"))
    np.testing.assert_allclose(native, exact, atol=1e-6)
