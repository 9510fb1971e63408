"""The one lock around all that LLVM does in this process.

A fork waits for it, so a child never inherits a compiler that is half way, nor a lock that nobody will release.
"""

import os
import threading

__all__ = ["LLVM"]

LLVM = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=LLVM.acquire, after_in_parent=LLVM.release, after_in_child=LLVM.release)
