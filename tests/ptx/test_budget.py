"""What kernels cost, as they are compiled: instructions for an element, registers, barriers, the width of accesses.

A kernel that moves b bytes for an element is bound by instructions, and not by memory, from some 6.7 b of them on; the
budgets are a little above what is counted. See docs/performance/gpu.md.
"""

from typing import NamedTuple

import ml_dtypes
import numpy as np
import pytest

import fastloss as fl
from tests.ptx.card import put
from tests.ptx.compare import short
from tests.ptx.machine import assembled, counted
from tests.support import sample

F32, BF16 = np.float32, ml_dtypes.bfloat16
CE = fl.CategoricalCrossentropy(from_logits=True)
SMOOTHED = fl.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
FOCAL = fl.CategoricalFocalCrossentropy(from_logits=True)


class Budget(NamedTuple):
    """A call of loss and gradient, and what its main kernel may take."""

    loss: fl.Loss
    shape: tuple[int, ...]
    float32: float
    """Instructions for an element."""
    bfloat16: float
    registers: int
    barriers: int = 1
    """How often a block waits: once for its sum of losses; where it has one row, for the largest logit and the sum."""
    dense: bool = False
    """Whether each class has a target."""


BUDGETS = [
    Budget(fl.mse, (16384,), 12, 15, 32),
    Budget(fl.mae, (16384,), 16, 20, 32),
    Budget(fl.squared_hinge, (16384,), 19, 22, 40),
    Budget(fl.SquaredHinge(from_logits=True), (16384,), 50, 44, 40),
    Budget(fl.Poisson(from_logits=True), (16384,), 47, 49, 40),
    Budget(fl.poisson, (16384,), 73, 75, 40),
    Budget(fl.msle, (16384,), 93, 64, 40),
    Budget(fl.bce, (16384,), 75, 66, 48),
    Budget(fl.BinaryCrossentropy(from_logits=True), (16384,), 62, 50, 48),
    Budget(fl.BinaryFocalCrossentropy(), (16384,), 78, 71, 64),
    Budget(fl.BinaryFocalCrossentropy(from_logits=True), (16384,), 70, 67, 56),
    Budget(CE, (1024, 10), 62, 58, 48),
    Budget(CE, (1024, 16), 50, 40, 48),
    Budget(CE, (64, 1000), 37, 30, 96),
    Budget(CE, (3, 32000), 48, 31, 64, 2),
    Budget(CE, (2, 128256), 41, 29, 64, 2),
    Budget(SMOOTHED, (1024, 10), 93, 88, 56),
    Budget(SMOOTHED, (64, 1000), 70, 58, 128),
    Budget(CE, (64, 1000), 76, 65, 152, dense=True),
    Budget(FOCAL, (1024, 10), 66, 61, 48),
    Budget(FOCAL, (64, 1000), 38, 31, 96),
]


@pytest.mark.parametrize("kind", [F32, BF16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize(
    "budget", BUDGETS, ids=lambda b: f"{short(b.loss)}-{'x'.join(map(str, b.shape))}{'-dense' * b.dense}"
)
def test_what_a_kernel_costs(budget, kind, card):
    y, p = sample(budget.loss, budget.shape, F32)
    if budget.dense:
        y = np.random.default_rng(0).dirichlet(np.ones(p.shape[1]), len(p)).astype(F32)
    y, p = y.astype(kind) if y.dtype == F32 else y, p.astype(kind)
    blocks = []
    launch = card.launch
    card.launch = lambda handle, count, *rest: blocks.append(count) or launch(handle, count, *rest)
    try:
        _, text, count = counted(card, lambda: budget.loss(put(y), put(p)), p.size)
    finally:
        del card.launch
    machine = assembled(text)
    print(f"{short(budget.loss)} {budget.shape} {np.dtype(kind).name}: {count.instructions:.1f} instructions, "
          f"{machine.registers} registers")  # fmt: skip
    assert count.instructions <= (budget.float32 if kind is F32 else budget.bfloat16)
    assert machine.registers <= budget.registers
    assert (machine.stack, machine.spills) == (0, 0)
    assert count.barriers == budget.barriers * blocks[0]
    assert count.vector_loads >= 1
    assert count.vector_stores >= 1


@pytest.mark.parametrize("loss", [fl.poisson, CE], ids=short)
def test_no_assembler_fuses_what_is_written_apart(loss, card):
    """The machine code is the same with and without leave to fuse products and sums."""
    y, p = sample(loss, (64, 10), F32)
    _, text, _ = counted(card, lambda: loss(put(y), put(p)), p.size)
    assert assembled(text).code == assembled(text, "sm_90", "--fmad=false").code
