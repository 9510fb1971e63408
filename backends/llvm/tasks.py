"""What the pool runs for a step: functions of chunks, one after the other."""

from collections.abc import Iterator
from typing import final

from graphc.backends.llvm.blocking import Blocking
from graphc.backends.llvm.boxes import box_of
from graphc.backends.llvm.fourier_plans import Planner
from graphc.backends.llvm.kernels import Function, Functions, Native
from graphc.backends.llvm.module import Module
from graphc.backends.llvm.multiply import Epilogue, Multiplication
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.pattern import overlaps, pattern_of
from graphc.kernel.steps import Contract, Kernel
from graphc.sizes import Size, total

__all__ = ["Task", "functions_of", "tasks_of_product"]


@final
@dataclass(frozen=True)
class Task:
    """A function of chunks.

    name       in the module
    chunks     how many there are
    scratch    bytes that it shares with the other tasks of its step
    allocated  bytes that each thread takes from malloc
    """

    name: str
    function: Function
    chunks: "Size | Planner"
    scratch: Size = 0
    allocated: Size = 0


def functions_of(kernel: Kernel, module: Module) -> Functions:
    """A kernel as functions, which are written once for all kernels of a pattern."""
    key, buffers = pattern_of(kernel)
    if module.program.aliases:
        key += overlaps(buffers, module.owner)
    known = module.kernels.get(key)
    if known is None:
        functions = _native_of(kernel, module).functions()
        module.kernels[key] = functions, buffers
        return functions
    functions, others = known
    return functions.on(dict(zip(others, buffers, strict=True)))


def _native_of(kernel: Kernel, module: Module) -> Native:
    return Native(kernel, module.machine.vector_bytes, module.owner)


def tasks_of_product(
    contract: Contract, blocking: Blocking, module: Module, kept: Buffer | None = None
) -> Iterator[Task]:
    """A product in tiles, with its epilogue where that runs on chunks; panels of its columns may be `kept`."""
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
