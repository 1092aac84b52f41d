"""Records: the arguments of a kernel by name, as fields of a structured dtype at an address.

In compiled code a record is read and written where it lies, at the price of a load. In plain Python it is a named
tuple, or NumPy's own record.
"""

from typing import Any

import numpy as np
from numba import types

from .intrinsics import compiles


def record_at(address: Any, dtype: Any) -> Any:
    """The record of dtype at an address; in plain Python that is a named tuple, or the array that begins there."""
    return (
        address if isinstance(address, tuple) else address.view(np.uint8)[: dtype.itemsize].view((np.record, dtype))[0]
    )


@compiles(record_at, types.Integer, types.Any, typer=lambda address, dtype: dtype.dtype)
def _lower_record_at(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.inttoptr(args[0], context.get_value_type(sig.return_type))
