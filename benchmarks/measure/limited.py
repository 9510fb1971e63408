"""Programs that end in time."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress

__all__ = ["ends_within"]


def ends_within(seconds: float, command: Sequence[str]) -> bool:
    """Run a program; False where it had to be ended after so many seconds.  What it began ends with it."""
    with subprocess.Popen(command, start_new_session=True) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        finally:
            with suppress(ProcessLookupError):  # nothing of it is left
                os.killpg(process.pid, signal.SIGKILL)
    return True
