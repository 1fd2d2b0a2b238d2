"""recommend: against rankings that are known, within the budget that is given."""

import numpy as np
import numpyro.distributions as dist
import pytest

import gradest
from gradest._own_problem import own_problem
from gradest._recommend import allowed, most_within, whole
from gradest.benchmarks.errors import BadInput

QUADRATIC = ["pathwise", "rloo", "reinforce", "gaussian_smoothing"]


@pytest.fixture(scope="module")
def by_samples():
    return gradest.recommend("gaussian_square", QUADRATIC, samples=8, group="mean", replicates=2000)


def test_the_ranking_is_that_of_the_exact_variances(by_samples):
    """At μ = σ = 1, k = 3 in the mean: pathwise 4 σ²/L; the score function's is 87/L, of which
    leave-one-out leaves about half."""
    frame = by_samples.frame.set_index("estimator_text")
    order = ["pathwise", "score_function[baseline=leave_one_out]", "score_function"]
    assert [name for name in frame.index if name in order] == order
    assert frame.relative_rmse_low["pathwise"] < np.sqrt(4 / 8) / 4
    assert frame.relative_rmse_high["pathwise"] > np.sqrt(4 / 8) / 4
    assert frame.relative_rmse["score_function"] == pytest.approx(np.sqrt(87 / 8) / 4, rel=0.1)
    assert by_samples.best.estimator == "pathwise"
    assert by_samples.best.num_samples == 8
    assert not by_samples.best.biased
    assert by_samples.ties == ["pathwise"]


def test_what_is_recommended_can_be_typed(by_samples):
    for name in by_samples.frame.estimator_text:
        assert gradest.estimator(name)


def test_it_says_what_to_use(by_samples):
    text = repr(by_samples)
    assert "For L = 8: pathwise, L = 8." in text
    assert "<table>" in by_samples._repr_html_()


def test_what_is_biased_is_never_recommended_where_it_may_not_be():
    """Where f jumps pathwise is wrong, and quiet."""
    jump = own_problem(
        lambda theta, x: (x > 0).sum() * 1.0,
        lambda theta: dist.Normal(theta["mean"], 1.0),
        {"mean": 0.5},
    )
    names = ["pathwise", "measure_valued", "gaussian_smoothing"]
    found = gradest.recommend(jump, names, samples=4, only_unbiased=True, replicates=400)
    assert found.frame.estimator_text.tolist() == ["measure_valued"]
    assert set(found.left_out) == {"pathwise", "gaussian_smoothing"}
    assert set(found.left_out.values()) == {"it is biased"}


def test_each_takes_as_many_samples_as_the_evaluations_pay_for():
    names = ["pathwise", "reinforce", "measure_valued"]
    found = gradest.recommend("gaussian_square", names, evaluations=24, replicates=400)
    levels = found.frame.set_index("estimator_text").num_samples
    assert levels.to_dict() == {"pathwise": 12, "score_function": 24, "measure_valued": 6}
    assert (found.frame.f_evals + found.frame.grad_evals <= 24).all()
    assert set(found.frame.group) == {"all of θ"}


def test_an_estimate_that_costs_too_much_is_left_out():
    found = gradest.recommend(
        "gaussian_square", ["reinforce", "measure_valued"], evaluations=3, replicates=400
    )
    assert found.frame.estimator_text.tolist() == ["score_function"]
    assert "measure_valued" in found.left_out


def test_a_budget_of_time_is_kept_to():
    found = gradest.recommend("gaussian_square", "pathwise", budget="100us", replicates=400)
    assert found.best.num_samples > 1


def test_levels_are_those_that_the_estimator_takes():
    problem = gradest.problem("gaussian_square")
    antithetic = gradest.estimator("pathwise", coupling="antithetic")
    assert allowed(antithetic, 9) == 8
    assert allowed(antithetic, 1) == 0
    assert allowed(gradest.estimator("pathwise", coupling="sobol"), 100) == 64
    assert most_within(11, problem, gradest.estimator("pathwise")) == 5
    assert most_within(0, problem, gradest.estimator("pathwise")) == 0


def test_the_groups_of_theta_together():
    """Errors add: the squared error of all of θ is the sum over its groups."""
    run = gradest.measure("gaussian_square", "pathwise", samples=2, replicates=400)
    rows = run.read.measurements
    (row,) = whole(rows).itertuples()
    assert row.jackknifed.value == pytest.approx(rows.variance.sum())
    assert row.exact_norm == pytest.approx(np.hypot(*rows.exact_norm))
    np.testing.assert_allclose(
        row.jackknifed.without, rows.jackknifed.iloc[0].without + rows.jackknifed.iloc[1].without
    )


def test_what_cannot_be_recommended_is_said():
    with pytest.raises(BadInput, match="expected a budget, evaluations or samples"):
        gradest.recommend("gaussian_square")
    with pytest.raises(BadInput, match="pays for no estimator"):
        gradest.recommend("gaussian_square", "pathwise", evaluations=1)
    with pytest.raises(BadInput, match="nothing to measure: this estimator is made for Bernoulli"):
        gradest.recommend("gaussian_square", "disarm", samples=2)
