"""Benchmarks: `python -m bench` on the CPU, `python -m bench.gpu` on a GPU; README.md here is a map of the files.

Imports run downwards only: the commands `bench` and `bench.gpu` > `report` > `timing` > `peers` > `cases`.
"""
