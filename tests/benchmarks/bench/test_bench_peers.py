"""The bench against peers, with fake ones: what is skipped, not believed, and timed."""

import json
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gradest.benchmarks.bench.peers import __main__ as command
from gradest.benchmarks.bench.peers import agreement as peer_agreement
from gradest.benchmarks.bench.peers import bench as bench_peers
from gradest.benchmarks.bench.peers import process as peer
from gradest.benchmarks.bench.peers.__main__ import main
from gradest.benchmarks.bench.peers.agreement import Agreement, disagreement
from gradest.benchmarks.bench.peers.bench import ratios
from gradest.benchmarks.bench.peers.process import (
    PEERS,
    Peer,
    PeerFailed,
    PeerProcess,
    make_environment,
)
from gradest.benchmarks.bench.peers.scripts.protocol import DoesNotHave, PeerCell
from gradest.benchmarks.measurement import rounds
from gradest.benchmarks.measurement.rounds import ROUNDS, Contender, interleaved

TOP = Path(__file__).parents[3]
FAKE = TOP / "tests" / "support" / "fake_peer.py"
THETA = {"mean": [1.0, 1.0], "scale": [1.0, 1.0]}
CELL = PeerCell("gaussian_square", "pathwise", 4, THETA, {"k": 3.0})


def fake(folder: Path, what: str) -> Path:
    """A script that is the fake peer doing `what`."""
    script = folder / f"{what.replace(' ', '_') or 'right'}.py"
    script.write_text(
        f"import runpy, sys\nsys.argv[1:] = [{what!r}]\n"
        f"runpy.run_path({str(FAKE)!r}, run_name='__main__')\n"
    )
    return script


@pytest.fixture
def start(tmp_path):
    """Starts the fake peer doing `what`."""
    started = []

    def process(what="", longest_answer=60.0):
        started.append(PeerProcess(Path(sys.executable), fake(tmp_path, what), longest_answer))
        return started[-1]

    yield process
    for one in started:
        one.close()


def test_a_peer_is_asked_and_answers(start):
    process = start()
    assert process.hello() == ("0.fake", True, "cpu")
    process.prepare(CELL, 50)
    assert 0 < process.run(3) < 10
    found = process.gradients(40, 10**6)
    assert {group: g.shape for group, g in found.items()} == {"mean": (2000, 2), "scale": (2000, 2)}
    assert np.unique(found["mean"]).size == 4000, "every call draws anew"
    # d/dμ (x − 3)² has mean −4 and, at L = 4, variance 1: to four standard errors
    assert found["mean"].mean() == pytest.approx(-4, abs=4 / math.sqrt(4000))
    assert found["mean"].var() == pytest.approx(1, rel=4 * math.sqrt(2 / 4000))
    with pytest.raises(DoesNotHave, match="gumbel_softmax on gaussian_square"):
        process.prepare(CELL._replace(estimator="gumbel_softmax"), 50)
    assert start("one at a time").hello() == ("0.fake", False, "cpu")


def test_calls_are_no_larger_than_the_peer_has_memory_for(start, monkeypatch):
    monkeypatch.setattr(rounds, "CALL_SECONDS", 0.001)
    monkeypatch.setattr(bench_peers, "SIZES", (2**3, 2**9))
    assert bench_peers.fastest_calls(start("memory 5"), CELL).units == 1
    with pytest.raises(PeerFailed, match="MemoryError: 1 replicates"):
        bench_peers.fastest_calls(start("memory 0"), CELL)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "word"),
    [
        ("dies 4", "it ended with status 3: no more"),
        ("rubbish", "its answer cannot be read: 'hello yourself"),
        ("silent", "it did not answer in 2 seconds"),
        ("raises", "RuntimeError: out of luck on purpose"),
    ],
)
def test_a_peer_that_fails_says_so_in_one_line_and_may_be_asked_again(start, what, word):
    process = start(what, longest_answer=60 if what != "silent" else 2)

    def asked():
        process.prepare(CELL, 50)
        process.run(1)

    for _ in range(2):
        with pytest.raises(PeerFailed, match=f"^{re.escape(word)}") as failed:
            asked()
        assert "\n" not in str(failed.value)
    if what == "dies 4":
        process.prepare(CELL._replace(num_samples=5), 50)
        assert process.run(1) > 0


def test_a_script_that_is_not_there_is_one_line(tmp_path):
    process = PeerProcess(Path(sys.executable), tmp_path / "nothing.py")
    with pytest.raises(PeerFailed, match=r"it ended with status 2: .*nothing\.py"):
        process.hello()
    process.close()


@pytest.mark.slow
def test_an_impossible_pin_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    pins, folder = tmp_path / "pins.txt", tmp_path / "environment"
    pins.write_text("gradest-has-no-such-peer==1.0\n")
    with pytest.raises(
        PeerFailed,
        match=r"^its environment cannot be made: No matching distribution found for gradest",
    ):
        make_environment(pins, folder)
    assert not folder.exists()


def test_an_environment_is_made_once_and_anew_when_its_pins_change_or_it_was_left_half_made(
    tmp_path, monkeypatch
):
    commands = []

    def run(command, **_):
        commands.append(command[2])
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(peer.subprocess, "run", run)
    pins, folder = tmp_path / "pins.txt", tmp_path / "environment"
    pins.write_text("one==1\n")
    assert make_environment(pins, folder) == folder / "bin" / "python"
    make_environment(pins, folder)
    assert commands == ["venv", "pip"], "the second time costs nothing"
    pins.write_text("one==2\n")
    (folder / "stale").touch()
    make_environment(pins, folder)
    assert commands == ["venv", "pip"] * 2
    assert not (folder / "stale").exists()
    (folder / ".ready").unlink()
    make_environment(pins, folder)
    assert commands == ["venv", "pip"] * 3


def test_the_pins_are_complete_and_name_no_index():
    ours = re.findall(r"^jax(?:lib)?==[\d.]+", (TOP / "requirements.lock").read_text(), re.M)
    wanted = {
        "optax_monte_carlo": "optax==0.2.5",
        "torch": "torch==2.13.0",
        "storchastic": "storchastic==0.3.7",
    }
    assert {one.pins.stem for one in PEERS.values()} == set(wanted)
    for one in PEERS.values():
        assert one.script.is_file()
        lines = [line for line in one.pins.read_text().splitlines() if not line.startswith("#")]
        assert all(re.fullmatch(r"[\w-]+==[\w.]+", line) for line in lines), (
            "no index, no hash, no range"
        )
        assert wanted[one.pins.stem] in lines
        assert {line for line in lines if line.startswith("jax")} <= set(ours), "the same compiler"


@pytest.fixture
def bench(tmp_path, monkeypatch, capsys):
    """Runs the bench in small against fake peers: status, rows, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rounds, "CALL_SECONDS", 0.001)
    monkeypatch.setattr(rounds, "PAUSE", 0.0)
    monkeypatch.setattr(bench_peers, "SIZES", (2**12, 2**14))
    monkeypatch.setattr(peer_agreement, "CHECK_SECONDS", 1.0)

    def made(pins, folder):
        if pins.name == "impossible":
            raise PeerFailed("its environment cannot be made: no such thing")
        return Path(sys.executable)

    monkeypatch.setattr(bench_peers, "make_environment", made)

    def run(whats, *words):
        peers = {what: Peer(what, fake(tmp_path, what), tmp_path / "pins") for what in whats}
        if "impossible" in peers:
            peers["impossible"] = peers["impossible"]._replace(pins=tmp_path / "impossible")
        monkeypatch.setattr(command, "PEERS", peers)
        with pytest.raises(SystemExit) as ended:
            main([*words, "--only", "gaussian_square", "--dim", "2"])
        table = tmp_path / "results" / "bench" / "peers.csv"
        rows = pd.read_csv(table, dtype={"reason": str}) if table.exists() else pd.DataFrame()
        return ended.value.code, rows, *capsys.readouterr()

    return run


@pytest.mark.slow
def test_a_right_peer_is_timed_and_wrong_absent_and_broken_ones_say_why(bench, tmp_path):
    words = {
        "right": ("timed", ""),
        "one at a time": ("timed", ""),
        "spread 1.2": ("disagrees", "its variance and ours are +"),
        "spread 0.9": ("disagrees", "its variance and ours are -"),
        "shift 0.2": ("disagrees", "its mean and ours are +"),
        "impossible": ("skipped", "its environment cannot be made: no such thing"),
        "raises": ("failed", "RuntimeError: out of luck"),
        "infinite": ("failed", "its gradients with respect to scale are not all finite"),
        "transposed": ("failed", "its gradients with respect to mean have the shape"),
        "dies 4": ("failed", "it ended with status 3: no more"),
        "rubbish": ("failed", "its answer cannot be read"),
    }
    status, rows, out, err = bench(
        words, "--estimator", "pathwise", "--num-samples", "4", "--num-samples", "5"
    )
    assert status == 0
    assert "Traceback" not in out + err
    assert len(rows) == 2 * len(words)
    for row in rows.fillna({"reason": "", "peer_version": ""}).itertuples():
        expected, reason = (
            words[row.peer] if (row.peer, row.num_samples) != ("dies 4", 5) else ("timed", "")
        )
        assert row.status == expected, row
        assert row.reason.startswith(reason), row
        assert (row.times_faster > 0) == (expected == "timed")
        assert row.peer_version == ("" if row.peer in ("impossible", "rubbish") else "0.fake"), row
    timed = rows[rows.status == "timed"]
    assert (timed.times_faster_low <= timed.times_faster).all()
    assert (timed.times_faster <= timed.times_faster_high).all()
    assert (
        timed[["variance_z", "mean_z", "variance_z_exact", "mean_z_exact"]].abs().max(axis=None) < 5
    )
    assert "impossible is skipped: its environment cannot be made: no such thing" in out
    assert "raises failed in 2 cells: RuntimeError: out of luck on purpose" in out
    folder = tmp_path / "results" / "bench"
    assert {path.name for path in folder.iterdir()} == {
        f"peers.{s}" for s in ("csv", "json", "png", "pdf", "svg")
    }
    conditions = json.loads((folder / "peers.json").read_text())
    assert conditions["peers"]["right"] == "0.fake"
    assert conditions["hardware"]["cores"] >= 1


@pytest.mark.slow
def test_what_a_peer_does_not_have_is_a_row_without_numbers(bench, tmp_path):
    status, rows, out, _ = bench(["right"], "--estimator", "measure_valued", "--num-samples", "4")
    assert status == 0
    assert list(rows.status) == ["does not have it"]
    assert rows.times_faster.isna().all()
    assert "right does not have it" in out
    assert not (tmp_path / "results" / "bench" / "peers.png").exists(), "nothing was timed"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--only", "gausian_square"],
            "--only 'gausian_square': expected one of gaussian_square, bernoulli_square; did",
        ),
        (["--estimator", "pathwize"], "did you mean pathwise?"),
        (["--peer", "rigth"], "--peer 'rigth': expected one of right; did you mean right?"),
        (["--dim", "0"], "--dim 0: expected an integer of at least 1"),
        (["--num-samples", "few"], "'few' is not a valid integer"),
        (
            ["--estimator", "score_function[leave_one_out]", "--num-samples", "1"],
            "at so few or so many samples",
        ),
    ],
)
def test_bad_input_is_one_line(bench, words, said):
    status, rows, out, err = bench(["right"], *words)
    assert (status, out, len(rows)) == (2, "", 0)
    assert said in err
    assert err.count("\n") == 1


def test_all_are_called_in_turn_and_one_that_fails_on_the_way_is_left_out():
    order = []

    def contender(name):
        def run(calls):
            order.append(name)
            if name == "b" and order.count("b") == 2:
                raise PeerFailed("gone")
            return calls * 10.0

        return Contender(run, 5, 3)

    contenders = {name: contender(name) for name in "abc"}
    seconds, failed = interleaved(contenders, ROUNDS, failures=PeerFailed)
    assert "".join(order) == ("abc" + "bca" + "ca" + "ac" + "ca" * 2 + "ac" + "ca" * 2)
    assert failed == {"b": "gone"}
    assert seconds["a"] == seconds["c"] == [2.0] * ROUNDS


def test_a_ratio_is_the_median_of_the_rounds_ratios():
    """A machine that slows down in some rounds slows both."""
    mood = np.array([1, 1, 4, 1, 9, 1, 1, 1, 2])
    own = np.array([1, 1.1, 0.9, 1, 1, 3, 1, 1, 0.2])
    found = ratios(list(mood * 1.0), list(mood * own * 6), 32)
    assert (
        found["times_faster"],
        found["times_faster_low"],
        found["times_faster_high"],
    ) == pytest.approx((6, 5.4, 6.6))
    assert found["ours_samples_per_second"] == 32
    assert found["peer_samples_per_second"] == pytest.approx(32 / 6)


def test_what_is_not_a_number_disagrees_and_what_is_unknown_does_not():
    assert not disagreement(Agreement(3.0, -4.0, None, None), 20, 246)
    assert "+nan" in disagreement(Agreement(math.nan, 0.0, None, None), 20, 246)
    assert "mean and ours are -9.0" in disagreement(Agreement(0.0, -9.0, None, None), 20, 246)
    assert disagreement(Agreement(4.0, 0.0, 0.0, 0.0), 2, 1), "fewer tests, a lower limit"
