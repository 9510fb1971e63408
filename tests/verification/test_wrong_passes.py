"""Every pass that is wrong is caught, and named with the user's line."""

import re
from collections.abc import Callable

import pytest

import graphc as gx
from graphc.kernel.target import Target
from graphc.passes.liveness import peak_bytes
from graphc.passes.rematerialise import Budget
from graphc.passes.standard import standard
from tests.verification.models import keeping, looping
from tests.verification.mutants import Model, Mutant, verified
from tests.verification.wrong_graphs import WRONG_GRAPHS
from tests.verification.wrong_improvements import WRONG_IMPROVEMENTS, regions
from tests.verification.wrong_products import COMPILED, TILED, WRONG_PRODUCTS
from tests.verification.wrong_programs import WRONG_PROGRAMS
from tests.verification.wrong_rules import WRONG_RULES
from tests.verification.wrong_schedules import WRONG_SCHEDULES

WRONG = (*WRONG_GRAPHS, *WRONG_IMPROVEMENTS, *WRONG_PRODUCTS, *WRONG_PROGRAMS)
MODELS = dict.fromkeys((mutant.model, mutant.target) for mutant in WRONG)


@pytest.mark.parametrize(("model", "target"), MODELS, ids=[model.__name__ for model, _ in MODELS])
def test_no_pass_is_reported_that_is_right(model: Callable[[], Model], target: Target) -> None:
    built = model()
    verified(built, standard(built.graph(), target, 2))


def test_every_pass_has_one_that_is_wrong() -> None:
    budget = Budget(1 << 20, lambda lowered: peak_bytes(lowered.program))
    names = {each.name for model in (looping, regions) for each in standard(model().graph(), TILED, 2, budget)}
    names |= {each.name for target in (TILED, COMPILED) for each in standard(looping().graph(), target, 2)}
    assert names == {mutant.name for mutant in (*WRONG, *WRONG_RULES)}


def _said_of(mutant: Mutant) -> str:
    """The report of a compilation with passes of which one is wrong."""
    model = mutant.model()
    with pytest.raises(gx.VerificationError) as caught:
        verified(model, mutant.passes(model.graph()))
    return str(caught.value)


@pytest.mark.parametrize("mutant", WRONG, ids=lambda mutant: mutant.title)
def test_a_wrong_pass_is_named(mutant: Mutant) -> None:
    said = _said_of(mutant)
    assert f"the pass {mutant.name!r}" in said
    assert mutant.says in said
    assert re.search(r"\n  at \w+\.py:\d+", said), said


@pytest.mark.parametrize("mutant", WRONG_SCHEDULES, ids=lambda mutant: mutant.title)
def test_what_makes_no_sense_is_told_with_the_step_and_the_line(mutant: Mutant) -> None:
    said = _said_of(mutant)
    assert f"the pass {mutant.name!r} gives a program that makes no sense" in said
    assert mutant.says in said
    step = re.search(r"no sense, in step (\d+)\n", said)
    assert step is not None or mutant.says == "no step writes"
    assert step is None or re.search(rf"\n  step {step[1]}(, stage \d+)?: ", said), said
    assert re.search(r"\n  at models\.py:\d+", said), said


def test_the_output_that_nothing_writes_is_told_by_its_line() -> None:
    model = keeping()
    mutant = next(mutant for mutant in WRONG_SCHEDULES if mutant.says == "no step writes")
    with pytest.raises(gx.VerificationError) as caught:
        verified(model, mutant.passes(model.graph()))
    assert f":{model.outputs[1].origin.line} " in str(caught.value)
