"""The same input gives the same text, byte for byte, whatever the seed of Python's hashes."""

import os
import subprocess
import sys
from collections.abc import Iterable

from tests.repository.modules import ROOT
from tests.thirty_models import MODELS, fingerprint


def under(hash_seed: int, names: Iterable[str]) -> str:
    """The fingerprints of some models, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tests.thirty_models", *names],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": str(hash_seed)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def test_texts_and_plans_of_30_models_do_not_depend_on_the_seed_of_hashes(full_tier: bool) -> None:
    names = list(MODELS)[:: 1 if full_tier else 3]
    first, *others = [under(seed, names) for seed in ((0, 1, 2, 77, 4242) if full_tier else (0, 77))]
    assert len(set(first.splitlines())) == len(names)
    assert len(MODELS) == 30
    assert all(other == first for other in others)


def test_a_text_does_not_depend_on_what_was_compiled_before() -> None:
    first = fingerprint(MODELS["attention"]())
    MODELS["dtypes"]()
    assert fingerprint(MODELS["attention"]()) == first
