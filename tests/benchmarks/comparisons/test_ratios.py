"""Comparisons: ratios against a computation by hand, what pairing gains, refusals, warnings and the
gate.
"""

import json
import math
import re

import jax
import numpy as np
import pytest
from scipy import stats

from gradest.benchmarks.analysis.labels import short_label
from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.comparisons import ratios as compare
from gradest.benchmarks.comparisons.ratios import (
    compare_estimators,
    compare_runs,
    parse_estimator,
)
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.benchmarks.options import fraction
from gradest.benchmarks.report.comparison import ratio_text
from gradest.benchmarks.statistics.intervals import (
    Jackknifed,
    combine,
    interval,
    jackknife,
    total_variance,
)
from gradest.benchmarks.statistics.moments import leave_out
from gradest.benchmarks.statistics.products import quotient
from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.made_runs import (
    BATCHES,
    LEAVE_ONE_OUT,
    PATHWISE,
    PLAIN,
    SQUARE,
    cell,
    errors,
    jackknifed,
    write,
)

ALL = ["variance", "work", "bias"]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_paired_ratio_is_the_one_by_hand(rng, tmp_path):
    """ln s²_B − ln s²_A without each batch in turn; Student's t on B − 1."""
    shared = errors(rng, 0.05)
    a, b = (jackknifed(value, shared + errors(rng, 0.01)) for value in (2.0, 1.0))
    run = read_run(write(tmp_path, [cell(a), cell(b, LEAVE_ONE_OUT)]))
    (row,) = compare_estimators(run, "score_function", ["variance"]).rows
    logs = np.log(b.without) - np.log(a.without)
    half = stats.t.ppf(0.975, BATCHES - 1) * math.sqrt(
        (BATCHES - 1) / BATCHES * ((logs - logs.mean()) ** 2).sum()
    )
    value = b.value / a.value
    expected = [value, value * math.exp(-half), value * math.exp(half)]
    assert row.paired
    np.testing.assert_allclose(row.ratios["variance"].interval, expected, rtol=1e-9)
    # by hand again: without the pairing the two errors add in squares
    halves = [
        stats.t.ppf(0.975, BATCHES - 1) * np.std(np.log(x.without)) * math.sqrt(BATCHES - 1)
        for x in (a, b)
    ]
    assert row.ratios["variance"].gain == pytest.approx(math.hypot(*halves) / half, rel=1e-9)
    assert row.ratios["variance"].gain > 3


def test_without_common_random_numbers_the_errors_of_the_logs_are_independent(rng, tmp_path):
    shared = errors(rng, 0.05)
    first = read_run(write(tmp_path / "a", [cell(jackknifed(2.0, shared))]))
    second = read_run(write(tmp_path / "b", [cell(jackknifed(2.0, shared), seed=1)]))
    (row,) = compare_runs(first, second, ["variance"]).rows
    one = math.log(interval(jackknifed(2.0, shared)).high / interval(jackknifed(2.0, shared)).value)
    assert not row.paired
    assert row.ratios["variance"].gain is None
    assert math.log(row.ratios["variance"].interval.high) == pytest.approx(math.sqrt(2) * one)


def test_work_has_the_errors_of_both_times_and_bias_only_where_both_are_biased(rng, tmp_path):
    a, b = (jackknifed(value, errors(rng, 0.01)) for value in (2.0, 1.0))
    squared = [jackknifed(value, errors(rng, 0.02)) for value in (1.0, 0.25)]
    cells = [cell(a, bias=squared[0]), cell(b, LEAVE_ONE_OUT, bias=squared[1]), cell(b, PATHWISE)]
    run = read_run(write(tmp_path, cells))
    rows = {row.estimator: row for row in compare_estimators(run, "score_function", ALL).rows}
    work, variance = (rows["pathwise"].ratios[name].interval for name in ("work", "variance"))
    of_times = math.hypot(math.log(1 / 0.9), math.log(1.1))
    upper = math.hypot(math.log(variance.high / variance.value), of_times)
    assert math.log(work.high / work.value) == pytest.approx(upper, rel=1e-6)
    assert rows["pathwise"].ratios["bias"] is None
    bias = rows["score_function"].ratios["bias"].interval
    by_hand = interval(combine(lambda x, y: np.sqrt(x / y), squared[1], squared[0]))
    np.testing.assert_allclose(bias, by_hand)
    assert bias.low < 0.5 < bias.high


def test_the_paired_interval_covers_the_true_ratio():
    """400 studies with correlated errors: 95 % to within three standard errors (1.1 %)."""
    rng, covered, covered_apart = np.random.default_rng(5), 0, 0
    for _ in range(400):
        shared = errors(rng, 0.05)
        a, b = (jackknifed(value, shared + errors(rng, 0.02)) for value in (3.0, 2.0))
        found = compare.ratio(
            *(compare.Estimate(interval(x), x) for x in (a, b)), paired=True
        ).interval
        covered += found.low < 2 / 3 < found.high
        apart = quotient(interval(b), interval(a))
        covered_apart += apart.low < 2 / 3 < apart.high
    assert 0.915 < covered / 400 < 0.985
    assert covered_apart / 400 > 0.99  # too wide: what the pairing is for


def test_pairing_leave_one_out_with_mean_baseline_at_16_samples_is_twice_as_sharp():
    """Measured, not assumed: gaussian_square, L = 16, R = 20,000."""
    square = problem("gaussian_square")
    params = square.init_params(jax.random.key(0))
    key = cell_key(0, "gaussian_square", "init", 16)
    found = {}
    for baseline in ("mean", "leave_one_out"):
        method = estimator("score_function", baseline=baseline)
        moments = measure(
            square,
            method,
            params,
            num_samples=16,
            replicates=20_000,
            key=key,
            least_timed=0,
        ).moments
        found[baseline] = {
            group: jackknife(total_variance, leave_out(m)) for group, m in moments.items()
        }
    for group in params:
        a, b = found["mean"][group], found["leave_one_out"][group]
        gain = compare.ratio(*(compare.Estimate(interval(x), x) for x in (a, b)), paired=True).gain
        assert gain > 2, (group, gain)


def test_the_same_run_twice_is_one_everywhere_and_zero_variances_are_said(tmp_path, rng):
    zero = Jackknifed(0.0, np.zeros(BATCHES))
    some = jackknifed(1.0, errors(rng, 0.1))
    run = read_run(write(tmp_path, [cell(some), cell(zero, PATHWISE, reason="variance zero")]))
    rows = {row.estimator: row for row in compare_runs(run, run, ["variance"]).rows}
    assert rows["score_function"].ratios["variance"].interval == (1.0, 1.0, 1.0)
    assert math.isinf(rows["score_function"].ratios["variance"].gain)
    assert ratio_text(rows["pathwise"].ratios["variance"]) == "both 0"
    (to_zero,) = compare_estimators(run, "score_function", ["variance"]).rows
    assert to_zero.ratios["variance"].interval == (0.0, 0.0, 0.0)
    found = compare_estimators(run, "pathwise", ["variance"])
    assert ratio_text(found.rows[0].ratios["variance"]) == "∞"
    assert len(found.above(0.05)) == 1


@pytest.mark.parametrize(
    ("text", "value"), [("5%", 0.05), ("0.05", 0.05), ("0", 0.0), ("250 %", 2.5), ("0%", 0.0)]
)
def test_thresholds(text, value):
    assert fraction("--fail-above", text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["-5%", "-0.1", "five", "", "%", "nan", "inf%", "5"])
def test_nonsense_is_no_threshold(text):
    with pytest.raises(BadInput, match=r"--fail-above .*expected"):
        fraction("--fail-above", text)


def test_an_estimators_label_reads_back():
    for label in (
        "pathwise",
        "score_function[baseline=leave_one_out]",
        "gumbel_softmax[temperature=1.0]",
    ):
        assert short_label(*parse_estimator(label)) == label
    assert parse_estimator("measure_valued") == parse_estimator("measure_valued[coupled=true]")
    assert parse_estimator("gumbel_softmax[ temperature = 1 ]") == parse_estimator(
        "gumbel_softmax[temperature=1.0]"
    )


# through the command line


@pytest.fixture
def runs(tmp_path, rng):
    """Run A; B, the same but for one cell whose variance is 1.3 times A's; both in results/."""
    shared = errors(rng, 0.02)
    cells = [
        cell(jackknifed(2.0, shared)),
        cell(jackknifed(1.0, shared + errors(rng, 0.005)), LEAVE_ONE_OUT),
    ]
    worse = cell(jackknifed(1.3, shared + errors(rng, 0.005)), LEAVE_ONE_OUT)
    write(tmp_path / "results" / "a", cells)
    write(tmp_path / "results" / "b", [cells[0], worse])
    return cells, worse


def test_compare_prints_a_table_and_json(run_command, runs):
    status, out, err = run_command("compare", "a", "results/b")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "Gaussian square, initialisation, ∂/∂ mean"
    assert re.match(
        r"score function, leave-one-out  16  1\.\d+ \[1\.2\d+, 1\.3\d+\]  +\d\.\d×$", lines[2]
    )
    assert lines[3].endswith("identical")
    assert "work-normalised variance" in lines[4]
    found = json.loads(run_command("compare", "a", "b", "--json", "--metric", "variance")[1])
    assert [row["paired"] for row in found["rows"]] == [True, True]
    assert found["rows"][0]["variance"]["low"] < 1.3 < found["rows"][0]["variance"]["high"]
    assert "work" not in found["rows"][0]


@pytest.mark.parametrize(("threshold", "expected"), [("5%", 4), ("0.2", 4), ("40%", 0), ("29%", 0)])
def test_the_gate(run_command, runs, threshold, expected):
    status, _, err = run_command("compare", "a", "b", "--fail-above", threshold)
    assert status == expected
    assert ("score function, leave-one-out on Gaussian square" in err) == (expected == 4)
    found = json.loads(run_command("compare", "a", "b", "--json", "--metric", "variance")[1])[
        "rows"
    ][0]["variance"]
    assert found["low"] < 1.29 < found["ratio"] < 1.4, (
        "29 % lies within the interval, below the ratio"
    )
    assert (
        run_command("compare", "b", "a", "--fail-above", threshold)[0] == 0
    )  # what got better fails nothing


def test_what_is_unreliable_or_failed_is_shown_and_never_fails_the_gate(
    run_command, runs, tmp_path
):
    cells, worse = runs
    write(tmp_path / "results" / "b", [cells[0], worse | {"status": "unreliable"}])
    status, out, _ = run_command("compare", "a", "b", "--fail-above", "5%")
    assert status == 0
    assert "unreliable in B" in out
    empty = {"status": "failed", "group": None, "variance": None}
    write(tmp_path / "results" / "b", [cells[0], worse | empty])
    status, out, _ = run_command("compare", "a", "b", "--fail-above", "5%")
    assert status == 0
    assert "failed in B" in out


def test_work_fails_the_gate_only_where_processes_were_timed(run_command, runs, tmp_path):
    cells, _ = runs
    slow = {"seconds": 1e-3, "seconds_low": 0.9e-3, "seconds_high": 1.1e-3}
    write(tmp_path / "results" / "b", [row | slow for row in cells])
    words = ("compare", "a", "b", "--metric", "work", "--fail-above", "5%")
    assert run_command(*words)[0] == 4
    write(tmp_path / "results" / "b", [row | slow | {"timing_processes": 1} for row in cells])
    assert run_command(*words)[0] == 0
    write(tmp_path / "results" / "b", [row | slow for row in cells], {"device": "cuda: H200"})
    assert run_command(*words)[0] == 0


def test_cells_in_only_one_run_are_counted(run_command, runs, tmp_path):
    cells, _ = runs
    write(tmp_path / "results" / "b", cells[:1])
    _, _, err = run_command("compare", "a", "b")
    assert err == "1 cells only in A\n"
    status, _, err = run_command(
        "compare", "a", "--reference", "score_function[baseline=leave_one_out]"
    )
    assert (status, err) == (0, "")


@pytest.mark.parametrize(
    ("environment", "columns", "message"),
    [
        ({"device": "cuda: H200"}, {}, "different hardware: device cpu: cpu in A, cuda: H200 in B"),
        ({"jax": "0.5"}, {}, "different versions: jax 0.4.38 in A, 0.5 in B"),
        (
            {"prng": "rbg"},
            {},
            "different random number generators: prng threefry2x32 in A, rbg in B: not paired",
        ),
        (
            {},
            {"dtype": "float64"},
            "different precision: float32 in A, float64 in B, in 2 of 2 rows: not paired",
        ),
        ({}, {"seed": 3}, "different seed: 0 in A, 3 in B, in 2 of 2 rows: not paired"),
        ({}, {"theta": "xyz"}, "different θ: abc in A, xyz in B, in 2 of 2 rows: not paired"),
        (
            {},
            {"replicates": 40_000},
            "different R: 20000 in A, 40000 in B, in 2 of 2 rows: not paired",
        ),
    ],
)
def test_warnings(run_command, runs, tmp_path, environment, columns, message):
    write(tmp_path / "results" / "b", [row | columns for row in runs[0]], environment)
    status, out, err = run_command("compare", "a", "b", "--json")
    assert status == 0
    said = "numbers agree between the devices to 0"
    assert len(err.splitlines()) == 1 + (said in err)
    assert (said in err) == ("device" in environment)
    assert err.startswith(f"warning: {message}")
    assert all(row["paired"] != ("not paired" in message) for row in json.loads(out)["rows"])


def test_without_batches_or_manifest_nothing_is_paired(run_command, runs, tmp_path):
    write(tmp_path / "results" / "bare", runs[0], left_out=False)
    (tmp_path / "results" / "bare" / "leave_one_out.csv").unlink(missing_ok=True)
    status, out, err = run_command("compare", "a", "bare", "--json")
    assert status == 0
    assert err == "warning: B: leave_one_out.csv is not there: not paired\n"
    assert not any(row["paired"] for row in json.loads(out)["rows"])
    assert all(
        row["variance"]["low"] < 1 < row["variance"]["high"] for row in json.loads(out)["rows"]
    )
    (tmp_path / "results" / "b" / "manifest.json").unlink()
    _, out, err = run_command("compare", "a", "b", "--json")
    assert "warning: B: manifest.json is not there" in err
    assert not any(row["paired"] for row in json.loads(out)["rows"])


def test_other_revisions_are_refused(run_command, runs, tmp_path):
    write(tmp_path / "results" / "b", [row | {"problem_revision": 2} for row in runs[0]])
    status, out, err = run_command("compare", "a", "b")
    assert (status, out) == (2, "")
    assert "problem gaussian_square: revision 1 in results/a, 2 in results/b" in err
    assert len(err.splitlines()) == 1


def test_nothing_in_common_is_refused(run_command, runs, tmp_path):
    other = cell(
        jackknifed(1.0, np.linspace(-1, 1, BATCHES)), problem=(SQUARE[0], SQUARE[1] | {"k": 0.0})
    )
    write(tmp_path / "results" / "b", [other])
    status, _, err = run_command("compare", "a", "b")
    assert status == 2
    assert "no cell in common" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a"], "expected a second run or --reference ESTIMATOR; got neither"),
        (["a", "b", "--reference", "pathwise"], "got both"),
        (["aa", "b"], "run 'aa': its measurements.csv is not there"),
        (["a", "results/c"], "expected the folder of a run, or the name of one in results/ (a, b)"),
        (["a", "--reference", "pathwize"], "did you mean pathwise?"),
        (
            ["a", "--reference", "pathwise"],
            "has no such cell: expected one of score_function, score_function[baseline=",
        ),
        (
            ["a", "--reference", "score_function[baseline=leave_one_ot]"],
            "did you mean leave_one_out?",
        ),
        (["a", "--reference", "score_function[baselin=none]"], "did you mean baseline?"),
        (["a", "--reference", "score_function[baseline]"], "'baseline': expected argument=value"),
        (["a", "--reference", "score_function[baseline=none"], "expected name[argument=value,…]"),
        (["a", "b", "--metric", "varianc"], "did you mean variance?"),
        (["a", "b", "--fail-above", "-5%"], "--fail-above '-5%': expected"),
        (["a", "b", "--fail-above", "5"], "did you mean 5%?"),
    ],
)
def test_bad_input(run_command, runs, words, message):
    status, out, err = run_command("compare", *words)
    assert (status, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1


def test_plain_is_the_default_estimator():
    assert parse_estimator("score_function")[1] == json.dumps(PLAIN[1], sort_keys=True)
