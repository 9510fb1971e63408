"""Calls without Python: a native entry that looks at its arrays, fills the table of an arena, and runs the steps.

It has one arena at a time, for the sizes of the last call that Python made.  Calls of other sizes, of arrays that are
not as declared, or while another thread is in it, go to Python, which then may leave its arena here.
"""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from graphc.backends.backend import Declared, Prepared, Shortcut
from graphc.backends.llvm.code import Linked, link
from graphc.backends.llvm.entry import Arrays, Entry, Form, Symbol, callable_of, supported
from graphc.backends.llvm.entry_text import entry_text
from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.objects import kept_object
from graphc.backends.llvm.watch import begun, ended

__all__ = ["Quick", "quick"]

RUN, ENTRY, STATE, TAKE, LEAVE = "graphc_run", "graphc_entry", "graphc_state", "graphc_take", "graphc_leave"
COMPUTE, COMMIT, INSIDE = "graphc_steps", "graphc_last_steps", "graphc_inside"
LENGTH = 16  # bytes from the start of a list to how many it has
FORMS = {"one": Form.ONE, "tuple": Form.TUPLE, "list": Form.LIST}


@final
@dataclass(eq=False)
class Quick(Shortcut):
    """The entry of a function.

    call  what Python calls
    """

    call: Callable[..., Any]  # Any: what a user's function takes and gives
    symbols: int
    _code: Linked
    _drop: Callable[[], None]
    _inside: list[None] | None
    _kept: tuple[tuple[int, ...], object] | None = field(default=None)

    def __post_init__(self) -> None:
        self._state = (ctypes.c_int64 * (2 + self.symbols)).from_address(self._code[STATE])
        self._take = ctypes.PYFUNCTYPE(ctypes.c_int64)(self._code[TAKE])
        self._leave = ctypes.PYFUNCTYPE(None)(self._code[LEAVE])

    def exchange(self, sizes: tuple[int, ...], prepared: Prepared, owner: object) -> tuple[bool, Any]:
        """Nothing is exchanged where there is one for these sizes, or while a call is under way."""
        if (self._kept is not None and self._kept[0] == sizes) or not self._take():
            return False, None
        before = self._kept
        self._kept = (sizes, owner)
        self._state[1] = prepared.address  # type: ignore[attr-defined]  # one of `loading`
        for place, size in enumerate(sizes):
            self._state[2 + place] = size
        self._leave()
        return True, before

    def release(self) -> None:
        """Let all memory go that waits for a call."""
        self._drop()
        if self._take():
            self._state[1] = 0
            self._kept = None
            self._leave()


def quick(
    machine: Machine,
    steps: Sequence[int],
    declared: Declared,
    slots: Sequence[int],
    fallback: Callable[..., Any],  # Any: as `Quick.call`
) -> Quick | None:
    """The entry of a function whose native steps begin at addresses; None where no entry can be made.

    steps  what computes, then what sets variables
    slots  of the table of the steps: of each argument, then of each result
    """
    if not supported():
        return None
    entry = Entry(
        tuple([_arrays(*array) for array in declared.arguments]),
        tuple([_arrays(*array) for array in declared.results]),
        declared.symbols,
        FORMS[declared.form],
        RUN,
        releases=declared.is_long,
        fills=declared.fills,
    )
    text = "\n".join((*_run(entry, slots, declared.inside is not None), entry_text(entry, ENTRY)))
    symbols = {**entry.symbols_used, COMPUTE: steps[0], COMMIT: steps[1]}
    if declared.inside is not None:
        symbols[INSIDE] = id(declared.inside) + LENGTH
    code = link([kept_object(text, machine)], symbols, [ENTRY, STATE, TAKE, LEAVE])
    call, drop = callable_of(entry, code, ENTRY, fallback)
    return Quick(call, declared.symbols, code, drop, declared.inside)


def _arrays(dtype: Any, extents: Sequence[int | str]) -> Arrays:
    """A symbol is written as the text of its number."""
    return Arrays(dtype, tuple([n if isinstance(n, int) else Symbol(int(n)) for n in extents]))


def _run(entry: Entry, slots: Sequence[int], has_variables: bool) -> Iterator[str]:
    """`i64 run(ptr table)`, and how Python changes what it runs on.

    The state: whether somebody is in it, the table of the steps, the sizes that this is for.  Where there are
    variables, nobody else may be at work on them when it begins, and nobody can until it ends: no other thread of
    Python runs.  Nor does one where the lock of Python is kept, from the first look at who is in it to the last: then
    that is no exchange of the processor, which takes as long as the guards of two arrays.
    """
    yield f"@{STATE} = global [{2 + entry.symbols} x i64] zeroinitializer, align 64"
    yield f"declare i64 @{COMPUTE}(ptr)"
    yield f"declare i64 @{COMMIT}(ptr)"
    yield f"@{INSIDE} = external global i64"
    yield f"define i64 @{TAKE}() nounwind {{"
    if entry.releases:
        yield f"  %pair = cmpxchg ptr @{STATE}, i64 0, i64 1 seq_cst seq_cst"
        yield "  %is_ours = extractvalue { i64, i1 } %pair, 1"
    else:
        yield f"  %before = load i64, ptr @{STATE}"
        yield "  %is_ours = icmp eq i64 %before, 0"
        yield f"  store i64 1, ptr @{STATE}"
    yield "  %found = zext i1 %is_ours to i64"
    yield "  ret i64 %found"
    yield "}"
    yield f"define void @{LEAVE}() nounwind {{"
    yield f"  store atomic i64 0, ptr @{STATE} release, align 8"
    yield "  ret void"
    yield "}"
    yield f"define i64 @{RUN}(ptr %given) nounwind {{"
    if has_variables:
        yield f"  %inside = load i64, ptr @{INSIDE}"
        yield "  %is_free = icmp eq i64 %inside, 0"
        yield "  br i1 %is_free, label %begin, label %busy"
        yield "begin:"
    yield f"  %ours = call i64 @{TAKE}()"
    yield "  %is_ours = icmp ne i64 %ours, 0"
    yield "  br i1 %is_ours, label %look, label %busy"
    yield "busy:"
    yield "  ret i64 -1"
    yield "look:"
    yield f"  %table.at = getelementptr i64, ptr @{STATE}, i64 1"
    yield "  %table = load ptr, ptr %table.at"
    yield "  %fits.0 = icmp ne ptr %table, null"
    for n in range(entry.symbols):
        yield f"  %given.{n}.at = getelementptr i64, ptr %given, i64 {entry.symbols_at() + n}"
        yield f"  %given.{n} = load i64, ptr %given.{n}.at"
        yield f"  %known.{n}.at = getelementptr i64, ptr @{STATE}, i64 {2 + n}"
        yield f"  %known.{n} = load i64, ptr %known.{n}.at"
        yield f"  %same.{n} = icmp eq i64 %given.{n}, %known.{n}"
        yield f"  %fits.{n + 1} = and i1 %fits.{n}, %same.{n}"
    yield f"  br i1 %fits.{entry.symbols}, label %fill, label %leave"
    yield "fill:"
    for place, slot in enumerate(slots):
        yield f"  %from.{place} = getelementptr i64, ptr %given, i64 {place}"
        yield f"  %value.{place} = load i64, ptr %from.{place}"
        yield f"  %to.{place} = getelementptr i64, ptr %table, i64 {slot}"
        yield f"  store i64 %value.{place}, ptr %to.{place}"
    if entry.releases:
        yield f"  %thread.at = getelementptr i64, ptr %given, i64 {entry.thread_at}"
        yield "  %thread = load ptr, ptr %thread.at"
        yield from begun("%table", "%thread")
    yield f"  %status = call i64 @{COMPUTE}(ptr %table)"
    if entry.releases:
        yield from ended("%table")
    yield "  %is_right = icmp eq i64 %status, 0"
    yield "  br i1 %is_right, label %set, label %leave"
    yield "set:"
    yield f"  %last = call i64 @{COMMIT}(ptr %table)"
    yield "  br label %leave"
    yield "leave:"
    yield "  %result = phi i64 [ -1, %look ], [ %status, %fill ], [ %last, %set ]"
    yield f"  call void @{LEAVE}()"
    yield "  ret i64 %result"
    yield "}"
