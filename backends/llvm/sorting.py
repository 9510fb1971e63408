"""Sorting rows: keys that are ordered as integers, by ranks where a row is short, by digits where it is long.

Of a short row, the place of each key is the number of those before it, counted in vectors.  The keys of a long one
are distributed by 8 bits at a time, the last ones first; bits that all share are passed over.
Knuth: The Art of Computer Programming 3, 1998, sections 5.2 and 5.2.5.
"""

from dataclasses import field
from typing import final

from graphc.backends.llvm.chunked import Function
from graphc.backends.llvm.looks import Looks
from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.module import Module
from graphc.backends.llvm.native_routine import NativeRoutine, batch_of, chunked, grouped
from graphc.backends.llvm.writer import Writer
from graphc.dataclass import dataclass
from graphc.kernel.steps import Extern
from graphc.sizes import Size
from graphc.types import DType, is_floating

__all__ = ["sort"]

RANKED = 128  # elements of the longest row that is sorted by ranks
AT_ONCE = 1 << 13  # elements of a chunk, about
DIGITS = 256
UNLOOKED = 1 << 21  # elements that are moved between two looks whether the run has been given up: some 20 ms
INFINITE = {"float16": 0x7C00, "bfloat16": 0x7F80, "float32": 0x7F800000, "float64": 0x7FF0000000000000}


def sort(step: Extern, module: Module) -> NativeRoutine:
    """Along the last axis, with the places that the elements come from.  Stable; a nan is the largest."""
    (x,) = step.reads
    n, rows = x.shape[-1], batch_of(x, 1)
    per_chunk = grouped(AT_ONCE, n)
    rows_of = _Rows(x.dtype, bool(dict(step.options).get("descending", False)), module.machine)
    rows_of.write(step, rows, per_chunk)
    on = rows_of.on
    allocated = 0 if isinstance(n, int) and n <= RANKED else rows_of.item * n
    return NativeRoutine(Function(on.function(), on.arguments), chunked(rows, per_chunk), allocated, n)


@final
@dataclass
class _Rows:
    """Writes the sort of one row after the other.

    type    of an element in memory, taken as an integer
    key     the type that keys of short rows are compared in
    width   such keys in a vector
    item    bytes beside the results that an element of a long row takes
    """

    dtype: DType
    descends: bool
    machine: Machine
    on: Writer = field(default_factory=Writer)
    looks: Looks = field(init=False)
    bits: int = field(init=False)
    type: str = field(init=False)
    key: str = field(init=False)
    width: int = field(init=False)
    item: int = field(init=False)

    def __post_init__(self) -> None:
        self.bits = 8 * self.dtype.itemsize
        self.type = f"i{self.bits}"
        self.key = "i64" if self.bits == 64 else "i32"
        self.width = self.machine.lanes(8 if self.bits == 64 else 4)
        self.item = 32 if self.bits == 64 else 8
        self.looks = Looks(self.on.text, self.on.arguments, UNLOOKED)

    def write(self, step: Extern, rows: Size, per_chunk: Size) -> None:
        """The whole function."""
        on = self.on
        extent = step.reads[0].shape[-1]
        n = on.size(extent)
        arrays = [on.array(buffer) for buffer in (*step.reads, *step.writes)]
        is_short = "" if isinstance(extent, int) else on.op("icmp sle", n, str(RANKED))
        room = ""
        if is_short:
            room = on.taken(on.chosen(is_short, "0", on.mul(n, str(self.item))))
        elif isinstance(extent, int) and extent > RANKED:
            room = on.taken(str(self.item * extent))
        with on.members(rows, per_chunk) as row:
            start = on.mul(row, n)
            types = (self.type, self.type, "i64")
            x, values, order = (on.at(type, array, start) for type, array in zip(types, arrays, strict=True))
            if is_short:
                with on.either(is_short) as choice:
                    self._ranked(n, x, values, order)
                    choice.otherwise()
                    self._distributed(n, x, values, order, room)
            elif room:
                self._distributed(n, x, values, order, room)
            else:
                self._ranked(n, x, values, order)
        self.looks.end()

    def _key(self, x: str, place: str) -> str:
        """An integer without sign that is ordered as the element is."""
        on, type = self.on, self.type
        value = on.load(type, x, place)
        ones, sign = str((1 << self.bits) - 1), str(1 << (self.bits - 1))
        if is_floating(self.dtype):
            size = on.op("and", value, str((1 << (self.bits - 1)) - 1), type)
            is_nan = on.op("icmp ugt", size, str(INFINITE[self.dtype.name]), type)
            is_zero = on.op("icmp eq", size, "0", type)
            value = on.chosen(is_zero, "0", value, type)
            turned = on.op("or", on.op("ashr", value, str(self.bits - 1), type), sign, type)
            value = on.chosen(is_nan, ones, on.op("xor", value, turned, type), type)
        elif self.dtype.kind == "i":
            value = on.op("xor", value, sign, type)
        return on.op("xor", value, ones, type) if self.descends else value

    def _place(self, i: str, to: str, x: str, values: str, order: str) -> None:
        """Let an element of the row come to stand where it belongs."""
        on = self.on
        on.store("i64", i, order, to)
        on.store(self.type, on.load(self.type, x, i), values, to)

    # Short rows.

    def _ranked(self, n: str, x: str, values: str, order: str) -> None:
        on, text, width, key = self.on, self.on.text, self.width, self.key
        whole = f"<{width} x {key}>"
        keys, ranks = text.room(f"[{RANKED + width} x {key}]"), text.room(whole)
        numbers = f"<{', '.join(f'{key} {lane}' for lane in range(width))}>"
        with text.loop("0", n) as i:
            on.store(key, on.cast("zext", self._key(x, i), self.type, key), keys, i)
        with text.loop("0", n, width) as first:
            behind = on.least(on.add(first, str(width)), n)
            mine = on.load(whole, on.at(key, keys, first), align=self.machine.vector_bytes // width)
            on.store(whole, "zeroinitializer", ranks)

            def count(is_before: str) -> None:
                more = text.value(f"zext <{width} x i1> {is_before} to {whole}")
                on.store(whole, on.op("add", on.load(whole, ranks), more, whole), ranks)

            with text.loop("0", first) as j:
                count(on.op("icmp ule", on.spread(on.load(key, keys, j), key, width), mine, whole))
            with text.loop(first, behind) as j:
                other = on.spread(on.load(key, keys, j), key, width)
                lane = on.spread(on.cast("trunc", on.sub(j, first), "i64", key), key, width)
                is_equal = on.op("icmp eq", other, mine, whole)
                is_earlier = on.op("and", is_equal, on.op("icmp ult", lane, numbers, whole), f"<{width} x i1>")
                is_less = on.op("icmp ult", other, mine, whole)
                count(on.op("or", is_less, is_earlier, f"<{width} x i1>"))
            with text.loop(behind, n) as j:
                count(on.op("icmp ult", on.spread(on.load(key, keys, j), key, width), mine, whole))
            with text.loop(first, behind) as i:
                rank = on.load(key, ranks, on.sub(i, first))
                self._place(i, on.cast("zext", rank, key, "i64"), x, values, order)

    # Long rows.

    def _distributed(self, n: str, x: str, values: str, order: str, room: str) -> None:
        """Items go to and fro between two places: keys of up to 32 bits above their places, wide ones beside them.

        Each time that they all go anew is long: it is given up where the run is.
        """
        on, text = self.on, self.on.text
        item, digits = ("{ i64, i64 }", 8) if self.bits == 64 else ("i64", self.bits // 8)
        shift = 0 if self.bits == 64 else 32
        counts = text.room(f"[{digits * DIGITS} x i32]")
        on.clear(counts, str(4 * digits * DIGITS))
        first = room if self.bits == 64 else order
        source, target = text.room("ptr", first), text.room("ptr", on.at(item, room, n if self.bits == 64 else "0"))
        with self.looks.in_blocks("0", n, 1, UNLOOKED) as i:
            key = on.cast("zext", self._key(x, i), self.type, "i64")
            if shift:
                key = on.op("or", on.op("shl", key, str(shift)), i)
                on.store("i64", key, first, i)
            else:
                self._store_pair(first, i, key, i)
            for digit in range(digits):
                at = on.op("and", on.op("lshr", key, str(shift + 8 * digit)), str(DIGITS - 1))
                at = on.add(at, str(DIGITS * digit))
                on.store("i32", on.op("add", on.load("i32", counts, at), "1", "i32"), counts, at)
        with text.loop("0", str(digits)) as turn:
            places = on.at("i32", counts, on.mul(turn, str(DIGITS)))
            right = on.add(on.op("shl", turn, "3"), str(shift))
            old, new = on.load("ptr", source), on.load("ptr", target)
            some = on.op("and", on.op("lshr", on.load("i64", old), right), str(DIGITS - 1))
            is_shared = on.op("icmp eq", on.cast("zext", on.load("i32", places, some), "i32", "i64"), n)
            with on.either(is_shared) as choice:
                choice.otherwise()
                self._begin(places)
                with self.looks.in_blocks("0", n, 1, UNLOOKED) as i:
                    key = on.load("i64", on.at(item, old, i))
                    at = on.op("and", on.op("lshr", key, right), str(DIGITS - 1))
                    place = on.load("i32", places, at)
                    on.store("i32", on.op("add", place, "1", "i32"), places, at)
                    to = on.cast("zext", place, "i32", "i64")
                    if shift:
                        on.store("i64", key, new, to)
                    else:
                        self._store_pair(new, to, key, on.load("i64", on.at(item, old, i), "1"))
                on.store("ptr", new, source)
                on.store("ptr", old, target)
        last = on.load("ptr", source)
        with self.looks.in_blocks("0", n, 1, UNLOOKED) as to:
            if shift:
                i = on.op("and", on.load("i64", last, to), str((1 << 32) - 1))
            else:
                i = on.load("i64", on.at(item, last, to), "1")
            self._place(i, to, x, values, order)

    def _store_pair(self, base: str, place: str, key: str, origin: str) -> None:
        on = self.on
        pair = on.at("{ i64, i64 }", base, place)
        on.store("i64", key, pair)
        on.store("i64", origin, pair, "1")

    def _begin(self, places: str) -> None:
        """Instead of how often each digit occurs, where those with it begin."""
        on, text = self.on, self.on.text
        so_far = text.room("i32", "0")
        with text.loop("0", str(DIGITS)) as digit:
            begin, count = on.load("i32", so_far), on.load("i32", places, digit)
            on.store("i32", begin, places, digit)
            on.store("i32", on.op("add", begin, count, "i32"), so_far)
