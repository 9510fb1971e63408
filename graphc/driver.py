"""compile(): the one module that sees everything."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal
from warnings import warn_explicit

from graphc.arguments import Arguments, hints_of
from graphc.backends.backend import Backend
from graphc.collector import waiting
from graphc.errors import ArgumentError, DTypeError, ShapeError
from graphc.function import CompiledFunction
from graphc.ir.declare import Carried, carried_updates
from graphc.ir.given import a_choice, a_flag, a_whole_number, an_amount_of_bytes, is_whole
from graphc.ir.graph import Graph, topological
from graphc.ir.leaves import Input, Variable
from graphc.ir.node import Like, Node, made_at
from graphc.ir.operands import as_node, cast
from graphc.ir.philox import reuses
from graphc.ir.storage import Guard
from graphc.kept import Kept
from graphc.origin import here, place_of
from graphc.passes.precision import Narrow, TensorFloat, To16Bits
from graphc.printable import a_thing, described
from graphc.runnable import Options
from graphc.shortcuts import work_of
from graphc.sizes import Expression, equal, name_of
from graphc.structure import Structure, leaves
from graphc.types import DTYPES, promote

if TYPE_CHECKING:
    from graphc.compilation import Compilation

__all__ = ["compile", "evaluate"]


def _numpy(threads: int | None) -> Backend:
    """Its own code has one thread; those of the BLAS behind NumPy belong to the whole process."""
    from graphc.backends.numpy.backend import NumpyBackend

    return NumpyBackend()


def _native(threads: int | None) -> Backend:
    from graphc.backends.llvm.backend import LlvmBackend

    return LlvmBackend(threads=threads)


def _for_gpus(threads: int | None) -> Backend:
    """Threads of the CPU do nothing for it."""
    from graphc.backends.cuda.backend import CudaBackend

    return CudaBackend()


#: backends are large, and loaded when they are asked for
BACKENDS: Mapping[str, Callable[[int | None], Backend]] = {"numpy": _numpy, "llvm": _native, "cuda": _for_gpus}
NARROW: Mapping[str, Narrow] = {
    "bf16": To16Bits(DTYPES["bfloat16"]),
    "f16": To16Bits(DTYPES["float16"]),
    "tf32": TensorFloat(),
}

Listed = list[Structure] | dict[str, Structure]  # the arguments of a function, by name where they are a dict
Updates = Mapping[Node, Like] | Sequence[Mapping[Node, Like]] | None


def compile(
    inputs: Structure,
    outputs: Structure,
    *,
    updates: Updates = None,
    backend: Literal["llvm", "numpy", "cuda"] = "llvm",
    level: int = 2,
    verify: bool = False,
    debug: bool = False,
    reused_keys: Literal["warn", "raise", "allow"] = "warn",
    precision: Literal["bf16", "f16", "tf32"] | None = None,
    memory: "float | str | None" = None,
    threads: int | None = None,
) -> CompiledFunction:
    """A function that computes `outputs` from `inputs`, and sets variables.

    inputs    nodes made by `gx.input`, sizes, or nested structures of them; given by position or by name, those
              of a dict by its keys, or as one dict
    outputs   a node gives an array (0-d: a NumPy scalar); lists, tuples, dicts and None give the same form
    updates   variable -> its next value, in one mapping or several; all read the values before the call
    backend   "llvm": native kernels, see docs/native.md; "numpy": Python source over NumPy, for people to read;
              "cuda": CUDA C++, which runs on a GPU, and which `source` has without one, see docs/cuda.md
    level     0: no rewrites and no sharing; 1: exact ones; 2: also those that change the last bits
    verify    after every pass, run the old form and the new one on calls made for this graph, and raise
              VerificationError where they differ: it names the pass, the rule and the nodes, and the line.  So it does
              where types do not fit, or a program is not well formed.  Of a text that is wrong it names the backend
    debug     every call runs twice, on poisoned arrays between fences, and raises AssertionError where a result depends
              on memory that nothing was written to, or a byte beside an array or the arena changed; `f.arena_use`
              then says how much of the arena was written.  For tests: slower, and one call at a time
    reused_keys  what is done where two draws of random numbers have one key, or a draw and a split: the numbers of one
              are those of the other
    precision  operands of float32 products are rounded to bfloat16, float16 or TF32, as tensor cores read them, and
              added up in float32; all else stays as wide as it is.  `gx.optim.LossScale` keeps small gradients of
              float16 from vanishing
    memory    how many bytes the arena of a call may take, as `f.memory().peak_bytes` has them, where sizes have the
              values of their hints: a whole number, or a text as "200MB" or "1.5 GiB".  What does not fit is not kept
              for derivatives but computed again, so that results stay the same to the bit.  See docs/checkpointing.md
    threads   how many threads a call may use at most, the caller's included; None: all of the pool.  Results have the
              same bits at any number.  The NumPy backend has one thread, whatever this says, and leaves that of the
              BLAS behind NumPy alone

    Raises ArgumentError where an input is missing, repeated or unnamed; ShapeError, DTypeError for an update
    that changes the type of its variable; MemoryBudgetError where nothing fits in `memory`, with the least that does.
    """
    a_choice("compile", "the backend", backend, tuple(BACKENDS))
    if not is_whole(level) or level not in (0, 1, 2):
        raise ArgumentError(f"compile: level is 0, 1 or 2, not {described(level)}")
    debug, verify = a_flag("compile", "debug", debug), a_flag("compile", "verify", verify)
    listed = _listed(inputs)
    roots = _output_nodes("compile", outputs)
    narrow = None if precision is None else NARROW[a_choice("compile", "the precision", precision, tuple(NARROW))]
    graph = _with_carried_updates(Graph(_input_nodes("compile", listed), roots, _named_updates(updates)))
    room = None if memory is None else an_amount_of_bytes("compile", "the memory", memory)
    most = None if threads is None else a_whole_number("compile", "threads", threads, least=1)
    _require_names(listed)
    _require_inputs("compile", graph)
    if a_choice("compile", "reused_keys", reused_keys, ("warn", "raise", "allow")) != "allow":
        _report_reuses(graph, is_error=reused_keys == "raise")
    options = Options(level, narrow, room)
    return _compiled(graph, listed, outputs, BACKENDS[backend](most), options, verify=verify, debug=debug)


def evaluate(outputs: Structure, inputs: Mapping[Node, Any] | None = None) -> Structure:
    """The value of `outputs` now, for the given values of inputs.  Never updates a variable."""
    given: Any = {} if inputs is None else inputs  # Any: whatever a user gives
    if not isinstance(given, Mapping):
        problem = f"evaluate: the inputs are {a_thing(given)}, not a dict"
        raise ArgumentError(problem, hint="gx.evaluate(node, {input: array})")
    nodes = list(given)
    graph = Graph(_input_nodes("evaluate", nodes), _output_nodes("evaluate", outputs))
    _require_inputs("evaluate", graph)
    return _compiled(graph, nodes, outputs, _numpy(None), Options(level=1), verify=False, debug=False)(*given.values())


def _compiled(
    graph: Graph,
    inputs: Listed,
    outputs: Structure,
    backend: Backend,
    options: Options,
    *,
    verify: bool,
    debug: bool,
) -> CompiledFunction:
    """A function from a graph, whose inputs and outputs are the leaves of two structures."""
    start = perf_counter()
    kept = None if verify else Kept.of(graph, backend, options)
    runnable = None if kept is None else kept.get()
    made: list[Compilation] = []

    def compilation() -> "Compilation":
        """It is made when it is first asked for."""
        if not made:
            made.append(_compilation(graph, backend, options, verify=verify))
        return made[0]

    if runnable is None:
        with waiting():  # loading the passes makes as many objects as a large graph
            runnable = compilation().runnable()
        if kept is not None:
            program = compilation().lowered.program
            work = work_of(program, hints_of(graph.inputs, program.symbols))
            kept.put(runnable, work)
    guard = Guard.join(node.op.stored.guard for node in graph.variables if isinstance(node.op, Variable))
    arguments = Arguments(inputs, runnable.outline.symbols, runnable.loaded.space)
    function = CompiledFunction(graph, runnable, compilation, backend, arguments, outputs, guard, debug=debug)
    function.seconds = perf_counter() - start
    return function


def _compilation(graph: Graph, backend: Backend, options: Options, *, verify: bool) -> "Compilation":
    """All passes.  They are large, and loaded when something is compiled that no earlier process has compiled."""
    from graphc.compilation import Compilation

    return Compilation(graph, backend, options, verify=verify)


def _listed(inputs: Structure) -> Listed:
    """The arguments of a function: by the keys of a dict, else in order."""
    if not isinstance(inputs, Mapping):
        return list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    for key in inputs:
        if not isinstance(key, str):
            raise ArgumentError(f"compile: a dict of inputs has their names as keys, not {described(key)}")
    return dict(inputs)


def _input_nodes(what: str, listed: Listed) -> tuple[Node, ...]:
    """The nodes among the inputs.  Raises ArgumentError for what is no input or is there twice."""
    found: dict[Node | Expression, None] = {}
    for leaf in leaves(listed):
        if not isinstance(leaf, Expression) and not (isinstance(leaf, Node) and isinstance(leaf.op, Input)):
            shown = repr(leaf) if isinstance(leaf, Node) else a_thing(leaf)
            raise ArgumentError(f"{what}: {shown} is no input", hint=_input_hint(what, leaf))
        if leaf in found:
            raise ArgumentError(f"{what}: the input {_name_of(leaf)!r} is listed twice")
        found[leaf] = None
    return tuple(leaf for leaf in found if isinstance(leaf, Node))


def _input_hint(what: str, leaf: object) -> str:
    if isinstance(leaf, Node) and isinstance(leaf.op, Variable):
        return f"{leaf.name} owns its value, which every call reads: leave it out"
    if isinstance(leaf, Node) and what == "compile":
        return "compile(inputs, outputs): inputs are made by gx.input, sizes by gx.size"
    return "inputs are made by gx.input, sizes by gx.size"


def _require_names(listed: Listed) -> None:
    """Raise ArgumentError where two inputs have one name, so that a call by name has one meaning."""
    known: dict[str, Node | Expression] = {}
    if "out" in (listed if isinstance(listed, Mapping) else [_name_of(x) for x in listed if isinstance(x, Node)]):
        raise ArgumentError("compile: an input is named 'out', by which a call says where to write")
    for leaf in leaves(listed):
        other = known.setdefault(_name_of(leaf), leaf)
        if other is not leaf:
            pair = [("one", other), ("other", leaf)]
            made = [line for role, node in pair if isinstance(node, Node) for line in made_at(role, node)]
            raise ArgumentError(f"compile: two inputs are named {_name_of(leaf)!r}").located((*place_of(here()), *made))


def _name_of(leaf: Node | Expression) -> str:
    return (leaf.name if isinstance(leaf, Node) else name_of(leaf)) or ""


def _output_nodes(what: str, outputs: Structure) -> tuple[Node, ...]:
    found = leaves(outputs)
    for leaf in found:
        if not isinstance(leaf, Node):
            raise ArgumentError(
                f"{what}: an output is {a_thing(leaf)}, not a node",
                hint="gx.constant(value) makes one",
            )
        leaf.tensor  # noqa: B018  # raises for several results
    return tuple(found)


def _named_updates(updates: Updates) -> dict[Node, Node]:
    named: dict[Node, Node] = {}
    given: Any = () if updates is None else updates  # Any: whatever a user gives
    listed: Sequence[Any] = given if isinstance(given, list | tuple) else [given]
    for mapping in listed:
        if not isinstance(mapping, Mapping):
            raise ArgumentError(f"updates: {a_thing(mapping)} is no mapping", hint="updates={variable: its next value}")
        for variable, value in mapping.items():
            key: object = variable
            if not isinstance(key, Node) or not isinstance(key.op, Variable):
                what = repr(key) if isinstance(key, Node) else a_thing(key)
                raise ArgumentError(f"updates: {what} is no param or state", hint="updates={variable: its next value}")
            if variable in named:
                raise ArgumentError(f"updates: {variable.name!r} is set twice").located(
                    (*place_of(here()), *made_at("key", variable))
                )
            named[variable] = _next_value(variable, value)
    return named


def _with_carried_updates(graph: Graph) -> Graph:
    if not graph.has(Carried):
        return graph
    carried = carried_updates(graph.outputs, graph.updates)
    return replace(graph, updates={variable: _next_value(variable, value) for variable, value in carried.items()})


def _report_reuses(graph: Graph, *, is_error: bool) -> None:
    """Warn of keys that are used more than once, at the line of the second use, or raise ArgumentError."""
    for key, uses in reuses(graph.nodes):
        hint = "first, second = gx.random.split(key)"
        problem = f"one key has {len(uses)} uses, whose random numbers depend on each other"
        if is_error:
            roles = [("key", key), *(("use", use) for use in uses)]
            lines = [line for role, node in roles for line in made_at(role, node)]
            raise ArgumentError(f"compile: {problem}", hint=hint).located((*place_of(here()), *lines))
        first, second, *_ = uses
        text = f"{problem}: {first.origin.place()} is the first; {hint}"
        warn_explicit(text, UserWarning, second.origin.file, second.origin.line)


def _next_value(variable: Node, value: Like) -> Node:
    node = as_node(value)
    if node.tensor.weak and promote(variable.tensor, node.tensor) == variable.dtype:
        node = cast(node, variable.dtype)
    problem: ShapeError | DTypeError | None = None
    types = f"{variable.name!r} is {variable.type}, its next value {node.type}"
    if len(node.shape) != variable.ndim or not all(map(equal, node.shape, variable.shape)):
        problem = ShapeError(f"updates: {types}")
    elif node.dtype != variable.dtype:
        problem = DTypeError(f"updates: {types}", hint=f'value.astype("{variable.dtype}")')
    if problem is not None:
        raise problem.located((*place_of(here()), *made_at("old", variable), *made_at("next", node)))
    return node


def _require_inputs(what: str, graph: Graph) -> None:
    given = set(graph.inputs)
    for node in graph.nodes:
        if isinstance(node.op, Input) and node not in given:
            if node.op.within:
                raise _escaped(what, graph, node, node.op.within)
            raise ArgumentError(
                f"{what}: the outputs need the input {node.name!r}, which is not listed",
                hint=f"compile([..., {node.name}], ...)"
                if what == "compile"
                else "evaluate(node, {input: array, ...})",
            ).located((*place_of(here()), *made_at("input", node)))


def _escaped(what: str, graph: Graph, inner: Node, within: str) -> ArgumentError:
    """The error of a value that there is only inside a body, and that something outside reads."""
    outer = next(root for root in (*graph.outputs, *graph.updates.values()) if inner in set(topological([root])))
    problem = f"{what}: {inner.name!r} has a value only inside {within}, and an output needs it"
    lines = *place_of(here()), *made_at("inside", inner), *made_at("output", outer)
    return ArgumentError(problem, hint=_WAYS_OUT.get(within)).located(lines)


_WAYS_OUT: Mapping[str, str] = {
    "scan": "return carry, value from the body: scan gives the values of all steps",
    "while_loop": "make it a part of the state: while_loop gives the last one",
    "fori_loop": "make it a part of the state: fori_loop gives the last one; gx.scan gives the values of all steps",
    "vmap": "return it from the function: vmap gives it for all places",
}
