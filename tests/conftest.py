"""Where the generic tests run: on the CPU, and on the arrays of every library that has a GPU here, simulated or not.

Tests that are marked `cpu` are about the CPU alone. In the simulator the others run there alone.
"""

import pytest

from tests.devices import SIMULATED, libraries
from tests.transfer import install

GENERIC = ("test_generic", "test_edges", "test_errors", "test_ulp")
LIBRARIES = libraries()


def pytest_generate_tests(metafunc):
    generic = metafunc.module.__name__.rpartition(".")[2] in GENERIC
    if generic and LIBRARIES and not metafunc.definition.get_closest_marker("cpu"):
        marks = [pytest.mark.filterwarnings("ignore::RuntimeWarning") if SIMULATED else pytest.mark.gpu]
        places = [pytest.param(library, id=library.name, marks=marks) for library in LIBRARIES]
        places = places if SIMULATED else [pytest.param(None, id="cpu"), *places]
        metafunc.parametrize("place", places, indirect=True)


@pytest.fixture(autouse=True)
def place(request, monkeypatch):
    """The library on whose arrays the losses of a generic test compute; None: NumPy, on the CPU."""
    library = getattr(request, "param", None)
    if library is not None:
        install(monkeypatch, library)
    elif SIMULATED and request.node.get_closest_marker("cpu"):
        pytest.skip("about the CPU alone")
    return library
