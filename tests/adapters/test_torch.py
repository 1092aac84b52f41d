"""Tensors in every loss, and TorchLoss as a criterion."""

import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

import fastloss as fl
from fastloss._interop.torch import HOST
from fastloss.torch import TorchLoss
from tests.support import VARIANTS, categorical, name_of, sample

every_loss = pytest.mark.parametrize("loss", VARIANTS, ids=name_of)
every_reduction = pytest.mark.parametrize("reduction", ["mean", "sum", "sum_over_batch_size", "none"])
BCE, CCE = fl.BinaryCrossentropy(from_logits=True), fl.CategoricalCrossentropy(from_logits=True)


def arrays(loss, dtype=np.float64, rows=40):
    y, p = sample(loss, (rows, 5) if categorical(loss) else (rows,), dtype)
    return y, p, np.linspace(0.5, 2, rows).astype(dtype)


# --- tensors in any loss -----------------------------------------------------------------------------------------


@every_loss
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_tensors_give_what_arrays_give(loss, dtype):
    y, p, w = arrays(loss, np.float32)
    kind = getattr(torch, dtype)
    tensors = torch.from_numpy(y), torch.from_numpy(p).to(kind), torch.from_numpy(w)
    same = y, HOST.view("", "", tensors[1]), w
    for method in ("loss_gradient", "gradient_hessian"):
        for reduction in ("mean", "none"):
            got, want = (getattr(loss, method)(*args, reduction=reduction) for args in (tensors, same))
            for a, b in zip(got, want, strict=True):
                assert isinstance(a, torch.Tensor)
                if isinstance(b, float):
                    assert (a.shape, a.dtype, a.item()) == ((), torch.float64, b)
                else:
                    assert a.dtype in (kind, torch.float32)
                    np.testing.assert_array_equal(HOST.view("", "", a).astype(float), b.astype(float))
    activated = loss.activate(tensors[1])
    assert activated.dtype == kind
    assert activated.shape == tensors[1].shape


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_nothing_is_copied(dtype):
    z, y = torch.randn(100, dtype=dtype), torch.ones(100, dtype=dtype)
    assert HOST.view("", "", z).ctypes.data == z.data_ptr()
    out = torch.empty_like(z)
    gradient = BCE(y, z, out=out).gradient
    assert gradient is out
    assert torch.equal(out, BCE(y, z).gradient)
    memory = z.data_ptr()
    assert BCE.gradient(y, z, out=z).data_ptr() == memory
    assert torch.equal(z, out)


def test_channels_last_stays_so():
    z = torch.randn(2, 5, 8, 8).to(memory_format=torch.channels_last)
    loss, labels = fl.CategoricalCrossentropy(from_logits=True, axis=1), torch.randint(0, 5, (2, 8, 8))
    gradient = loss(labels, z).gradient
    assert gradient.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(gradient, loss(labels, z.contiguous()).gradient)
    grown = z.requires_grad_()
    TorchLoss(loss)(grown, labels).backward()
    assert torch.equal(grown.grad, gradient)


def test_predictions_decide_what_comes_back():
    y, z = np.ones(3), np.zeros(3)
    assert isinstance(BCE(torch.ones(3), z).gradient, np.ndarray)
    assert isinstance(BCE(torch.ones(3), z).loss, float)
    assert isinstance(BCE(y, torch.zeros(3)).gradient, torch.Tensor)
    found = CCE.gradient_hessian_matrix(torch.tensor([0]), torch.zeros(1, 2))
    assert found.hessian.tolist() == [[[0.25, -0.25], [-0.25, 0.25]]]


def test_tensors_that_cannot_be_taken():
    z = torch.zeros(3, requires_grad=True)
    with pytest.raises(TypeError, match=r"y_pred requires a gradient.*fastloss.torch.TorchLoss\(loss\)"):
        BCE(torch.ones(3), z)
    with torch.no_grad():
        assert BCE(torch.ones(3), z).loss.item() == pytest.approx(np.log(2))
    with pytest.raises(TypeError, match=r"y_true is a tensor of layout torch.sparse_coo.*\.to_dense\(\)"):
        BCE(torch.ones(3).to_sparse(), z.detach())
    with pytest.raises(TypeError, match="BinaryCrossentropy: y_pred has dtype int64"):
        BCE(torch.ones(3), torch.zeros(3, dtype=torch.int64))
    with pytest.raises(ValueError, match="BinaryCrossentropy: y_true has shape"):
        BCE(torch.ones(4), torch.zeros(3))


# --- the criterion -----------------------------------------------------------------------------------------------


@every_loss
@every_reduction
def test_gradients_are_right(loss, reduction):
    y, p, w = (torch.from_numpy(a) for a in arrays(loss, rows=7))
    p = p.requires_grad_()
    assert torch.autograd.gradcheck(lambda p: TorchLoss(loss, reduction)(p, y, w), (p,), eps=1e-7, atol=1e-5)
    assert torch.autograd.gradcheck(lambda p: -3 * TorchLoss(loss, reduction)(p, y), (p,), eps=1e-7, atol=1e-5)


@every_loss
@every_reduction
def test_it_compiles_into_one_graph(loss, reduction):
    y, p, w = (torch.from_numpy(a) for a in arrays(loss))
    criterion = TorchLoss(loss, reduction)

    def model(x, w):
        return 2 * criterion(x * 1, y, w)

    torch._dynamo.reset()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    found = []
    for function in (model, compiled):
        x = p.clone().requires_grad_()
        value = function(x, w)
        value.sum().backward()
        found.append((value.detach(), x.grad))
        assert torch.equal(function(p, w), value.detach())
    for eager, graph in zip(*found, strict=True):
        torch.testing.assert_close(graph, eager, rtol=0, atol=0)


@pytest.mark.skipif(not shutil.which("g++"), reason="torch's default compiler calls g++")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own
def test_it_compiles_with_inductor():
    labels, weight = torch.randint(0, 5, (30,)), torch.randn(4, 5, requires_grad=True)
    x, criterion = torch.randn(30, 4), TorchLoss(CCE)

    def step(x):
        return criterion(torch.tanh(x @ weight), labels)

    want = torch.autograd.grad(step(x), weight)[0]
    got = torch.autograd.grad(torch.compile(step, fullgraph=True)(x), weight)[0]
    torch.testing.assert_close(got, want)


def test_no_gradient_is_computed_where_none_is_required(monkeypatch):
    criterion = TorchLoss(BCE)
    monkeypatch.setattr("fastloss.torch._value_and_gradient", lambda *_: pytest.fail("computed a gradient"))
    criterion(torch.zeros(3), torch.ones(3))
    with torch.no_grad():
        criterion(torch.zeros(3, requires_grad=True), torch.ones(3))


def test_what_it_refuses():
    z = torch.zeros(3, requires_grad=True)
    value = TorchLoss(BCE)(z, torch.ones(3))
    with pytest.raises(RuntimeError, match=r"TorchLoss: create_graph=True .*gradient_hessian"):
        torch.autograd.grad(value, z, create_graph=True)
    with pytest.raises(TypeError, match="TorchLoss: input is an ndarray, expected a tensor"):
        TorchLoss(BCE)(np.zeros(3), torch.ones(3))
    with pytest.raises(ValueError, match=r"strides \(0,\), by which elements share memory"):
        BCE.gradient(torch.ones(4), z.detach()[:1].expand(4) * 1, out=torch.zeros(1).expand(4))
    with pytest.raises(TypeError, match=r"TorchLoss: target requires a gradient.*target\.detach\(\)"):
        TorchLoss(BCE)(z, torch.ones(3, requires_grad=True))
    with pytest.raises(TypeError, match=r"TorchLoss: loss is .*; pass MeanSquaredError\(\)"):
        TorchLoss(fl.MeanSquaredError)
    with pytest.raises(ValueError, match="TorchLoss: reduction is 'avg', expected one of 'mean'"):
        TorchLoss(BCE, "avg")
    with pytest.raises(ValueError, match="BinaryCrossentropy: y_true has shape"):
        TorchLoss(BCE)(z, torch.ones(2))


def test_backward_twice_with_a_kept_graph():
    z = torch.randn(5, requires_grad=True)
    value = TorchLoss(fl.mse)(z, torch.zeros(5))
    value.backward(retain_graph=True)
    once = z.grad.clone()
    value.backward()
    torch.testing.assert_close(z.grad, 2 * once)


def test_precision_of_16_bits():
    z = torch.randn(5, dtype=torch.bfloat16, requires_grad=True)
    value = TorchLoss(fl.mse)(z, torch.zeros(5, dtype=torch.bfloat16))
    (value * 4).backward()
    assert (value.dtype, z.grad.dtype) == (torch.float32, torch.bfloat16)


@pytest.mark.parametrize("compiled", [False, True])
def test_float16_is_scaled_before_it_is_rounded(compiled):
    """What GradScaler multiplies a loss by brings back gradients that float16 has not."""
    z, y = torch.randn(2**18).half().requires_grad_(), torch.ones(2**18).half()
    criterion = TorchLoss(BCE)
    function = torch.compile(criterion, fullgraph=True, backend="aot_eager") if compiled else criterion
    (function(z, y) * 65536).backward()
    want = 65536 * BCE.gradient(y.float().numpy(), z.detach().float().numpy())
    assert z.grad.dtype == torch.float16
    np.testing.assert_allclose(z.grad.float().numpy(), want, rtol=1e-3, atol=1e-7)


def test_another_loss_in_its_place():
    criterion = TorchLoss(BCE)
    criterion.loss = fl.mse
    z, y = torch.randn(5), torch.ones(5)
    want = fl.mse.loss(y, z).float()
    assert torch.equal(criterion(z, y), want)
    assert torch.equal(torch.compile(criterion, fullgraph=True, backend="aot_eager")(z, y), want)


def test_it_is_shown_pickled_and_saved():
    criterion = TorchLoss(CCE, reduction="sum")
    assert "CategoricalCrossentropy(from_logits=True" in repr(criterion)
    again = pickle.loads(pickle.dumps(criterion))
    z, y = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    assert torch.equal(again(z, y), criterion(z, y))
    assert not criterion.state_dict()


WORKERS = """
import torch
import fastloss as fl

bce = fl.BinaryCrossentropy(from_logits=True)


class Scored(torch.utils.data.Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, k):
        return bce(torch.ones(200_000), torch.full((200_000,), float(k))).loss


want = [Scored()[k].item() for k in range(4)]  # the parent uses all threads
got = [batch.item() for batch in torch.utils.data.DataLoader(Scored(), batch_size=1, num_workers=2, timeout=120)]
print(got == want)
"""


def test_workers_of_a_data_loader():
    """In a process of its own: the one of the tests may have imported JAX, which warns of forks."""
    done = subprocess.run([sys.executable, "-c", WORKERS], capture_output=True, text=True, timeout=240)
    assert done.stdout.strip() == "True", done.stderr


def curve(criterion):
    x, y = (torch.from_numpy(a) for a in load_digits(return_X_y=True))
    x = (x / 16).float()
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    optimizer, values = torch.optim.SGD(model.parameters(), lr=0.5), []
    for _ in range(60):
        optimizer.zero_grad()
        value = criterion(model(x), y)
        value.backward()
        optimizer.step()
        values.append(value.item())
    return values


def test_a_network_learns_as_with_torchs_own_loss():
    ours, theirs = curve(TorchLoss(CCE)), curve(torch.nn.CrossEntropyLoss())
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    assert ours[-1] < 0.4 < ours[0]
