"""What the pool runs for a step: functions of chunks, one after the other, written once for steps that are alike."""

from collections.abc import Iterator, Mapping, Sequence

from graphc.backends.llvm.blocking import Blocking
from graphc.backends.llvm.boxes import box_of
from graphc.backends.llvm.chunked import Functions, Task, Tiles
from graphc.backends.llvm.contractions import blocking_for, one_by_one
from graphc.backends.llvm.kernels import Native
from graphc.backends.llvm.module import Module
from graphc.backends.llvm.multiply import Epilogue, Multiplication
from graphc.kernel.buffer import Buffer
from graphc.kernel.pattern import Pattern, overlaps, pattern_of
from graphc.kernel.steps import Contract, Kernel
from graphc.sizes import Size, name_of, total

__all__ = ["functions_of", "tiles_by", "tiles_of"]


def functions_of(kernel: Kernel, module: Module) -> Functions:
    """A kernel as functions, which are written once for all kernels of a pattern: see `Alike`."""
    kernel, places = module.alike.kernel(kernel)
    key, buffers = _pattern(kernel, module)
    if key not in module.kernels:
        module.kernels[key] = _native_of(kernel, module).functions(), buffers
    functions, others = module.kernels[key]
    return functions.on(dict(zip(others, buffers, strict=True)), _by_name(places))


def tiles_of(contract: Contract, module: Module) -> Tiles | None:
    """A product in tiles, which are written once for all products of a pattern; None where it is made otherwise."""
    contract, places = module.alike.product(contract)
    key, buffers = _pattern(contract, module)
    if key not in module.products:
        module.products[key] = _tiled(contract, module), buffers
    tiles, others = module.products[key]
    return None if tiles is None else tiles.on(dict(zip(others, buffers, strict=True)), _by_name(places))


def _by_name(places: Mapping[Size, int]) -> Mapping[str, Size]:
    return {str(name_of(symbol)): place for symbol, place in places.items()}


def _pattern(step: Kernel | Contract, module: Module) -> tuple[Pattern, Sequence[Buffer]]:
    """All that what is written for a step depends on, but its buffers."""
    key, buffers = pattern_of(step)
    return key + overlaps(buffers, module.owner) if module.program.aliases else key, buffers


def _tiled(contract: Contract, module: Module) -> Tiles | None:
    blocking = blocking_for(contract, module.machine)
    if blocking is None or one_by_one(contract, module.machine) is not None:
        return None
    return tiles_by(contract, blocking, module)


def tiles_by(contract: Contract, blocking: Blocking, module: Module, kept: Buffer | None = None) -> Tiles:
    """A product cut so; panels of its columns may be `kept`."""
    return Tiles(list(_tasks(contract, blocking, module, kept)), bool(blocking.parts))


def _native_of(kernel: Kernel, module: Module) -> Native:
    return Native(kernel, module.machine.vector_bytes, module.owner)


def _tasks(contract: Contract, blocking: Blocking, module: Module, kept: Buffer | None) -> Iterator[Task]:
    """With the epilogue, where that runs on chunks."""
    epilogue, origins = None, contract.origins
    if contract.then is not None and blocking.parts:
        box = box_of(contract, _native_of(contract.then, module), blocking.roles)
        epilogue = Epilogue(module.named(box.function, contract.then.origins), box)
    scratch: Size = 0
    if blocking.copies:
        copies = Multiplication(blocking, module.machine)
        function, scratch = copies.copying(blocking.copies), copies.shared
        yield Task(module.named(function, origins), function, total(part.count for part in blocking.copies), scratch)
    product = Multiplication(blocking, module.machine, kept=kept)
    function = product.function(epilogue)
    yield Task(module.named(function, origins), function, blocking.chunks, scratch, product.allocated)
