"""Waiting for a child of a fork."""

import os
import time

__all__ = ["finished"]


def finished(child: int, seconds: float) -> int:
    """Wait for a child, but not for ever: its exit status."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, 9)
    os.waitpid(child, 0)
    raise AssertionError("the child hangs")
