"""θ to measure at: a problem's initialisation, or where it is after so many steps of training."""

from functools import partial
from typing import Any, TypeGuard

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from gradest.benchmarks.measurement.replicates import stable_hash
from gradest.benchmarks.runtime.arrays import remembered
from gradest.benchmarks.runtime.configure import configure, in_full_precision
from gradest.benchmarks.runtime.environment import GENERATORS, code_of, digest_of
from gradest.estimators import estimator
from gradest.estimators.base import Estimator
from gradest.problems.base import Params, Problem
from gradest.problems.data import IMAGES
from gradest.problems.variational.vae import ImageModel

LEARNING_RATE = 3e-3
BATCH = 64
SAMPLES = 8


@in_full_precision
def params_at(problem: Problem, label: str, seed: int) -> Params:
    """θ of the problem: its initialisation under `seed`, trained for its `train_steps`.

    A trained θ is read from the user's cache folder where it was trained before, with the same
    problem, seed, versions and code; training is deterministic, so that this changes nothing but
    the time.

    Args:
        problem: of which θ it is.
        label: the problem's name with every argument.
        seed: of its initialisation and its training.
    """
    configure()
    seed_key = jax.random.key(seed, impl=GENERATORS["threefry"])
    key = jax.random.fold_in(seed_key, stable_hash("initialisation"))
    start = problem.init_params(key)
    if not is_trained(problem):
        return start
    code = digest_of(code_of(__name__, problem, *standard_estimators()))
    spec = [label, seed, code, LEARNING_RATE, BATCH, SAMPLES]
    train_key = jax.random.fold_in(key, 1)
    return remembered("checkpoints", spec, start, lambda: train(problem, start, train_key))


def is_trained(problem: Problem) -> TypeGuard[ImageModel]:
    """Whether the problem is measured after some steps of training."""
    return isinstance(problem, ImageModel) and bool(problem.train_steps > 0)


def standard_estimators() -> tuple[Estimator, Estimator]:
    """What trains, and what stands for an exact gradient: pathwise, and leave-one-out elsewhere."""
    return estimator("pathwise"), estimator("score_function", baseline="leave_one_out")


def train(problem: ImageModel, params: Params, key: Array) -> Params:
    """θ after the problem's `train_steps` steps of Adam on minibatches of all its images.

    The gradient is the best for the latents: pathwise, or leave-one-out.
    """
    images = jnp.asarray(IMAGES[problem.data](), problem.images.dtype)
    pathwise, leave_one_out = standard_estimators()
    gradient = leave_one_out if pathwise.refuses(problem) else pathwise
    return _train(problem, params, gradient, images, key, steps=int(problem.train_steps))


@partial(jax.jit, static_argnames="steps")
def _train(
    problem: ImageModel,
    params: Params,
    gradient: Estimator,
    images: Float[Array, "images pixels"],
    key: Array,
    *,
    steps: int,
) -> Params:
    optimizer = optax.adam(LEARNING_RATE)

    def step(carry: tuple[Params, Any], key: Array) -> tuple[tuple[Params, Any], None]:
        params, opt_state = carry
        choice_key, sample_key = jax.random.split(key)
        minibatch = images[jax.random.choice(choice_key, len(images), (BATCH,))]
        at_minibatch = eqx.tree_at(lambda problem: problem.images, problem, minibatch)
        grads, _ = gradient.estimate(at_minibatch, params, (), sample_key, SAMPLES)
        updates, opt_state = optimizer.update(grads, opt_state)
        return (optax.apply_updates(params, updates), opt_state), None

    start = (params, optimizer.init(params))
    (params, _), _ = jax.lax.scan(step, start, jax.random.split(key, steps))
    return params
