"""The functions of cuBLASLt, for a driver that is emulated: they look at what they are given, and multiply by NumPy."""

import ctypes
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, final

import numpy as np

from graphc.backends.cuda.cublaslt import Algorithm
from graphc.types import BFLOAT16
from tests.backends.cuda.fake_driver import FakeDriver, Step
from tests.case import Array

__all__ = ["FakeCublasLt"]

SIZES = {("MatmulDesc", 3): 4, ("MatmulDesc", 4): 4, ("MatrixLayout", 5): 4, ("MatrixLayout", 6): 8} | {
    ("MatmulPreference", attribute): size for attribute, size in ((1, 8), (3, 4), (5, 4), (6, 4), (7, 4), (8, 4))
}
DTYPES: dict[int, Any] = {0: np.float32, 1: np.float64, 2: np.float16, 14: BFLOAT16}


@final
@dataclass
class FakeCublasLt:
    """Descriptions are numbers here; each is known until it is destroyed.

    time       milliseconds that a product takes
    statuses   of functions that fail: by name
    used       how often each function was called
    """

    driver: FakeDriver
    time: float = 0.5
    statuses: dict[str, int] = field(default_factory=dict)
    used: Counter[str] = field(default_factory=Counter)
    known: dict[int, SimpleNamespace] = field(default_factory=dict)
    last: int = 1000

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("cublasLt"):
            raise AttributeError(name)
        made = getattr(type(self), name.removeprefix("cublasLt").lower())

        def called(*given: Any) -> int:
            self.used[name] += 1
            status = self.statuses.get(name, 0)
            found: int = status or made(self, *given) or 0
            return found

        return called

    def getversion(self) -> int:
        return 130102

    def create(self, handle: Any) -> None:
        handle._obj.value = 7

    def _new(self, place: Any, **parts: Any) -> None:
        self.last += 1
        self.known[self.last] = SimpleNamespace(set={}, **parts)
        place._obj.value = self.last

    def _set(self, what: str, of: Any, attribute: int, value: Any, size: int) -> None:
        assert ctypes.sizeof(value._obj) == size == SIZES[what, attribute]
        self.known[of.value].set[attribute] = value._obj.value

    def matmuldesccreate(self, place: Any, sums: int, factor: int) -> None:
        assert (sums, factor) in ((68, 0), (70, 1)), "float32 stays float32"
        self._new(place, factor=factor)

    def matrixlayoutcreate(self, place: Any, kind: int, rows: int, columns: int, leading: int) -> None:
        assert leading >= rows
        self._new(place, kind=kind, rows=rows, columns=columns, leading=leading)

    def matmulpreferencecreate(self, place: Any) -> None:
        self._new(place)

    def matmuldescsetattribute(self, *given: Any) -> None:
        self._set("MatmulDesc", *given)

    def matrixlayoutsetattribute(self, *given: Any) -> None:
        self._set("MatrixLayout", *given)

    def matmulpreferencesetattribute(self, *given: Any) -> None:
        self._set("MatmulPreference", *given)

    def matmuldescdestroy(self, of: Any) -> None:
        del self.known[of.value]

    matrixlayoutdestroy = matmulpreferencedestroy = matmuldescdestroy

    def matmulalgogetheuristic(
        self, handle: Any, product: Any, a: Any, b: Any, c: Any, d: Any, wanted: Any, most: int, found: Any, count: Any
    ) -> None:
        assert (handle.value, most, c.value) == (7, 1, d.value)
        assert all(each.value in self.known for each in (product, a, b, c))
        assert self.known[wanted.value].set == {1: 0, 3: 0, 5: 16, 6: 16, 7: 16, 8: 16}
        found._obj.algorithm.data[:] = range(8)
        count._obj.value = 1

    def matmul(self, handle: Any, product: Any, one: Any, *given: Any) -> None:
        a, a_layout, b, b_layout, none, c, c_layout, d, d_layout, algorithm, room, size, stream = given
        factor = ctypes.c_double if self.known[product.value].factor else ctypes.c_float
        assert (handle.value, c, c_layout.value, room, size) == (7, d, d_layout.value, None, 0)
        assert (type(one._obj), one._obj.value, none._obj.value) == (factor, 1, 0)
        assert isinstance(algorithm._obj, Algorithm)
        assert [*algorithm._obj.data] == [*range(8)]
        assert self.driver.contexts[-1] == "context"
        sides = [(at, self.known[layout.value]) for at, layout in ((a, a_layout), (b, b_layout), (d, d_layout))]
        turned = self.known[product.value].set
        self.driver.begin(stream, Step(_multiplied, (sides, turned), [], self.time))


def _multiplied(what: Any, given: object) -> None:
    sides, turned = what
    (left, right, out) = (_views(at, layout) for at, layout in sides)
    for a, b, c in zip(left, right, out, strict=True):
        x, y = (view.T if turned[attribute] else view for view, attribute in ((a, 3), (b, 4)))
        c[...] = x.astype(c.dtype) @ y.astype(c.dtype)


def _views(at: int, layout: SimpleNamespace) -> list[Array]:
    """The matrices, by columns."""
    dtype: np.dtype[Any] = np.dtype(DTYPES[layout.kind])
    found = []
    for number in range(layout.set.get(5, 1)):
        first = at + number * layout.set.get(6, 0) * dtype.itemsize
        bytes = (layout.leading * (layout.columns - 1) + layout.rows) * dtype.itemsize
        whole = np.frombuffer((ctypes.c_char * bytes).from_address(first), dtype)
        steps = (dtype.itemsize, layout.leading * dtype.itemsize)
        found.append(np.lib.stride_tricks.as_strided(whole, (layout.rows, layout.columns), steps))
    return found
