"""Where results go: in place, into other dtypes, strided, and nothing beside them; addresses that are far away; threads
in any order; other cards, and what an assembler may change."""

import numpy as np
import pytest

import fastloss as fl
from tests.ptx import card as cards
from tests.ptx.card import put
from tests.ptx.cases import ALL, BF16, F16, F32, F64, elements, name, rows, some
from tests.ptx.compare import check, close, same
from tests.support import VARIANTS, categorical, sample

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
BCE, CCE = fl.BinaryCrossentropy(from_logits=True), fl.CategoricalCrossentropy(from_logits=True)
SMOOTHED = fl.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)


PLACES = some([BCE, CCE, SMOOTHED, fl.CategoricalCrossentropy()], [(5, 300), (37, 7), (3, 1000)], [F32, BF16])


@pytest.mark.parametrize(("loss", "shape", "pred"), PLACES, ids=name)
def test_in_place(loss, shape, pred, card):
    y, p = sample(loss, shape, pred)
    alone, there = loss(put(y), put(p)), put(p)
    got = loss(put(y), there, out=there)
    assert got.gradient is there
    same("gradient", there.get(), alone.gradient.get())
    same("loss", got.loss.get(), alone.loss.get())
    there, hessian = put(p), cards.ndarray(p.shape, p.dtype)
    pair, alone = loss.gradient_hessian(put(y), there, out=(there, hessian)), loss.gradient_hessian(put(y), put(p))
    for one, other in zip(pair, alone, strict=True):
        same("order 2", one.get(), other.get())


@pytest.mark.parametrize("loss", [BCE, CCE], ids=name)
@pytest.mark.parametrize(("pred", "out"), [(F32, F64), (F64, F32), (F32, BF16), (BF16, F32), (F16, F64), (F32, F16)],
                         ids=name)  # fmt: skip
def test_into_another_dtype(pred, out, loss, card):
    y, p = sample(loss, (40, 9), pred)
    target = cards.ndarray(p.shape, out)
    loss(put(y), put(p), out=target)
    want = loss(y, p, out=np.empty(p.shape, out)).gradient
    less = F32 if out == F64 and pred != F64 else out
    close("gradient", target.get().astype(less), want.astype(less), 16.0)


LOOKS = {"[3:7]": lambda a: a[3:7], "[::2]": lambda a: a[::2], "[1:, 1:]": lambda a: a[1:, 1:],
         "[:, ::3]": lambda a: a[:, ::3], ".T": lambda a: a.T, "[::-1, ::-1]": lambda a: a[::-1, ::-1],
         "[:, :-1]": lambda a: a[:, :-1]}  # fmt: skip


@pytest.mark.parametrize("loss", [BCE, CCE], ids=name)
@pytest.mark.parametrize("look", LOOKS)
def test_strided(loss, look, card):
    look = LOOKS[look]
    rng = np.random.default_rng(3)
    z, y = rng.normal(size=(21, 23)).astype(F32), (rng.random((21, 23)) < 0.5).astype(F32)
    there = [put(a) for a in (y, z)]
    views = [a.view(look) for a in there]
    want = loss(look(y), look(z)).gradient
    size = np.abs(want).max(1, keepdims=True) * categorical(loss)
    close("gradient", loss(*views).gradient.get(), np.ascontiguousarray(want), 16.0, size)
    loss(*views, out=views[1])
    after = z.copy()
    look(after)[...] = want
    close("in place, and all beside it", there[1].get(), after, 16.0, size.max())
    same("y_true", there[0].get(), y)


ACTIVATIONS = list({type(loss).activation: loss for loss in VARIANTS if getattr(loss, "from_logits", False)}.values())


@pytest.mark.parametrize("loss", VARIANTS if ALL else ACTIVATIONS, ids=name)
@pytest.mark.parametrize("pred", [F32, F64, F16, BF16], ids=name)
def test_activations(loss, pred, card):
    for shape in ((5, 300), (37, 7)):
        z = (np.random.default_rng(3).normal(size=shape) * 4).astype(pred)
        close("activation", loss.activate(put(z)).get(), loss.activate(z), 4.0)


ORDERED = [(BCE, (700,)), (fl.mse, (4200,)), (CCE, (19, 33)), (CCE, (2, 1000)), (SMOOTHED, (19, 64)),
           (fl.CategoricalCrossentropy(), (19, 33)),
           (fl.CategoricalFocalCrossentropy(from_logits=True, ignore_index=1), (19, 64))]  # fmt: skip


@pytest.mark.parametrize(("loss", "shape"), ORDERED, ids=name)
def test_threads_in_any_order_give_the_same_bits(loss, shape, card):
    y, p = sample(loss, shape, F32)
    w, found = np.linspace(0, 1, shape[0], dtype=F32), []
    for card.seed in (None, 1, 2):
        there = put(p)
        got = loss(put(y), there, sample_weight=put(w), out=there)
        pair = loss.gradient_hessian(put(y), put(p))
        found.append([a.get().tobytes() for a in (got.loss, there, *pair)])
    assert found[0] == found[1] == found[2]


FAR = [(fl.mse, (4133,)), (fl.mse, (8096,)), (BCE, (4133,)), (BCE, (8096,)),
       *((loss, (5, n)) for loss in (CCE, fl.CategoricalCrossentropy()) for n in (1000, 1001, 3))]  # fmt: skip
MIXED = [(F32, np.int64), (BF16, np.uint8), (F64, np.int16)]
FAR = [(*case, *kinds) for n, case in enumerate(FAR) for kinds in (MIXED if ALL else [MIXED[n % 3]])]


@pytest.mark.parametrize(("loss", "shape", "pred", "label"), FAR, ids=name)
def test_the_last_blocks_of_2_35_elements(loss, shape, pred, label, card):
    """The same bits as near, from addresses that far away: the kernel's pointers are moved back as far."""
    y, p = (a.astype(kind) for a, kind in zip(sample(loss, shape, F32), (label, pred), strict=True))
    dy, dp, card.watch = put(y), put(p), []
    grad = loss.gradient(dy, dp)
    (kernel, program, threads, values, _), *_ = card.watch
    want = grad.get()
    card.memory.written[grad.data.ptr - card.memory.base :][: p.nbytes] = False
    if categorical(loss):
        step = threads // int(kernel.name.rsplit("_", 1)[1].split("x")[0]) * values[13]  # rows of a block
        ahead, size, gradient = (1 << 35) // shape[1] // step * step, 9, 5
        each = {0: y.itemsize, 1: shape[1] * p.itemsize, gradient: shape[1] * p.itemsize}
    else:
        step, ahead, size, gradient = 4096, 1 << 35, 9, 4
        each = {0: y.itemsize, 1: p.itemsize, gradient: p.itemsize}
    for slot, width in each.items():
        values[slot] = (values[slot] - ahead * width) % 2**64
    values[size] = ahead + shape[0]
    blocks = [ahead // step + k for k in range(-(-shape[0] // step))]
    program.launch(card.memory, blocks[-1] + 1, threads, values, chosen=blocks)
    same("gradient", grad.get(), want)


OTHERS = [(7, 5), (8, 0), (10, 0)]


@pytest.mark.parametrize(("loss", "capability"), [(loss, other) for n, loss in enumerate(VARIANTS)
                         for other in (OTHERS if ALL else OTHERS[n % 3 :][:1])], ids=name)  # fmt: skip
def test_older_and_newer_cards(loss, capability, card):
    card.capability = capability
    if categorical(loss):
        loss, y, p = rows(loss, "index", (37, 64), BF16, 1)
        check(loss, y, p)
    else:
        y, _, special = elements(loss, (4101,), np.uint8, BF16, 2)
        check(loss, y, special, reduction="none")
