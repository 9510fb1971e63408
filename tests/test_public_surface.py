"""Bad input to any public function raises an error of graphc that names the user's line, or is taken for what it is."""

from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path

import graphc as gx
from graphc.ir.leaves import Input, SizeOf
from graphc.structure import leaves
from graphc.types import TensorType
from tests import public_surface
from tests.hostile_values import NEVER_RIGHT, TAKES_ANYTHING
from tests.public_surface import Call, calls, public_names

FILE = Path(public_surface.__file__).name
PART = 17  # of so many hostile calls the default tier makes one; a prime, so that it meets every kind of value
LARGE = 10_000  # elements; larger results are declared, not computed


#: functions whose errors are not about themselves: those that take whole structures, and views
UNNAMED = frozenset({"compile", "evaluate", "show", "testing.check_gradients", "nn.Linear", "nn.mlp"})
NAMED = frozenset(name for name in public_names() if name not in UNNAMED and not name.startswith("to_"))


def is_said_of(name: str, error: gx.GraphError) -> bool:
    """Whether the problem begins with the function that was called, or is one of a structure or of Python's own.

    What a loop gives to a compiled function in the place of a body is refused by that function.
    """
    function = name.rpartition(".")[2]
    said = f"{function}: ", f"{function} has no meaning", f"{function} (", "lists, tuples and dicts are nested"
    return error.problem.startswith(said) or "by position; this function takes 0" in error.problem


@cache
def listed() -> dict[str, Call]:
    return {call.name: call for call in calls()}


def hostile(part: int) -> Iterator[tuple[str, str, Call]]:
    """Calls that are spoilt in one argument: one of so many."""
    every = ((call, argument, what) for call in listed().values() for argument, what in call.spoilt())
    for call, argument, what in islice(every, 0, None, part):
        yield argument, what, call.with_hostile(argument, what)


def test_every_public_function_is_called() -> None:
    for call in listed().values():
        call.made()


def test_bad_input_raises_an_error_of_graphc_with_the_line_of_the_user(full_tier: bool) -> None:
    wrong = []
    for argument, what, call in hostile(1 if full_tier else PART):
        try:
            call.made()
        except gx.GraphError as error:
            if f"at {FILE}:" not in str(error):
                wrong.append(f"{call.name}({argument}={what}) does not name the line: {error}")
            elif call.name in NAMED and not is_said_of(call.name, error):
                wrong.append(f"{call.name}({argument}={what}) is not said of the function: {error.problem}")
        except Exception as error:
            wrong.append(f"{call.name}({argument}={what}) raises {type(error).__name__}: {error}"[:300])
        else:
            if what in NEVER_RIGHT and (call.name, argument) not in TAKES_ANYTHING:
                wrong.append(f"{call.name}({argument}={what}) is taken")
    assert not wrong, "\n".join(wrong[:40])


def test_what_is_taken_has_the_value_that_its_type_promises(full_tier: bool) -> None:
    wrong = []
    for argument, what, call in hostile(3 if full_tier else 13 * PART):
        try:
            nodes = [leaf for leaf in leaves(call.made()) if isinstance(leaf, gx.Node)]
        except gx.GraphError:
            continue
        for node in nodes:
            try:
                said = disagreement(node)
            except gx.GraphError:
                continue
            except Exception as error:
                said = f"{type(error).__name__}: {error}"[:200]
            if said:
                wrong.append(f"{call.name}({argument}={what}): {said}")
    assert not wrong, "\n".join(wrong[:40])


def disagreement(node: gx.Node) -> str:
    """How the value of a node differs from its type, where it can be computed without inputs; empty if it does not."""
    if not isinstance(node.type, TensorType):
        return ""
    nodes = gx.Graph((), (node,)).nodes
    extents = [n for part in nodes if isinstance(part.type, TensorType) for n in part.shape]
    if any(not isinstance(n, int) or n > LARGE for n in extents) or any(
        isinstance(x.op, Input | SizeOf) for x in nodes
    ):
        return ""
    value = gx.evaluate(node)
    same = value.shape == node.shape and value.dtype == node.dtype
    return "" if same else f"{value.dtype}{value.shape}, not {node.type}"
