"""What a call into native code costs: `python -m benchmarks.native_calls`.

Four arrays of 16 elements go in, and the native function does nothing, so the time is that of the entry alone: to
look at the arguments, and to find an array for the result.
"""

from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.measure.race import ROUNDS, SAMPLE_NS, Contest, Side, machine, race, report_of
from graphc.backends.llvm.code import link, object_code
from graphc.backends.llvm.entry import Arrays, Entry, Form, Symbol, callable_of
from graphc.backends.llvm.entry_text import entry_text
from graphc.backends.llvm.machine import host

NOTHING = "define i64 @run(ptr %table) { ret i64 0 }"


def main() -> None:
    print(machine())
    print(report_of("a call with arrays of 16 elements", measured(), None))


def measured(rounds: int = ROUNDS, sample_ns: int = SAMPLE_NS) -> Contest:
    return race(sides(), rounds=rounds, sample_ns=sample_ns)


def sides() -> Mapping[str, Side]:
    """A call of Python's own, and the entries."""
    a, b, c, d, e = (np.ones(16, np.float32) for _ in range(5))
    five = _made(5, 0, releases=False, reuses=False)
    released = _made(5, 0, releases=True, reuses=False)
    fresh = _made(4, 1, releases=False, reuses=False)
    reused = _made(4, 1, releases=False, reuses=True)
    return {
        "np.add(a, b, out=c)": lambda: np.add(a, b, out=c),
        "a lambda that calls a function": lambda: _taking(a, b, c, d, e),
        "five arrays, no result": lambda: five(a, b, c, d, e),
        "the same, without the GIL": lambda: released(a, b, c, d, e),
        "four arrays, a fresh result": lambda: fresh(a, b, c, d),
        "four arrays, a result used again": lambda: reused(a, b, c, d),
    }


def _taking(a: object, b: object, c: object, d: object, e: object) -> None:
    """What the interpreter itself takes."""


def _made(arguments: int, results: int, *, releases: bool, reuses: bool) -> Callable[..., object]:
    array = Arrays(np.dtype(np.float32), (Symbol(0),))
    form = Form.ONE if results == 1 else Form.TUPLE
    entry = Entry((array,) * arguments, (array,) * results, 1, form, "run", releases=releases, reuses=reuses)
    code = link([object_code(NOTHING + entry_text(entry, "entry"), host())], entry.symbols_used, ["entry"])
    return callable_of(entry, code, "entry", _handed_on)[0]


def _handed_on(*arrays: object) -> None:
    raise AssertionError(f"{len(arrays)} arrays are not as declared")


if __name__ == "__main__":
    main()
