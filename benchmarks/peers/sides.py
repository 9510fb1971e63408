"""Who takes part in the races of `benchmarks.native`: graphc's backends, and other frameworks that are installed."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pkgutil import walk_packages
from typing import TypeAlias

from benchmarks.measure.race import Side
from benchmarks.workloads.workload import Workload, compiled

__all__ = ["OTHERS", "OURS", "OUR_NUMPY", "OWN", "Build", "Table", "available", "builder", "builders"]

Build: TypeAlias = Callable[[Workload], Side]
Table: TypeAlias = Mapping[str, Build]  # by the kinds of workloads

OURS, OUR_NUMPY = "graphc llvm", "graphc numpy"
OWN: Mapping[str, Build] = {OURS: lambda work: compiled(work, "llvm"), OUR_NUMPY: lambda work: compiled(work, "numpy")}
PACKAGES = ("graphc", "graphc.passes", "graphc.backends")  # what they import late is no part of a result

#: the module of each side, and its table there
OTHERS = {
    "numpy": ("numpy_side", "SIDES"),
    "torch": ("torch_side", "EAGER"),
    "torch.compile": ("torch_side", "COMPILED"),
    "jax.jit": ("jax_side", "JITTED"),
    "onnxruntime": ("onnx_side", "SESSIONS"),
    "pytensor": ("pytensor_side", "COMPILED"),
}


def available() -> tuple[Mapping[str, Table], Sequence[str]]:
    """The tables of the others, and a line on each that is missing."""
    _import_own()
    tables: dict[str, Table] = {}
    missing = []
    for name in OTHERS:
        try:
            tables[name] = _table(name)
        except ImportError as error:
            missing.append(f"{name} is left out: {error}")
    return tables, missing


def builders(kind: str, tables: Mapping[str, Table]) -> Mapping[str, Build]:
    """All that can build a workload of a kind, graphc's first."""
    return {**OWN, **{name: table[kind] for name, table in tables.items() if kind in table}}


def builder(name: str, kind: str) -> Build:
    """The one of this name."""
    if name in OWN:
        _import_own()
        return OWN[name]
    return _table(name)[kind]


def _import_own() -> None:
    for package in PACKAGES:
        for found in walk_packages(import_module(package).__path__, f"{package}."):
            import_module(found.name)
    import_module("llvmlite.binding")


def _table(name: str) -> Table:
    module, table = OTHERS[name]
    found: Table = getattr(import_module(f"benchmarks.peers.{module}"), table)
    return found
