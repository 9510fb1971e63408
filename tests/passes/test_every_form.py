"""What holds of every form: of the models that are looked at, of the examples, and of random programs."""

from collections.abc import Callable, Sequence
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as gx
from graphc import driver
from graphc.passes.soundness import require_apart, require_provenance, require_sound
from graphc.testing.program import Recipe, random_program
from tests.inspection.models import DECISIONS, PERCEPTRON, model

QUICK = ("chain_rule", "roots", "xor")
EXAMPLES = sorted(path.stem for path in (Path(__file__).parents[2] / "examples").glob("[!_]*.py"))
SEEDS = [*range(6), *(pytest.param(seed, marks=pytest.mark.full) for seed in range(6, 120))]


def require_all(f: gx.CompiledFunction) -> None:
    """Every form of a compilation is sound, none loses a line, and temporaries lie apart, at several sizes."""
    for record in f.trace.records:
        require_sound(record.after)
        require_provenance(record)
    for size in (0, 1, 3, 40):
        sizes = dict.fromkeys(f.program.symbols, size)
        places = f.places(f.layout.place([size] * len(sizes)))
        require_apart(f.program, dict(zip(f.program.temporaries, places, strict=False)), sizes)


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("source", [PERCEPTRON, DECISIONS], ids=["perceptron", "decisions"])
def test_every_form_of_a_model_is_sound(source: str, level: int) -> None:
    nodes = model(source)
    outputs = [nodes[name] for name in ("loss", "step", "g", "root", "sums") if name in nodes]
    inputs = [nodes[name] for name in ("x", "t", "h", "xs") if name in nodes]
    require_all(gx.compile(inputs, outputs, level=level))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_form_of_a_random_program_is_sound(seed: int) -> None:
    program = random_program(Recipe.of(seed, 10))
    for level in (0, 1, 2):
        require_all(program.compile(level))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.full) for name in EXAMPLES]
)
def test_every_form_of_an_example_is_sound(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[gx.CompiledFunction] = []
    compiled: Callable[..., gx.CompiledFunction] = driver._compiled

    def kept(*arguments: Any, **named: Any) -> gx.CompiledFunction:  # Any: whatever the driver gives
        made.append(compiled(*arguments, **named))
        return made[-1]

    monkeypatch.setattr(driver, "_compiled", kept)
    main = import_module(f"examples.{name}").main
    folder: Sequence[Path] = [tmp_path] if "folder" in signature(main).parameters else []
    main(*folder)
    assert made
    for f in made:
        require_all(f)


def test_a_sum_that_is_made_after_its_loop_leads_to_what_it_stands_for() -> None:
    xs, w = gx.input("xs", (7, 5, 6)), gx.param("w", np.zeros((6, 6), "float32"))
    last, _ = gx.scan(lambda h, x: (gx.tanh(h @ w + x), None), gx.zeros((5, 6)), xs)
    slope = gx.grad(gx.sum(last), w)
    f = gx.compile([xs], [slope], backend="llvm")
    assert f.trace["sink"].notes
    require_all(f)
