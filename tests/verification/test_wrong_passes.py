"""Every pass that is wrong is caught, and named with the user's line."""

import re
from collections.abc import Callable

import pytest

import graphc as gx
from graphc.kernel.target import Target
from graphc.passes.liveness import peak_bytes
from graphc.passes.rematerialise import Budget
from graphc.passes.standard import standard
from tests.verification.models import looping, mixed
from tests.verification.mutants import Model, Mutant, verified
from tests.verification.wrong_graphs import WRONG_GRAPHS
from tests.verification.wrong_improvements import WRONG_IMPROVEMENTS, regions
from tests.verification.wrong_products import COMPILED, TILED, WRONG_PRODUCTS
from tests.verification.wrong_programs import WRONG_BACKENDS, WRONG_PROGRAMS, WrongBackend
from tests.verification.wrong_rules import WRONG_RULES

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


@pytest.mark.parametrize("mutant", WRONG, ids=lambda mutant: mutant.title)
def test_a_wrong_pass_is_named(mutant: Mutant) -> None:
    model = mutant.model()
    with pytest.raises(gx.VerificationError) as caught:
        verified(model, mutant.passes(model.graph()))
    said = str(caught.value)
    assert f"the pass {mutant.name!r}" in said
    assert mutant.says in said
    assert re.search(r"\n  at \w+\.py:\d+", said), said


@pytest.mark.parametrize("backend", WRONG_BACKENDS, ids=lambda backend: backend.new)
def test_a_wrong_text_is_named(backend: WrongBackend) -> None:
    with pytest.raises(gx.VerificationError, match=r"the pass 'emit' .*, in step"):
        verified(mixed(), backend=backend)
