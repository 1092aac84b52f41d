"""Who is measured: fastloss, the plain pass that it is compared with, and other libraries.

On the CPU, each file has `prepare(case, y, p)`, which returns the call that is timed.
"""

from collections.abc import Callable
from typing import Any

Call = Callable[[], tuple[Any, Any]]
"""Returns the loss and its gradient."""


class UnavailableError(Exception):
    """A contender that cannot run here or lacks the loss, with the reason."""
