"""θ to measure at: a problem's initialisation, or where it is after so many steps of training.

A trained θ is the same on every machine and in every precision. Over a thousand steps rounding
errors grow ten-thousandfold and more: trained in single precision, θ differs by percents between
two processors. So it is trained in double precision on the CPU, whatever the device, and rounded to
single precision; those of our presets are shipped.
"""

import json
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, TypeGuard

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from gradest.benchmarks.measurement.replicates import stable_hash
from gradest.benchmarks.runtime.arrays import remembered
from gradest.benchmarks.runtime.configure import configure, in_full_precision
from gradest.benchmarks.runtime.environment import GENERATORS, code_of, digest_of
from gradest.estimators import estimator
from gradest.estimators.base import Estimator
from gradest.problems import PROBLEMS
from gradest.problems.base import Params, Problem
from gradest.problems.data import images_of, split
from gradest.problems.registry.instances import Choice, in_precision
from gradest.problems.trained_points import TrainedPoint, shipped_points
from gradest.problems.variational.image_model import ImageModel

LEARNING_RATE = 3e-3
BATCH = 64
SAMPLES = 8

UNSEEN = ("num_images",)
"""Arguments that training sees nothing of: it is on all images, in minibatches."""


@in_full_precision
def params_at(problem: Problem, seed: int) -> Params:
    """θ of the problem: its initialisation under `seed`, or trained for its `train_steps`.

    A trained θ is one of those that are shipped, or it is read from the user's cache folder where
    it was trained before, with the same problem, seed, versions and code.

    Args:
        problem: of which θ it is.
        seed: of its initialisation and its training.
    """
    configure()
    if not is_trained(problem):
        return problem.init_params(initial_key(seed))
    like = jax.eval_shape(problem.init_params, initial_key(seed))
    recipe = recipe_of(problem, seed)
    if recipe in shipped_points():
        return unflattened(shipped_points()[recipe].theta, like)
    size = sum(leaf.size for leaf in jax.tree.leaves(like))
    spec = [recipe, training_code(problem)]
    make = partial(trained, problem, seed)
    return unflattened(remembered("checkpoints", spec, np.zeros(size, np.float32), make), like)


def is_trained(problem: Problem) -> TypeGuard[ImageModel]:
    """Whether the problem is measured after some steps of training."""
    return isinstance(problem, ImageModel) and bool(problem.train_steps > 0)


def is_shipped(problem: Problem, seed: int) -> bool:
    """Whether the trained θ of a problem is one of those that are shipped."""
    return is_trained(problem) and recipe_of(problem, seed) in shipped_points()


def initial_key(seed: int) -> Array:
    """The key of θ's initialisation."""
    seed_key = jax.random.key(seed, impl=GENERATORS["threefry"])
    return jax.random.fold_in(seed_key, stable_hash("initialisation"))


def recipe_of(problem: ImageModel, seed: int) -> str:
    """Everything that decides a trained θ, but for versions and code, as JSON."""
    choice = Choice.of_instance(PROBLEMS, problem)
    recipe = {
        "problem": choice.name,
        "arguments": {k: v for k, v in choice.named_by.items() if k not in UNSEEN},
        "revision": type(problem).revision + type(problem).training_revision,
        "seed": seed,
        "optimizer": "adam",
        "learning_rate": LEARNING_RATE,
        "batch": BATCH,
        "samples": SAMPLES,
    }
    return json.dumps(recipe, sort_keys=True)


def training_code(problem: ImageModel) -> str:
    """A digest of the code that training runs through: this module, the problem, the estimators."""
    code = code_of(__name__, problem, *standard_estimators())
    ours = {name: digest for name, digest in code.items() if trains(name)}
    return digest_of(ours)


def trains(module: str) -> bool:
    """Whether training runs through a module: of benchmarks, through this one alone."""
    return module == __name__ or not module.startswith("gradest.benchmarks.")


def shippable(problem: ImageModel, seed: int) -> TrainedPoint:
    """The problem's trained θ, trained now."""
    theta = trained(problem, seed)
    return TrainedPoint(recipe_of(problem, seed), theta, training_code(problem))


def unflattened(theta: Float[np.ndarray, " P"], like: Params) -> Params:
    """The numbers of θ as arrays with the shapes and dtypes of `like`."""
    leaves, structure = jax.tree.flatten(like)
    ends = np.cumsum([leaf.size for leaf in leaves])
    parts = zip(np.split(theta, ends[:-1]), leaves, strict=True)
    arrays = [jnp.asarray(part.reshape(leaf.shape), leaf.dtype) for part, leaf in parts]
    return jax.tree.unflatten(structure, arrays)


def standard_estimators() -> tuple[Estimator, Estimator]:
    """What trains, and what stands for an exact gradient: pathwise, and leave-one-out elsewhere."""
    return estimator("pathwise"), estimator("score_function", baseline="leave_one_out")


@in_full_precision
def trained(problem: ImageModel, seed: int) -> Float[np.ndarray, " P"]:
    """θ after the problem's `train_steps` steps of Adam on minibatches of all its images.

    The gradient is the best for the latents: pathwise, or leave-one-out. All of it is in double
    precision on the CPU, with the random numbers of JAX's own settings.
    """
    configure()
    with jax.enable_x64(True), jax.threefry_partitionable(True), on_cpu():
        # by way of the host: what lies on another device would be computed with there
        on_host = jax.tree.map(np.asarray, in_precision(problem, "float64"))
        wide = jax.tree.map(jnp.asarray, on_host)
        key = initial_key(seed)
        order = np.sort(np.concatenate(split(problem.data)))
        images = jnp.asarray(images_of(problem.data, problem.binarised, order), jnp.float64)
        pathwise, leave_one_out = standard_estimators()
        gradient = leave_one_out if pathwise.refuses(wide) else pathwise
        start = wide.init_params(key)
        train_key = jax.random.fold_in(key, 1)
        end = _train(wide, start, gradient, images, train_key, steps=int(problem.train_steps))
        return np.concatenate([np.ravel(np.float32(leaf)) for leaf in jax.tree.leaves(end)])


def on_cpu() -> AbstractContextManager:
    """Computes on the CPU; where JAX was told to do without one, on what there is."""
    try:
        return jax.default_device(jax.local_devices(backend="cpu")[0])
    except RuntimeError:
        return nullcontext()


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
