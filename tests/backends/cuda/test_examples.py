"""Every function that an example compiles, as CUDA C++: what NVRTC says of it, and what its kernels give."""

import inspect
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

from graphc.backends.cuda.emulation.emulator import Emulator
from graphc.structure import leaves
from tests.backends.cuda.compiled import NEEDS_NVRTC, for_cuda, require_clean
from tests.backends.cuda.emulated import NEEDS_COMPILER, made_at_once, near
from tests.backends.cuda.first_calls import Seen, first_calls

SAMPLE = "chain_rule"
EXAMPLES = [
    pytest.param(path.stem, marks=() if path.stem == SAMPLE else pytest.mark.full)
    for path in sorted(Path(__file__).parents[3].glob("examples/[a-z]*.py"))
]


def seen_in(example: str, folder: Path) -> list[Seen]:
    """What an example compiles and calls."""
    main = import_module(f"examples.{example}").main
    given = {"folder": folder} if "folder" in inspect.signature(main).parameters else {}
    with pytest.MonkeyPatch.context() as patch:
        return first_calls(partial(main, **given), patch)


@NEEDS_NVRTC
@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_compile_without_warnings(example: str, tmp_path: Path) -> None:
    found = seen_in(example, tmp_path)
    assert found
    for seen in found:
        require_clean(for_cuda(seen.function).artifact.source)


@NEEDS_COMPILER
@pytest.mark.parametrize("example", EXAMPLES)
def test_first_calls_of_examples_give_the_same(example: str, tmp_path: Path) -> None:
    found = [seen for seen in seen_in(example, tmp_path) if seen.was_called]
    assert found
    for seen, function in zip(found, made_at_once([seen.function for seen in found], Emulator()), strict=True):
        for variable, value in zip(function.variables, seen.before, strict=True):
            variable.value = value
        for x, exact in zip(leaves(function(*seen.arguments, **seen.named)), seen.outputs, strict=True):
            near(x, exact)
        for variable, value in zip(function.variables, seen.after, strict=True):
            near(variable.value, value)
