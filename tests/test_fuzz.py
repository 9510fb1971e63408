"""The fuzzer: what it tries holds, and what is wrong it finds, and makes small."""

import random
import re
import subprocess
import sys
from itertools import count
from time import perf_counter

import numpy as np
import pytest

import graphc as gx
from graphc.ops.elementwise import Tanh
from graphc.passes import standard
from graphc.passes.matching import form, hole
from graphc.passes.rewrite import Rewrite, Rule
from graphc.testing import fuzz
from graphc.testing.agreement import DisagreementError, check_program, interpreted
from graphc.testing.bodies import BODIES
from graphc.testing.choices import Choices
from graphc.testing.draft import Draft
from graphc.testing.fuzz import Tally, first_failure, main
from graphc.testing.program import BYTES, RandomProgram, Recipe, random_program
from graphc.testing.rounding import Overflows, Spread
from graphc.testing.templates import TEMPLATES
from tests.docs.public_functions import functions_of_arrays

SIZES = {"n": 2, "m": 3}
SEEDS = [*range(30), *(pytest.param(seed, marks=pytest.mark.full) for seed in range(30, 600))]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_program_holds(seed: int) -> None:
    check_program(random_program(Recipe.of(seed, 8)))


@pytest.mark.parametrize("seed", range(4))
def test_a_random_program_of_loops_and_branches_holds(seed: int) -> None:
    check_program(random_program(Recipe.of(seed, 3, [*BODIES])))


def test_every_public_function_of_arrays_is_in_a_template() -> None:
    used = set(re.findall(r"gx\.(?:\w+\.)?(\w+)\(", "\n".join(TEMPLATES)))
    wanted = {name.rpartition(".")[2] for name in functions_of_arrays() if not name.startswith("testing")}
    others = {"grad", "hessian", "jacobian", "jvp", "vjp", "hvp", "value_and_grad"} | {
        "clip_by_global_norm",
        "global_norm",
    }
    others |= {"clip_by_global_norm", "compile", "global_norm", "key", "replace"}
    assert not wanted - used - others


def test_every_template_makes_a_node() -> None:
    """A template that no node fits would be left out without a word."""
    draft = Draft("templates.py")
    for name, shape, dtype in (
        ("x1", "(3, 3)", "float64"),
        ("x2", '("n", 3)', "float32"),
        ("x3", "(3, 3)", "complex64"),
        ("x4", "(3,)", "int64"),
        ("x5", "(3,)", "bool"),
    ):
        draft.pool += draft.run(f'{name} = gx.input("{name}", {shape}, "{dtype}")', [name]) or []
    rng = random.Random(0)
    pool = list(draft.pool)

    def makes(template: str) -> bool:
        draft.pool = list(pool)
        return draft.grow(template, Choices(rng.randbytes(BYTES))) is not None

    assert not [template for template in TEMPLATES if not any(makes(template) for _ in range(40))]


@pytest.mark.parametrize("seed", range(3))
def test_the_program_that_is_printed_gives_what_was_compared(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    program = random_program(Recipe.of(seed, 10))
    arrays = program.arrays(SIZES)
    expected = program.results(program.compile(2), arrays)[: len(program.outputs)]
    exec(program.program_text(arrays, 2), {"__name__": "printed"})
    assert capsys.readouterr().out.split() == " ".join(str(y if y.shape else y[()]) for y in expected).split()


def test_a_recipe_makes_the_same_program_again() -> None:
    one, other = random_program(Recipe.of(5)), random_program(Recipe.of(5))
    assert one.text == other.text
    assert one.compile().source == other.compile().source


def test_rounding_tells_cancellation_from_mistakes() -> None:
    recipe = Recipe.of(0, 0)
    x = gx.input("x", (3,), "float64")
    y = (x + 1e8) - 1e8
    program = RandomProgram(recipe, "", "", (x,), (y,), {}, {}, (), {x: "x", y: "y"})
    arrays = [np.array([0.1, 0.7, -0.3])]
    f = program.compile(0)
    expected = interpreted(program, f, arrays, {}, Overflows())
    spread = Spread(lambda observer: interpreted(program, f, arrays, {}, observer))
    assert np.any(expected[0] != arrays[0])
    assert spread.agrees(0, arrays[0], expected[0])
    assert not spread.agrees(0, arrays[0] + 1e-3, expected[0])


def test_what_is_equal_but_for_rounding_may_be_called_so() -> None:
    """Numbers that are each moved by themselves are never equal: nothing would tell which those are that might be."""
    x = gx.input("x", (4,), "float64")
    y = gx.exp(x) * gx.exp(x) == gx.exp(x + x)
    program = RandomProgram(Recipe.of(0, 0), "", "", (x,), (y,), {}, {}, (), {x: "x", y: "y"})
    arrays = [np.array([0.1, 0.7, -0.3, 2.3])]
    f = program.compile(0)
    expected = interpreted(program, f, arrays, {}, Overflows())
    spread = Spread(lambda observer: interpreted(program, f, arrays, {}, observer))
    assert not np.all(expected[0])
    assert spread.agrees(0, np.ones(4, bool), expected[0])
    different = gx.exp(x) * 3 == gx.exp(x)
    program = RandomProgram(Recipe.of(0, 0), "", "", (x,), (different,), {}, {}, (), {x: "x", different: "y"})
    f = program.compile(0)
    spread = Spread(lambda observer: interpreted(program, f, arrays, {}, observer))
    assert not spread.agrees(0, np.ones(4, bool), np.zeros(4, bool))


def test_rounding_leaves_ties_alone() -> None:
    x = gx.input("x", (3,), "float64")
    y = gx.grad(gx.max(gx.abs(x)), x)
    program = RandomProgram(Recipe.of(0, 0), "", "", (x,), (y,), {}, {}, (), {x: "x", y: "y"})
    arrays = [np.array([2.0, 2.0, -2.0])]
    f = program.compile(0)
    expected = interpreted(program, f, arrays, {}, Overflows())
    spread = Spread(lambda observer: interpreted(program, f, arrays, {}, observer))
    assert not spread.agrees(0, np.array([1.0, 0.0, 0.0]), expected[0])


@pytest.mark.full
def test_a_wrong_rewrite_is_found_and_the_program_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    x = hole("x")
    wrong = Rule(form(Tanh)(x), x, exact=True, called="tanh(x) = x")
    monkeypatch.setattr(standard, "_rewriting", lambda level: Rewrite((*standard.rules(level), wrong)))
    failure = first_failure(0, 100, perf_counter() + 200, Tally())
    assert failure is not None
    assert "level 1" in failure.said or "level 2" in failure.said
    assert "tanh" in failure.program
    assert len(failure.program.splitlines()) < 25


def test_the_command_prints_what_it_tried(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--programs", "4", "--seed", "3"]) == 0
    printed = capsys.readouterr().out
    assert "4 programs" in printed
    assert "by dtype: " in printed


def test_hypothesis_is_asked_for_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(gx.ArgumentError, match="hypothesis is not installed"):
        main(["--programs", "1"])


def test_testing_loads_no_hypothesis() -> None:
    program = "import sys, graphc.testing, graphc.testing.fuzz; assert 'hypothesis' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_what_fails_only_at_times_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = count()

    def at_first(recipe: Recipe, level: int, backend: str, *, verify: bool) -> None:
        if next(calls) == 1:
            raise DisagreementError("levels differ", "the program")

    monkeypatch.setattr(fuzz, "tried", at_first)
    failure = first_failure(0, 20, perf_counter() + 20, Tally())
    assert failure is not None
    assert failure.program == "the program"
    assert "not so each time" in failure.said


def test_native_kernels_agree_with_the_interpreter() -> None:
    tally = Tally()
    failure = first_failure(11, 6, perf_counter() + 60, tally, backend="llvm")
    assert failure is None, failure
    assert tally.programs
