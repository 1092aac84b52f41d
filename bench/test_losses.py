"""The benchmarks as pytest runs them; they compare results, and never assert a time.

`bench.timing.interleave` times the contenders of a case together when the first of its tests runs. Each test then hands
its own samples to pytest-benchmark, through a clock that replays them: the statistics are pytest-benchmark's, but of
rounds in which the contenders took turns, which its fixture, one test after the other, cannot do.
"""

import statistics
from collections import deque
from typing import Any

import pytest

from .cases.case import Case
from .cases.cpu import cpu_cases
from .peers.registry import contender_names
from .timing.interleave import Samples
from .timing.measure import measure_case

# JAX warns whenever anything forks; what forks here (to ask about the machine, to compile) does not touch JAX.
pytestmark = pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")

_replayed: deque[float] = deque()
_measured: dict[Case, dict[str, Samples | str]] = {}


def replay() -> float:
    """A clock: 0 at the start of a round, the recorded seconds at its end."""
    return _replayed.popleft()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    pairs = [(case, name) for case in cpu_cases(metafunc.config.getoption("--quick")) for name in contender_names(case)]
    metafunc.parametrize(
        ("case", "contender"), pairs, ids=[f"{case.id}-{name.replace(' ', '_')}" for case, name in pairs]
    )


def _samples(case: Case, request: pytest.FixtureRequest) -> dict[str, Samples | str]:
    """The samples of all selected contenders of a case, and of the plain pass."""
    if case not in _measured:
        items = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
        selected = {params["contender"] for params in items if params.get("case") == case}
        names = [name for name in contender_names(case) if name in selected | {"plain"}]
        _measured[case] = measure_case(case, names, 5 if request.config.getoption("--quick") else 15)
    return _measured[case]


@pytest.mark.benchmark(timer=replay)
def test_loss_gradient(case: Case, contender: str, request: pytest.FixtureRequest) -> None:
    samples = _samples(case, request)
    mine, plain = samples[contender], samples["plain"]
    assert isinstance(plain, Samples), plain
    if isinstance(mine, str):
        if contender == "fastloss":
            pytest.fail(mine)
        pytest.skip(mine)
    benchmark: Any = request.getfixturevalue("benchmark")  # only now: it warns where it is not used
    benchmark.group = case.id
    times = statistics.median(mine.seconds) / statistics.median(plain.seconds)
    benchmark.extra_info |= {
        "loss": case.loss,
        "size": case.size,
        "shape": case.shape,
        "dtype": case.dtype,
        "label": case.label,
        "contender": contender,
        "bytes": case.bytes,
        "calls per sample": mine.calls,
        "plain median": statistics.median(plain.seconds),
        "times plain": times,
    }
    _replayed.extend(t for seconds in mine.seconds for t in (0.0, seconds))
    benchmark.pedantic(lambda: None, rounds=len(mine.seconds))
