"""The sums over replicates on the device, beside those of float64 on the host."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.benchmarks.measurement.batching import over_replicates
from gradest.benchmarks.measurement.programs import replicate_axis, sums
from gradest.benchmarks.statistics.moments import summarise

ROWS = 3


def summed(grads, center):
    """What `sums` makes of replicates of shape rows × block × P, in the units of the replicates."""
    _, block, size = grads.shape
    stored = grads.swapaxes(1, 2) if replicate_axis(block, size) else grads
    made = sums({"g": jnp.asarray(stored)}, {"g": jnp.asarray(center)}, block=block)["g"]
    mean, second, third, fourth, largest, unit = (np.asarray(each, float) for each in made)
    each = unit[:, None]
    return mean, second * each**2, third * each**3, fourth * unit**4, largest * each**2


@pytest.mark.parametrize("mean", [0.0, 1e3])
@pytest.mark.parametrize(("block", "size"), [(625, 1), (625, 10), (64, 3), (7, 2), (25, 40)])
def test_they_keep_their_digits_far_from_zero(block, size, mean):
    """In float32 a replicate has few digits at 1e3 standard deviations, and its sums those few."""
    random = np.random.default_rng(0)
    grads = (mean + random.gamma(2.0, size=(ROWS, block, size))).astype(np.float32)
    center = np.full(size, mean + 2, np.float32)
    made = summed(grads, center)
    wide = summarise(grads.reshape(-1, size).astype(float), ROWS, center.astype(float))
    scale = grads.std()
    np.testing.assert_allclose(made[0], wide.mean, rtol=1e-6, atol=1e-6 * scale)
    np.testing.assert_allclose(made[1], wide.second, rtol=1e-6)
    # a mean that is rounded by δ moves the sum of cubes by 3 δ times that of squares
    moved = 3 * 1e-7 * (mean + 1) * wide.second.max()
    np.testing.assert_allclose(made[2], wide.third, rtol=1e-5, atol=moved)
    np.testing.assert_allclose(made[3], wide.fourth, rtol=1e-5)
    np.testing.assert_allclose(made[4], wide.largest, rtol=1e-5)


@pytest.mark.parametrize("block", [625, 64, 7])
def test_equal_estimates_have_no_variance(block):
    grads = np.full((ROWS, block, 3), 0.1, np.float32)
    mean, second, third, *_ = summed(grads, np.zeros(3, np.float32))
    assert (mean == np.float32(0.1)).all()
    assert (second == 0).all()
    assert (third == 0).all()


def test_partial_sums_are_made_side_by_side():
    """Merged into one sum they would be made one after the other, at half the speed."""
    values = jnp.ones((10, 625))
    program = jax.jit(lambda values: over_replicates(jnp.sum, values, 1)).lower(values).compile()
    assert "f32[10,125]" in program.as_text()
