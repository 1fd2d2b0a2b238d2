"""Derivatives of angles by their concentration."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from gradest.estimators.families.angles import angle_derivative


@pytest.mark.parametrize("concentration", [0.01, 1.0, 30.0, 1000.0])
def test_von_mises(concentration):
    """By differences of scipy's quantiles."""
    levels = [1e-3, 0.2, 0.4, 0.7, 0.99]
    with jax.enable_x64(True):
        angle = jnp.asarray(stats.vonmises(concentration).ppf(levels))
        slope = np.asarray(angle_derivative(angle, jnp.full(5, concentration)))
    step = 1e-4 * concentration
    up = stats.vonmises(concentration + step).ppf(levels)
    down = stats.vonmises(concentration - step).ppf(levels)
    np.testing.assert_allclose(slope, (up - down) / (2 * step), rtol=1e-4)
