"""LightGBM, whose wheel needs the OpenMP of the system (libgomp.so.1), which a bare machine may lack."""

from typing import Any

import pytest

lightgbm: Any = None
WHY_NOT = ""
try:
    import lightgbm
except OSError as error:
    WHY_NOT = f"LightGBM cannot be loaded: {error}"

needs_lightgbm = pytest.mark.skipif(lightgbm is None, reason=WHY_NOT)
