"""The first calls of a process that are measured. It imports nothing: what uses it measures imports."""

PAIRS = (("mse", "mae"), ("mse", "softmax"))
"""A first loss, and a second one after it."""
BEFORE, IMPORT = "import of numba and NumPy", "import, beyond numba and NumPy"
