"""Commands that may hang, and processes of theirs."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from typing import Any


def run_for(seconds: float, command: Sequence[str], log: Any, **options: Any) -> int | None:
    """The exit code of a command that prints to a file; None where it is stopped, with all that it has started."""
    # in a session of its own, so that all its processes can be ended
    process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **options)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
