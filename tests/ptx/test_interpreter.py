"""What the interpreter notices: each fault in a kernel of a few lines, and changes of compiled kernels."""

import re

import numpy as np
import pytest

import fastloss as fl
from tests import transfer
from tests.ptx import card as cards, compiled
from tests.ptx.card import put
from tests.ptx.cases import ALL, F32
from tests.ptx.memory import KernelError
from tests.ptx.program import Program
from tests.support import sample

TEXT = """
.target sm_90
.visible .shared .align 4 .b8 room[256];
.visible .entry k(.param .u64 a)
{{
    .reg .pred %p<9>; .reg .b32 %r<9>; .reg .b64 %rd<9>; .reg .f32 %f<9>;
    ld.param.u64 %rd1, [a];
    mov.u32 %r1, %tid.x;
    mul.wide.u32 %rd2, %r1, 4;
    add.s64 %rd3, %rd1, %rd2;
    mov.u64 %rd4, room;
    add.s64 %rd5, %rd4, %rd2;
    setp.lt.u32 %p1, %r1, 32;
    setp.lt.u32 %p2, %r1, 16;
    mov.f32 %f1, 0f3F800000;
    {}
$L_end:
    ret;
}}
"""
"""64 threads, 64 floats: the array begins at %rd1, a thread's element is at %rd3, that in shared memory at %rd5."""
FAULTS = {
    "read of 4 bytes outside global memory: byte 256 of 256": "ld.global.f32 %f2, [%rd3+4];",
    "read of 8 bytes outside global memory: byte 256": "mul.wide.u32 %rd2, %r1, 8; add.s64 %rd3, %rd1, %rd2; "
                                                       "ld.global.u64 %rd6, [%rd3];",
    "write of 4 bytes outside global memory": "st.global.f32 [%rd3+-4], %f1;",
    "misaligned read of 4 bytes": "ld.global.u32 %r2, [%rd1+2];",
    "read of 4 bytes of shared memory that nobody wrote": "ld.shared.f32 %f2, [%rd5];",
    "race in shared memory: read": "st.shared.f32 [%rd5], %f1; ld.shared.f32 %f2, [room+8];",
    "race in global memory: two threads write one byte": "st.global.f32 [%rd1], %f1;",
    "race in global memory: write": "ld.global.f32 %f2, [%rd1]; @%p2 bra $L_end; setp.eq.u32 %p3, %r1, 16; "
                                    "@!%p3 bra $L_end; st.global.f32 [%rd1], %f1;",
    "32 threads do not reach": "@%p1 bra $L_end; bar.sync 0;",
    "one warp wait at different barriers": "@%p2 bra $L_a; bar.sync 0; bra.uni $L_end; $L_a: bar.sync 0;",
    "race in shared memory: write": "st.shared.f32 [%rd5], %f1; bar.warp.sync -1; setp.eq.u32 %p3, %r1, 40; "
                                    "@!%p3 bra $L_end; st.shared.f32 [room], %f1;",
    "race in global memory: write of 4 bytes by thread 3": "ld.global.f32 %f2, [%rd1]; setp.eq.u32 %p3, %r1, 3; "
                                                           "@!%p3 bra $L_end; st.global.f32 [%rd1], %f1;",
    "lanes of a warp wait for others": "@%p2 bra $L_a; shfl.sync.bfly.b32 %r2, %r1, 1, 31, -1; bra.uni $L_end; "
                                       "$L_a: bar.warp.sync -1;",
    "division of integers by zero": "div.u32 %r2, %r1, %r1;",
    "unknown instruction sin.approx": "sin.approx.f32 %f2, %f1;",
}  # fmt: skip


@pytest.mark.parametrize("words", FAULTS)
def test_faults(words):
    cards.CARD.reset()
    array = put(np.arange(64, dtype=F32))
    with pytest.raises(KernelError, match=re.escape(words)):
        Program(TEXT.format(FAULTS[words]), "k").launch(cards.CARD.memory, 1, 64, [array.data.ptr])


def test_a_kernel_without_fault():
    cards.CARD.reset()
    array = put(np.arange(64, dtype=F32))
    body = ("ld.global.f32 %f2, [%rd3]; fma.rn.f32 %f2, %f2, %f2, %f1; st.shared.f32 [%rd5], %f2; bar.sync 0; "
            "@%p1 bra $L_end; ld.shared.f32 %f3, [%rd5+-128]; st.global.f32 [%rd3], %f3;")  # fmt: skip
    Program(TEXT.format(body), "k").launch(cards.CARD.memory, 1, 64, [array.data.ptr])
    first = np.arange(32, dtype=F32)
    np.testing.assert_array_equal(array.get(), np.concatenate([first, first**2 + 1]))


@pytest.mark.parametrize(
    "how", ["eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"]
)
def test_comparisons(how):
    """Ordered ones are false of NaN, those that end in u are true."""
    cards.CARD.reset()
    values = np.array([-np.inf, -1, 0, 1, np.inf, np.nan, -0.0, np.nan], F32)
    left, right = np.repeat(values, 8), np.tile(values, 8)
    array, other = put(left), put(right)
    body = (f"sub.s64 %rd6, %rd3, %rd1; add.s64 %rd7, %rd6, {other.data.ptr}; ld.global.f32 %f2, [%rd3]; "
            f"ld.global.f32 %f3, [%rd7]; setp.{how}.f32 %p3, %f2, %f3; selp.f32 %f4, %f1, 0f00000000, %p3; "
            "st.global.f32 [%rd3], %f4;")  # fmt: skip
    Program(TEXT.format(body), "k").launch(cards.CARD.memory, 1, 64, [array.data.ptr])
    nan = np.isnan(left) | np.isnan(right)
    known = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
             "ge": np.greater_equal}  # fmt: skip
    want = (
        nan == (how == "nan") if how in ("num", "nan") else np.where(nan, how[2:] == "u", known[how[:2]](left, right))
    )
    np.testing.assert_array_equal(array.get(), want.astype(F32))


def test_lanes_that_meet():
    """A shuffle, and a lane that writes after it what its whole warp has read."""
    cards.CARD.reset()
    array, want = put(np.arange(64, dtype=F32)), np.arange(64, dtype=F32)
    body = ("and.b32 %r4, %r1, 32; mul.wide.u32 %rd6, %r4, 4; add.s64 %rd7, %rd1, %rd6; ld.global.f32 %f2, [%rd7]; "
            "ld.global.u32 %r2, [%rd3]; shfl.sync.bfly.b32 %r3|%p5, %r2, 5, 31, -1; "
            "st.global.u32 [%rd3], %r3;")  # fmt: skip
    for seed in (None, 0, 1):
        Program(TEXT.format(body), "k").launch(cards.CARD.memory, 1, 64, [array.data.ptr], seed)
        want = want[np.arange(64) ^ 5]
        np.testing.assert_array_equal(array.get(), want)


def test_warps_are_counted():
    cards.CARD.reset()
    program = Program(TEXT.format("@%p2 bra $L_end; bar.warp.sync -1;"), "k")
    program.launch(cards.CARD.memory, 3, 64, [put(np.zeros(64, F32)).data.ptr])
    assert program.issued.tolist()[:3] == [6, 6, 9]  # the first warp ends in two parts
    assert program.barriers == 0


def test_a_result_that_is_not_written_everywhere():
    cards.CARD.reset()
    with pytest.raises(KernelError, match="not written everywhere"):
        cards.ndarray((3,), F32).get()


def test_memory_is_given_back():
    cards.CARD.reset()
    top, kept = cards.CARD.memory.top, put(np.zeros(5))
    after = cards.CARD.memory.top
    for _ in range(3):
        assert put(np.zeros(100)).get().sum() == 0
        assert cards.CARD.memory.top == after > top
    del kept
    assert cards.CARD.memory.top == top


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_as_a_library_of_arrays(card, monkeypatch):
    """Calls of NumPy's arrays go to the card and back, views and all."""
    y, p = sample(fl.BinaryCrossentropy(from_logits=True), (9, 12), F32)
    loss = fl.BinaryCrossentropy(from_logits=True)
    want = loss(y[:, ::-2], p[:, ::-2])
    transfer.install(monkeypatch, cards.library())
    card.watch, out = [], np.zeros((9, 12), F32)
    got = loss(y[:, ::-2], p[:, ::-2], out=out[:, ::-2])
    assert card.watch
    assert got.loss == pytest.approx(want.loss, rel=1e-6)
    np.testing.assert_array_equal(out[:, ::-2], want.gradient)
    assert not out[:, ::2].any()


CHANGES = {"no barrier": (r"bar\.(warp\.)?sync[^;]*", "", 0.6), "> becomes >=": (r"setp\.gt\.", "setp.ge.", 0.2),
           "+ becomes -": (r"\badd\.rn\.f32", "sub.rn.f32", 0.6),
           "no sum": (r"\bfma\.rn\.f32\s+([^,]*, [^,]*, [^,]*), [^;]*", r"mul.rn.f32 \1", 0.4),
           "4 bytes on": (r"(ld\.global\.\w+\s+%\w+, \[%rd\d+)\]", r"\1+4]", 0.9)}  # fmt: skip
"""Changes of a kernel's text, and the share of them that is noticed at least. The others change nothing here: a barrier
with another behind it, a comparison of numbers that are never equal, the rounding error of a sum, a constant 0."""
CHANGED = [(fl.CategoricalCrossentropy(from_logits=True), (37, 33), "zi1"), (fl.MeanSquaredError(), (4101,), "1v"),
           (fl.BinaryCrossentropy(from_logits=True), (4101,), "1v")]  # fmt: skip


def changed(card, loss, shape, end, pattern, other):
    """Whether each change of the loss's kernel is noticed, where the kernel runs at all."""
    y, p = sample(loss, shape, F32)
    w = np.linspace(0.5, 1, shape[0], dtype=F32)

    def run():
        each = loss(put(y), put(p), reduction="none", sample_weight=put(w))
        return [a.get().tobytes() for a in (*each, *loss(put(y), put(p)))]

    card.programs.clear()
    want = run()
    key = next(k for k in card.programs if f"_{end}" in k[0])
    kernel, program = card.handles[card.programs[key]]
    text = compiled.text(kernel, card.capability)
    owners = [i for i, block in enumerate(program.blocks) for s in block if re.search(pattern, s)]
    spots = [spot for spot, i in zip(re.finditer(pattern, text), owners, strict=True) if i in program.ran]
    for spot in spots[:: 1 if ALL else max(1, len(spots) // 5)]:
        new = text[: spot.start()] + spot.expand(other) + text[spot.end() :]
        card.handles[card.programs[key]] = kernel, Program(new, key[0])
        try:
            yield run() != want
        except KernelError:
            yield True
    card.programs.clear()


@pytest.mark.parametrize("change", CHANGES)
def test_changed_kernels_are_noticed(change, monkeypatch):
    cards.CARD.reset()
    cards.CARD.install(monkeypatch)
    pattern, other, least = CHANGES[change]
    noticed = [list(changed(cards.CARD, *case, pattern, other)) for case in CHANGED]
    counted = ", ".join(f"{sum(found)} of {len(found)}" for found in noticed)
    print(f"{change}: {counted}")
    found = [each for case in noticed for each in case]
    assert sum(found) >= least * len(found), counted
