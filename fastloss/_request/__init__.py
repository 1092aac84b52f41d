"""One call: its arguments, shapes, dtypes, weights and outputs, checked once for both backends."""
