"""How near memory plans come to the least, and what the order of steps saves: `python -m benchmarks.memory_plans`."""

import io
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import fmean
from typing import Any
from unittest.mock import patch

import numpy as np

import graphc as gx
from benchmarks.compile_scaling import GRAPHS
from benchmarks.measure.race import machine
from benchmarks.peers import cross_entropy, lenet, perceptron
from graphc.backends.numpy.backend import NumpyBackend
from graphc.inspection.summary import usual_sizes
from graphc.passes.liveness import peak_bytes
from graphc.passes.lower import Lowered
from graphc.passes.memory import layout
from graphc.passes.offsets import best_fit, bound, by_size, peak, placed
from graphc.passes.reuse import reuse
from tests.random_graphs import random_graph
from tests.random_loops import LOOPS

__all__ = ["Figures", "figures_of", "main", "models"]

RANDOM = 200
EXAMPLES = Path(__file__).parents[1] / "examples"


@dataclass(frozen=True)
class Figures:
    """One program, at the hints of its sizes (64 where there is none), in bytes.

    bound, peak            of the plan, scratch of the backend included
    greedy, fitted         the same by size alone, and by the best fit alone
    written, ordered       the most bytes of temporaries alive, in the order of lowering and as scheduled
    with_scratch           the bound of the plan in the order of lowering
    """

    bound: int
    peak: int
    greedy: int
    fitted: int
    written: int
    ordered: int
    with_scratch: int


def main(words: Sequence[str]) -> None:
    """Print the distributions for the models of the examples, for random graphs, and for those with loops."""
    print(machine())
    count = int(words[0]) if words else RANDOM
    groups: Mapping[str, Callable[[], Iterator[gx.CompiledFunction]]] = {
        "models": models,
        "random graphs": lambda: (random_graph(seed, 14 + seed % 40).compile() for seed in range(count)),
        "random graphs with loops": lambda: (random_graph(seed, 10, LOOPS).compile() for seed in range(count // 4)),
    }
    for name, functions in groups.items():
        print(report(name, [figures_of(f) for f in functions()]), flush=True)


def report(name: str, found: Sequence[Figures]) -> str:
    """The distributions as lines of text.  What has no temporaries counts in none."""
    found = [one for one in found if one.bound]
    excess = [one.peak / one.bound for one in found]
    worse = sum(one.peak > min(one.greedy, one.fitted) for one in found)
    lines = [
        f"{name}: {len(found)} programs",
        f"  peak over bound: on it {_share(x <= 1 for x in excess)}, within 5 % {_share(x <= 1.05 for x in excess)}, "
        f"worst {max(excess):.3f}, mean {fmean(excess):.4f}; worse than by size or best fit alone: {worse}",
    ]
    for what, pairs in {
        "temporaries": [(one.ordered, one.written) for one in found if one.written],
        "with scratch": [(one.bound, one.with_scratch) for one in found],
    }.items():
        saved = [after / before for after, before in pairs]
        lines.append(
            f"  bound in order over as lowered, {what}: mean {fmean(saved):.3f}, best {min(saved):.3f}, "
            f"worst {max(saved):.3f}; less in {_share(x < 1 for x in saved)}, more in {_share(x > 1 for x in saved)}"
        )
    return "\n".join(lines)


def _share(holds: Iterator[bool]) -> str:
    return f"{100 * fmean(holds):.1f} %"


def figures_of(f: gx.CompiledFunction) -> Figures:
    """The figures of a compiled function."""
    sizes = list(usual_sizes(f.graph, f.program).values())
    alignment = f.layout.alignment
    form = f.trace["schedule"].before
    assert isinstance(form, Lowered), form
    written = reuse(form.program)
    unordered = layout(written, NumpyBackend().emit(written).rooms, alignment)
    spans, bytes = f.layout.lives(sizes)
    return Figures(
        bound(spans, bytes),
        peak(placed(spans, bytes), bytes),
        peak(by_size(spans, bytes), bytes),
        peak(best_fit(spans, bytes), bytes),
        peak_bytes(form.program, alignment),
        peak_bytes(f.program, alignment),
        bound(*unordered.lives(sizes)),
    )


def models() -> Iterator[gx.CompiledFunction]:
    """What the examples compile, the models that race NumPy, and the graphs that show how compile time grows."""
    for file in sorted(EXAMPLES.glob("*.py")):
        yield from compiled_by(file.stem)
    yield perceptron.compiled_step(perceptron.start((784, 1024, 1024, 10)), "batch")
    yield perceptron.compiled_step(perceptron.start((64, 128, 10)), 32)
    yield lenet.compiled_forward(lenet.start(), "batch")
    yield cross_entropy.compiled(512, 10_000)
    for grow in GRAPHS.values():
        inputs, loss, wrt = grow(60)
        yield gx.compile(inputs, gx.value_and_grad(loss, wrt))


def compiled_by(example: str) -> list[gx.CompiledFunction]:
    """The functions that an example compiles while it runs, by itself in silence."""
    found: list[gx.CompiledFunction] = []
    compile = gx.compile

    def noted(*arguments: Any, **options: Any) -> gx.CompiledFunction:  # Any: as `compile` takes them
        found.append(compile(*arguments, **options))
        return found[-1]

    quiet = io.StringIO()
    with patch.object(gx, "compile", noted), redirect_stdout(quiet), redirect_stderr(quiet), np.errstate():
        import_module(f"examples.{example}").main()
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
