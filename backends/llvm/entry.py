"""A function that Python calls and that reads arrays by itself: IR text for it, and the callable made of it.

It is a vectorcall of CPython.  It looks whether it got the declared arrays, nothing else and in order; fills a table
of numbers; calls the native `i64 run(ptr table)`; and gives the results back.  Whatever is not as declared, and
whatever `run` does not return 0 for, goes to a callable of Python with the same arguments: it converts or raises.

The table, in words of 64 bits: the address of each argument, of each result, the value of each size symbol, the
extents of each result, and what Python gave for the GIL where it is released.
"""

import ctypes
import platform
import sys
import sysconfig
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property
from string import Template
from typing import Any, final

import numpy as np
from numpy._core import _multiarray_umath  # type: ignore[attr-defined]  # NumPy's functions for C: nothing else has them

from graphc.backends.llvm.code import Linked
from graphc.backends.llvm.entry_parts import PARTS
from graphc.backends.llvm.symbols import address_of
from graphc.backends.llvm.table import INTERRUPTED

__all__ = ["Arrays", "Entry", "Form", "Symbol", "callable_of", "supported"]

Call = Callable[..., Any]  # Any: a function of the user's

NEW_FROM_DESCR, RETURN = 94, 76  # in NumPy's table of functions for C
API = ("Py_IncRef", "Py_DecRef", "PyObject_Vectorcall", "PyEval_SaveThread", "PyEval_RestoreThread")
API_FORMS = ("PyTuple_New", "PyTuple_SetItem", "PyList_New", "PyList_SetItem")
READABLE = 0x101  # flags of an array that is C-contiguous and aligned
METHOD = 0x82  # METH_FASTCALL | METH_KEYWORDS
RING = 2  # results of each kind that are kept: the caller still has one while the next is computed

# Bytes from the start of an array, and of its tuple or list.
OFFSETS = {"data": 16, "rank": 24, "shape": 32, "base": 48, "descr": 56, "flags": 64, "weak": 72}
TUPLE_ITEMS = LIST_ITEMS = 24


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
    """

    arguments: tuple[Arrays, ...]
    results: tuple[Arrays, ...]
    symbols: int
    form: Form
    run: str
    shape: str | None = None
    releases: bool = False
    reuses: bool = True

    def __post_init__(self) -> None:
        bound = {extent.number for array in self.arguments for extent in array.extents if isinstance(extent, Symbol)}
        assert bound == set(range(self.symbols)), bound
        assert self.form is not Form.ONE or len(self.results) == 1, self.results
        assert self.shape or all(None not in array.extents for array in self.results), self.results
        assert all(None not in array.extents for array in self.arguments), self.arguments

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

    def text(self, name: str) -> str:
        """IR that defines `name`, and calls `run` and `shape`, which stand in the same module or are imported."""
        values = {key: str(value) for key, value in OFFSETS.items()}
        return Template(PARTS).safe_substitute(values) + "\n" + "\n".join(_lines(self, name)) + "\n"

    @property
    def symbols_used(self) -> dict[str, int]:
        """The addresses of what the text imports, beside `run` and `shape`."""
        table = _numpy_functions()
        found = {name: address_of(getattr(ctypes.pythonapi, name)) for name in API + API_FORMS}
        found["PyArray_NewFromDescr"], found["PyArray_Return"] = table[NEW_FROM_DESCR], table[RETURN]
        found["PyArray_Type"], found["_Py_NoneStruct"] = id(np.ndarray), id(None)
        return found | {f"graphc_descr_{n}": id(dtype) for n, dtype in enumerate(self.descrs)}


def callable_of(entry: Entry, code: Linked, name: str, fallback: Call) -> tuple[Call, Callable[[], None]]:
    """The function of Python, and one that lets go the results that wait to be used again.

    It keeps the code, the fallback and the dtypes alive, but `run` and `shape` only if they are in `code`.
    """
    assert supported(), "the layout of objects is not known: call the fallback"
    ring: list[Any] = [None] * (RING * len(entry.results))
    method = _Method(name.encode(), code[name], METHOD, None)
    keeper = (fallback, ring, method, code, entry.descrs)  # the entry finds the first two by their places
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
    return (
        word(array, "data") == array.ctypes.data
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


def _lines(entry: Entry, name: str) -> Iterator[str]:
    count = len(entry.results)
    yield from (f"@graphc_descr_{n} = external global i8" for n in range(len(entry.descrs)))
    yield f"define ptr @{name}(ptr %self, ptr %args, i64 %count, ptr %names) nounwind {{"
    yield f"  %table = alloca [{max(1, entry.words)} x i64], align 16"
    yield f"  %arrays = alloca [{max(1, count)} x ptr], align 16"
    yield f"  store [{max(1, count)} x ptr] zeroinitializer, ptr %arrays, align 16"
    yield "  %is_positional = icmp eq ptr %names, null"
    yield f"  %is_counted = icmp eq i64 %count, {len(entry.arguments)}"
    yield "  %is_plain = and i1 %is_positional, %is_counted"
    yield from _go_on("%is_plain", "plain")
    yield from _guards(entry)
    yield from _rooms(entry)
    if entry.releases:
        yield "  %thread = call ptr @PyEval_SaveThread()"
        yield from _stored("ptr", "%thread", "%table", 8 * entry.thread_at)
    yield f"  %status = call i64 @{entry.run}(ptr %table)"
    if entry.releases:
        yield "  call void @PyEval_RestoreThread(ptr %thread)"
    yield "  %is_done = icmp eq i64 %status, 0"
    yield "  br i1 %is_done, label %give, label %give_up"
    yield "give:"
    yield from _given(entry)
    yield "give_up:"
    yield f"  %is_over = icmp eq i64 %status, {INTERRUPTED}"
    yield "  br i1 %is_over, label %fail, label %to_python"
    yield "to_python:"
    yield f"  call void @graphc_drop(ptr %arrays, i64 {count})"
    yield "  br label %python"
    yield "python:"
    yield f"  %fallback_at = getelementptr i8, ptr %self, i64 {TUPLE_ITEMS}"
    yield "  %fallback = load ptr, ptr %fallback_at, align 8"
    yield "  %answer = call ptr @PyObject_Vectorcall(ptr %fallback, ptr %args, i64 %count, ptr %names)"
    yield "  ret ptr %answer"
    yield "fail:"
    yield f"  call void @graphc_drop(ptr %arrays, i64 {count})"
    yield "  ret ptr null"
    yield "}"


def _go_on(condition: str, label: str) -> Iterator[str]:
    yield f"  br i1 {condition}, label %{label}, label %python"
    yield f"{label}:"


def _guards(entry: Entry) -> Iterator[str]:
    """Look at each argument, and note where it is and which sizes it has."""
    bound: dict[Symbol, str] = {}
    for n, array in enumerate(entry.arguments):
        yield from _loaded("ptr", f"a{n}", "%args", 8 * n)
        descr = f"@graphc_descr_{entry.descrs.index(array.dtype)}"
        yield f"  %a{n}.fits = call i1 @graphc_fits(ptr %a{n}, ptr {descr}, i32 {array.rank}, i32 {READABLE})"
        yield from _go_on(f"%a{n}.fits", f"a{n}.axes")
        if array.rank:
            yield from _loaded("ptr", f"a{n}.shape", f"%a{n}", OFFSETS["shape"])
        same = ["true"]
        for axis, extent in enumerate(array.extents):
            found = f"%a{n}.{axis}"
            yield from _loaded("i64", found[1:], f"%a{n}.shape", 8 * axis)
            if isinstance(extent, Symbol) and extent not in bound:
                bound[extent] = found
                yield from _stored("i64", found, "%table", 8 * (entry.symbols_at() + extent.number))
                continue
            wanted = bound[extent] if isinstance(extent, Symbol) else extent
            yield f"  {found}.is = icmp eq i64 {found}, {wanted}"
            yield f"  {found}.and = and i1 {same[-1]}, {found}.is"
            same.append(f"{found}.and")
        if len(same) > 1:
            yield from _go_on(same[-1], f"a{n}.done")
        yield from _loaded("ptr", f"a{n}.data", f"%a{n}", OFFSETS["data"])
        yield from _stored("ptr", f"%a{n}.data", "%table", 8 * n)


def _rooms(entry: Entry) -> Iterator[str]:
    """Find an array for each result."""
    for r, array in enumerate(entry.results):
        for axis, extent in enumerate(array.extents):
            place = 8 * (entry.extents_at(r) + axis)
            if isinstance(extent, Symbol):
                value = f"%r{r}.{axis}"
                yield from _loaded("i64", value[1:], "%table", 8 * (entry.symbols_at() + extent.number))
                yield from _stored("i64", value, "%table", place)
            elif extent is not None:
                yield from _stored("i64", str(extent), "%table", place)
    if entry.shape:
        yield f"  call void @{entry.shape}(ptr %table)"
    yield from _loaded("ptr", "ring", "%self", TUPLE_ITEMS + 8)
    yield from _loaded("ptr", "slots", "%ring", LIST_ITEMS)
    for r, array in enumerate(entry.results):
        what = f"ptr @graphc_descr_{entry.descrs.index(array.dtype)}, i32 {array.rank}, ptr %r{r}.extents"
        yield f"  %r{r}.extents = getelementptr i64, ptr %table, i64 {entry.extents_at(r)}"
        if _is_kept(entry, r):
            yield f"  %r{r}.slots = getelementptr ptr, ptr %slots, i64 {RING * r}"
            yield f"  %r{r} = call ptr @graphc_taken(ptr %r{r}.slots, {what})"
        else:
            yield f"  %r{r} = call ptr @graphc_fresh({what})"
        yield f"  %r{r}.is = icmp ne ptr %r{r}, null"
        yield f"  br i1 %r{r}.is, label %r{r}.there, label %fail"
        yield f"r{r}.there:"
        yield from _stored("ptr", f"%r{r}", "%arrays", 8 * r)
        yield from _loaded("ptr", f"r{r}.data", f"%r{r}", OFFSETS["data"])
        yield from _stored("ptr", f"%r{r}.data", "%table", 8 * (len(entry.arguments) + r))


def _given(entry: Entry) -> Iterator[str]:
    """Return the results.  The list is looked up again: others may have run meanwhile."""
    if any(_is_kept(entry, r) for r in range(len(entry.results))):
        yield from _loaded("ptr", "slots.now", "%ring", LIST_ITEMS)
    yield "  %given = getelementptr i8, ptr %arrays, i64 0"
    for r, array in enumerate(entry.results):
        if _is_kept(entry, r):
            yield f"  %r{r}.slots.now = getelementptr ptr, ptr %slots.now, i64 {RING * r}"
            yield f"  call void @graphc_keep(ptr %r{r}.slots.now, ptr %r{r})"
        if not array.rank:
            yield f"  %r{r}.number = call ptr @PyArray_Return(ptr %r{r})"
            yield from _stored("ptr", f"%r{r}.number", "%given", 8 * r)
            yield f"  %r{r}.is_number = icmp ne ptr %r{r}.number, null"
            yield f"  br i1 %r{r}.is_number, label %r{r}.done, label %fail"
            yield f"r{r}.done:"
    if entry.form is Form.ONE:
        yield from _loaded("ptr", "only", "%arrays", 0)
        yield "  ret ptr %only"
        return
    kind = entry.form.value
    yield f"  %all = call ptr @{kind}_New(i64 {len(entry.results)})"
    yield "  %is_room = icmp ne ptr %all, null"
    yield "  br i1 %is_room, label %fill, label %fail"
    yield "fill:"
    for r in range(len(entry.results)):
        yield from _loaded("ptr", f"r{r}.given", "%arrays", 8 * r)
        yield f"  %r{r}.set = call i32 @{kind}_SetItem(ptr %all, i64 {r}, ptr %r{r}.given)"
    yield "  ret ptr %all"


def _is_kept(entry: Entry, result: int) -> bool:
    return entry.reuses and entry.results[result].rank > 0


def _loaded(kind: str, name: str, base: str, offset: int) -> Iterator[str]:
    yield f"  %{name}.at = getelementptr i8, ptr {base}, i64 {offset}"
    yield f"  %{name} = load {kind}, ptr %{name}.at, align 8"


def _stored(kind: str, value: str, base: str, offset: int) -> Iterator[str]:
    """Once for each base and offset."""
    yield f"  {base}.{offset} = getelementptr i8, ptr {base}, i64 {offset}"
    yield f"  store {kind} {value}, ptr {base}.{offset}, align 8"
