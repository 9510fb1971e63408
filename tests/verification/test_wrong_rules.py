"""Every identity that does not hold is caught, and named with the pass and with the user's line."""

import pytest

import graphc as gx
from tests.verification.mutants import Mutant, verified
from tests.verification.wrong_rules import WRONG_RULES


@pytest.mark.parametrize("mutant", WRONG_RULES, ids=lambda mutant: mutant.title)
def test_a_wrong_rule_is_named(mutant: Mutant) -> None:
    model = mutant.model()
    verified(model)
    with pytest.raises(gx.VerificationError) as caught:
        verified(model, mutant.passes(model.graph()))
    said = str(caught.value)
    assert f"the pass {mutant.name!r}" in said
    assert mutant.says in said
    assert "wrong_rules.py:" in said
