"""Objects of modules: from the disk, where one was made before, on this machine or on one like it."""

import re

from graphc.backends.llvm.code import object_code
from graphc.backends.llvm.machine import Machine
from graphc.cache import standard

__all__ = ["kept_object", "version"]

_COMMENT = re.compile(r"^;.*\n", re.MULTILINE)


def kept_object(text: str, machine: Machine) -> bytes:
    """The object of a module of IR, which is kept for the next process.  Where its lines come from is all the same."""
    key = f"{version(machine)}\n{_COMMENT.sub('', text)}".encode()
    store = standard()
    found = store.get(key)
    if found is None:
        found = object_code(text, machine)
        store.put(key, found)
    return found


def version(machine: Machine) -> str:
    """What objects depend on beside their text."""
    import llvmlite

    return f"llvmlite {llvmlite.__version__}, {machine.key}"
