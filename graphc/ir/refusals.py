"""What a node is not: no array, no number, no container.  Each of Python's questions is refused with what to do."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NoReturn

from graphc.errors import ArgumentError, GraphError

__all__ = ["HINT", "MissingError", "Refusals"]

VALUE = "gx.evaluate(node, {input: array}) computes its value"
HINT = "use graphc's functions (gx.exp, not np.exp), or gx.evaluate(node, {input: array})"

#: what other libraries call what a node does not have
ELSEWHERE: Mapping[str, str] = {
    **dict.fromkeys(("backward", "grad", "gradient"), "gx.grad(loss, wrt) is the gradient, as a node"),
    **dict.fromkeys(("numpy", "item", "tolist", "eval", "get_value", "data"), VALUE),
    **dict.fromkeys(("detach", "requires_grad", "requires_grad_"), "gx.stop_gradient(node) ends derivatives"),
    **dict.fromkeys(("cuda", "cpu", "to", "device"), "a node is on no device: a backend is chosen by gx.compile"),
    **dict.fromkeys(("set_value", "assign", "copy_", "fill_"), "param.value = array sets a parameter"),
    **dict.fromkeys(("float", "double", "int", "long", "bool", "half"), 'node.astype("float32") changes the dtype'),
    **dict.fromkeys(("view", "view_as", "resize"), "node.reshape(...) gives it another shape"),
    **dict.fromkeys(("copy", "clone"), "a node never changes: it needs no copy"),
    **dict.fromkeys(("dot", "mm", "bmm", "matmul"), "left @ right"),
    "permute": "gx.transpose(node, axes)",
    "unsqueeze": "gx.expand_dims(node, axis)",
    "flatten": "gx.ravel(node)",
    "nbytes": "f.memory() says what a compiled function needs",
}


class MissingError(ArgumentError, AttributeError):
    """A node is asked for something it does not have."""


class Refusals:
    """The questions of Python and NumPy that a node has no answer to."""

    __slots__ = ()

    def _refuse(self, what: str, hint: str, kind: Callable[..., GraphError] = ArgumentError) -> NoReturn:
        """Raise: there is no such thing, as the value comes with a call."""
        raise NotImplementedError

    if not TYPE_CHECKING:  # a type checker finds them all before

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("_") or name in self.__slots__:  # asked by Python, which takes no for an answer
                raise AttributeError(name)
            self._refuse(f"{name!r}", ELSEWHERE.get(name, f"functions take nodes: gx.{name}(node)"), MissingError)

    def __bool__(self) -> bool:
        self._refuse(
            "truth value",
            "gx.where(condition, a, b) chooses element by element, gx.cond(condition, f, g, x) what runs; "
            "`a is b`, or a set, asks whether nodes are the same",
        )

    def __len__(self) -> int:
        self._refuse("length", "node.shape[0] is its first extent")

    def __iter__(self) -> NoReturn:
        self._refuse(
            "elements to iterate over",
            "gx.unstack(node) is a list of parts, gx.scan(body, carry, node) a loop over them; "
            "functions of several take a list",
        )

    def __contains__(self, item: object) -> bool:
        self._refuse("elements to search", "gx.any(node == item) is a node that says so")

    def __setitem__(self, index: object, value: object) -> NoReturn:
        place = index if isinstance(index, int) else "index"
        self._refuse("elements to set", f"gx.at(x)[{place}].set(value) is a copy that differs there")

    def __delitem__(self, index: object) -> NoReturn:
        self._refuse("elements to delete", "gx.concat puts together the slices that stay")

    def __float__(self) -> float:
        self._refuse("number", VALUE)

    def __int__(self) -> int:
        self._refuse("number", f"{VALUE}; a loop over a node is unrolled over node.shape")

    def __index__(self) -> int:
        self._refuse("number", VALUE)

    def __complex__(self) -> complex:
        self._refuse("number", VALUE)

    def __round__(self, digits: int | None = None) -> NoReturn:
        self._refuse("number to round", "gx.round(node)")

    def __format__(self, text: str) -> str:
        if text:
            self._refuse(f"number to write as {text!r}", VALUE)
        return repr(self)

    def __array_function__(self, function: Callable[..., object], *details: object) -> NoReturn:
        self._refuse(f"array for np.{function.__name__}", HINT)

    def __array__(self, *args: object, **options: object) -> NoReturn:
        self._refuse("array", HINT)

    def __reduce__(self) -> NoReturn:
        self._refuse("form to be pickled in", "keep the values of its params, and declare the graph again")
