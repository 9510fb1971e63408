"""The stages of Fourier transforms that lie side by side: Stockham's method.

Van Loan: Computational Frameworks for the Fast Fourier Transform, 1992, section 1.7.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import final

from graphc.backends.llvm.fourier_plans import LARGEST_PRIME
from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.waves import Wave, Waves
from graphc.backends.llvm.writer import Writer
from graphc.dataclass import dataclass
from graphc.types import DType

__all__ = ["stages_text"]


def stages_text(dtype: DType, machine: Machine) -> str:
    """`ptr KERNEL(ptr stages, ptr from, ptr to, i64 n, i64 s)`: s transforms of n elements, a multiple of the lanes.

    Element j of transform q stands at j s + q, its real part in the first n s numbers, its imaginary one in as many
    behind them.  Gives the one of the two places that the result is in; the other one has numbers of no use.
    """
    on = Writer()
    waves = Waves(on, dtype, machine.lanes(dtype.itemsize), machine.has_fma)
    text = on.text
    count = on.load("i64", "%stages")
    source, target = text.room("ptr", "%from"), text.room("ptr", "%to")
    apart, behind = text.room("i64", "%s"), on.mul("%n", "%s")
    with text.loop("0", count) as number:
        stage = on.at("i64", "%stages", on.add(on.mul(number, "4"), "1"))
        radix, turns = on.load("i64", stage), on.load("i64", stage, "1")
        old, new, step = on.load("ptr", source), on.load("ptr", target), on.load("i64", apart)
        pass_ = _Pass(
            waves,
            radix,
            turns,
            step,
            on.load("ptr", stage, "2"),
            on.load("ptr", stage, "3"),
            (old, on.at(waves.real, old, behind)),
            (new, on.at(waves.real, new, behind)),
        )
        labels = {known: text.label("radix") for known in BUTTERFLIES}
        other, after = text.label("radix"), text.label("after")
        cases = " ".join(f"i64 {known}, label %{label}" for known, label in labels.items())
        text.do(f"switch i64 {radix}, label %{other} [ {cases} ]")
        for known, label in labels.items():
            text.begin(label)
            pass_.known(known)
            text.go(after)
        text.begin(other)
        pass_.any_odd()
        text.go(after)
        text.begin(after)
        on.store("i64", on.mul(step, radix), apart)
        on.store("ptr", new, source)
        on.store("ptr", old, target)
    text.do(f"ret ptr {on.load('ptr', source)}")
    return text.function("KERNEL", "ptr %stages, ptr %from, ptr %to, i64 %n, i64 %s", "ptr")


@final
@dataclass
class _Pass:
    """One stage.  With p below `turns` and q below `step`, output j of its butterfly is turned by w^(p j):

    y[q + step (radix p + j)] = w^(p j) Σ x[q + step (p + turns k)] e^(-2πi jk/radix), over k
    """

    waves: Waves
    radix: str
    turns: str
    step: str
    twiddles: str
    roots: str
    given: tuple[str, str]
    made: tuple[str, str]

    def known(self, radix: int) -> None:
        """A stage of a radix that is known here."""
        on, waves = self.waves.on, self.waves
        far = on.mul(self.step, self.turns)
        with on.text.loop("0", self.turns) as p:
            first = on.mul(p, str(2 * (radix - 1)))
            factors = [
                (
                    waves.spread(self.twiddles, on.add(first, str(2 * j))),
                    waves.spread(self.twiddles, on.add(first, str(2 * j + 1))),
                )
                for j in range(radix - 1)
            ]
            read_at, write_at = on.mul(self.step, p), on.mul(self.step, on.mul(p, str(radix)))
            with on.text.loop("0", self.step, waves.lanes) as q:
                at = on.add(read_at, q)
                x = []
                for _ in range(radix):
                    x.append(waves.read(self.given, at))
                    at = on.add(at, far)
                y = BUTTERFLIES[radix](waves, x)
                at = on.add(write_at, q)
                for j in range(radix):
                    waves.write(waves.mul(y[j], factors[j - 1]) if j else y[j], self.made, at)
                    at = on.add(at, self.step)

    def any_odd(self) -> None:
        """Another odd radix: sums and differences of the elements that stand opposite meet cosines and sines."""
        on, waves, text = self.waves.on, self.waves, self.waves.on.text
        half = on.op("lshr", self.radix, "1")
        pairs = (LARGEST_PRIME + 1) // 2
        rooms = [text.room(f"[{pairs} x {waves.type}]") for _ in range(4)]
        total = (text.room(waves.type), text.room(waves.type))
        others = (text.room(waves.type), text.room(waves.type))
        far = on.mul(self.step, self.turns)
        with text.loop("0", self.turns) as p, text.loop("0", self.step, waves.lanes) as q:
            at = on.add(on.mul(self.step, p), q)
            start = waves.read(self.given, at)
            for value, place in zip(start, total, strict=True):
                on.store(waves.type, value, place)
            with text.loop("1", on.add(half, "1")) as k:
                x = waves.read(self.given, on.add(at, on.mul(far, k)))
                y = waves.read(self.given, on.add(at, on.mul(far, on.sub(self.radix, k))))
                sums, differences = waves.add(x, y), waves.sub(x, y)
                for room, value in zip(rooms, (*sums, *differences), strict=True):
                    on.store(waves.type, value, room, k)
                for place, value in zip(total, sums, strict=True):
                    on.store(waves.type, waves.op("fadd", on.load(waves.type, place), value), place)
            to = on.add(on.mul(self.step, on.mul(p, self.radix)), q)
            waves.write(self._pair(waves, total), self.made, to)
            with text.loop("1", on.add(half, "1")) as j:
                for place, value in zip(total, start, strict=True):
                    on.store(waves.type, value, place)
                for place in others:
                    on.store(waves.type, "zeroinitializer", place)
                angle = text.room("i64", "0")
                with text.loop("1", on.add(half, "1")) as k:
                    further = on.add(on.load("i64", angle), j)
                    is_over = on.op("icmp sge", further, self.radix)
                    turned = on.chosen(is_over, on.sub(further, self.radix), further)
                    on.store("i64", turned, angle)
                    cosine = waves.spread(self.roots, turned)
                    sine = waves.spread(self.roots, on.add(turned, self.radix))
                    for places, factor, first in ((total, cosine, 0), (others, sine, 2)):
                        for part in (0, 1):
                            value = on.load(waves.type, rooms[first + part], k)
                            sum = waves.fma(factor, value, on.load(waves.type, places[part]))
                            on.store(waves.type, sum, places[part])
                even, odd = self._pair(waves, total), self._pair(waves, others)  # of sines with a minus before
                self._write(waves.more_turned(even, odd), to, p, j)
                self._write(waves.less_turned(even, odd), to, p, on.sub(self.radix, j))

    def _pair(self, waves: Waves, places: Sequence[str]) -> Wave:
        real, imaginary = (waves.on.load(waves.type, place) for place in places)
        return real, imaginary

    def _write(self, y: Wave, to: str, p: str, j: str) -> None:
        """Output j, turned."""
        on, waves = self.waves.on, self.waves
        row = on.mul(p, on.sub(self.radix, "1"))
        place = on.mul(on.add(row, on.sub(j, "1")), "2")
        factor = waves.spread(self.twiddles, place), waves.spread(self.twiddles, on.add(place, "1"))
        waves.write(waves.mul(y, factor), self.made, on.add(to, on.mul(self.step, j)))


def _two(waves: Waves, x: Sequence[Wave]) -> list[Wave]:
    return [waves.add(x[0], x[1]), waves.sub(x[0], x[1])]


def _three(waves: Waves, x: Sequence[Wave]) -> list[Wave]:
    sum, difference = waves.add(x[1], x[2]), waves.times(waves.sub(x[1], x[2]), waves.number(math.sqrt(0.75)))
    middle = waves.multiples(x[0], [(waves.number(-0.5), sum)])
    return [waves.add(x[0], sum), waves.less_turned(middle, difference), waves.more_turned(middle, difference)]


def _four(waves: Waves, x: Sequence[Wave]) -> list[Wave]:
    even, odd = waves.add(x[0], x[2]), waves.add(x[1], x[3])
    first, second = waves.sub(x[0], x[2]), waves.sub(x[1], x[3])
    return [
        waves.add(even, odd), waves.less_turned(first, second),
        waves.sub(even, odd), waves.more_turned(first, second),
    ]  # fmt: skip


def _five(waves: Waves, x: Sequence[Wave]) -> list[Wave]:
    cosines = [waves.number(math.cos(2 * math.pi * k / 5)) for k in (1, 2)]
    sines = [math.sin(2 * math.pi * k / 5) for k in (1, 2)]
    near, far = waves.add(x[1], x[4]), waves.add(x[2], x[3])
    near_less, far_less = waves.sub(x[1], x[4]), waves.sub(x[2], x[3])
    evens = [
        waves.multiples(x[0], [(cosines[0], near), (cosines[1], far)]),
        waves.multiples(x[0], [(cosines[1], near), (cosines[0], far)]),
    ]
    odds = [
        waves.multiples(waves.times(near_less, waves.number(sines[0])), [(waves.number(sines[1]), far_less)]),
        waves.multiples(waves.times(near_less, waves.number(sines[1])), [(waves.number(-sines[0]), far_less)]),
    ]
    return [
        waves.add(waves.add(x[0], near), far),
        waves.less_turned(evens[0], odds[0]), waves.less_turned(evens[1], odds[1]),
        waves.more_turned(evens[1], odds[1]), waves.more_turned(evens[0], odds[0]),
    ]  # fmt: skip


#: outputs of the transforms of a few elements
BUTTERFLIES: Mapping[int, Callable[[Waves, Sequence[Wave]], list[Wave]]] = {2: _two, 3: _three, 4: _four, 5: _five}
