"""measure, sweep, load, compare, and the Run that they give."""

import json
import sqlite3
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pandas as pd
import pytest
from matplotlib.figure import Figure

import gradest
from gradest._measure import as_estimators
from gradest._own_problem import own_problem
from gradest.benchmarks.comparisons.budgets import Budget, budget_of
from gradest.benchmarks.comparisons.levels import MOST_SAMPLES
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.folders.columns import COLUMNS
from gradest.benchmarks.statistics.intervals import Jackknifed, combine, interval
from gradest.estimators.pathwise import Pathwise
from gradest.problems.toys.gaussian import GaussianSquare


@pytest.fixture(scope="module")
def run():
    estimators = ["pathwise", "rloo", gradest.estimator("gaussian_smoothing")]
    return gradest.measure("gaussian_square[k=3]", estimators, samples=[2, 8], replicates=2000)


@pytest.fixture(scope="module")
def smaller():
    return gradest.measure("gaussian_square", Pathwise, samples=2, replicates=400)


def test_the_frame_is_that_of_measurements_csv(run):
    assert list(run.frame.columns) == list(COLUMNS)
    assert len(run.frame) == 3 * 2 * 2
    assert set(run.frame.estimator) == {"pathwise", "score_function", "gaussian_smoothing"}
    assert json.loads(run.frame.problem_args[0])["k"] == 3
    assert run.failures == {}


def test_the_variance_is_the_exact_one(run):
    """4 σ² / L for the mean, pathwise."""
    row = run.frame.query("estimator == 'pathwise' and group == 'mean' and num_samples == 2")
    assert row.variance_low.item() < 4 / 2 < row.variance_high.item()


def test_what_was_measured_in_python_is_what_a_sweep_measures(run, tmp_path):
    """The same cells, and so the same numbers."""
    spec = {
        "name": "same",
        "samples": [2, 8],
        "replicates": 2000,
        "problem": [{"name": "gaussian_square", "k": 3.0}],
        "estimator": [
            {"name": "reparam"},
            {"name": "score_function", "baseline": ["leave_one_out"]},
            {"name": "Gaussian-smoothing"},
        ],
    }
    swept = gradest.sweep(spec, tmp_path / "swept")
    shared = [c for c in COLUMNS if not c.startswith(("seconds", "compile", "work"))]
    pd.testing.assert_frame_equal(swept.frame[shared], run.frame[shared])


def test_a_damaged_cell_is_measured_again_with_a_warning(tmp_path):
    spec = {"problem": [{"name": "gaussian_square"}], "estimator": [{"name": "pathwise"}]}
    small = spec | {"name": "small", "samples": [1], "replicates": 400}
    before = gradest.sweep(small, tmp_path)
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        connection.execute("update cells set theta = 'another'")
    connection.close()
    with pytest.warns(UserWarning, match="1 cell there, damaged"):
        after = gradest.sweep(small, tmp_path)
    assert after.frame.variance.equals(before.frame.variance)


@pytest.mark.parametrize("problem", [GaussianSquare, GaussianSquare(), "gaussian_square"])
@pytest.mark.parametrize("estimators", [Pathwise, Pathwise(), "pathwise", ["reparam"]])
def test_names_classes_and_instances_are_the_same(problem, estimators, smaller):
    found = gradest.measure(problem, estimators, samples=[2], replicates=400)
    assert found.frame.cell.tolist() == smaller.frame.cell.tolist()
    np.testing.assert_array_equal(found.frame.variance, smaller.frame.variance)


def test_without_estimators_all_that_fit_are_taken():
    bits = own_problem(
        lambda theta, x: (x.sum() - 1.0) ** 2,
        lambda theta: dist.Bernoulli(logits=theta["logits"]),
        {"logits": jnp.array([0.2, -0.3])},
    )
    names = {type(each).__name__ for each in as_estimators(None, bits)}
    assert {"ScoreFunction", "DisARM", "REBAR", "MeasureValued"} <= names
    assert not names & {"Pathwise", "Flipout"}


def test_an_objective_that_jumps_shows_which_gradient_is_wrong():
    """E[1[x > 0]] has the gradient φ(μ) in μ; the pathwise one is 0."""
    found = gradest.measure(
        estimators=["pathwise", "measure_valued"],
        f=lambda theta, x: (x > 0).sum() * 1.0,
        q=lambda theta: dist.Normal(theta["mean"], 1.0),
        theta={"mean": 0.5},
        samples=16,
        replicates=2000,
    )
    board = found.leaderboard().set_index("estimator")
    assert board.biased["pathwise"]
    assert not board.biased["measure_valued"]
    assert board["rank"]["measure_valued"] == 1
    np.testing.assert_allclose(board.exact_norm["measure_valued"], 0.3521, rtol=0.05)


def test_another_objective_at_the_same_theta_has_another_truth():
    """A reference gradient that was kept under θ alone would be the first one's."""

    def norm(factor):
        found = gradest.measure(
            f=lambda theta, x: factor * x**2,
            q=lambda theta: dist.Normal(theta["mean"], 1.0),
            theta={"mean": 2.0},
            estimators="pathwise",
            samples=1,
            replicates=400,
        )
        return found.frame.exact_norm.item()

    assert norm(1.0) == pytest.approx(4, rel=0.05)
    assert norm(10.0) == pytest.approx(40, rel=0.05)


def test_ranks_are_by_relative_root_mean_square_error(run):
    board = run.leaderboard(samples=8)
    for _, place in board.groupby("group"):
        assert place["rank"].tolist() == [1, 2, 3]
        assert place.estimator.tolist()[0] == "pathwise"
        assert place.relative_rmse.is_monotonic_increasing
        assert (place.relative_rmse_low <= place.relative_rmse).all()
        assert (place.relative_rmse <= place.relative_rmse_high).all()
        assert place.tie.tolist()[0]
    row = board.query("estimator == 'pathwise' and group == 'mean'")
    # √(4/8) / |2 (1 − 3)|
    low, high = row.relative_rmse_low.item(), row.relative_rmse_high.item()
    assert low < np.sqrt(4 / 8) / 4 < high
    assert board.query("estimator == 'gaussian_smoothing'").biased.all()
    assert "gaussian_smoothing" not in set(run.leaderboard(only_unbiased=True).estimator)


def test_each_estimator_is_ranked_at_the_largest_number_of_samples_that_is_paid_for(run):
    assert set(run.leaderboard().num_samples) == {8}
    # of 7 samples those take 4 whose variance there is known from that at 2
    board = run.leaderboard(samples=7).set_index(["estimator", "group"])
    assert board.num_samples["pathwise", "mean"] == 4
    assert board.measured_samples["pathwise", "mean"] == 2
    board = run.leaderboard(evaluations=15).set_index(["estimator", "group"]).num_samples
    assert board["pathwise", "mean"] == 4  # 8 evaluations of f and 8 of its gradient at L = 8
    assert board["score_function", "mean"] == 8
    assert run.leaderboard(budget="1ns").empty
    assert set(run.leaderboard(budget="1s", cost="batched").num_samples) == {MOST_SAMPLES}
    with pytest.raises(BadInput, match="one alone: none of these cells was timed"):
        run.leaderboard(budget="1s", cost="alone")
    with pytest.raises(BadInput, match="within the budget"):
        run.recommend("1ns")


def test_what_is_recommended_is_the_best_and_its_ties(run):
    found = run.recommend(samples=8, group="mean")
    assert found.ties == ["pathwise"]
    assert found.best.estimator == "pathwise"


def test_equal_estimators_tie():
    found = gradest.measure(
        "gaussian_square", ["pathwise", "lax"], samples=4, replicates=2000, seed=1
    )
    assert found.leaderboard(group="mean").tie.tolist().count(True) >= 1


def test_groups_and_budgets_are_checked(run):
    with pytest.raises(BadInput, match=r"group 'meen': expected one of mean, scale; did you mean"):
        run.leaderboard(group="meen")
    with pytest.raises(BadInput, match="expected one of them"):
        run.leaderboard(budget="1ms", samples=3)
    with pytest.raises(BadInput, match="expected a time with its unit, such as 1ms"):
        run.leaderboard(budget="fast")
    with pytest.raises(BadInput, match="expected a number above 0"):
        run.leaderboard(samples=0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1ms", 1e-3), ("2.5 µs", 2.5e-6), ("3s", 3.0), (0.5, 0.5), ("1e2us", 1e-4)],
)
def test_a_budget_of_time_has_a_unit(text, seconds):
    assert budget_of(text, None, None) == Budget(seconds=pytest.approx(seconds))


def test_it_shows_itself_in_a_terminal(run):
    text = repr(run)
    assert "Gaussian square" in text
    assert text.index("1  pathwise") < text.index("2  score function, leave-one-out")
    assert "Gaussian smoothing*" in text
    assert "* biased" in text


def test_it_shows_itself_in_a_notebook(run):
    text = run._repr_html_()
    assert "<table>" in text
    assert "<svg" in text
    assert "pathwise" in text
    assert "<script" not in text


def test_its_page_stands_alone(run):
    text = run.html()
    assert text.startswith("<!DOCTYPE html>")
    assert 'src="http' not in text
    assert "Cells: 6 ok." in text


def test_its_page_is_the_one_that_is_saved(run, tmp_path):
    folder = run.save(tmp_path / "elsewhere")
    assert (folder / "report.html").read_text(encoding="utf-8") == run.html()


def test_its_latex_has_the_best_bold_and_the_biased_marked(run):
    text = run.to_latex(samples=8)
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 2
    assert r"pathwise & 8 & \textbf{" in text
    assert "Gaussian smoothing* & 8" in text


def test_its_figures_are_matplotlibs(run):
    assert "relative_rmse" in run.figures
    assert isinstance(run.figure(), Figure)
    narrow = run.figure("relative_rmse", style="paper", width="84mm", legend="none")
    assert narrow.get_figwidth() == pytest.approx(84 / 25.4)
    with pytest.raises(BadInput, match="did you mean relative_rmse"):
        run.figure("relative_rmsd")
    with pytest.raises(BadInput, match="did you mean paper"):
        run.figure(style="papers")


def test_saved_and_loaded_it_is_the_same(run, tmp_path):
    folder = run.save(tmp_path / "kept")
    assert (folder / "summary.md").read_text() == run.summary()
    loaded = gradest.load(folder)
    pd.testing.assert_frame_equal(loaded.frame, run.frame)
    assert repr(loaded) == repr(run)
    copied = gradest.load(loaded.save(tmp_path / "copy"))
    pd.testing.assert_frame_equal(copied.frame, run.frame)


def test_ratios_against_one_estimator(run):
    found = gradest.compare(run, "reparam", metrics=["variance"])
    assert set(found.frame.estimator) == {"score_function", "gaussian_smoothing"}
    assert found.frame.paired.all()
    assert (found.frame.low <= found.frame.ratio).all()
    assert "score function, leave-one-out" in repr(found)
    with pytest.raises(BadInput, match="metric 'varianse': expected one of variance"):
        gradest.compare(run, "pathwise", metrics=["varianse"])


def test_ratios_of_a_run_and_itself_are_one(run):
    found = gradest.compare(run, run, metrics=["variance"]).frame
    np.testing.assert_array_equal(found.ratio, 1)


def test_what_is_wrong_is_said():
    for words, call in {
        "expected a problem, or f, q and theta: f is missing": lambda: gradest.measure(),
        "got a problem and f": lambda: gradest.measure("gaussian_square", f=abs),
        "theta is missing": lambda: gradest.measure(f=abs, q=abs),
        "did you mean pathwise": lambda: gradest.measure("gaussian_square", "pathwize"),
        "did you mean gaussian_square": lambda: gradest.measure("gaussian_sqare"),
        "unknown key 'sed'": lambda: gradest.measure("gaussian_square", "pathwise", sed=1),
        "is not there": lambda: gradest.load("nowhere"),
        "expected a file or a preset": lambda: gradest.sweep("nowhere"),
    }.items():
        with pytest.raises(BadInput, match=words):
            call()


def test_a_preset_may_be_changed():
    found = gradest.sweep("quick", replicates=400, samples=[2])
    assert set(found.frame.num_samples) == {2}
    assert set(found.frame.replicates) == {400}


def test_double_precision_is_measured_in_double_precision():
    found = gradest.measure(
        "gaussian_square", "pathwise", samples=1, replicates=400, dtype="float64"
    )
    assert set(found.frame.dtype) == {"float64"}


def test_the_ranking_statistic_is_jackknifed():
    """√(variance + bias²): the interval is that of the sum, batch by batch."""
    from gradest.benchmarks.comparisons.leaderboard import relative_error
    from gradest.benchmarks.comparisons.metrics import squared_error

    rng = np.random.default_rng(0)
    variance, bias = (
        Jackknifed(1.0, rng.normal(1, 0.01, 20)),
        Jackknifed(3.0, rng.normal(3, 0.01, 20)),
    )

    class Row:
        jackknifed, jackknifed_bias, exact_norm, kurtosis = variance, bias, 4.0, 3.0
        relative_rmse = mse = np.nan

    assert squared_error(Row).value == 4
    found = relative_error(Row)
    expected = interval(combine(np.add, variance, bias))
    assert found.value == pytest.approx(2 / 4)
    assert found.low == pytest.approx(np.sqrt(expected.low) / 4)


@pytest.mark.slow
def test_a_class_that_was_typed_at_a_prompt_is_measured():
    script = """
import gradest
from gradest.estimators.pathwise import Pathwise
class Mine(Pathwise):
    pass
print(gradest.measure("gaussian_square", Mine, samples=1, replicates=400).frame.estimator[0])
"""
    done = subprocess.run([sys.executable], input=script, capture_output=True, text=True)
    assert done.stdout.strip() == "__main__:Mine", done.stderr
