"""log q at draws: numpyro's where x is not rounded, and a score of mean zero where it is."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

from gradest.estimators.sampling.draws import rsample, sample
from gradest.estimators.sampling.log_draws import rsample_and_log_prob, sample_and_log_prob
from tests.support.statistical import assert_z

FAMILIES = {
    "normal": dist.Normal,
    "gamma": dist.Gamma,
    "beta": dist.Beta,
    "weibull": dist.Weibull,
    "student_t": dist.StudentT,
    "dirichlet": lambda *shapes: dist.Dirichlet(jnp.stack(shapes)),
}

USUAL = {
    "normal": (0.3, 1.2),
    "gamma": (1.7, 0.6),
    "beta": (1.4, 2.3),
    "weibull": (0.8, 1.7),
    "student_t": (6.0, 0.4, 0.7),
    "dirichlet": (0.9, 1.5, 2.0),
}

EXTREME = [
    ("gamma", (0.01, 1.0)),
    ("gamma", (1e5, 3.0)),
    ("beta", (2.0, 0.1)),
    ("beta", (0.01, 0.01)),
    ("dirichlet", (0.02, 0.02, 0.02)),
    ("dirichlet", (0.01, 1e5, 2.0)),
    ("student_t", (0.3, 0.4, 0.7)),
    ("student_t", (1e5, 0.4, 0.7)),
    ("weibull", (0.8, 0.05)),
    ("weibull", (0.8, 1e5)),
]
"""Where float32 rounds the draw, its logarithm or its square to the end of a range."""


def numbers(parameters):
    return tuple(jnp.asarray(each, float) for each in parameters)


@cache
def drawn(name, num_samples):
    """x, log q and the derivative of both, as a compiled function of a family's parameters."""

    def draw(*parameters):
        q = FAMILIES[name](*parameters)
        found = sample_and_log_prob(q, jax.random.key(2), num_samples)
        return found, found

    every = range(len(USUAL[name]))
    return jax.jit(jax.jacfwd(draw, every, has_aux=True))


@pytest.mark.parametrize("name", ["gamma", "weibull", "dirichlet"])
def test_log_q_is_numpyros(name):
    assert_numpyros(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["normal", "beta", "student_t"])
def test_log_q_of_others_is_numpyros(name):
    assert_numpyros(name)


def assert_numpyros(name):
    """And its derivative by each parameter, at the same x; which is that of `sample`."""
    with jax.enable_x64(True):
        parameters = numbers(USUAL[name])
        (x_moves, log_q_moves), (x, log_q) = drawn(name, 20)(*parameters)

        @jax.jit
        def theirs(*parameters):
            q = FAMILIES[name](*parameters)
            return sample(q, jax.random.key(2), 20), q.log_prob(x)

        np.testing.assert_allclose(x, theirs(*parameters)[0], rtol=1e-14)
        np.testing.assert_allclose(log_q, theirs(*parameters)[1], rtol=1e-9)
        _, expected = jax.jit(jax.jacfwd(theirs, range(len(parameters))))(*parameters)
        np.testing.assert_allclose(np.array(log_q_moves), np.array(expected), rtol=1e-7, atol=1e-9)
        assert not np.any(x_moves)


def test_the_draw_moves_and_log_q_does_not_move_with_it():
    key = jax.random.key(2)

    def moving(concentration):
        return rsample_and_log_prob(dist.Gamma(concentration, 0.6), key, 8)

    def apart(concentration):
        q = dist.Gamma(concentration, 0.6)
        return rsample(q, key, 8), sample_and_log_prob(q, key, 8)[1]

    both = jax.jit(jax.jacfwd(lambda alpha: (moving(alpha), apart(alpha))))
    found, expected = both(jnp.asarray(1.7))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), found, expected)
    assert np.all(np.asarray(found[0]) > 0)


def test_coordinates_are_summed():
    q = dist.Weibull(jnp.ones((2, 3)), jnp.array([[0.5, 2.0, 3.0], [1.0, 1.0, 7.0]]))
    key = jax.random.key(0)
    x, log_q = sample_and_log_prob(q.to_event(1), key, 5)
    _, of_each = sample_and_log_prob(q, key, 5)
    assert (x.shape, log_q.shape) == ((5, 2, 3), (5, 2))
    np.testing.assert_allclose(log_q, of_each.sum(-1), rtol=1e-6)


def assert_score_has_mean_zero(name, parameters):
    """In standard errors; at a gamma shape of 0.01 log x of an x that is rounded gives 41 for 0."""
    (_, moved), _ = drawn(name, 20_000)(*numbers(parameters))
    score = np.array(moved, float)
    assert np.isfinite(score).all()
    assert_z(score.mean(1) / (score.std(1) / np.sqrt(score.shape[1])))


@pytest.mark.parametrize(("name", "parameters"), EXTREME)
def test_scores_have_mean_zero(name, parameters):
    assert_score_has_mean_zero(name, parameters)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "parameters"), EXTREME)
def test_scores_have_mean_zero_in_float64(name, parameters):
    with jax.enable_x64(True):
        assert_score_has_mean_zero(name, parameters)
