"""A small share of the fault suite, which `make faults` runs whole."""

import pytest

from tests.faults.fuzzing import strange_sweep, tried


@pytest.mark.parametrize("number", range(30))
def test_a_strange_sweep_is_a_plan_or_one_error(number, tmp_path):
    fuzzed = tried(strange_sweep(number), tmp_path)
    assert fuzzed.outcome in ("planned", "refused"), fuzzed
