"""A call that does not fit the parameters of a public function is an error of graphc that says what would fit."""

import inspect
import pickle
from collections.abc import Callable
from functools import partial
from operator import attrgetter

import numpy as np
import pytest

import graphc as gx
from graphc.signatures import public
from tests.public_surface import public_names

X = gx.input("x", ("n", 3))
LAYER = gx.nn.Linear(3, 2, rng=np.random.default_rng(0))


def offered(name: str) -> Callable[..., object]:
    """What users find under a name such as `linalg.inv`."""
    value: Callable[..., object] = attrgetter(name)(gx)
    return value


# an unknown keyword -> a call that has it, and what was meant; nothing where no keyword is near
UNKNOWN: dict[str, tuple[Callable[..., object], str]] = {
    "dim": (partial(gx.sum, X), "axis"),
    "axes": (partial(gx.max, X), "axis"),
    "keepdim": (partial(gx.mean, X, 1), "keepdims"),
    "ddof": (partial(gx.std, X), "correction"),
    "unbiased": (partial(gx.var, X), "correction"),
    "hermitian": (partial(gx.linalg.eigh, X), ""),
    "dims": (partial(gx.transpose, X), "axes"),
    "kernel_size": (partial(gx.max_pool, X), "window"),
    "strides": (partial(gx.conv2d, X, X), "stride"),
    "lr": (partial(gx.optim.SGD, LAYER), "rate"),
    "bais": (partial(gx.nn.Linear, 3, 2, rng=np.random.default_rng(0)), "bias"),
    "training": (partial(LAYER, X), "train"),
    "axsi": (partial(X.sum), "axis"),
    "value": (partial(gx.at(X)[0].set), "values"),
    "optimize": (partial(gx.compile, [X], X), ""),
}


@pytest.mark.parametrize("keyword", UNKNOWN)
def test_an_unknown_keyword_is_told_with_those_that_there_are(keyword: str) -> None:
    function, meant = UNKNOWN[keyword]
    with pytest.raises(gx.ArgumentError) as caught:
        function(**{keyword: 1})
    known = list(inspect.signature(function).parameters)
    assert f": no argument is named {keyword!r}; it takes " in caught.value.problem
    assert all(name in caught.value.problem for name in known)
    assert caught.value.hint == (f"{meant}=..." if meant else None)
    assert "at test_signatures.py:" in str(caught.value)


@pytest.mark.parametrize("name", public_names())
def test_every_public_function_refuses_an_unknown_keyword(name: str) -> None:
    with pytest.raises(gx.ArgumentError) as caught:
        offered(name)(unheard_of=1)
    assert caught.value.problem.startswith(f"{name.rpartition('.')[2]}: no argument is named 'unheard_of'; it takes ")
    assert "at test_signatures.py:" in str(caught.value)


MISFITS: dict[str, tuple[Callable[..., object], str | None]] = {
    "sum: the argument 'x' is missing; it takes x, axis, *, keepdims": (partial(gx.sum), None),
    "sum: 3 arguments by position; it takes x, axis, *, keepdims": (
        partial(gx.sum, X, 0, True),  # type: ignore[call-arg]
        "keepdims=... is given by name",
    ),
    "input: 4 arguments by position; it takes name, shape, dtype": (
        partial(gx.input, "x", (), "float32", 0),  # type: ignore[call-arg]
        None,
    ),
    "sum: the argument 'x' is given twice": (partial(gx.sum, X, x=X), None),  # type: ignore[misc]
    "subtract: the argument 'right' is missing; it takes left, right": (partial(gx.subtract, X), None),
    "Linear: the argument 'rng' is missing; it takes n, m, *, rng": (partial(gx.nn.Linear, 3, 2), None),
    "Linear: the argument 'x' is missing; it takes x, *, train": (LAYER, None),
    "at().set: the argument 'values' is missing": (gx.at(X)[0].set, None),
    "meshgrid: no argument is named 'sparse'; it takes *xs, indexing": (
        partial(gx.meshgrid, sparse=True),  # type: ignore[call-arg]
        None,
    ),
}


@pytest.mark.parametrize("problem", MISFITS)
def test_arguments_that_do_not_fit_are_told(problem: str) -> None:
    function, hint = MISFITS[problem]
    with pytest.raises(gx.ArgumentError) as caught:
        function()
    assert caught.value.problem.startswith(problem)
    assert caught.value.hint == hint


def test_a_mistake_in_a_function_of_the_user_is_told_of_what_is_called_there() -> None:
    with pytest.raises(gx.ArgumentError, match="exp: no argument is named 'slow'"):
        gx.vmap(lambda x: gx.exp(x, slow=True))(X)  # type: ignore[call-arg]


def test_a_type_error_of_the_user_stays_what_it_is() -> None:
    def length(x: object) -> int:
        return len(x)  # type: ignore[arg-type]

    with pytest.raises(TypeError, match="has no len") as caught:
        public(length)(3)
    assert not isinstance(caught.value, gx.GraphError)


def test_public_functions_look_as_they_are_written() -> None:
    assert list(inspect.signature(gx.sum).parameters) == ["x", "axis", "keepdims", "dtype", "initial", "where"]
    assert (gx.subtract.__module__, gx.subtract.__name__) == ("graphc", "subtract")
    assert (gx.linalg.inv.__module__, gx.linalg.inv.__qualname__) == ("graphc.linalg", "inv")
    assert gx.sum.__doc__ is not None
    for name in public_names():
        value = offered(name)
        assert pickle.loads(pickle.dumps(value)) is value
