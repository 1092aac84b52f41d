"""Benchmarks of loss and gradient on the CPU: `python -m bench`, or `pytest bench`."""
