"""Losses of NumPy arrays that are computed on a device: inputs go there, results come back, outputs are written.

Arrays that share memory share it on the device too, at the same distances, so that overlaps, strides and calls in
place are what they were. What no array on a GPU can be (of another byte order, between the bytes of other elements, in
some libraries backwards) goes there as a plain copy.
"""

import ctypes
import functools
from typing import Any

import numpy as np

from fastloss import Loss
from tests.devices import SIMULATED, Library, NoSuchArrayError

METHODS = ("loss_gradient", "__call__", "loss", "gradient", "gradient_hessian", "activate")
UNIT = 64


class Transfer:
    """The arrays of one call."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.roots: dict[int, tuple[Any, Any]] = {}
        """By address: memory with all its views, and its copy on the device."""
        self.twins: dict[int, tuple[Any, Any]] = {}
        """By id: NumPy's arrays, and those on the device."""
        self.outputs: list[Any] = []

    def put(self, array: Any, output: bool = False) -> Any:
        """The twin of an array."""
        if id(array) not in self.twins:
            self.twins[id(array)] = array, self._twin(array, output)
        return self.twins[id(array)][1]

    def _twin(self, array: Any, output: bool) -> Any:
        dtype, size = array.dtype, max(array.dtype.itemsize, 1)
        known = dtype.kind not in "USO" or SIMULATED
        if not known or (dtype.name == "bfloat16" and not self.library.bfloat16):
            raise NoSuchArrayError(f"{self.library.name} has no {dtype}")
        backwards = any(s < 0 for s in array.strides) and not self.library.backwards
        crooked = array.ctypes.data % size or any(s % size for s in array.strides)
        if backwards or crooked or not dtype.isnative:
            if output:
                raise NoSuchArrayError(f"{self.library.name} has no strides {array.strides}")
            array = np.array(array, dtype.newbyteorder("="), order="C")
        if output and not array.flags.writeable and not SIMULATED:
            raise NoSuchArrayError(f"{self.library.name} has no read-only arrays")
        root = _root(array)
        offset = array.ctypes.data - root.ctypes.data if array.size else 0
        return self.library.view(self._uploaded(root), offset, array.shape, array.dtype, array.strides)

    def _uploaded(self, root: Any) -> Any:
        address = root.ctypes.data
        if address not in self.roots:
            memory = np.zeros((root.nbytes + UNIT) // UNIT * UNIT, np.uint8)  # whole elements of any size, one at least
            memory[: root.nbytes] = _bytes(root)
            memory.flags.writeable = bool(root.flags.writeable) or not SIMULATED
            self.roots[address] = root, self.library.upload(memory)
        return self.roots[address][1]

    def write(self) -> None:
        """All memory that holds an output, as it is on the device now."""
        for array in self.outputs:
            root = _root(array)
            if id(array) in self.twins and root.flags.writeable and root.nbytes:
                flat = self.library.view(self._uploaded(root), 0, (root.nbytes,), np.dtype(np.uint8), (1,))
                _bytes(root)[:] = self.library.get(flat)

    def back(self, result: Any) -> Any:
        """What NumPy's arrays would have given."""
        if isinstance(result, tuple):
            return type(result)(*map(self.back, result))
        for array, twin in self.twins.values():
            if twin is result:
                return array
        found = self.library.get(result)
        return float(found) if found.shape == () else found


def _root(array: Any) -> Any:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _bytes(array: Any) -> Any:
    """The memory of an array that has no base."""
    return np.frombuffer((ctypes.c_char * array.nbytes).from_address(array.ctypes.data), np.uint8)


def through(library: Library, method: Any) -> Any:
    """A method of losses that computes on the device."""

    @functools.wraps(method)
    def call(loss: Any, *arrays: Any, out: Any = None, **options: Any) -> Any:
        outs = out if isinstance(out, tuple) else (out,)
        if not any(isinstance(a, np.ndarray | list) for a in (*arrays, *options.values(), *outs)):
            return method(loss, *arrays, out=out, **options)  # one method by another
        transfer = Transfer(library)

        def given(value: Any) -> Any:
            value = np.asarray(value) if isinstance(value, list) else value
            return transfer.put(value) if isinstance(value, np.ndarray) else value

        def target(value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(map(target, value))
            if not isinstance(value, np.ndarray):
                return value
            transfer.outputs.append(value)
            return transfer.put(value, output=True)

        there = target(out)
        arguments = [*map(given, arrays)], {k: given(v) for k, v in options.items()}
        try:
            return transfer.back(method(loss, *arguments[0], **arguments[1], out=there))
        finally:
            transfer.write()

    return call


def install(monkeypatch: Any, library: Library) -> None:
    """Let all losses compute on the device."""
    for name in METHODS:
        monkeypatch.setattr(Loss, name, through(library, getattr(Loss, name)))
