"""The only place that knows Numba's insides: its options, the disk cache, lowering, locks and threads."""

from . import digest as digest  # first: it notes the files that all that follows is made of
