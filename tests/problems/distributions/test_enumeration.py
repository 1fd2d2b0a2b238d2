"""Listing every value of x."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.problems import problem
from gradest.problems.distributions import enumeration
from gradest.problems.distributions.enumeration import all_log_probs, all_states, number_of_states
from tests.support.distributions import DISCRETE, LOGITS
from tests.support.statistical import initial


@pytest.mark.parametrize("name", DISCRETE)
def test_states_and_probabilities(name):
    """Each value is listed once, with its probability."""
    q = DISCRETE[name](jnp.asarray(np.stack([LOGITS, LOGITS[::-1] * 2])))
    states = all_states(q)
    log_probs = all_log_probs(q)
    assert len(states) == number_of_states(q) == len({state.tobytes() for state in states})
    spread = states.reshape(-1, *(1 for _ in q.batch_shape), *q.event_shape)
    by_density = q.log_prob(jnp.asarray(spread, jnp.float32))
    np.testing.assert_allclose(np.moveaxis(by_density, 0, -1), log_probs, rtol=1e-5)
    np.testing.assert_allclose(np.exp(log_probs).sum(-1), 1, rtol=1e-5)
    assert np.all(q.support(jnp.asarray(states)))
    assert not np.any(q.support(jnp.asarray(states) + 0.5))


@pytest.mark.parametrize(
    "toy",
    [
        problem("plackett_luce_square", items=13),
        problem("vae_categorical", latent_dim=5, num_images=1),
        problem("vae_bernoulli", latent_dim=13, num_images=2, hidden_dim=4),
    ],
    ids=["rankings", "categories", "bits"],
)
def test_too_many_values(toy):
    """They have no enumerated truth."""
    assert toy.exact_gradient(initial(toy)) is None


@pytest.mark.parametrize("most", [1, 7, 20])
def test_many_data_points_are_taken_some_at_a_time(most, monkeypatch):
    """As many as divide them; the gradient is that of all at once."""
    made = problem("vae_bernoulli", latent_dim=3, num_images=12, hidden_dim=3)
    params = made.init_params(jax.random.key(0))
    at_once = made.exact_gradient(params)
    monkeypatch.setattr(enumeration, "MOST_AT_ONCE", 8 * most)
    parts = made.exact_gradient(params)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=2e-4, atol=1e-6), parts, at_once)
    program = str(jax.make_jaxpr(made.exact_gradient)(params))
    assert ("scan" in program) == (most < 12)
