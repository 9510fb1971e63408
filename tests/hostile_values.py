"""Values that are right almost nowhere, for arguments of public functions."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import graphc as gx

__all__ = ["HOSTILE", "NEVER_RIGHT", "TAKES_ANYTHING"]


def identity(*values: object, **named: object) -> object:
    """A function, where none is wanted; it returns what it gets."""
    return values[0] if values else None


class Foreign:
    """What no function of graphc takes."""

    def __init__(self, *given: object, **named: object) -> None:
        """Called, where a function is wanted, it gives what is no node."""


def _deep() -> list[object]:
    nested: list[object] = []
    for _ in range(5_000):
        nested = [nested]
    return nested


HOSTILE: Mapping[str, Callable[[], Any]] = {
    "None": lambda: None,
    "ellipsis": lambda: ...,
    "True": lambda: True,
    "0": lambda: 0,
    "-1": lambda: -1,
    "-7": lambda: -7,
    "1.0": lambda: 1.0,
    "1.5": lambda: 1.5,
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "complex": lambda: 1 + 2j,
    "huge": lambda: 2**70,
    "-huge": lambda: -(2**70),
    "huge float": lambda: 1e300,
    "text": lambda: "text",
    "empty text": lambda: "",
    "bytes": lambda: b"bytes",
    "digits": lambda: "3",
    "int64": lambda: np.int64(1),
    "float64": lambda: np.float64(1.5),
    "0-d array": lambda: np.array(1),
    "datetime": lambda: np.datetime64("2020-01-01"),
    "empty tuple": lambda: (),
    "empty list": list,
    "empty dict": dict,
    "dict": lambda: {"a": 1},
    "dict of nodes": lambda: {gx.input("key", (2,)): gx.input("value", (2,))},
    "set": lambda: {1, 2},
    "generator": lambda: (n for n in range(2)),
    "duplicates": lambda: (0, 0),
    "negative pair": lambda: (-3, 2),
    "floats": lambda: (1.0, 0.5),
    "strings": lambda: ("a", "b"),
    "nones": lambda: (None, None),
    "too many": lambda: (0, 1, 2, 3, 4, 5, 6),
    "huge pair": lambda: (2**70, 2**70),
    "ragged": lambda: [[1.0], [2.0, 3.0]],
    "nested": lambda: [[1, 2], [3, 4]],
    "deep": _deep,
    "range": lambda: range(2),
    "slice": lambda: slice(0, 2),
    "object": Foreign,
    "type": lambda: Foreign,
    "dtype": lambda: np.dtype("float16"),
    "structured dtype": lambda: np.dtype([("a", "i4")]),
    "function": lambda: identity,
    "module": lambda: np,
    "error": lambda: ValueError("an error"),
    "generator of numbers": lambda: np.random.default_rng(0),
    "array of objects": lambda: np.array([None, "x"], dtype=object),
    "array of texts": lambda: np.array(["a", "b"]),
    "structured array": lambda: np.zeros(2, [("a", "i4")]),
    "masked array": lambda: np.ma.masked_array([1.0, 2.0], [True, False]),
    "empty array": lambda: np.zeros((0, 3), np.float32),
    "array of nodes": lambda: _array_of_nodes(),
    "float array": lambda: np.array([0.5, 1.5]),
    "integer array": lambda: np.array([0, 1]),
    "longdouble": lambda: np.longdouble(1),
    "node": lambda: gx.input("node", (2, 3)),
    "number node": lambda: gx.input("number", ()),
    "integer node": lambda: gx.input("count", (), "int64"),
    "bool node": lambda: gx.input("truth", (4, 4), "bool"),
    "complex node": lambda: gx.input("z", (4, 4), "complex64"),
    "empty node": lambda: gx.input("nothing", (0, 4)),
    "open node": lambda: gx.input("open", ("n", "n")),
    "rank 7": lambda: gx.input("deep", (1, 1, 1, 1, 1, 1, 1)),
    "constant": lambda: gx.constant(2),
    "results": lambda: _with_two_results(),
    "list of nodes": lambda: [gx.input("one", (4,)), gx.input("other", (4, 4))],
    "size": lambda: gx.size("n"),
    "computed size": lambda: 2 * gx.size("n") - 1,
    "sizes": lambda: (gx.size("n"), gx.size("m")),
    "graph": lambda: gx.Graph((), (gx.constant(1.0),)),
    "compiled": lambda: gx.compile([], gx.constant(1.0)),
}

#: values that have no meaning for any argument of any function, but where structures or anything at all are taken
NEVER_RIGHT = ("object", "module", "error")

#: arguments that have no meaning yet, whatever they are
TAKES_ANYTHING = frozenset({("nn.Linear()", "train")})


def _array_of_nodes() -> object:
    found = np.empty(2, dtype=object)
    found[0] = found[1] = gx.input("inside", (2,))
    return found


def _with_two_results() -> gx.Node:
    values, _ = gx.topk(gx.input("x", (4, 4)), 2)
    node = values
    while node.inputs and not str(node.type).startswith("("):
        node = node.inputs[0]
    return node
