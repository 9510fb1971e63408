"""A program as a module of LLVM IR: its kernels, and two functions that run its steps on a table of addresses."""

from graphc.backends.llvm.declarations import declarations
from graphc.backends.llvm.module import Module
from graphc.backends.llvm.schedule import Schedule
from graphc.backends.llvm.table import COMMIT, COMPUTE

__all__ = ["written"]


def written(module: Module) -> str:
    """The whole text of a module."""
    program = module.program
    for buffer in (*program.inputs, *program.variables, *program.constants, *program.outputs, *program.temporaries):
        module.table.of(buffer.root)
    compute = Schedule(module).write(COMPUTE, program.steps[: program.commit])
    commit = Schedule(module).write(COMMIT, program.steps[program.commit :])
    functions = "\n".join((*module.functions, compute, commit))
    return "\n".join((*declarations(functions), functions))
