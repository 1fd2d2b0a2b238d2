"""A small plan, and its finished run, which no test changes."""

import pytest

from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import parse_sweep
from tests.support.sweeps import GOOD_SWEEP, Quiet


@pytest.fixture(scope="session")
def plan():
    return resolve(parse_sweep(GOOD_SWEEP, "here"))


@pytest.fixture(scope="session")
def finished(plan, tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    return folder, run_sweep(plan, folder, Quiet())
