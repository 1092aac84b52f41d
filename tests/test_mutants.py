"""The faults of tests/mutants can be put in: what they replace is in the code."""

from pathlib import Path

import pytest

import fastloss as fl
from tests.mutants.faults import FAULTS

ROOT = Path(fl.__file__).parent


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_what_a_fault_replaces_is_there(fault):
    assert fault.old in (ROOT / fault.file).read_text(), (
        f"{fault.file} has no longer what the fault {fault.name!r} replaces"
    )


def test_names_of_faults_are_unique():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 60
