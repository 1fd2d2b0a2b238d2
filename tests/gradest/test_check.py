"""check, of classes and of any function."""

import numpy as np
import pytest

import gradest
from gradest._check import vectors_of
from gradest.benchmarks.errors import BadInput
from gradest.estimators.base import Estimator
from gradest.problems.toys.gaussian import GaussianSquare

SQUARE = GaussianSquare()
PATHWISE = gradest.estimator("pathwise")


def pathwise(theta, key, num_samples):
    return PATHWISE.estimate(SQUARE, theta, (), key, num_samples)[0]


def shrunk(theta, key, num_samples):
    return {name: 0.9 * value for name, value in pathwise(theta, key, num_samples).items()}


def in_numpy(theta, key, num_samples):
    """What JAX cannot trace."""
    rng = np.random.default_rng(np.asarray(key_data(key)))
    mean, scale = (np.asarray(theta[name], float) for name in ("mean", "scale"))
    noise = rng.normal(size=(num_samples, *mean.shape))
    slope = 2 * (mean + scale * noise - 3.0)
    return {"mean": slope.mean(0), "scale": (slope * noise).mean(0)}


def key_data(key):
    import jax

    return jax.random.key_data(key)


def test_a_function_without_bias_passes():
    report = gradest.check(pathwise, problem="gaussian_square", replicates=2000)
    assert report.passed
    assert report.frame[["num_samples", "group"]].values.tolist() == [
        [level, group] for level in (2, 8) for group in ("mean", "scale")
    ]
    assert "no bias found" in repr(report)
    assert "<table" in report._repr_html_()


def test_a_function_with_a_bias_of_a_tenth_fails():
    report = gradest.check(shrunk, problem=SQUARE, replicates=2000)
    assert not report.passed
    assert report.frame.bias_relative[0] == pytest.approx(-0.1, abs=0.03)
    assert "biased, and claims to be unbiased" in repr(report)


def test_a_function_that_jax_cannot_trace_is_called_for_each_replicate():
    assert gradest.check(in_numpy, problem=SQUARE, samples=(2,), replicates=400).passed


def test_where_no_gradient_is_known_a_long_run_takes_its_place():
    import numpyro.distributions as dist

    from gradest._own_problem import own_problem

    own = own_problem(
        lambda theta, x: x**2, lambda theta: dist.Normal(theta["mean"], 1.0), {"mean": 2.0}
    )

    def score(theta, key, num_samples):
        return gradest.estimator("score_function").estimate(own, theta, (), key, num_samples)[0]

    assert gradest.check(score, problem=own, samples=(4,), replicates=2000).passed


@pytest.mark.slow
def test_false_alarms_are_as_rare_as_they_are_said_to_be():
    """One in a hundred: of 40 at most 3, but once in a thousand times."""
    found = [
        gradest.check(pathwise, problem=SQUARE, samples=(2,), replicates=400, seed=seed).passed
        for seed in range(40)
    ]
    assert found.count(False) <= 3


def test_a_gradient_that_is_not_built_like_theta_is_refused():
    with pytest.raises(BadInput, match="expected it built like θ"):
        gradest.check(lambda theta, key, level: theta["mean"], problem=SQUARE)
    assert vectors_of(np.zeros((2, 3)), {"only": np.zeros((2, 3))})["only"].shape == (6,)


@pytest.mark.slow
def test_a_problem_is_checked():
    for target in ("gaussian_square", GaussianSquare, SQUARE):
        report = gradest.check(target)
        assert report.kind == "problem"
        assert report.counts()["failed"] == 0
        assert report.counts()["ran"] > 8


def test_an_estimator_that_breaks_its_claim_fails(monkeypatch):
    from gradest.benchmarks.checks import check as checks

    class Shrunk(type(PATHWISE)):
        """Nine tenths of the pathwise gradient. Cost: as pathwise."""

        def estimate(self, problem, params, state, key, num_samples):
            grads, state = super().estimate(problem, params, state, key, num_samples)
            return {name: 0.9 * value for name, value in grads.items()}, state

    monkeypatch.setattr(checks, "PROBLEMS", {"gaussian_square": GaussianSquare})
    report = gradest.check(Shrunk)
    assert issubclass(Shrunk, Estimator)
    assert report.counts()["failed"] > 0


def test_what_cannot_be_checked_is_said():
    with pytest.raises(BadInput, match="expected a name, a class, or a function and problem"):
        gradest.check(pathwise)
    with pytest.raises(BadInput, match="claims = 'fast': expected 'unbiased'"):
        gradest.check(pathwise, problem=SQUARE, claims="fast")
    with pytest.raises(BadInput, match="did you mean"):
        gradest.check("gaussian_sqare")
