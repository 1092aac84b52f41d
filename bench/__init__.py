"""Benchmarks: `python -m bench` on the CPU, `python -m bench.gpu` on a GPU; README.md here is a map of the files.

Imports run downwards only: the commands (`bench` itself, `bench.gpu`) > `report` and `timing` > `peers` > `cases`.
"""
