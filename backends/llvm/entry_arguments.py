"""Arguments by name, and numbers in place of arrays without axes, as LLVM IR for entries."""

from collections.abc import Iterator
from string import Template

import numpy as np

from graphc.backends.llvm.entry import NUMBER, TUPLE_ITEMS, Entry
from graphc.types import DType

__all__ = ["names_text", "numbers_text"]

#: floats that floats of Python become as they are rounded
FLOATS = {"float32": "float", "float64": "double"}


def names_text(entry: Entry) -> Iterator[str]:
    """Names and keys, and the function that puts arguments in order where they may be given by name."""
    yield from (f"@{symbol} = external global i8" for symbol in entry.strings)
    if entry.names:
        names = ", ".join(f"ptr @graphc_name_{n}" for n in range(len(entry.names)))
        yield f"@graphc_names = internal constant [{len(entry.names)} x ptr] [{names}]"
        out = OUT_NAMED if entry.fills else NAMED
        yield Template(ORDERED).substitute(inputs=len(entry.names), items=TUPLE_ITEMS, **out)


NAMED = {"look": "  br label %search", "after": "%behind, %set", "found": "%one_more, %set"}
#: the same where a name may be `out`
OUT_NAMED = {
    "look": """\
  %is_out = icmp eq ptr %name, @graphc_out
  br i1 %is_out, label %note, label %search
note:
  store ptr %value, ptr %out, align 8
  br label %next""",
    "after": "%behind, %set ], [ %from, %note",
    "found": "%one_more, %set ], [ %found, %note",
}


#: a name is looked for from behind the one that was found last: in order they are found at once
ORDERED = """\
; Arguments in the order of the inputs: those by position, then each where its name stands.  False where a name is not
; that of an input, where one is given twice, and where one is missing.
define internal i1 @graphc_ordered(ptr %args, i64 %count, ptr %names, ptr %ordered, ptr %out) nounwind {
  %named_at = getelementptr i8, ptr %names, i64 16
  %named = load i64, ptr %named_at, align 8
  %is_few = icmp ule i64 %count, $inputs
  br i1 %is_few, label %place, label %no
place:
  %n = phi i64 [ 0, %0 ], [ %n.next, %fill ]
  %is_place = icmp ult i64 %n, $inputs
  br i1 %is_place, label %position, label %name_of
position:
  %n.next = add i64 %n, 1
  %is_given = icmp ult i64 %n, %count
  %given_at = getelementptr ptr, ptr %args, i64 %n
  br i1 %is_given, label %take, label %fill
take:
  %given = load ptr, ptr %given_at, align 8
  br label %fill
fill:
  %first = phi ptr [ null, %position ], [ %given, %take ]
  %to = getelementptr ptr, ptr %ordered, i64 %n
  store ptr %first, ptr %to, align 8
  br label %place
name_of:
  %k = phi i64 [ 0, %place ], [ %k.next, %next ]
  %from = phi i64 [ %count, %place ], [ %after, %next ]
  %found = phi i64 [ %count, %place ], [ %found.next, %next ]
  %is_named = icmp ult i64 %k, %named
  br i1 %is_named, label %look, label %all
look:
  %k.next = add i64 %k, 1
  %name_at.0 = getelementptr i8, ptr %names, i64 $items
  %name_at = getelementptr ptr, ptr %name_at.0, i64 %k
  %name = load ptr, ptr %name_at, align 8
  %place_of = add i64 %count, %k
  %value_at = getelementptr ptr, ptr %args, i64 %place_of
  %value = load ptr, ptr %value_at, align 8
$look
search:
  %tried = phi i64 [ 0, %look ], [ %tried.next, %other ]
  %is_left = icmp ult i64 %tried, $inputs
  br i1 %is_left, label %compare, label %no
compare:
  %sum = add i64 %from, %tried
  %rest = sub i64 %sum, $inputs
  %is_over = icmp uge i64 %sum, $inputs
  %at = select i1 %is_over, i64 %rest, i64 %sum
  %input_at = getelementptr ptr, ptr @graphc_names, i64 %at
  %input = load ptr, ptr %input_at, align 8
  %is_it = icmp eq ptr %input, %name
  br i1 %is_it, label %put, label %other
other:
  %tried.next = add i64 %tried, 1
  br label %search
put:
  %slot = getelementptr ptr, ptr %ordered, i64 %at
  %before = load ptr, ptr %slot, align 8
  %is_new = icmp eq ptr %before, null
  br i1 %is_new, label %set, label %no
set:
  store ptr %value, ptr %slot, align 8
  %behind = add i64 %at, 1
  %one_more = add i64 %found, 1
  br label %next
next:
  %after = phi i64 [ $after ]
  %found.next = phi i64 [ $found ]
  br label %name_of
all:
  %is_whole = icmp eq i64 %found, $inputs
  ret i1 %is_whole
no:
  ret i1 false
}"""


def numbers_text(entry: Entry) -> Iterator[str]:
    """For each dtype of arguments without axes, a function: where a number of Python or NumPy is; null if it is none.

    It may write it into a room of 8 bytes.  A number that may not fit is none: Python looks at it again.
    """
    if not entry.numbers:
        return
    yield "@PyFloat_Type = external global i8"
    yield "@PyLong_Type = external global i8"
    yield "declare i64 @PyLong_AsLongLongAndOverflow(ptr, ptr)"
    for kind in FLOATS.values():
        yield f"declare {kind} @llvm.fabs.{'f32' if kind == 'float' else 'f64'}({kind})"
    for dtype in entry.numbers:
        yield f"@graphc_type_{dtype.name} = external global i8"
        yield from _number(dtype)


def _number(dtype: DType) -> Iterator[str]:
    """A number of NumPy where it is; one of Python that fits."""
    yield f"define internal ptr @graphc_number_{dtype.name}(ptr %given, ptr %room) nounwind {{"
    yield "  %type_at = getelementptr i8, ptr %given, i64 8"
    yield "  %type = load ptr, ptr %type_at, align 8"
    yield f"  %value_at = getelementptr i8, ptr %given, i64 {NUMBER}"
    if dtype.isbuiltin == 1:  # how others lie is not known
        yield f"  %is_own = icmp eq ptr %type, @graphc_type_{dtype.name}"
        yield "  br i1 %is_own, label %there, label %look"
        yield "there:"
        yield "  ret ptr %value_at"
        yield "look:"
    is_float, is_whole = dtype.name in FLOATS, dtype.kind in "iu"
    if is_float:
        yield "  %is_float = icmp eq ptr %type, @PyFloat_Type"
        yield "  br i1 %is_float, label %float, label %other"
        yield "float:"
        yield from _real(FLOATS[dtype.name])
        yield "other:"
    if is_float or is_whole:
        yield "  %is_int = icmp eq ptr %type, @PyLong_Type"
        yield "  br i1 %is_int, label %whole, label %none"
        yield "whole:"
        yield from _whole(dtype)
        yield "none:"
    yield "  ret ptr null"
    yield "}"


def _real(kind: str) -> Iterator[str]:
    """A float of Python, rounded; Python looks again at what is infinite then, or nan."""
    yield "  %wide = load double, ptr %value_at, align 8"
    if kind == "double":
        yield "  ret ptr %value_at"
        return
    yield f"  %real = fptrunc double %wide to {kind}"
    yield f"  %size = call {kind} @llvm.fabs.f32({kind} %real)"
    yield f"  %is_finite = fcmp olt {kind} %size, 0x7FF0000000000000"
    yield "  br i1 %is_finite, label %rounded, label %none"
    yield "rounded:"
    yield f"  store {kind} %real, ptr %room, align 8"
    yield "  ret ptr %room"


def _whole(dtype: DType) -> Iterator[str]:
    """An int of Python: as the float next to it, or where the dtype has it."""
    yield "  store i64 0, ptr %room, align 8"
    yield "  %integer = call i64 @PyLong_AsLongLongAndOverflow(ptr %given, ptr %room)"
    yield "  %overflow = load i32, ptr %room, align 8"
    yield "  %is_short = icmp eq i32 %overflow, 0"
    if dtype.name in FLOATS:
        yield "  br i1 %is_short, label %near, label %none"
        yield "near:"
        yield f"  %next = sitofp i64 %integer to {FLOATS[dtype.name]}"
        yield f"  store {FLOATS[dtype.name]} %next, ptr %room, align 8"
    else:
        limits = np.iinfo(dtype)
        yield f"  %is_above = icmp sge i64 %integer, {limits.min}"
        yield f"  %is_below = icmp sle i64 %integer, {min(limits.max, np.iinfo(np.int64).max)}"
        yield "  %is_within = and i1 %is_above, %is_below"
        yield "  %fits = and i1 %is_short, %is_within"
        yield "  br i1 %fits, label %kept, label %none"
        yield "kept:"
        yield "  store i64 %integer, ptr %room, align 8"
    yield "  ret ptr %room"
