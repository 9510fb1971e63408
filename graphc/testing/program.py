"""Random programs: inputs and variables, lines that make nodes, derivatives of them, outputs and updates."""

import linecache
import random
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple, TypeAlias, final
from zlib import crc32

import numpy as np
import numpy.typing as npt

from graphc.dataclass import dataclass
from graphc.driver import compile
from graphc.function import CompiledFunction
from graphc.ir.node import Node
from graphc.sizes import evaluate
from graphc.testing.bodies import BODIES
from graphc.testing.choices import Choices
from graphc.testing.derivatives import derived
from graphc.testing.draft import Draft
from graphc.testing.operands import Named, is_alike
from graphc.testing.templates import COMMON, TEMPLATES
from graphc.types import BOOL, is_complex, is_integer, name_of

__all__ = ["ALL_WAYS", "Array", "Backend", "RandomProgram", "Recipe", "Way", "random_program"]

Array: TypeAlias = npt.NDArray[Any]  # Any: of every dtype
Backend: TypeAlias = Literal["numpy", "llvm"]
Way: TypeAlias = str  # a template, or the name of a body

#: what a line may be made by; first nothing, which is the plainest
ALL_WAYS: Sequence[Way] = ("", *TEMPLATES, *COMMON, *(way for way in BODIES for _ in range(5)))

BYTES = 40  # of decisions of a line; where they are used up, the plainest is chosen
WIDE = 170  # columns of some programs, so that some arrays of known size have hundreds of elements
SPECIAL = (0.0, -0.0, 1.0, np.inf, -np.inf, np.nan)

_DTYPES = ("float32", "float64", "float32", "float64", "bfloat16", "float16", "complex64", "complex128")
_OTHERS = (
    *("float64", "int64", "bool", "int32", "float32", "int8", "int16", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "bfloat16", "complex64", "complex128"),
)
_SHAPES = (
    *("(3,)", '("n", 3)', "()", '("n",)', "(3, 3)", '("n", 4)', "(4,)", "(1, 3)", "(2, 3, 3)", "(0, 3)", "(1,)"),
    *('("n", 1)', '("m", "n")', '(2, "n")', f"(2, {WIDE})"),
)


@final
@dataclass(frozen=True)
class Recipe:
    """All that a random program is made of: bytes, and the ways in which its lines are made.  `seed` is of arrays."""

    start: bytes
    steps: tuple[tuple[Way, bytes], ...]
    end: bytes
    seed: int

    @staticmethod
    def of(seed: int, steps: int = 14, ways: Sequence[Way] = ALL_WAYS) -> "Recipe":
        """The recipe of a seed."""
        rng = random.Random(seed)
        made = tuple([(rng.choice(ways), rng.randbytes(BYTES)) for _ in range(steps)])
        return Recipe(rng.randbytes(BYTES), made, rng.randbytes(BYTES), seed)


class Pair(NamedTuple):
    """Two outputs, by number, that are one number computed in two ways."""

    first: int
    second: int


@final
@dataclass(frozen=True)
class RandomProgram:
    """Nodes, and the text that makes them.

    start  the first values of variables
    pairs  outputs that are to be equal but for rounding
    """

    recipe: Recipe
    text: str
    file: str
    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    updates: Mapping[Node, Node]
    start: Mapping[Node, Array]
    pairs: tuple[Pair, ...]
    names: Mapping[Node, str]
    backend: Backend = "numpy"

    def compile(self, level: int = 2, *, verify: bool = False, debug: bool = False) -> CompiledFunction:
        """The function of this program, its variables at their first values."""
        self.restart()
        return compile(
            list(self.inputs),
            list(self.outputs),
            updates=dict(self.updates),
            backend=self.backend,
            level=level,
            verify=verify,
            debug=debug,
            reused_keys="allow",
        )

    def restart(self) -> None:
        """Set the variables to their first values."""
        for variable, value in self.start.items():
            variable.value = value

    def results(self, function: CompiledFunction, arrays: Sequence[Array]) -> list[Array]:
        """Outputs of a call from the first values of the variables, then what these hold."""
        self.restart()
        outputs = function(*arrays)
        return [np.asarray(y) for y in outputs] + [np.asarray(v.value) for v in self.start]

    def fits(self, sizes: Mapping[str, int]) -> bool:
        """Whether there are arrays of these sizes: an input that a cotangent is given by may be shorter than others."""
        return all(evaluate(extent, sizes) >= 0 for x in self.inputs for extent in x.shape)

    def arrays(self, sizes: Mapping[str, int], seed: int = 0, *, special: bool = False) -> list[Array]:
        """An array for each input; `special` ones hold zeros, infinities and nan as well."""
        rng = np.random.default_rng([self.recipe.seed, seed])
        return [_array(x, sizes, rng, special=special) for x in self.inputs]

    def program_text(self, arrays: Sequence[Array], level: int, layouts: Sequence[str] = ()) -> str:
        """A whole program that compiles and calls the function and prints what it gives.

        With `layouts` it prints what the function gives for arrays that are laid out so as well.
        """
        inputs = ", ".join(self.names[x] for x in self.inputs)
        outputs = ", ".join(self.names[y] for y in self.outputs)
        updates = ", ".join(f"{self.names[v]}: {self.names[y]}" for v, y in self.updates.items())
        given = [f"    {_array_text(array)}," for array in arrays]
        options = f'backend="{self.backend}", level={level}, reused_keys="allow"'
        calls = ['print(*f(*arrays), sep="\\n")']
        if layouts:
            calls += [f"{self.names[v]}.value = {_array_text(array)}" for v, array in self.start.items()]
            calls.append("from graphc.testing.layouts import laid_out")
            calls.append(f'print(*f(*laid_out(arrays, {list(layouts)})), sep="\\n")')
        return "\n".join(
            (
                self.text,
                "",
                f"f = gx.compile([{inputs}], [{outputs}], updates={{{updates}}}, {options})",
                "arrays = [",
                *given,
                "]",
                *calls,
            )
        )

    def forget(self) -> None:
        """Let go of the text that origins of its nodes show."""
        linecache.cache.pop(self.file, None)


def random_program(recipe: Recipe, backend: Backend = "numpy") -> RandomProgram:
    """The program of a recipe: the same for the same.  It is compiled by `backend`."""
    draft = Draft(f"random_{crc32(repr(recipe).encode()):08x}.py")
    linecache.cache[draft.file] = (0, None, [], draft.file)
    choices = Choices(recipe.start)
    inputs = _declared(draft, choices)
    variables = _variables(draft, choices)
    for way, decisions in recipe.steps:
        choices = Choices(decisions)
        if way in BODIES:
            BODIES[way](draft, choices, 1)
        elif way:
            draft.grow(way, choices)
    choices = Choices(recipe.end)
    outputs = _outputs(draft, choices)
    found = derived(draft, choices, [*inputs, *variables], outputs)
    inputs += found.inputs
    outputs = list(dict.fromkeys([*outputs, *found.outputs, choices.late(draft.pool)]))
    updates = {v: _next_value(draft, v, choices) for v in variables}
    text = draft.text([x.name for x in (*outputs, *updates.values(), *inputs, *variables)])
    whole = draft.text()
    linecache.cache[draft.file] = (len(whole), None, whole.splitlines(keepends=True), draft.file)
    places = {x: place for place, x in enumerate(outputs)}
    return RandomProgram(
        recipe,
        text,
        draft.file,
        tuple([x.node for x in inputs]),
        tuple([y.node for y in outputs]),
        {v.node: y.node for v, y in updates.items()},
        {v.node: np.array(v.node.value) for v in variables},
        tuple([Pair(places[a], places[b]) for a, b in pairwise(found.equal)]),
        {x.node: x.name for x in (*draft.pool, *inputs, *outputs, *updates.values(), *variables)},
        backend,
    )


def _declared(draft: Draft, choices: Choices) -> list[Named]:
    """Two to five inputs, most of one dtype."""
    main = choices.of(_DTYPES)
    found: list[Named] = []
    for _ in range(2 + choices.number(4)):
        name = draft.new_name("x")
        dtype = choices.of(_OTHERS) if choices.flag(0.5) else main
        made = draft.run(f'{name} = gx.input("{name}", {choices.of(_SHAPES)}, "{dtype}")', [name])
        assert made is not None, draft.text()
        found += made
    draft.pool += found
    return found


def _variables(draft: Draft, choices: Choices) -> list[Named]:
    """A parameter of half of all programs, which a call updates."""
    if not choices.flag():
        return []
    name = draft.new_name("w")
    value = choices.of(("np.float32(0.5)", "np.array([0.5, -1.0, 2.0])", "np.array([[1, -2, 3]], np.float32)"))
    made = draft.run(f'{name} = gx.param("{name}", {value})', [name])
    assert made is not None, draft.text()
    draft.pool += made
    return made


def _outputs(draft: Draft, choices: Choices) -> list[Named]:
    """Up to five of the nodes that nothing reads."""
    read = {name for line in draft.lines for name in line.reads}
    sinks = [x for x in draft.pool if x.name not in read] or draft.pool[-1:]
    return sinks[-1 - choices.number(5) :]


def _next_value(draft: Draft, variable: Named, choices: Choices) -> Named:
    """What a variable is set to: something of its type that reads it, or something else."""
    alike = [x for x in draft.pool if is_alike(x.node, variable.node)]
    name = draft.new_name()
    text = f"{name} = 0.9 * {variable.name} - 0.1 * {choices.late(alike).name}"
    made = draft.run(text, [name])
    assert made is not None, text
    return made[0]


def _array(x: Node, sizes: Mapping[str, int], rng: np.random.Generator, *, special: bool) -> Array:
    """Random numbers in the type of an input; integers are small."""
    shape = [evaluate(extent, sizes) for extent in x.shape]
    if is_integer(x.dtype):
        return rng.integers(0 if x.dtype.kind == "u" else -4, 5, shape).astype(x.dtype)
    if x.dtype == BOOL:
        return rng.random(shape) < 0.5
    array = rng.standard_normal(shape)
    if is_complex(x.dtype):
        return (array + 1j * rng.standard_normal(shape)).astype(x.dtype)
    if special:
        array = np.where(rng.random(shape) < 0.2, rng.choice(SPECIAL, shape), array)
    return array.astype(x.dtype)


def _array_text(array: Array) -> str:
    """An array as it is written in a program."""
    numbers = re.sub(r"\b(inf|nan)", r"np.\1", str(array.tolist()))
    return f'np.array({numbers}, "{name_of(array.dtype)}").reshape({array.shape})'
