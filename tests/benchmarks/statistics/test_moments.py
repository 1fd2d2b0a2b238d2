"""Batch summaries against brute force on the raw replicates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradest.benchmarks.statistics.moments import LARGEST, leave_out, merge, pool, summarise

BATCHES = 20


@pytest.fixture
def gradients() -> np.ndarray:
    """Skewed, of different scales, far from zero."""
    return np.random.default_rng(0).gamma(2.0, size=(1000, 3)) * [1, 5, 0.1] + 100


def test_summaries_are_numpys(gradients):
    moments, center = summarise(gradients, BATCHES), gradients.mean(0)
    assert (moments.size, moments.replicates) == (50, 1000)
    for b, batch in enumerate(gradients.reshape(BATCHES, 50, 3)):
        apart = batch - batch.mean(0)
        np.testing.assert_allclose(moments.mean[b], batch.mean(0))
        np.testing.assert_allclose(moments.second[b], (apart**2).sum(0))
        np.testing.assert_allclose(moments.third[b], (apart**3).sum(0))
        squares = ((batch - center) ** 2).sum(1)
        assert moments.fourth[b] == pytest.approx((squares**2).sum())
        np.testing.assert_allclose(moments.largest[b], np.sort(squares)[::-1][:LARGEST])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    sizes=st.lists(st.integers(2, 9), min_size=1, max_size=4),
    dim=st.integers(1, 4),
    batches=st.integers(2, 5),
    shift=st.sampled_from([0.0, 3.0, 1e3]),
    seed=st.integers(0, 2**32 - 1),
)
def test_merging_chunks_of_any_sizes_is_summarising_them_together(sizes, dim, batches, shift, seed):
    """Chunks whose means differ, so that every cross term counts."""
    rng = np.random.default_rng(seed)
    center = np.full(dim, shift)
    chunks = [
        rng.exponential(size=(batches, size, dim)) + shift + i for i, size in enumerate(sizes)
    ]
    merged = merge([summarise(chunk.reshape(-1, dim), batches, center) for chunk in chunks])
    whole = summarise(np.concatenate(chunks, axis=1).reshape(-1, dim), batches, center)
    assert merged.size == whole.size
    for ours, theirs in zip(merged[1:], whole[1:], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-7)


def test_pooled_summaries_are_those_of_one_batch(gradients):
    pooled, whole = pool(summarise(gradients, BATCHES)), summarise(gradients, 1)
    for ours, theirs in zip(pooled[:5], whole[:5], strict=True):
        np.testing.assert_allclose(ours, theirs)
    # the very largest were all kept: none can be missing while a batch kept more than its share
    np.testing.assert_allclose(pooled.largest, whole.largest)


def test_leaving_a_batch_out_is_deleting_its_replicates(gradients):
    found, split = leave_out(summarise(gradients, BATCHES)), gradients.reshape(BATCHES, 50, 3)
    assert (found.whole.size, found.without.size) == (1000, 950)
    np.testing.assert_allclose(found.whole.mean, gradients.mean(0))
    np.testing.assert_allclose(found.whole.variance, gradients.var(0, ddof=1))
    for b in range(BATCHES):
        rest = np.delete(split, b, axis=0).reshape(-1, 3)
        np.testing.assert_allclose(found.without.mean[b], rest.mean(0))
        np.testing.assert_allclose(found.without.variance[b], rest.var(0, ddof=1), rtol=1e-9)


def test_constant_replicates_have_no_spread_whatever_is_left_out():
    """Exactly, where the mean is exact; to rounding, never below zero, where it is not."""
    found = leave_out(summarise(np.full((40, 2), 0.25), BATCHES))
    assert not found.whole.variance.any()
    assert not found.without.variance.any()
    found = leave_out(summarise(np.full((40, 2), 0.1), BATCHES))
    assert (found.without.variance >= 0).all()
    assert (found.without.variance < 1e-30).all()
