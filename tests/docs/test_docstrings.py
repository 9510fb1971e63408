"""Every public function of arrays says its shapes, its derivative, and where what it computes is defined."""

import inspect
import re
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import pytest

import graphc as gx
from tests.docs.public_functions import families, functions_of_arrays

#: what a docstring says, or that the docstring of another function says it
DERIVATIVE = re.compile(r"Slopes?[^.:]*: |No slope|Adjoint[^.:]*: |\bd\w+ = ")
SHAPES = re.compile(r"->\s+(\[|[a-z] \[|`shape`|the shape of)|elementwise")
SOURCE = re.compile(r"\b(19|20)\d\d\b|DLMF \d|C11, F|NumPy|PyTorch|scipy")
ELSEWHERE = re.compile(r"[Ss]ee `?([\w.]+)`?|as for `(\w+)`")

#: functions that take arrays and are no formula: a leaf, what exchanges nodes, and what compiles them
NO_FORMULA = ("constant", "replace", "compile")

#: headings of docs/operations.md whose functions work element by element, where operands broadcast
ELEMENTWISE = (
    "Arithmetic",
    "Exponentials, trigonometry, special functions",
    "Activations",
    "Comparison, logic, choice",
    "Complex numbers",
    "Bits of integers",
    "Rounding and dtypes",
)

#: headings whose functions are defined, or computed, by something to look up
SOURCED = ("Exponentials, trigonometry, special functions", "Activations", "Module linalg", "Module nn", "Module optim")

#: functions under these headings whose docstring is the whole definition
DEFINED = frozenset(
    {"exp2", "expm1", "log2", "log10", "log1p", "xlog1py", "degrees", "radians", "sinc", "logaddexp", "logaddexp2"}
    | {"linalg.cross", "linalg.diagonal", "linalg.trace", "linalg.matrix_transpose", "linalg.matrix_power"}
    | {"linalg.tensordot", "linalg.vecdot", "linalg.outer"}
    | {"nn.Initialiser", "nn.Layer", "nn.Linear", "nn.Sequential"}
    | {"optim.Optimiser", "optim.Schedule", "optim.constant", "optim.exponential_decay", "optim.step_decay"}
    | {"optim.global_norm"}
)


def text_of(name: str) -> str:
    """The docstring of a public name."""
    function: Callable[..., Any] = attrgetter(name)(gx)
    return inspect.getdoc(function) or ""


def says(name: str, mark: re.Pattern[str], seen: tuple[str, ...] = ()) -> bool:
    """Whether the docstring of a public name has the mark, or sends the reader to one that has."""
    text = text_of(name)
    if mark.search(text):
        return True
    module = name.rpartition(".")[0]
    elsewhere = [group for found in ELSEWHERE.finditer(text) for group in found.groups() if group]
    named = [f"{module}.{other}" if module else other for other in elsewhere] + elsewhere
    public = families()
    return any(says(other, mark, (*seen, name)) for other in named if other in public and other not in seen)


ARRAYS = functions_of_arrays()


@pytest.mark.parametrize("name", [name for name in ARRAYS if name not in NO_FORMULA])
def test_function_of_arrays_says_its_derivative(name: str) -> None:
    assert says(name, DERIVATIVE), text_of(name)


@pytest.mark.parametrize(
    "name", [name for name in ARRAYS if name not in NO_FORMULA and families()[name] not in ELEMENTWISE]
)
def test_function_of_arrays_says_its_shapes(name: str) -> None:
    assert says(name, SHAPES), text_of(name)


@pytest.mark.parametrize("name", [name for name, family in families().items() if family in SOURCED])
def test_what_is_defined_elsewhere_says_where(name: str) -> None:
    assert says(name, SOURCE) != (name in DEFINED), text_of(name)


def classes() -> list[type]:
    """Every public class that is no error."""
    public = [attrgetter(name)(gx) for name in families()]
    return [value for value in public if isinstance(value, type) and not issubclass(value, BaseException)]


@pytest.mark.parametrize("owner", classes(), ids=lambda owner: owner.__name__)
def test_methods_that_users_call_say_what_they_give(owner: type) -> None:
    for name, method in inspect.getmembers(owner, inspect.isfunction):
        if name == "__call__" or not name.startswith("_"):
            assert inspect.getdoc(method), name
