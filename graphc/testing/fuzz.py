"""Random programs until time is up: `python -m graphc.testing.fuzz --seconds 60`.

Each is compiled at every level and compared with the reference interpreter, see `agreement`.  The first that fails is
made as small as it can be, and printed as a program; the exit status is 1 then.
"""

import argparse
import sys
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import field
from time import perf_counter
from typing import TYPE_CHECKING, final

from graphc.dataclass import dataclass
from graphc.errors import ArgumentError
from graphc.testing.agreement import Checked, DisagreementError, check_program
from graphc.testing.program import ALL_WAYS, BYTES, Backend, RandomProgram, Recipe, random_program
from graphc.types import TensorType, name_of

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["Tally", "first_failure", "main"]

PART = 1000  # programs of one seed: then come those of the next
REPORTED = 50  # programs between two lines of progress


@final
@dataclass
class Tally:
    """What was tried: programs, and in how many of them each op and each dtype was, and in which settings."""

    programs: int = 0
    large: int = 0
    ops: Counter[str] = field(default_factory=Counter)
    dtypes: Counter[str] = field(default_factory=Counter)
    sizes: Counter[int] = field(default_factory=Counter)
    layouts: Counter[str] = field(default_factory=Counter)
    start: float = field(default_factory=perf_counter)

    def add(self, checked: Checked | None) -> None:
        """Count a program; one that was too large apart."""
        if checked is None:
            self.large += 1
            return
        self.programs += 1
        graph = checked.graph
        for setting in checked.settings:
            self.sizes.update({setting.sizes[name] for name in checked.symbols})
            self.layouts.update(set(setting.layouts))
        self.ops.update({node.op.name for node in graph.nodes})
        types = [node.type for node in graph.nodes if isinstance(node.type, TensorType)]
        self.dtypes.update({name_of(type.dtype) for type in types})
        if self.programs % REPORTED == 0:
            print(self.progress, flush=True)

    @property
    def progress(self) -> str:
        """`1200 programs, 4.1 a second, 181 ops`."""
        rate = self.programs / max(perf_counter() - self.start, 1e-9)
        return f"{self.programs} programs, {rate:.1f} a second, {len(self.ops)} ops"

    def __str__(self) -> str:
        dtypes = ", ".join(f"{name} {count}" for name, count in self.dtypes.most_common())
        rare = ", ".join(f"{name} {count}" for name, count in self.ops.most_common()[:-9:-1])
        sizes = ", ".join(f"{size} {count}" for size, count in sorted(self.sizes.items()))
        layouts = ", ".join(f"{name} {count}" for name, count in self.layouts.most_common())
        return (
            f"{self.progress}; {self.large} were too large\nby dtype: {dtypes}\nby open size: {sizes}\n"
            f"by layout of an input: {layouts}\nrarest ops: {rare}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Try programs as the command line says; 1 where one failed."""
    parser = argparse.ArgumentParser("python -m graphc.testing.fuzz", description="Try random programs.")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to go on")
    parser.add_argument("--programs", type=int, default=sys.maxsize, help="how many programs to try at most")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other programs")
    parser.add_argument("--level", type=int, default=2, choices=(0, 1, 2), help="the highest level to compile at")
    parser.add_argument("--backend", default="numpy", choices=("numpy", "llvm"), help="what runs the programs")
    parser.add_argument("--verify", action="store_true", help="compile with verify=True as well: slower")
    options = parser.parse_args(arguments)
    if not options.seconds > 0 or options.programs < 1:
        parser.error("--seconds and --programs are above 0")
    tally, seed, end = Tally(), options.seed, perf_counter() + options.seconds
    while perf_counter() < end and tally.programs < options.programs:
        count = min(PART, options.programs - tally.programs)
        failure = first_failure(seed, count, end, tally, options.level, options.backend, verify=options.verify)
        if failure is not None:
            print(f"{failure.program}\n\n{failure.said}\n\n{tally}\nseed {seed}", flush=True)
            return 1
        seed += 1
    print(tally)
    return 0


def first_failure(
    seed: int,
    count: int,
    end: float,
    tally: Tally,
    level: int = 2,
    backend: Backend = "numpy",
    *,
    verify: bool = False,
) -> DisagreementError | None:
    """Try `count` programs, or as many as there is time for, and give what is wrong with the first that fails."""
    try:
        import hypothesis
    except ImportError:
        raise ArgumentError("fuzz: hypothesis is not installed", hint="pip install graphc[dev]") from None
    failures: list[DisagreementError] = []

    def attempt(recipe: Recipe) -> None:
        if not failures and perf_counter() > end:
            return
        try:
            checked = tried(recipe, level, backend, verify=verify)
        except DisagreementError as failure:
            failures.append(failure)
        else:
            if not failures:
                tally.add(checked)
            return
        # Of this line alone, without what led to it: hypothesis takes errors of other lines, or files, for others.
        raise DisagreementError(failures[-1].said, failures[-1].program)

    settings = hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        verbosity=hypothesis.Verbosity.quiet,
    )
    run = hypothesis.seed(seed)(settings(hypothesis.given(_recipes())(attempt)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            run()
    except DisagreementError as failure:
        return failure
    except hypothesis.errors.Flaky:
        first = failures[0]
        return DisagreementError(f"this is not so each time:\n{first.said}", first.program)
    return None


def tried(recipe: Recipe, level: int, backend: Backend = "numpy", *, verify: bool) -> Checked | None:
    """The program of a recipe, which was compared; DisagreementError where something does not hold of it."""
    program: RandomProgram | None = None
    try:
        program = random_program(recipe, backend)
        return check_program(program, level, verify=verify)
    except DisagreementError:
        raise
    except Exception as error:
        text = "" if program is None else program.program_text(program.arrays({"n": 2, "m": 3}), level)
        raise DisagreementError(f"{type(error).__name__}: {error}", text) from error
    finally:
        if program is not None:
            program.forget()


def _recipes() -> "SearchStrategy[Recipe]":
    """All recipes; what hypothesis shrinks to is a short list of plain lines."""
    from hypothesis import strategies

    decisions = strategies.binary(min_size=BYTES, max_size=BYTES)
    step = strategies.tuples(strategies.sampled_from(ALL_WAYS), decisions)
    steps = strategies.lists(strategies.tuples(step, step), min_size=3, max_size=10).map(
        lambda pairs: tuple([step for pair in pairs for step in pair])
    )
    return strategies.builds(Recipe, decisions, steps, decisions, strategies.integers(0, 1 << 16))


if __name__ == "__main__":
    sys.exit(main())
