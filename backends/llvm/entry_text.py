"""The IR text of an entry: guards, rooms of results, the call of what runs, and what is given back."""

from collections.abc import Iterator
from string import Template

from graphc.backends.llvm.entry import LIST_ITEMS, OFFSETS, READABLE, RING, TUPLE_ITEMS, Entry, Form, Symbol
from graphc.backends.llvm.entry_arguments import names_text, numbers_text
from graphc.backends.llvm.entry_parts import OUT_PARTS, PARTS
from graphc.backends.llvm.entry_results import containers, given, is_kept, loaded, stored
from graphc.backends.llvm.table import INTERRUPTED

__all__ = ["entry_text"]


def entry_text(entry: Entry, name: str) -> str:
    """IR that defines `name`, and calls `run` and `shape`, which stand in the same module or are imported."""
    values = {key: str(value) for key, value in OFFSETS.items()}
    used = PARTS + (OUT_PARTS if entry.fills else "")
    parts = [Template(used).safe_substitute(values), *numbers_text(entry), *names_text(entry), *_lines(entry, name)]
    return "\n".join(parts) + "\n"


def _lines(entry: Entry, name: str) -> Iterator[str]:
    count = len(entry.results)
    yield from (f"@graphc_descr_{n} = external global i8" for n in range(len(entry.descrs)))
    yield f"define ptr @{name}(ptr %self, ptr %args, i64 %count, ptr %names) nounwind {{"
    yield f"  %table = alloca [{max(1, entry.words)} x i64], align 16"
    yield f"  %arrays = alloca [{max(1, count)} x ptr], align 16"
    yield f"  store [{max(1, count)} x ptr] zeroinitializer, ptr %arrays, align 16"
    yield from containers(entry)
    if entry.fills:
        yield f"  %ends = alloca [{max(1, len(entry.arguments) + count)} x i64], align 16"
        yield "  %out.room = alloca ptr, align 8"
        yield "  store ptr null, ptr %out.room, align 8"
    if entry.numbers:
        yield f"  %numbers = alloca [{len(entry.arguments)} x i64], align 16"
    if entry.names:
        yield f"  %ordered = alloca [{len(entry.arguments)} x ptr], align 16"
    yield from _order(entry)
    yield from _guards(entry)
    yield from _rooms(entry)
    if entry.releases:
        yield "  %thread = call ptr @PyEval_SaveThread()"
        yield from stored("ptr", "%thread", "%table", 8 * entry.thread_at)
    yield f"  %status = call i64 @{entry.run}(ptr %table)"
    if entry.releases:
        yield "  call void @PyEval_RestoreThread(ptr %thread)"
    yield "  %is_done = icmp eq i64 %status, 0"
    yield "  br i1 %is_done, label %give, label %give_up"
    yield "give:"
    if entry.fills:
        yield "  br i1 %is_filled, label %give_out, label %give_own"
        yield "give_out:"
        yield "  call void @Py_IncRef(ptr %out)"
        yield f"  call void @graphc_drop(ptr %arrays, i64 {count})"
        yield "  ret ptr %out"
        yield "give_own:"
    yield from given(entry)
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
        yield from loaded("ptr", f"a{n}", "%given", 8 * n)
        descr = f"@graphc_descr_{entry.descrs.index(array.dtype)}"
        yield f"  %a{n}.fits = call i1 @graphc_fits(ptr %a{n}, ptr {descr}, i32 {array.rank}, i32 {READABLE})"
        if not array.rank:
            yield from _number(n, array.dtype.name)
            continue
        yield from _go_on(f"%a{n}.fits", f"a{n}.axes")
        yield from loaded("ptr", f"a{n}.shape", f"%a{n}", OFFSETS["shape"])
        same = ["true"]
        for axis, extent in enumerate(array.extents):
            found = f"%a{n}.{axis}"
            yield from loaded("i64", found[1:], f"%a{n}.shape", 8 * axis)
            if isinstance(extent, Symbol) and extent not in bound:
                bound[extent] = found
                yield from stored("i64", found, "%table", 8 * (entry.symbols_at() + extent.number))
                continue
            wanted = bound[extent] if isinstance(extent, Symbol) else extent
            yield f"  {found}.is = icmp eq i64 {found}, {wanted}"
            yield f"  {found}.and = and i1 {same[-1]}, {found}.is"
            same.append(f"{found}.and")
        if len(same) > 1:
            yield from _go_on(same[-1], f"a{n}.done")
        yield from loaded("ptr", f"a{n}.data", f"%a{n}", OFFSETS["data"])
        yield from stored("ptr", f"%a{n}.data", "%table", 8 * n)


def _number(n: int, dtype: str) -> Iterator[str]:
    """Where an argument without axes is, that is an array or a number."""
    yield f"  br i1 %a{n}.fits, label %a{n}.array, label %a{n}.other"
    yield f"a{n}.array:"
    yield from loaded("ptr", f"a{n}.held", f"%a{n}", OFFSETS["data"])
    yield f"  br label %a{n}.there"
    yield f"a{n}.other:"
    yield f"  %a{n}.room = getelementptr i64, ptr %numbers, i64 {n}"
    yield f"  %a{n}.number = call ptr @graphc_number_{dtype}(ptr %a{n}, ptr %a{n}.room)"
    yield f"  %a{n}.is = icmp ne ptr %a{n}.number, null"
    yield f"  br i1 %a{n}.is, label %a{n}.there, label %python"
    yield f"a{n}.there:"
    yield f"  %a{n}.data = phi ptr [ %a{n}.held, %a{n}.array ], [ %a{n}.number, %a{n}.other ]"
    yield from stored("ptr", f"%a{n}.data", "%table", 8 * n)


def _rooms(entry: Entry) -> Iterator[str]:
    """Find an array for each result."""
    for r, array in enumerate(entry.results):
        for axis, extent in enumerate(array.extents):
            place = 8 * (entry.extents_at(r) + axis)
            if isinstance(extent, Symbol):
                value = f"%r{r}.{axis}"
                yield from loaded("i64", value[1:], "%table", 8 * (entry.symbols_at() + extent.number))
                yield from stored("i64", value, "%table", place)
            elif extent is not None:
                yield from stored("i64", str(extent), "%table", place)
    if entry.shape:
        yield f"  call void @{entry.shape}(ptr %table)"
    for r in range(len(entry.results)):
        yield f"  %r{r}.extents = getelementptr i64, ptr %table, i64 {entry.extents_at(r)}"
    yield from loaded("ptr", "ring", "%self", TUPLE_ITEMS + 8)
    if entry.fills:
        yield "  %out = load ptr, ptr %out.room, align 8"
        yield "  %is_filled = icmp ne ptr %out, null"
        yield "  br i1 %is_filled, label %filled, label %own"
        yield "filled:"
        yield from _filled(entry)
        yield "  br label %ready"
        yield "own:"
    yield from _own(entry)
    if entry.fills:
        yield "  br label %ready"
        yield "ready:"


def _own(entry: Entry) -> Iterator[str]:
    """New arrays, or those that the caller dropped."""
    yield from loaded("ptr", "slots", "%ring", LIST_ITEMS)
    for r in range(len(entry.results)):
        what = _what(entry, r)
        if is_kept(entry, r):
            yield f"  %r{r}.slots = getelementptr ptr, ptr %slots, i64 {RING * r}"
            yield f"  %r{r} = call ptr @graphc_taken(ptr %r{r}.slots, {what})"
        else:
            yield f"  %r{r} = call ptr @graphc_fresh({what})"
        yield f"  %r{r}.is = icmp ne ptr %r{r}, null"
        yield f"  br i1 %r{r}.is, label %r{r}.there, label %fail"
        yield f"r{r}.there:"
        yield from stored("ptr", f"%r{r}", "%arrays", 8 * r)
        yield from loaded("ptr", f"r{r}.data", f"%r{r}", OFFSETS["data"])
        yield from stored("ptr", f"%r{r}.data", "%table", 8 * (len(entry.arguments) + r))


def _order(entry: Entry) -> Iterator[str]:
    """Find one argument after the other, and note what is given by the name `out`."""
    found = ["[ %args, %positional ]"]
    yield f"  %is_counted = icmp eq i64 %count, {len(entry.arguments)}"
    yield "  %is_positional = icmp eq ptr %names, null"
    yield "  br i1 %is_positional, label %positional, label %named"
    yield "positional:"
    yield "  br i1 %is_counted, label %plain, label %python"
    yield "named:"
    if entry.fills:
        yield "  br i1 %is_counted, label %only_out, label %some"
        yield "only_out:"
        yield "  %is_out = call i1 @graphc_is_out(ptr %names)"
        yield "  br i1 %is_out, label %with_out, label %some"
        yield "with_out:"
        yield from loaded("ptr", "out.given", "%args", 8 * len(entry.arguments))
        yield "  store ptr %out.given, ptr %out.room, align 8"
        yield "  br label %plain"
        yield "some:"
        found.append("[ %args, %with_out ]")
    if entry.names:
        out = "%out.room" if entry.fills else "null"
        yield f"  %is_ordered = call i1 @graphc_ordered(ptr %args, i64 %count, ptr %names, ptr %ordered, ptr {out})"
        yield "  br i1 %is_ordered, label %by_name, label %python"
        yield "by_name:"
        yield "  br label %plain"
        found.append("[ %ordered, %by_name ]")
    else:
        yield "  br label %python"
    yield "plain:"
    yield f"  %given = phi ptr {', '.join(found)}"


def _filled(entry: Entry) -> Iterator[str]:
    """The arrays of `out`, which are kept meanwhile; where one is not as its result, Python says what to do."""
    count = len(entry.results)
    if entry.form is Form.ONE:
        yield "  %o0 = getelementptr i8, ptr %out, i64 0"
    else:
        kind = entry.form.value
        yield f"  %out.fits = call i1 @graphc_holds(ptr %out, ptr @{kind}_Type, i64 {count})"
        yield from _go_on("%out.fits", "out.items")
        items = "%out.list" if entry.form is Form.LIST else "%out"
        if entry.form is Form.LIST:
            yield from loaded("ptr", "out.list", "%out", LIST_ITEMS)
        for r in range(count):
            yield from loaded("ptr", f"o{r}", items, 8 * r + (0 if entry.form is Form.LIST else TUPLE_ITEMS))
    ends = len(entry.arguments) + count
    for r in range(count):
        yield f"  %o{r}.fits = call i1 @graphc_is_room(ptr %o{r}, {_what(entry, r)})"
        yield from _go_on(f"%o{r}.fits", f"o{r}.there")
        yield from loaded("ptr", f"o{r}.data", f"%o{r}", OFFSETS["data"])
        yield from stored("ptr", f"%o{r}.data", "%table", 8 * (len(entry.arguments) + r), "filled.")
    for n, array in enumerate((*entry.arguments, *entry.results)):
        if n < len(entry.arguments) and not array.rank:  # which may be a number
            yield f"  %start{n} = ptrtoint ptr %a{n}.data to i64"
            yield f"  %end{n} = add i64 %start{n}, {array.dtype.itemsize}"
        else:
            of = f"%a{n}" if n < len(entry.arguments) else f"%o{n - len(entry.arguments)}"
            yield f"  %end{n} = call i64 @graphc_end(ptr {of}, i32 {array.rank}, i64 {array.dtype.itemsize})"
        yield from stored("i64", f"%end{n}", "%ends", 8 * n)
    yield f"  %are_apart = call i1 @graphc_are_apart(ptr %table, ptr %ends, i64 {len(entry.arguments)}, i64 {ends})"
    yield from _go_on("%are_apart", "hold")
    for r in range(count):
        yield f"  call void @Py_IncRef(ptr %o{r})"
        yield from stored("ptr", f"%o{r}", "%arrays", 8 * r, "filled.")


def _what(entry: Entry, result: int) -> str:
    """The type and extents of a result."""
    array = entry.results[result]
    return f"ptr @graphc_descr_{entry.descrs.index(array.dtype)}, i32 {array.rank}, ptr %r{result}.extents"
