"""Calls without Python: a native entry that looks at its arrays, fills the table of an arena, and runs the steps.

It has a few arenas, for the sizes of calls that Python made, each for one caller at a time.  Calls of other sizes, of
arrays that are not as declared, or where other threads are in all arenas of their sizes, go to Python, which then may
leave its arena here.
"""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from typing import Any, final

from graphc.backends.backend import Declared, Prepared, Shortcut
from graphc.backends.llvm.code import Linked, link
from graphc.backends.llvm.entry import Arrays, Entry, Form, Symbol, callable_of, supported
from graphc.backends.llvm.entry_text import entry_text
from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.objects import kept_object
from graphc.backends.llvm.watch import begun, ended
from graphc.dataclass import dataclass

__all__ = ["Quick", "quick"]

RUN, ENTRY, STATE, TAKE, LEAVE = "graphc_run", "graphc_entry", "graphc_state", "graphc_take", "graphc_leave"
COMPUTE, COMMIT, INSIDE = "graphc_steps", "graphc_last_steps", "graphc_inside"
LENGTH = 16  # bytes from the start of a list to how many it has
PLACES = 16  # arenas at once
LINE = 8  # words of a line of the cache: no two places share one


@final
@dataclass(eq=False)
class Quick(Shortcut):
    """The entry of a function.

    call    what Python calls
    places  how many arenas there may be
    """

    call: Callable[..., Any]  # Any: what a user's function takes and gives
    symbols: int
    places: int
    _code: Linked
    _drop: Callable[[], None]
    _inside: list[None] | None
    _kept: list[tuple[tuple[int, ...], object] | None] = field(init=False)
    _next: int = 0

    def __post_init__(self) -> None:
        self._words = _words(self.symbols)
        self._state = (ctypes.c_int64 * (self.places * self._words)).from_address(self._code[STATE])
        self._take = ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(self._code[TAKE])
        self._leave = ctypes.PYFUNCTYPE(None, ctypes.c_int64)(self._code[LEAVE])
        self._kept = [None] * self.places

    def exchange(self, sizes: tuple[int, ...], prepared: Prepared, owner: object) -> tuple[bool, Any]:
        """Nothing is exchanged where an arena waits for these sizes, or while a call is under way in each place."""
        for number, kept in enumerate(self._kept):
            if kept is not None and kept[0] == sizes and not self._state[number * self._words]:
                return False, None
        place = self._taken()
        if place is None:
            return False, None
        before = self._kept[place]
        self._kept[place] = (sizes, owner)
        start = place * self._words
        self._state[start + 1] = prepared.address  # type: ignore[attr-defined]  # one of `loading`
        for number, size in enumerate(sizes):
            self._state[start + 2 + number] = size
        self._leave(place)
        return True, before

    def _taken(self) -> int | None:
        """A place that nobody is in, from now on its caller's: an empty one, or that which was filled first."""
        places: list[int] = [place for place, kept in enumerate(self._kept) if kept is None]
        places += [*range(self._next, self.places), *range(self._next)]
        for place in places:
            if self._take(place):
                self._next = (place + 1) % self.places
                return place
        return None

    def release(self) -> None:
        """Let all memory go that waits for a call."""
        self._drop()
        for place in range(self.places):
            if self._take(place):
                self._state[place * self._words + 1] = 0
                self._kept[place] = None
                self._leave(place)


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
    form = _form(declared)
    is_nested = form is Form.NESTED
    entry = Entry(
        tuple([_arrays(*array) for array in declared.arguments]),
        tuple([_arrays(*array) for array in declared.results]),
        declared.symbols,
        form,
        RUN,
        releases=declared.is_long,
        fills=declared.fills and not is_nested,
        names=declared.names,
        nested=declared.form if is_nested else None,
    )
    places = PLACES if entry.symbols or entry.releases else 1  # else one caller at a time, with the same sizes
    text = "\n".join((*_run(entry, slots, places, declared.inside is not None), entry_text(entry, ENTRY)))
    symbols = {**entry.symbols_used, COMPUTE: steps[0], COMMIT: steps[1]}
    if declared.inside is not None:
        symbols[INSIDE] = id(declared.inside) + LENGTH
    code = link([kept_object(text, machine)], symbols, [ENTRY, STATE, TAKE, LEAVE])
    call, drop = callable_of(entry, code, ENTRY, fallback)
    return Quick(call, declared.symbols, places, code, drop, declared.inside)


def _form(declared: Declared) -> Form:
    """The form of what is returned."""
    form = declared.form
    if isinstance(form, int):
        return Form.ONE
    if not form or not isinstance(form, tuple | list) or not all(isinstance(part, int) for part in form):
        return Form.NESTED
    return Form.TUPLE if isinstance(form, tuple) else Form.LIST


def _arrays(dtype: Any, extents: Sequence[int | str]) -> Arrays:
    """A symbol is written as the text of its number."""
    return Arrays(dtype, tuple([n if isinstance(n, int) else Symbol(int(n)) for n in extents]))


def _words(symbols: int) -> int:
    """From one place of the state to the next."""
    return -(-(2 + symbols) // LINE) * LINE


def _run(entry: Entry, slots: Sequence[int], places: int, has_variables: bool) -> Iterator[str]:
    """`i64 run(ptr table)`, and how Python changes what it runs on.

    Each place of the state: whether somebody is in it, the table of the steps, the sizes that this is for.  Where there
    are variables, nobody else may be at work on them when it begins, and nobody can until it ends: no other thread of
    Python runs.  Nor does one where the lock of Python is kept, from the first look at who is in a place to the last:
    then that is no exchange of the processor, which takes as long as the guards of two arrays.
    """
    words = _words(entry.symbols)
    yield f"@{STATE} = global [{places * words} x i64] zeroinitializer, align 64"
    yield f"declare i64 @{COMPUTE}(ptr)"
    yield f"declare i64 @{COMMIT}(ptr)"
    yield f"@{INSIDE} = external global i64"
    yield f"define i64 @{TAKE}(i64 %number) nounwind {{"
    yield from _place(words)
    if entry.releases:
        yield "  %pair = cmpxchg ptr %place, i64 0, i64 1 seq_cst seq_cst"
        yield "  %is_ours = extractvalue { i64, i1 } %pair, 1"
    else:
        yield "  %before = load i64, ptr %place"
        yield "  %is_ours = icmp eq i64 %before, 0"
        yield "  store i64 1, ptr %place"
    yield "  %found = zext i1 %is_ours to i64"
    yield "  ret i64 %found"
    yield "}"
    yield f"define void @{LEAVE}(i64 %number) nounwind {{"
    yield from _place(words)
    yield "  store atomic i64 0, ptr %place release, align 8"
    yield "  ret void"
    yield "}"
    yield from _fits(entry)
    yield f"define i64 @{RUN}(ptr %given) nounwind {{"
    if has_variables:
        yield f"  %inside = load i64, ptr @{INSIDE}"
        yield "  %is_free = icmp eq i64 %inside, 0"
        yield "  br i1 %is_free, label %begin, label %busy"
        yield "begin:"
    yield "  br label %look"
    yield "look:"
    yield f"  %number = phi i64 [ 0, %{'begin' if has_variables else '0'} ], [ %following, %next ]"
    yield from _place(words)
    yield "  %fits = call i1 @graphc_fits_place(ptr %place, ptr %given)"
    yield "  br i1 %fits, label %take, label %next"
    yield "take:"
    yield f"  %ours = call i64 @{TAKE}(i64 %number)"
    yield "  %is_ours = icmp ne i64 %ours, 0"
    yield f"  br i1 %is_ours, label %{'look_again' if entry.releases else 'fill'}, label %next"
    yield "next:"
    yield "  %following = add i64 %number, 1"
    yield f"  %is_last = icmp eq i64 %following, {places}"
    yield "  br i1 %is_last, label %busy, label %look"
    yield "busy:"
    yield "  ret i64 -1"
    if entry.releases:  # Python may have changed it in between
        yield "look_again:"
        yield "  %fits_still = call i1 @graphc_fits_place(ptr %place, ptr %given)"
        yield "  br i1 %fits_still, label %fill, label %leave"
    yield "fill:"
    yield "  %table.at = getelementptr i64, ptr %place, i64 1"
    yield "  %table = load ptr, ptr %table.at"
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
    changed = "[ -1, %look_again ], " if entry.releases else ""
    yield f"  %result = phi i64 {changed}[ %status, %fill ], [ %last, %set ]"
    yield f"  call void @{LEAVE}(i64 %number)"
    yield "  ret i64 %result"
    yield "}"


def _place(words: int) -> Iterator[str]:
    yield f"  %place.at = mul i64 %number, {words}"
    yield f"  %place = getelementptr i64, ptr @{STATE}, i64 %place.at"


def _fits(entry: Entry) -> Iterator[str]:
    """Whether a place has a table, and for the sizes of a call.  Before the place is taken that is a guess."""
    yield "define internal i1 @graphc_fits_place(ptr %place, ptr %given) nounwind {"
    yield "  %table.at = getelementptr i64, ptr %place, i64 1"
    yield "  %table = load atomic ptr, ptr %table.at monotonic, align 8"
    yield "  %fits.0 = icmp ne ptr %table, null"
    for n in range(entry.symbols):
        yield f"  %given.{n}.at = getelementptr i64, ptr %given, i64 {entry.symbols_at() + n}"
        yield f"  %given.{n} = load i64, ptr %given.{n}.at"
        yield f"  %known.{n}.at = getelementptr i64, ptr %place, i64 {2 + n}"
        yield f"  %known.{n} = load atomic i64, ptr %known.{n}.at monotonic, align 8"
        yield f"  %same.{n} = icmp eq i64 %given.{n}, %known.{n}"
        yield f"  %fits.{n + 1} = and i1 %fits.{n}, %same.{n}"
    yield f"  ret i1 %fits.{entry.symbols}"
    yield "}"
