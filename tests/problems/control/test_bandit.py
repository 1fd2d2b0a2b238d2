"""The bandit, by its arms."""

import jax
import jax.numpy as jnp
import numpy as np

from gradest.problems import problem
from tests.support.derivatives import by_coordinate
from tests.support.distributions import softmax
from tests.support.statistical import initial, truth_of


def test_by_its_arms():
    toy = problem("bandit", arms=4, target=0.7, offset=2.0)
    logits = np.array([0.3, -0.5, 1.0, 0.2], np.float32).astype(float)
    costs = (np.arange(4) / 3 - 0.7) ** 2 - 2
    truth = truth_of(toy, {"logits": jnp.asarray(logits[None], jnp.float32)})["logits"]
    numeric = by_coordinate(lambda logits: softmax(logits) @ costs, logits, h=1e-6)
    np.testing.assert_allclose(truth, numeric, rtol=1e-5, atol=1e-8)
    arm = jax.nn.one_hot(2, 4)[None]
    assert float(toy.objective(initial(toy), arm)) == np.float32((2 / 3 - 0.7) ** 2 - 2)
