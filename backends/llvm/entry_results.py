"""What an entry returns, as LLVM IR: arrays and numbers, alone or in containers."""

from collections.abc import Generator, Iterator
from itertools import count
from typing import Any

from graphc.backends.llvm.entry import LIST_ITEMS, RING, Entry, Form

__all__ = ["containers", "given", "is_kept", "loaded", "stored"]

KINDS: dict[type, str] = {tuple: "PyTuple", list: "PyList"}


def given(entry: Entry) -> Iterator[str]:
    """Return the results.  The list is looked up again: others may have run meanwhile."""
    if any(is_kept(entry, r) for r in range(len(entry.results))):
        yield from loaded("ptr", "slots.now", "%ring", LIST_ITEMS)
    yield "  %found = getelementptr i8, ptr %arrays, i64 0"
    for r, array in enumerate(entry.results):
        yield from loaded("ptr", f"r{r}.held", "%arrays", 8 * r)
        if is_kept(entry, r):
            yield f"  %r{r}.slots.now = getelementptr ptr, ptr %slots.now, i64 {RING * r}"
            yield f"  call void @graphc_keep(ptr %r{r}.slots.now, ptr %r{r}.held)"
        if not array.rank:
            yield f"  %r{r}.number = call ptr @PyArray_Return(ptr %r{r}.held)"
            yield from stored("ptr", f"%r{r}.number", "%found", 8 * r)
            yield f"  %r{r}.is_number = icmp ne ptr %r{r}.number, null"
            yield f"  br i1 %r{r}.is_number, label %r{r}.done, label %fail"
            yield f"r{r}.done:"
    if entry.form is Form.ONE:
        yield from loaded("ptr", "only", "%arrays", 0)
        yield "  ret ptr %only"
        return
    if entry.form is Form.NESTED:
        yield from _nested(entry)
        return
    kind = entry.form.value
    yield f"  %all = call ptr @{kind}_New(i64 {len(entry.results)})"
    yield "  %is_room = icmp ne ptr %all, null"
    yield "  br i1 %is_room, label %fill, label %fail"
    yield "fill:"
    for r in range(len(entry.results)):
        yield from loaded("ptr", f"r{r}.given", "%arrays", 8 * r)
        yield f"  %r{r}.set = call i32 @{kind}_SetItem(ptr %all, i64 {r}, ptr %r{r}.given)"
    yield "  ret ptr %all"


def containers(entry: Entry) -> Iterator[str]:
    """Room for those that are being filled: what fails lets them go."""
    if entry.form is not Form.NESTED:
        return
    room = f"[{_count(entry.nested)} x ptr]"
    yield f"  %containers = alloca {room}, align 16"
    yield f"  store {room} zeroinitializer, ptr %containers, align 16"


def _count(nested: Any) -> int:
    """How many containers there are."""
    found, left = 0, [nested]
    while left:
        part = left.pop()
        found += isinstance(part, tuple | list | dict)
        left += part.values() if isinstance(part, dict) else part if isinstance(part, tuple | list) else ()
    return max(found, 1)


def _nested(entry: Entry) -> Iterator[str]:
    """Return containers.  Each is held until all are filled."""
    whole = yield from _built(entry, entry.nested, count())
    yield f"  call void @Py_IncRef(ptr {whole})"
    yield f"  call void @graphc_drop(ptr %containers, i64 {_count(entry.nested)})"
    yield f"  call void @graphc_drop(ptr %arrays, i64 {len(entry.results)})"
    yield f"  ret ptr {whole}"
    yield "no_room:"
    yield f"  call void @graphc_drop(ptr %containers, i64 {_count(entry.nested)})"
    yield "  br label %fail"


def _built(entry: Entry, part: Any, numbers: Iterator[int]) -> Generator[str, None, str]:
    """A container with those in it, and its register.  Recursion is over how deep containers are nested."""
    if part is None:
        return "@_Py_NoneStruct"
    if isinstance(part, int):
        yield from loaded("ptr", f"leaf{part}", "%arrays", 8 * part)
        return f"%leaf{part}"
    inside = []
    for one in part.values() if isinstance(part, dict) else part:
        value = yield from _built(entry, one, numbers)
        inside.append(value)
    number = next(numbers)
    name = f"%container{number}"
    made = "PyDict_New()" if isinstance(part, dict) else f"{KINDS[type(part)]}_New(i64 {len(part)})"
    yield f"  {name} = call ptr @{made}"
    yield from stored("ptr", name, "%containers", 8 * number)
    yield f"  {name}.is = icmp ne ptr {name}, null"
    yield f"  br i1 {name}.is, label {name}.there, label %no_room"
    yield f"{name[1:]}.there:"
    if isinstance(part, dict):
        for n, (key, value) in enumerate(zip(part, inside, strict=True)):
            said = f"{name}.set{n}"
            yield f"  {said} = call i32 @PyDict_SetItem(ptr {name}, ptr @{entry.keys[key]}, ptr {value})"
            yield f"  {said}.is = icmp eq i32 {said}, 0"
            yield f"  br i1 {said}.is, label {said}.done, label %no_room"
            yield f"{said[1:]}.done:"
    else:
        for n, value in enumerate(inside):
            yield f"  call void @Py_IncRef(ptr {value})"
            yield f"  {name}.set{n} = call i32 @{KINDS[type(part)]}_SetItem(ptr {name}, i64 {n}, ptr {value})"
    return name


def is_kept(entry: Entry, result: int) -> bool:
    """Whether a result is used again when nobody has it any more."""
    return entry.reuses and entry.results[result].rank > 0


def loaded(kind: str, name: str, base: str, offset: int) -> Iterator[str]:
    """A register with what stands there."""
    yield f"  %{name}.at = getelementptr i8, ptr {base}, i64 {offset}"
    yield f"  %{name} = load {kind}, ptr %{name}.at, align 8"


def stored(kind: str, value: str, base: str, offset: int, where: str = "") -> Iterator[str]:
    """Once for each base, offset and branch."""
    address = f"{base}.{where}{offset}"
    yield f"  {address} = getelementptr i8, ptr {base}, i64 {offset}"
    yield f"  store {kind} {value}, ptr {address}, align 8"
