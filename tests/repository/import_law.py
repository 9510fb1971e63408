"""The import law: which part of graphc may import which, read from the source with `ast`.

    errors, origin, types, sizes <- kernel <- backends          (and what sizes are made of)
                                    kernel <- ir <- autodiff <- ops <- nn, optim, interchange
                                                               ops <- passes      (kernel, ir, ops)
    inspection reads kernel and ir; the root, the driver, verification, testing and the command line see everything

Imports for type checkers only obey it too: what a module must know by name, it depends on.
"""

import ast
import graphlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from tests.repository.modules import source_modules

FOUNDATION = frozenset(
    {
        "cache",
        "collector",
        "dataclass",
        "display",
        "errors",
        "expressions",
        "once",
        "origin",
        "polynomials",
        "printable",
    }
    | {"records", "regions", "signatures", "sizes", "structure", "types", "value"}
)
OPS_AND_ABOVE = FOUNDATION | {"kernel", "ir", "autodiff", "ops"}

LAW: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(FOUNDATION, FOUNDATION),
    "kernel": FOUNDATION,
    "backends": FOUNDATION | {"kernel"},
    "ir": FOUNDATION | {"kernel"},
    "inspection": FOUNDATION | {"kernel", "ir"},
    "autodiff": FOUNDATION | {"kernel", "ir"},
    "ops": FOUNDATION | {"kernel", "ir", "autodiff"},
    "passes": FOUNDATION | {"kernel", "ir", "ops"},
    "fft": OPS_AND_ABOVE,
    "linalg": OPS_AND_ABOVE,
    "nn": OPS_AND_ABOVE,
    "optim": OPS_AND_ABOVE,
    "random": OPS_AND_ABOVE,
    "interchange": OPS_AND_ABOVE,
}
SEES_EVERYTHING = frozenset(
    {
        "graphc",
        "arenas",
        "arguments",
        "checked_sizes",
        "compilation",
        "cost",
        "driver",
        "function",
        "kept",
        "keys",
        "memory",
        "fences",
        "poison",
        "runnable",
        "running",
        "shortcuts",
        "testing",
        "verification",
        "__main__",
    }
)

# Slow or optional: imported where they are used, so that `import graphc` stays quick and needs none of them.
LATE = frozenset(
    {"IPython", "cuda", "cupy", "graphviz", "hashlib", "hypothesis", "llvmlite", "matplotlib", "mpi4py"}
    | {"mpmath", "networkx", "onnx", "safetensors", "scipy", "sympy"}
)

# Large parts of graphc that not every process asks for: these too may be imported where they are used.
SELDOM = frozenset(
    {"graphc.backends.cuda", "graphc.backends.llvm", "graphc.backends.numpy"}
    | {"graphc.compilation", "graphc.keys", "graphc.verification"}
)


class Place(Enum):
    """When an import statement runs."""

    LOADED = auto()  # when its module is loaded
    CALLED = auto()  # when a function is called
    TYPES = auto()  # never: it is for type checkers


@dataclass(frozen=True)
class Import:
    """One name that a module imports: `target` is the module it leads to, `package` what the line says."""

    importer: str
    line: int
    package: str
    target: str
    place: Place
    relative: bool


def violations(root: Path) -> list[str]:
    """Every breach of the law in the sources under `root`, one line of text each."""
    modules = source_modules(root)
    found = [imported for name in modules for imported in imports(name, modules)]
    return [
        f"{modules[imported.importer].relative_to(root)}:{imported.line}: {breach}"
        for imported in found
        for breach in breaches(imported)
    ] + cycles(found, modules)


def imports(importer: str, modules: Mapping[str, Path]) -> Iterator[Import]:
    """Every name that `importer` imports, at any depth."""
    path = modules[importer]
    for statement, place in import_statements(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        match statement:
            case ast.Import(names=names):
                for alias in names:
                    yield Import(importer, statement.lineno, alias.name, alias.name, place, relative=False)
            case ast.ImportFrom(module=package, names=names, level=level):
                for alias in names:
                    whole = f"{package}.{alias.name}"
                    target = whole if whole in modules else str(package)
                    yield Import(importer, statement.lineno, str(package), target, place, relative=level > 0)


def import_statements(tree: ast.Module) -> Iterator[tuple[ast.Import | ast.ImportFrom, Place]]:
    """The import statements of a module and when each runs."""
    pending: list[tuple[ast.AST, Place]] = [(tree, Place.LOADED)]
    while pending:
        node, place = pending.pop()
        match node:
            case ast.Import() | ast.ImportFrom():
                yield node, place
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                place = Place.CALLED
            case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                place = Place.TYPES
            case _:
                pass
        pending.extend((child, place) for child in ast.iter_child_nodes(node))


def breaches(imported: Import) -> Iterator[str]:
    """What is wrong with one import; nothing for most."""
    if imported.relative:
        yield "relative import"
        return
    library = imported.target.partition(".")[0]
    if library == "graphc":
        yield from breaches_inside(imported)
    elif library in LATE and imported.place is Place.LOADED:
        yield f"{library} is slow or optional: import it in the function that uses it"
    is_seldom = any(f"{imported.target}.".startswith(f"{part}.") for part in SELDOM)
    if imported.place is Place.CALLED and library not in LATE and not is_seldom:
        yield f"{imported.package} is imported inside a function"


def breaches_inside(imported: Import) -> Iterator[str]:
    """What is wrong with an import from graphc itself."""
    if imported.target == "graphc" and imported.importer != "graphc":
        yield "imports from the root package: name the module that defines it"
        return
    importer, target = part(imported.importer), part(imported.target)
    if importer in SEES_EVERYTHING or importer == target:
        return
    if importer not in LAW:
        yield f"{importer} has no place in the import law"
    elif target not in LAW[importer]:
        yield f"{importer} may not import {target} ({imported.target})"


def part(module: str) -> str:
    """The part of graphc that a module belongs to: `graphc.ops.window` -> `ops`."""
    return module.split(".")[1] if "." in module else module


def cycles(found: list[Import], modules: Mapping[str, Path]) -> list[str]:
    """The first cycle of modules that import each other, if there is one."""
    needs: dict[str, set[str]] = {name: set() for name in modules}
    for imported in found:
        if imported.target in modules and imported.target != imported.importer:
            needs[imported.importer].add(imported.target)
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        return ["import cycle: " + " <- ".join(error.args[1])]
    return []
