"""A long run in place of the exact gradient."""

import jax
import numpy as np
import pytest

from gradest.benchmarks.measurement.reference import reference_gradient
from gradest.benchmarks.measurement.replicates import measure
from gradest.benchmarks.statistics.bias import biases, exactly
from gradest.estimators import estimator
from gradest.problems import problem


@pytest.mark.slow
def test_a_reference_run_stands_for_a_gradient_that_is_not_known_and_its_error_is_counted():
    vae = problem("vae_gaussian", latent_dim=3, num_images=4, hidden_dim=8)
    params = vae.init_params(jax.random.key(0))
    first, second, longer = (
        reference_gradient(vae, params, jax.random.key(i), replicates)
        for i, replicates in ((1, 1_000), (2, 1_000), (3, 16_000))
    )
    for group, truth in first.items():
        apart = np.abs(truth.gradient - second[group].gradient)
        error = np.hypot(truth.error, second[group].error)
        assert np.max(apart[error > 0] / error[error > 0]) < 5.5
        assert np.median(longer[group].error / np.maximum(truth.error, 1e-12)) == pytest.approx(
            0.25, rel=0.1
        )
    again = reference_gradient(vae, params, jax.random.key(1), 1_000)
    np.testing.assert_array_equal(again["encoder"].gradient, first["encoder"].gradient)
    # a long run against a short reference: biased only if the reference is taken for exact
    run = measure(
        vae, estimator("pathwise"), params, num_samples=64, replicates=16_000, key=jax.random.key(9)
    ).moments
    careless = {group: exactly(truth.gradient) for group, truth in first.items()}
    assert min(found.p for found in biases(run, careless, 1e-7).values()) < 0.01
    assert min(found.p for found in biases(run, first, 1e-7).values()) > 0.05
