"""A function that Python calls and that reads arrays by itself: what it takes and gives, and the callable made of it.

It is a vectorcall of CPython.  It looks whether it got the declared arrays and nothing else, by position or by name;
fills a table of numbers; calls the native `i64 run(ptr table)`; and gives the results back.  A number of Python or of
NumPy may stand for an array without axes.  Whatever is not as declared, and whatever `run` does not return 0 for, goes
to a callable of Python with the same arguments: it converts or raises.  Results are written into the arrays of `out=`
where these are as results are, and lie apart.

The table, in words of 64 bits: the address of each argument, of each result, the value of each size symbol, the
extents of each result, and what Python gave for the GIL where it is released.
"""

import ctypes
import platform
import sys
import sysconfig
import weakref
from collections.abc import Callable
from enum import Enum
from functools import cache, cached_property
from typing import Any, final

import numpy as np
from numpy._core import _multiarray_umath  # type: ignore[attr-defined]  # NumPy's functions for C: nothing else has them

from graphc.backends.llvm.code import Linked
from graphc.backends.llvm.symbols import address_of
from graphc.dataclass import dataclass

__all__ = [
    "LIST_ITEMS",
    "NUMBER",
    "OFFSETS",
    "READABLE",
    "RING",
    "TUPLE_ITEMS",
    "Arrays",
    "Entry",
    "Form",
    "Symbol",
    "callable_of",
    "supported",
]

Call = Callable[..., Any]  # Any: a function of the user's

NEW_FROM_DESCR, RETURN = 94, 76  # in NumPy's table of functions for C
API = ("Py_IncRef", "Py_DecRef", "PyObject_Vectorcall", "PyEval_SaveThread", "PyEval_RestoreThread")
API_FORMS = ("PyTuple_New", "PyTuple_SetItem", "PyList_New", "PyList_SetItem")
API_OTHERS = ("PyDict_New", "PyDict_SetItem", "PyLong_AsLongLongAndOverflow")
READABLE = 0x101  # flags of an array that is C-contiguous and aligned
METHOD = 0x82  # METH_FASTCALL | METH_KEYWORDS
OUT = sys.intern("out")  # the name of what a caller gives for results
RING = 2  # results of each kind that are kept: the caller still has one while the next is computed

# Bytes from the start of an array, and of its tuple or list.
OFFSETS = {"data": 16, "rank": 24, "shape": 32, "base": 48, "descr": 56, "flags": 64, "weak": 72}
TUPLE_ITEMS = LIST_ITEMS = 24
NUMBER = 16  # from the start of a number of NumPy, or a float of Python, to its value


@final
@dataclass(frozen=True)
class Symbol:
    """The size symbol with this number: the first axis that is one binds it, others must agree."""

    number: int


@final
@dataclass(frozen=True)
class Arrays:
    """The type and extents of an argument or of a result.

    An extent None is for results alone: the native `void shape(ptr table)` of the entry writes it.
    """

    dtype: np.dtype[Any]
    extents: tuple[int | Symbol | None, ...]

    @property
    def rank(self) -> int:
        return len(self.extents)


class Form(Enum):
    """What is returned."""

    ONE = "the only result"
    TUPLE = "PyTuple"
    LIST = "PyList"
    NESTED = "containers, which may hold others"


@final
@dataclass(frozen=True)
class Entry:
    """A function of arrays.

    symbols   how many size symbols the arguments bind; each stands in an argument
    run       name of the native `i64 run(ptr table)`; it has changed nothing when it returns another number than 0,
              and set an exception of Python when it returns INTERRUPTED
    shape     name of the native `void shape(ptr table)` that writes the extents None, if there are any
    releases  the GIL while `run` runs: right from about 10 us of work on
    reuses    memory of results that the caller has dropped; numbers without axes are never reused
    fills     arrays of `out=`: only where `run` has written nothing when it returns another number than 0
    names     of the arguments, if they may be given by name
    nested    what is returned, if that is NESTED: tuples, lists and dicts of None and of numbers of results
    """

    arguments: tuple[Arrays, ...]
    results: tuple[Arrays, ...]
    symbols: int
    form: Form
    run: str
    shape: str | None = None
    releases: bool = False
    reuses: bool = True
    fills: bool = False
    names: tuple[str, ...] = ()
    nested: Any = None

    def __post_init__(self) -> None:
        bound = {extent.number for array in self.arguments for extent in array.extents if isinstance(extent, Symbol)}
        assert bound == set(range(self.symbols)), bound
        assert self.form is not Form.ONE or len(self.results) == 1, self.results
        assert self.shape or all(None not in array.extents for array in self.results), self.results
        assert all(None not in array.extents for array in self.arguments), self.arguments
        assert not self.names or len({*self.names, OUT}) == len(self.arguments) + 1, self.names
        assert not (self.fills and self.form is Form.NESTED), "rooms stand side by side"

    @property
    def words(self) -> int:
        """The length of the table."""
        return self.thread_at + 1

    @property
    def thread_at(self) -> int:
        """The place of what Python gave for the GIL."""
        return self.extents_at(len(self.results))

    def symbols_at(self) -> int:
        """The place of symbol 0 in the table."""
        return len(self.arguments) + len(self.results)

    def extents_at(self, result: int) -> int:
        """The place of the first extent of a result in the table."""
        return self.symbols_at() + self.symbols + sum(array.rank for array in self.results[:result])

    @cached_property
    def descrs(self) -> tuple[np.dtype[Any], ...]:
        """Each dtype once."""
        return tuple(dict.fromkeys(array.dtype for array in (*self.arguments, *self.results)))

    @cached_property
    def numbers(self) -> tuple[np.dtype[Any], ...]:
        """The dtype of each argument without axes, once."""
        return tuple(dict.fromkeys(array.dtype for array in self.arguments if not array.rank))

    @cached_property
    def strings(self) -> dict[str, str]:
        """Names and keys as Python has them, each once in the process, by the symbols that stand for them."""
        named = {f"graphc_name_{n}": sys.intern(name) for n, name in enumerate(self.names)}
        return named | {symbol: sys.intern(key) for key, symbol in self.keys.items()}

    @cached_property
    def keys(self) -> dict[str, str]:
        """The keys of dicts that are returned, and the symbols that stand for them."""
        found: dict[str, None] = {}
        left = [self.nested]
        while left:
            part = left.pop()
            if isinstance(part, dict):
                found |= dict.fromkeys(part)
            left += part.values() if isinstance(part, dict) else part if isinstance(part, tuple | list) else ()
        return {key: f"graphc_key_{n}" for n, key in enumerate(found)}

    @property
    def symbols_used(self) -> dict[str, int]:
        """The addresses of what the text imports, beside `run` and `shape`."""
        table = _numpy_functions()
        found = {name: address_of(getattr(ctypes.pythonapi, name)) for name in API + API_FORMS + API_OTHERS}
        found["PyArray_NewFromDescr"], found["PyArray_Return"] = table[NEW_FROM_DESCR], table[RETURN]
        found["PyArray_Type"], found["_Py_NoneStruct"] = id(np.ndarray), id(None)
        found["PyTuple_Type"], found["PyList_Type"], found["graphc_out"] = id(tuple), id(list), id(OUT)
        found["PyFloat_Type"], found["PyLong_Type"] = id(float), id(int)
        found |= {f"graphc_type_{dtype.name}": id(dtype.type) for dtype in self.numbers}
        found |= {symbol: id(string) for symbol, string in self.strings.items()}
        return found | {f"graphc_descr_{n}": id(dtype) for n, dtype in enumerate(self.descrs)}


def callable_of(entry: Entry, code: Linked, name: str, fallback: Call) -> tuple[Call, Callable[[], None]]:
    """The function of Python, and one that lets go the results that wait to be used again.

    It keeps the code, the fallback, the dtypes and the names alive, but `run` and `shape` only if they are in `code`.
    """
    assert supported(), "the layout of objects is not known: call the fallback"
    ring: list[Any] = [None] * (RING * len(entry.results))
    method = _Method(name.encode(), code[name], METHOD, None)
    keeper = (
        fallback,
        ring,
        method,
        code,
        entry.descrs,
        entry.strings,
    )  # the entry finds the first two by their places
    new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)(
        ("PyCFunction_NewEx", ctypes.pythonapi)
    )

    def release() -> None:
        for place in range(len(ring)):  # the list itself stays where it is
            ring[place] = None

    return new(ctypes.addressof(method), keeper, None), release


@cache
def supported() -> bool:
    """Whether objects lie in memory as the entries read them: CPython 3.11 to 3.13 with a GIL, 64 bits, NumPy 2.

    One array is read in the same way and must say what NumPy says of it.
    """
    if platform.python_implementation() != "CPython" or not (3, 11) <= sys.version_info[:2] <= (3, 13):
        return False
    if sysconfig.get_config_var("Py_GIL_DISABLED") or sys.maxsize != 2**63 - 1:
        return False
    if (object.__basicsize__, tuple.__basicsize__, list.__basicsize__) != (16, TUPLE_ITEMS, 40):
        return False
    if not np.__version__.startswith("2."):
        return False
    array = np.zeros((3, 5), np.float32)
    view = array[1:]

    def word(of: object, name: str) -> int:
        return ctypes.c_int64.from_address(id(of) + OFFSETS[name]).value

    def half(of: object, name: str) -> int:
        return ctypes.c_int32.from_address(id(of) + OFFSETS[name]).value

    items, seen = (object(), object()), weakref.ref(view)
    numbers: tuple[Any, ...] = (np.float32(1.5), np.float64(2.5), np.int8(3), np.int64(4), np.complex128(5 + 6j))
    return (
        all(ctypes.string_at(id(one) + NUMBER, one.itemsize) == one.tobytes() for one in numbers)
        and ctypes.c_double.from_address(id(numbers[1].item()) + NUMBER).value == 2.5
        and word(array, "data") == array.ctypes.data
        and half(array, "rank") == 2
        and tuple((ctypes.c_int64 * 2).from_address(word(array, "shape"))) == array.shape
        and word(array, "descr") == id(array.dtype)
        and half(array, "flags") == array.flags.num
        and (word(array, "base"), word(view, "base")) == (0, id(array))
        and (word(array, "weak"), word(view, "weak")) == (0, id(seen))
        and ctypes.c_int64.from_address(id(items) + TUPLE_ITEMS).value == id(items[0])
    )


class _Method(ctypes.Structure):
    """CPython's PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("documentation", ctypes.c_char_p),
    )


def _numpy_functions() -> Any:
    """NumPy's table of functions for C."""
    of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    return (ctypes.c_size_t * (RETURN + NEW_FROM_DESCR)).from_address(of(_multiarray_umath._ARRAY_API, None))
