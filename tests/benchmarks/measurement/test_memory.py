"""What a call is thought to hold, beside what the compiler says that it does."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.benchmarks.measurement.batching import CALL_ELEMENTS, elements_per_replicate, layout
from gradest.benchmarks.measurement.programs import estimates
from gradest.estimators import estimator
from gradest.problems import problem

OUT_BY = 8
"""The factor within which the count is to be right."""

NARROW, WIDE = ("bernoulli_square", {"dim": 12}), ("bernoulli_square", {"dim": 100})
GAUSSIAN = ("gaussian_square", {"dim": 100})

CASES = [
    ("unordered_set", {}, NARROW),
    ("unordered_set", {}, ("bernoulli_shared", {})),
    ("without_replacement", {}, NARROW),
    ("sum_and_sample", {}, NARROW),
    ("rodeo", {}, NARROW),
    ("gumbel_rao", {}, WIDE),
    ("lax", {}, ("gaussian_square", {"dim": 1})),
    ("measure_valued", {}, GAUSSIAN),
    ("stochastic_triple", {"pruned": False}, WIDE),
    ("stochastic_triple", {}, ("random_walk", {"steps": 50})),
    ("stochastic_triple", {"pruned": False}, ("random_walk", {"steps": 50})),
    ("score_function", {}, GAUSSIAN),
]
"""Estimators that hold more than f, or less than all evaluations of it, and one that does not."""


@pytest.mark.parametrize(("name", "arguments", "of"), CASES)
def test_the_count_is_right_within_a_factor(name, arguments, of):
    subject, on = estimator(name, **arguments), problem(of[0], **of[1])
    params = on.init_params(jax.random.key(0))
    calls = layout(on, subject, params, 4, 32, 625)
    start = subject.init(on, params, jax.random.key(0))
    states = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (calls.rows, *leaf.shape)), start)
    first = np.arange(calls.rows, dtype=np.uint32)
    arguments = (on, subject, params, states, jax.random.key(0), first, np.uint32(32))
    program = estimates.compile(arguments, {"num_samples": 4, "block": calls.block})
    memory = program.memory_analysis()
    held = (memory.temp_size_in_bytes + memory.output_size_in_bytes) / 4
    counted = elements_per_replicate(on, subject, params, 4) * calls.rows * calls.block
    assert counted / OUT_BY < held < counted * OUT_BY
    assert held < CALL_ELEMENTS * OUT_BY
