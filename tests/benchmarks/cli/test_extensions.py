"""`gradest extend`, killed and called again: as many replicates as were asked for, once."""

import pytest

from gradest.benchmarks.analysis.results import recorded_sweep
from gradest.benchmarks.cells import measuring as cell
from gradest.benchmarks.cli import runs
from tests.support.folders import read_measurements
from tests.support.sweeps import GOOD_SWEEP
from tests.support.undrawn import undrawn

TINY = GOOD_SWEEP.replace("4000", "400").replace("800", "80").replace("[1, 4]", "[4]")
EXTEND = ("extend", "tiny", "-o", "tiny", "--replicates", "400")


class Killed(BaseException):
    """What no command catches: all ends where it stands."""


def killed(*arguments, **given):
    raise Killed


@pytest.fixture
def tiny(tmp_path, run_command, monkeypatch):
    """A finished run that was not drawn."""
    (tmp_path / "tiny.toml").write_text(TINY)
    monkeypatch.setattr(runs, "write_report", undrawn)
    assert run_command("run", "tiny.toml", "-o", "tiny")[0] == 0
    return tmp_path / "tiny"


def kill_in_measuring(patch):
    measure, calls = cell.measure, []

    def third_is_killed(*arguments, **given):
        calls.append(1)
        return killed() if len(calls) == 3 else measure(*arguments, **given)

    patch.setattr(cell, "measure", third_is_killed)


def kill_before_the_tables(patch):
    patch.setattr("gradest.benchmarks.sweeps.run.write_results", killed)


def kill_in_drawing(patch):
    patch.setattr(runs, "write_report", killed)


def kill_after_drawing(patch):
    patch.setattr(runs, "end_extension", killed)


@pytest.mark.parametrize(
    "kill",
    [
        kill_in_measuring,
        kill_in_drawing,
        pytest.param(kill_before_the_tables, marks=pytest.mark.slow),
        pytest.param(kill_after_drawing, marks=pytest.mark.slow),
    ],
)
def test_what_was_killed_goes_on_and_adds_once(tiny, run_command, monkeypatch, kill):
    with monkeypatch.context() as patch:
        kill(patch)
        with pytest.raises(Killed):
            run_command(*EXTEND)
    status, _, err = run_command(*EXTEND)
    assert status == 0
    assert "tiny: the extension by 400 that was begun there goes on to R = 800" in err
    assert set(read_measurements(tiny).replicates) == {800, 160}
    status, _, err = run_command(*EXTEND)
    assert "goes on" not in err
    assert set(read_measurements(tiny).replicates) == {1200, 240}


def test_another_number_is_another_extension(tiny, run_command, monkeypatch):
    """It adds to what the manifest records, whatever was begun and not ended."""
    with monkeypatch.context() as patch:
        kill_in_measuring(patch)
        with pytest.raises(Killed):
            run_command(*EXTEND)
    status, _, err = run_command(*EXTEND[:-1], "800")
    assert (status, "goes on" in err) == (0, False)
    assert recorded_sweep(tiny).replicates == 1200


def test_nothing_is_begun_by_a_number_that_cannot_be(tiny, run_command):
    before = (tiny / "store.sqlite").read_bytes()
    assert run_command(*EXTEND[:-1], "401")[0] == 2
    assert (tiny / "store.sqlite").read_bytes() == before
