"""Signatures that Numba has found are found again without a search."""

import operator

import numba
import pytest
from numba import types

from fastloss._compile.private import LOWERING
from tests.support import JIT

pytestmark = pytest.mark.skipif(not (JIT and LOWERING), reason="nothing is compiled, or by Numba's own compiler")


def test_a_signature_is_searched_once(monkeypatch):
    from fastloss._compile.signatures import remembering

    context = numba.njit(lambda x: x).typingctx
    context.refresh()
    assert remembering(context) is remembering(context)
    ours, searched = remembering.__wrapped__(context), []  # what was compiled before is known
    search = LOWERING.Context.resolve_function_type
    monkeypatch.setattr(LOWERING.Context, "resolve_function_type",
                        lambda self, *call: (searched.append(call[1]), search(self, *call))[1])  # fmt: skip
    for function, operand, result in ((operator.add, types.int8, types.int64), (operator.lt, types.int8, types.bool_),
                                      (operator.add, types.float32, types.float32)):  # fmt: skip
        called = context.resolve_value_type(function)
        for _ in range(3):
            signature = ours.resolve_function_type(called, (operand, operand), {})
            assert signature.return_type == result
        assert searched.pop() == (operand, operand)
        assert not searched
    for _ in range(2):  # what cannot be called is an error each time
        with pytest.raises(numba.TypingError):
            ours.resolve_function_type(context.resolve_value_type(operator.add), (types.int64, types.none), {})
