"""recommend: against rankings that are known, within the budget that is given."""

import itertools
from functools import partial

import jax
import numpy as np
import numpyro.distributions as dist
import pytest

import gradest
from gradest._own_problem import own_problem
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.learning_curves.short_training import short_training
from gradest.benchmarks.recommending import measured
from gradest.estimators.pathwise.pathwise import Pathwise

QUADRATIC = ["pathwise", "rloo", "reinforce", "gaussian_smoothing"]


@pytest.fixture(scope="module")
def by_samples():
    return gradest.recommend("gaussian_square", QUADRATIC, samples=8, group="mean", replicates=3200)


def test_the_ranking_is_that_of_the_exact_variances(by_samples):
    """At μ = σ = 1, k = 3 in the mean: pathwise 4 σ²/L; the score function's is 87/L, of which
    leave-one-out leaves about half."""
    frame = by_samples.frame.set_index("estimator_text")
    order = ["pathwise", "score_function[baseline=leave_one_out]", "score_function"]
    assert [name for name in frame.index if name in order] == order
    assert frame.relative_rmse_low["pathwise"] < np.sqrt(4 / 8) / 4
    assert frame.relative_rmse_high["pathwise"] > np.sqrt(4 / 8) / 4
    assert frame.relative_rmse["score_function"] == pytest.approx(np.sqrt(87 / 8) / 4, rel=0.1)
    assert frame.ratio["score_function"] == pytest.approx(87 / 4, rel=0.2)
    assert by_samples.best.estimator == "pathwise"
    assert by_samples.best.num_samples == 8
    assert not by_samples.best.biased
    assert by_samples.ties == ["pathwise"]


def relative_error_on_bits(estimate, samples, t=0.45, logit=0.5):
    """The exact relative error of an estimate of d/d logit E[(x − t)²] from so many bits.

    Args:
        estimate: from the bits, f of each, and the score of each.
        samples: L.
        t: of f.
        logit: θ.
    """
    p = 1 / (1 + np.exp(-logit))
    truth = p * (1 - p) * ((1 - t) ** 2 - t**2)
    error = 0.0
    for bits in itertools.product((0, 1), repeat=samples):
        x = np.array(bits)
        chance = np.prod(np.where(x == 1, p, 1 - p))
        error += chance * (estimate(x, (x - t) ** 2, x - p) - truth) ** 2
    return np.sqrt(error) / abs(truth)


def test_on_bits_the_best_is_the_one_that_enumeration_says():
    """REINFORCE and leave-one-out with two samples, over all four pairs of bits."""
    exact = {
        "score_function": relative_error_on_bits(lambda x, f, s: np.mean(f * s), 2),
        "score_function[baseline=leave_one_out]": relative_error_on_bits(
            lambda x, f, s: np.mean((f - f[::-1]) * s), 2
        ),
    }
    found = gradest.recommend("bernoulli_square", list(exact), samples=2)
    assert found.best.estimator == min(exact, key=exact.get)
    for row in found.frame.itertuples():
        half = (row.relative_rmse_high - row.relative_rmse_low) / 2
        # 1.96 standard errors; four of them
        assert row.relative_rmse == pytest.approx(exact[row.estimator_text], abs=2.1 * half)


def test_one_estimator_under_two_names_is_a_tie():
    """With one bit Rao–Blackwell's is the score function, draw by draw."""
    names = ["rao_blackwell", "score_function"]
    found = gradest.recommend("gaussian_square", names, samples=2, replicates=400)
    assert set(found.ties) == set(names)
    assert set(found.frame.replicates) == {400}  # no more replicates would separate them
    assert "A tie: as good may be" in repr(found)


def test_what_is_recommended_can_be_typed(by_samples):
    for name in by_samples.frame.estimator_text:
        assert gradest.estimator(name)


def test_it_says_what_to_use(by_samples):
    assert "Use pathwise, L = 8." in repr(by_samples)
    assert "<table>" in by_samples._repr_html_()


def test_what_is_biased_is_never_recommended_where_it_may_not_be():
    """Where f jumps pathwise is wrong, and quiet."""
    jump = own_problem(
        lambda theta, x: (x > 0).sum() * 1.0,
        lambda theta: dist.Normal(theta["mean"], 1.0),
        {"mean": 0.5},
    )
    names = ["pathwise", "gaussian_smoothing", "measure_valued"]
    found = gradest.recommend(jump, names, samples=4, only_unbiased=True, replicates=400)
    assert found.best.estimator == "measure_valued"
    assert not found.best.biased
    assert set(found.frame.estimator_text) == set(names)
    assert found.frame.set_index("estimator_text").biased["pathwise"]
    assert found.ties == ["measure_valued"]
    with pytest.raises(BadInput, match="no estimator was found unbiased"):
        gradest.recommend(jump, "pathwise", samples=4, only_unbiased=True, replicates=400)


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


def test_a_run_recommends_without_measuring():
    run = gradest.measure("gaussian_square", ["pathwise", "rloo"], samples=4, replicates=400)
    found = run.recommend(evaluations=8, group="mean")
    assert found.best.estimator == "pathwise"
    assert found.best.num_samples == 4
    assert len(run.recommend(samples=4).answers) == 2


class Halved(Pathwise):
    """Of one's own: half of the gradient, which Adam does not see."""

    def estimate(self, problem, params, state, key, num_samples):
        whole, state = super().estimate(problem, params, state, key, num_samples)
        return jax.tree.map(lambda leaf: leaf / 2, whole), state


def test_confirm_trains_the_best(monkeypatch):
    """The problem and the classes that are given, whether or not they have a name."""
    monkeypatch.setattr(measured, "short_training", partial(short_training, steps=200))
    problem = gradest._own_problem.own_problem(
        lambda theta, x: (x - 2.0) ** 2,
        lambda theta: dist.Normal(theta["mean"], 1.0),
        {"mean": 0.0},
    )
    found = gradest.recommend(
        problem, ["pathwise", Halved(), "reinforce"], samples=4, replicates=400, confirm=True
    )
    (verdict,) = found.confirmed.values()
    assert (verdict.steps, verdict.seeds, verdict.failed) == (200, 5, {})
    assert len(verdict.order) == 3
    assert "Trained for 200 steps with 5 seeds: " in " ".join(repr(found).split())
    assert gradest.recommend(problem, "pathwise", samples=4, replicates=400).confirmed == {}


def test_what_cannot_be_recommended_is_said():
    with pytest.raises(BadInput, match="expected one of them"):
        gradest.recommend("gaussian_square", budget="1ms", samples=3)
    with pytest.raises(BadInput, match="pays for no estimator"):
        gradest.recommend("gaussian_square", "pathwise", evaluations=1)
    with pytest.raises(BadInput, match="nothing to measure: this estimator is made for Bernoulli"):
        gradest.recommend("gaussian_square", "disarm", samples=2)
    with pytest.raises(BadInput, match=r"group 'meen': expected one of .* did you mean mean"):
        gradest.recommend("gaussian_square", "pathwise", samples=2, group="meen")
