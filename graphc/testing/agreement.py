"""What holds of every program: all levels give what the interpreter gives, the same bits each time, and so on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import final

import numpy as np

from graphc.dataclass import dataclass
from graphc.errors import GraphError
from graphc.function import CompiledFunction
from graphc.ir.graph import Graph
from graphc.kernel.reference import Observer, interpret
from graphc.passes.soundness import require_provenance, require_sound
from graphc.testing.layouts import laid_out, memory_of
from graphc.testing.program import RandomProgram
from graphc.testing.rounding import Array, Overflows, Spread, epsilon_or_0
from graphc.testing.settings import Setting, settings_of
from graphc.types import is_differentiable
from graphc.verification.programs import work

__all__ = ["Checked", "DisagreementError", "check_program", "interpreted"]

PLAIN_ULPS = 32  # within which nothing else is asked
PLAIN_OF_PAIRS = 1e-12  # relative
MOST_WORK = 6000  # lets: the interpreter computes some 40,000 a second
MOST_OF_ODD = 4000  # in sizes that are drawn again where they are too many


class DisagreementError(AssertionError):
    """Something that does not hold of a program.  `program` prints it."""

    def __init__(self, said: str, program: str) -> None:
        super().__init__(said)
        self.said, self.program = said, program


@final
@dataclass(frozen=True)
class Checked:
    """A program that was compared: its graph, its open sizes, and the settings in which it was."""

    graph: Graph
    symbols: Sequence[str]
    settings: Sequence[Setting]


def interpreted(
    program: RandomProgram, f: CompiledFunction, arrays: Sequence[Array], sizes: Mapping[str, int], observer: Observer
) -> list[Array]:
    """Outputs, and the values of variables after a call, by the reference interpreter."""
    start = [program.start[node] for node in f.stored]
    outputs, after = interpret(f.program, arrays, start, sizes, f.constants, observer)
    by_node = {**program.start, **dict(zip(f.stored, after, strict=True))}
    return [*outputs, *(by_node[node] for node in program.start)]


def check_program(program: RandomProgram, best: int = 2, *, verify: bool = False) -> Checked | None:
    """Raise DisagreementError where something does not hold at level 0, at `best` or at one between.

    None where the program is too large to be interpreted, or no sizes suit it.  With `verify` it is compiled with
    `verify=True` as well.  What another backend runs is compared with NumPy's too.
    """
    functions = {0: _compiled(program, 0)}
    plain = functions[0].program
    settings = settings_of(program, lambda sizes: program.fits(sizes) and work(plain, sizes) <= MOST_OF_ODD)
    if not settings or any(work(plain, setting.sizes) > MOST_WORK for setting in settings):
        return None
    for level in sorted({best, 1 + program.recipe.seed % best} if best else ()):
        functions[level] = _compiled(program, level)
    peer = None if program.backend == "numpy" else _compiled(replace(program, backend="numpy"), best)
    _require_forms(program, functions[best], best)
    if verify:
        _compiled(program, best, verify=True)
    watched = program.compile(best, debug=True)
    if watched.source != functions[best].source:
        raise _of(program, program.arrays(settings[0].sizes), best, "a second compilation writes another text")
    for setting in settings:
        arrays = program.arrays(setting.sizes, special=setting.special)
        laid = laid_out(arrays, setting.layouts) if setting.layouts else []
        if laid:  # some elements of some layouts are those of others
            arrays = [np.array(x, given.dtype, order="C") for x, given in zip(laid, arrays, strict=True)]
        call = _Call(program, setting, arrays)
        call.check(functions, watched, peer)
        if laid:
            call.check_laid_out(functions[best], best, laid)
    return Checked(functions[0].graph, plain.symbols, settings)


def _compiled(program: RandomProgram, level: int, *, verify: bool = False) -> CompiledFunction:
    try:
        return program.compile(level, verify=verify)
    except Exception as error:
        arrays = program.arrays({"n": 2, "m": 3})
        raise _of(program, arrays, level, f"compiling at level {level}: {_told(error)}") from error


def _require_forms(program: RandomProgram, f: CompiledFunction, level: int) -> None:
    """Raise DisagreementError where a form is not sound, or a pass lost what led to a node."""
    for record in f.trace.records:
        try:
            require_sound(record.after)
            require_provenance(record)
        except AssertionError as error:
            said = f"after the pass {record.name!r} at level {level}: {error}"
            raise _of(program, program.arrays({"n": 2, "m": 3}), level, said) from error


def _of(
    program: RandomProgram, arrays: Sequence[Array], level: int, said: str, layouts: Sequence[str] = ()
) -> DisagreementError:
    return DisagreementError(said, program.program_text(arrays, level, layouts))


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


@final
@dataclass(frozen=True)
class _Call:
    """A program with an array for each input."""

    program: RandomProgram
    setting: Setting
    arrays: Sequence[Array]

    def check(
        self, functions: Mapping[int, CompiledFunction], watched: CompiledFunction, peer: CompiledFunction | None
    ) -> None:
        """Raise DisagreementError where functions of the program differ in this call; `peer` is that of NumPy."""
        plain, best = functions[min(functions)], max(functions)
        overflows = Overflows()
        expected = self._interpreted(plain, overflows)
        spread = Spread(lambda observer: interpreted(self.program, plain, self.arrays, self.setting.sizes, observer))
        named = [(f"level {level}", level, f) for level, f in functions.items()]
        if peer is not None:
            named.append((f"level {best} of NumPy", best, peer))
        for what, level, f in named:
            found = self._called(f, level)
            if not overflows.are_read and not (level >= 2 and (overflows.made or overflows.are_multiplied)):
                self._require_near(what, level, found, expected, spread, is_mended=_is_mended(f))
        first = self._called(functions[best], best)
        self._require_bits("a second call", best, first, self._called(functions[best], best))
        self._require_bits("a call in poisoned memory", best, first, self._called(watched, best))
        if not isinstance(expected, str):
            self._require_pairs(expected, spread)

    def check_laid_out(self, f: CompiledFunction, level: int, laid: Sequence[Array]) -> None:
        """Raise DisagreementError where the same numbers in other places of memory give other bits, or are changed."""
        where = f"a call on arrays that are {', '.join(self.setting.layouts)}"
        before = [memory_of(array).tobytes() for array in laid]
        self._require_bits(where, level, self._called(f, level), self._called(f, level, laid))
        for place, (array, content) in enumerate(zip(laid, before, strict=True)):
            if memory_of(array).tobytes() != content:
                raise self._of(level, f"{where} changes memory of input {place}")

    def _interpreted(self, f: CompiledFunction, observer: Observer) -> list[Array] | str:
        try:
            return interpreted(self.program, f, self.arrays, self.setting.sizes, observer)
        except GraphError as error:
            return error.problem
        except Exception as error:
            raise self._of(0, f"interpreting: {_told(error)}") from error

    def _called(self, f: CompiledFunction, level: int, arrays: Sequence[Array] | None = None) -> list[Array] | str:
        """Outputs and variables, or the problem that a call names."""
        try:
            return self.program.results(f, self.arrays if arrays is None else arrays)
        except GraphError as error:
            return error.problem
        except Exception as error:
            raise self._of(level, f"calling at level {level}: {_told(error)}") from error

    def _require_near(
        self,
        what: str,
        level: int,
        found: list[Array] | str,
        expected: list[Array] | str,
        spread: Spread,
        *,
        is_mended: bool,
    ) -> None:
        if isinstance(found, str) or isinstance(expected, str):
            if found != expected and not _name_one_of_several(found, expected):
                raise self._of(level, f"{what} says {_shown(found)}, the interpreter {_shown(expected)}")
            return
        for place, (one, other) in enumerate(zip(found, expected, strict=True)):
            if (one.shape, one.dtype) != (other.shape, other.dtype):
                raise self._of(
                    level, f"{what}: result {place} is {one.dtype}{one.shape}, not {other.dtype}{other.shape}"
                )
            if is_mended:
                one = np.where(np.isfinite(other), one, other)
            if not _plainly_near(one, other) and not spread.agrees(place, one, other):
                raise self._of(level, f"{what}: {self._named(place)} is\n{one}\nthe interpreter gives\n{other}")

    def _require_bits(self, what: str, level: int, found: list[Array] | str, again: list[Array] | str) -> None:
        if isinstance(found, str) or isinstance(again, str):
            if found != again:
                raise self._of(level, f"{what} says {_shown(again)}, the first {_shown(found)}")
            return
        for place, (one, other) in enumerate(zip(found, again, strict=True)):
            if one.tobytes() != other.tobytes():
                raise self._of(level, f"{what} gives other bits: {self._named(place)}\n{one}\n{other}")

    def _require_pairs(self, expected: Sequence[Array], spread: Spread) -> None:
        for pair in self.program.pairs:
            one, other = (float(expected[place]) for place in pair)
            are_near = abs(one - other) <= PLAIN_OF_PAIRS * max(abs(one), abs(other))
            if np.isfinite([one, other]).all() and not are_near and not spread.agree(*pair, expected):
                names = f"{self._named(pair.first)} and {self._named(pair.second)}"
                raise self._of(0, f"derivatives in two ways differ: {names} are {one!r} and {other!r}")

    def _named(self, place: int) -> str:
        outputs = self.program.outputs
        return self.program.names[outputs[place]] if place < len(outputs) else f"variable {place - len(outputs)}"

    def _of(self, level: int, said: str) -> DisagreementError:
        said = f"{said}\nwith {dict(self.setting.sizes)}"
        return _of(self.program, self.arrays, level, said, self.setting.layouts)


def _is_mended(f: CompiledFunction) -> bool:
    """Whether something is computed so that it leaves the range of floats less, or elsewhere."""
    return any(record.spill and record.notes for record in f.trace.records)


def _name_one_of_several(found: list[Array] | str, expected: list[Array] | str) -> bool:
    """Whether two calls fail by indices: of several that are out of range each may name another."""
    return all(isinstance(said, str) and "out of range" in said for said in (found, expected))


def _shown(found: list[Array] | str) -> str:
    return repr(found) if isinstance(found, str) else "nothing"


@np.errstate(all="ignore")
def _plainly_near(found: Array, expected: Array) -> bool:
    """Whether all elements are equal, or within some units in the last place."""
    if not is_differentiable(expected.dtype):
        return bool(np.array_equal(found, expected))
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    distance = np.abs(found - expected) <= PLAIN_ULPS * epsilon_or_0(expected.dtype) * np.abs(expected)
    return bool(np.all(same | distance))
