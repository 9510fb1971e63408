"""What the error of a wrong pass says: golden texts, and the kind of error that it is."""

from collections.abc import Callable

import pytest

import graphc as gx
from tests.golden_text import Golden
from tests.verification.models import demanding, looping, mixed
from tests.verification.mutants import Model, Mutant, verified
from tests.verification.wrong_graphs import WRONG_GRAPHS
from tests.verification.wrong_programs import WRONG_BACKENDS, WRONG_PROGRAMS
from tests.verification.wrong_rules import WRONG_RULES

SHOWN = {
    "wrong_rule": "rule x - x * 0 = x",
    "wrong_rule_of_a_derivative": "rule x ≥ y = x > y",
    "wrong_folding": "fold: a number of its own",
    "wrong_sharing": "share: x - y and y - x",
    "wrong_loop": "trim loops: a live carry that stays",
    "wrong_demand": "demands: an index that nobody checks",
    "wrong_step": "lower: an index turned",
    "wrong_step_of_a_loop": "hold: one row too far back",
    "wrong_storage": "reuse: what is still read",
}
MUTANTS = {mutant.title: mutant for mutant in (*WRONG_RULES, *WRONG_GRAPHS, *WRONG_PROGRAMS)}


def told(mutant: Mutant) -> str:
    model = mutant.model()
    with pytest.raises(gx.VerificationError) as caught:
        verified(model, mutant.passes(model.graph()))
    return f"VerificationError: {caught.value}"


@pytest.mark.parametrize("name", SHOWN)
def test_the_error_names_the_pass_the_nodes_and_the_line(name: str, golden: Golden) -> None:
    golden(f"errors/verification/{name}", told(MUTANTS[SHOWN[name]]))


def test_the_error_of_a_text_names_the_step(golden: Golden) -> None:
    with pytest.raises(gx.VerificationError) as caught:
        verified(mixed(), backend=WRONG_BACKENDS[0])
    golden("errors/verification/wrong_text", f"VerificationError: {caught.value}")


def test_it_is_an_assertion_that_graphc_makes_of_itself() -> None:
    assert issubclass(gx.VerificationError, gx.GraphError)
    assert issubclass(gx.VerificationError, AssertionError)


@pytest.mark.parametrize("model", [looping, demanding])
def test_verifying_changes_neither_the_program_nor_a_variable(model: Callable[[], Model]) -> None:
    given = model()
    before = {variable: variable.value.tobytes() for variable in given.updates}
    plain = gx.compile(list(given.inputs), list(given.outputs), updates=given.updates)
    checked = gx.compile(list(given.inputs), list(given.outputs), updates=given.updates, verify=True)
    assert checked.source == plain.source
    assert {variable: variable.value.tobytes() for variable in given.updates} == before
