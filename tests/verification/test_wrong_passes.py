"""Every pass that is wrong is caught, and named with the user's line."""

import pytest

import graphc as gx
from tests.verification.mutants import Mutant, verified
from tests.verification.wrong_graphs import WRONG_GRAPHS


@pytest.mark.parametrize("mutant", WRONG_GRAPHS, ids=lambda mutant: mutant.title)
def test_a_wrong_pass_is_named(mutant: Mutant) -> None:
    model = mutant.model()
    verified(model)
    with pytest.raises(gx.VerificationError) as caught:
        verified(model, mutant.passes(model.graph()))
    said = str(caught.value)
    assert f"the pass {mutant.name!r}" in said
    assert mutant.says in said
