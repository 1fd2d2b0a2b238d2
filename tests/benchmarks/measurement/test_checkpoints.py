"""θ after training."""

import jax
import pytest

from gradest.benchmarks.measurement.checkpoints import params_at
from gradest.benchmarks.runtime.arrays import checksum
from gradest.problems import problem


@pytest.mark.slow
def test_training_lowers_the_loss_and_is_deterministic_with_and_without_its_checkpoint():
    for name in ("vae_gaussian", "vae_bernoulli"):
        trained = problem(name, latent_dim=4, hidden_dim=16, train_steps=200)
        start = params_at(problem(name, latent_dim=4, hidden_dim=16), "start", 0)
        first = params_at(trained, name, 0)
        again = params_at(trained, name, 0)  # from the checkpoint
        anew = params_at(trained, name + "elsewhere", 0)  # trained again
        assert checksum(first) == checksum(again) == checksum(anew) != checksum(start)

        def loss(params, vae=trained):
            x = vae.distribution(params).sample(jax.random.key(0), (50,)).astype(float)
            return float(vae.objectives(params, x).mean(0).sum())

        assert loss(first) < loss(start) - 5  # nats per image
