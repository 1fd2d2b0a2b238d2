"""A small share of the fault suite, which `make faults` runs whole."""

import pytest

from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import parse_sweep
from tests.faults import flips, kills
from tests.faults.fuzzing import strange_sweep, tried
from tests.faults.processes import SWEEP
from tests.support.sweeps import Quiet

FLIPS = 20


@pytest.mark.parametrize("number", range(30))
def test_a_strange_sweep_is_a_plan_or_one_error(number, tmp_path):
    fuzzed = tried(strange_sweep(number), tmp_path)
    assert fuzzed.outcome in ("planned", "refused"), fuzzed


def test_strange_sweeps_are_of_both_kinds(tmp_path):
    outcomes = [tried(strange_sweep(number), tmp_path).outcome for number in (0, 1)]
    assert outcomes == ["refused", "planned"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    run_sweep(resolve(parse_sweep(SWEEP, "here")), folder, Quiet())
    return folder


def test_no_flipped_bit_is_a_wrong_number(finished, tmp_path):
    targets = list(flips.targets(tmp_path, finished))
    assert len(targets) == 8
    for target in targets:
        tally = flips.tally(target, FLIPS)
        assert tally.is_sound, tally
        assert tally.trials == FLIPS + FLIPS // 10


def test_a_wrong_number_is_counted(tmp_path):
    """Of a file without a checksum."""
    path = tmp_path / "number"
    path.write_text("12345")
    fate = flips.of_reading(path.read_bytes, path)
    tally = flips.tally(flips.Target("plain", b"12345", fate), FLIPS)
    assert tally.fates["wrong"] > 0
    assert not tally.is_sound


@pytest.mark.slow
def test_killed_commands_lose_nothing(tmp_path):
    bench = kills.Bench(tmp_path)
    for kind, trial in (("run", kills.killed_run), ("extension", kills.killed_extension)):
        assert kills.tally(kind, trial, bench, 3).is_sound
