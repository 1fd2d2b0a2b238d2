"""θ to measure at: a problem's initialisation, or the checkpoint after a stated number of training steps."""

import hashlib
import io
import os
from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from gradest.benchmarks.measurement.replicates import stable_hash
from gradest.benchmarks.runtime.configure import configure
from gradest.benchmarks.runtime.environment import GENERATORS, environment, sources
from gradest.estimators import estimator
from gradest.estimators.base import Estimator
from gradest.problems.base import Params, Problem
from gradest.problems.cache import cache_folder
from gradest.problems.data import IMAGES
from gradest.problems.variational.vae import ImageModel

LEARNING_RATE = 3e-3
BATCH = 64
SAMPLES = 8


def params_at(problem: Problem, label: str, seed: int) -> Params:
    """θ of the problem: its initialisation under `seed`, trained for its `train_steps`.

    A trained θ is read from the user's cache folder where it was trained before, with the same
    problem, seed and versions; training is deterministic, so that this changes nothing but the
    time.
    """
    key = jax.random.fold_in(
        jax.random.key(seed, impl=GENERATORS["threefry"]), stable_hash("initialisation")
    )
    configure()
    if not isinstance(problem, ImageModel) or problem.train_steps == 0:
        return problem.init_params(key)
    start = problem.init_params(key)
    spec = [label, seed, sorted(sources(problem).items()), LEARNING_RATE, BATCH, SAMPLES]
    return remembered(
        "checkpoints", spec, start, lambda: train(problem, start, jax.random.fold_in(key, 1))
    )


def remembered(kind: str, spec: list, like: Any, make: Callable[[], Any]) -> Any:
    """What `make` makes, arrays shaped `like` it: from the user's cache folder where it was made of
    `spec` before.

    Other versions or hardware make it anew.
    """
    digest = hashlib.sha256(repr([*spec, sorted(environment().items())]).encode()).hexdigest()[:16]
    path = cache_folder() / kind / f"{digest}.eqx"
    if path.exists():
        try:
            return eqx.tree_deserialise_leaves(path, like)
        except (OSError, ValueError, RuntimeError, EOFError):
            pass  # a cache that cannot be read is no reason to stop: it is made again
    made = make()
    keep(path, made)
    return made


def train(problem: ImageModel, params: Params, key: Array) -> Params:
    """Adam on minibatches of all images, with the best gradient for the latents: pathwise, or leave-one-out."""
    images = jnp.asarray(IMAGES[problem.data](), problem.images.dtype)
    gradient = estimator("pathwise")
    if gradient.refuses(problem):
        gradient = estimator("score_function", baseline="leave_one_out")
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
        params, momenta = carry
        choice_key, sample_key = jax.random.split(key)
        minibatch = images[jax.random.choice(choice_key, len(images), (BATCH,))]
        at_minibatch = eqx.tree_at(lambda problem: problem.images, problem, minibatch)
        estimate, _ = gradient.estimate(at_minibatch, params, (), sample_key, SAMPLES)
        updates, momenta = optimizer.update(estimate, momenta)
        return (optax.apply_updates(params, updates), momenta), None

    (params, _), _ = jax.lax.scan(
        step, (params, optimizer.init(params)), jax.random.split(key, steps)
    )
    return params


def keep(path: Any, arrays: Any) -> None:
    """Writes arrays so that a killed run leaves no half-written file."""
    buffer = io.BytesIO()
    eqx.tree_serialise_leaves(buffer, arrays)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(buffer.getvalue())
    part.replace(path)


def checksum(params: Params) -> str:
    """Of every number of θ."""
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(params):
        digest.update(np.asarray(leaf).tobytes())
    return digest.hexdigest()[:16]
