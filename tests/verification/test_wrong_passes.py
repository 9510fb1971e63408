"""Every pass that is wrong is caught, and named with the user's line."""

from collections.abc import Callable

import pytest

import graphc as gx
from tests.verification.models import mixed
from tests.verification.mutants import Model, Mutant, verified
from tests.verification.wrong_graphs import WRONG_GRAPHS
from tests.verification.wrong_improvements import WRONG_IMPROVEMENTS
from tests.verification.wrong_programs import WRONG_BACKENDS, WRONG_PROGRAMS, WrongBackend

WRONG = (*WRONG_GRAPHS, *WRONG_IMPROVEMENTS, *WRONG_PROGRAMS)
MODELS = dict.fromkeys(mutant.model for mutant in WRONG)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_no_pass_is_reported_that_is_right(model: Callable[[], Model]) -> None:
    verified(model())


@pytest.mark.parametrize("mutant", WRONG, ids=lambda mutant: mutant.title)
def test_a_wrong_pass_is_named(mutant: Mutant) -> None:
    model = mutant.model()
    with pytest.raises(gx.VerificationError) as caught:
        verified(model, mutant.passes(model.graph()))
    said = str(caught.value)
    assert f"the pass {mutant.name!r}" in said
    assert mutant.says in said


@pytest.mark.parametrize("backend", WRONG_BACKENDS, ids=lambda backend: backend.new)
def test_a_wrong_text_is_named(backend: WrongBackend) -> None:
    with pytest.raises(gx.VerificationError, match=r"the pass 'emit' .*, in step"):
        verified(mixed(), backend=backend)
