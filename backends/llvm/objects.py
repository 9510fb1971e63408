"""Objects of modules: from the disk, where one was made before, on this machine or on one like it."""

from graphc.backends.llvm.cache import standard
from graphc.backends.llvm.code import object_code
from graphc.backends.llvm.machine import Machine

__all__ = ["kept_object"]


def kept_object(text: str, machine: Machine) -> bytes:
    """The object of a module of IR, which is kept for the next process."""
    import llvmlite

    key = f"{llvmlite.__version__}\n{machine.key}\n{text}".encode()
    store = standard()
    found = store.get(key)
    if found is None:
        found = object_code(text, machine)
        store.put(key, found)
    return found
