"""What a check is tried on: a problem at a θ, small enough to be quick, and what its checks share."""

import dataclasses
from collections.abc import Callable
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from gradest.benchmarks.measurement.batching import elements_per_evaluation
from gradest.benchmarks.measurement.exact_gradient import exact_gradient
from gradest.benchmarks.measurement.programs import warm_up
from gradest.benchmarks.measurement.replicates import Measurement, cell_key, measure
from gradest.benchmarks.statistics.bias import biases, exactly
from gradest.benchmarks.statistics.moments import Moments
from gradest.estimators.base import Estimator, Evaluations, State
from gradest.problems import PROBLEMS
from gradest.problems.arguments import arguments
from gradest.problems.base import Params, Problem
from gradest.problems.registry.lookup import build

SMALL: dict[str, dict[str, Any]] = {
    "categorical_square": {"dim": 2, "logit": 1.5},
    "categorical_norm": {"dim": 2, "categories": 3},
    "vae_categorical": {"latent_dim": 2, "categories": 3, "num_images": 4, "hidden_dim": 8},
    "vae_bernoulli": {"latent_dim": 4, "num_images": 4, "hidden_dim": 8},
    "vae_bernoulli_two_layers": {"latent_dim": 2, "num_images": 4, "hidden_dim": 4},
    "vae_gaussian": {"latent_dim": 3, "num_images": 4, "hidden_dim": 8},
    "vae_bernoulli_bound": {"latent_dim": 2, "num_particles": 3, "num_images": 4, "hidden_dim": 8},
    "vae_gaussian_bound": {"latent_dim": 2, "num_particles": 3, "num_images": 4, "hidden_dim": 8},
    "bayesian_network": {"num_rows": 8, "hidden_dim": 1},
}
"""Arguments that make a costly problem small enough for a check."""

COMPILER = {"xla_backend_optimization_level": 0}
"""What is checked is not speed, and compiling is what takes the time."""

NUM_SAMPLES = 4
"""L where an estimator takes it, else the next that it takes."""

ADAPT_STEPS = 200
"""Estimates made before a learned state is held fixed."""

FACTORS = (1e-3, 10.0, 100.0, -10.0, -100.0)
"""θ is multiplied by each: extreme, and still inside the domain or given up."""

MOST_REPLICATES, LEAST_REPLICATES, ELEMENTS = 20_000, 2_000, 10**9
"""R of a statistical check: as many as write so many array elements, within bounds."""


class Failed(Exception):
    """A check's finding: what was expected and what was found."""


class Skipped(Exception):
    """Why a check does not apply."""


def expect(condition: Any, sentence: str) -> None:
    """Fails the check with `sentence` where the condition does not hold."""
    if not condition:
        raise Failed(sentence)


def small_problem(name: str) -> Problem:
    """The problem with its defaults, or smaller where that is costly."""
    return build("problem", PROBLEMS, name, SMALL.get(name, {}))


def moved(tree: Any, key: Array, size: float) -> Any:
    """Every float in `tree` moved by a Gaussian step: off the places where terms of a gradient happen to vanish."""
    leaves, structure = jax.tree.flatten(tree)
    keys = jax.random.split(key, max(1, len(leaves)))
    steps = [
        size * jax.random.normal(key, jnp.shape(leaf), jnp.result_type(leaf))
        for key, leaf in zip(keys, leaves)
    ]
    return jax.tree.unflatten(
        structure, [leaf + step for leaf, step in zip(leaves, steps, strict=True)]
    )


def in_precision_in_force(tree: Any) -> Any:
    """Every float in `tree` in the precision in force."""

    def cast(leaf: Any) -> Any:
        is_float = jnp.issubdtype(jnp.result_type(leaf), jnp.floating)
        return jnp.asarray(leaf, jnp.result_type(float)) if is_float else leaf

    return jax.tree.map(cast, tree)


def paths(tree: Any) -> dict[str, Any]:
    """The leaves of a tree by their place in it."""
    return {
        jax.tree_util.keystr(path): leaf
        for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]
    }


def other_numbers(thing: Any) -> dict[str, Any]:
    """For each argument that is a number: the same problem or estimator with another value of it."""
    kinds = arguments(type(thing))
    found = {}
    for name, value in vars(thing).items():
        declared = kinds[name].kind == "number" if name in kinds else type(value) is float
        if declared and np.size(value) == 1:
            for candidate in (
                float(value) * 1.25 + 0.0625,
                float(value) * 0.75,
                float(value) + 1,
                float(value) - 1,
            ):
                try:
                    found[name] = remade(thing, **{name: candidate})
                except (TypeError, ValueError):
                    continue
                break
    return found


def remade(thing: Any, **changes: Any) -> Any:
    """Made anew from its fields, some of them changed."""
    taken = {
        field.name: getattr(thing, field.name) for field in dataclasses.fields(thing) if field.init
    }
    return type(thing)(**taken | changes)


def retraced(function: Callable, first: tuple, others: dict[str, tuple]) -> list[str]:
    """The names of those arguments in `others` for which `function`, compiled for `first`, is compiled again."""
    traces: list[None] = []

    def counting(*args: Any) -> Any:
        traces.append(None)
        return function(*args)

    compiled = jax.jit(counting)
    jax.eval_shape(compiled, *first)
    again = []
    for name, args in others.items():
        before = len(traces)
        jax.eval_shape(compiled, *args)
        if len(traces) > before:
            again.append(name)
    return again


def extremes(problem: Problem, params: Params) -> list[Params]:
    """θ multiplied by each of FACTORS, where f, log q and their gradients are finite there."""

    @jax.jit
    def is_sound(problem: Problem, params: Params) -> Array:
        q = problem.distribution(params)
        x = q.sample(jax.random.key(0), (NUM_SAMPLES,)).astype(jnp.result_type(float))
        values = (
            jax.value_and_grad(lambda params: problem.objectives(params, x).sum())(params),
            jax.grad(lambda x: problem.objectives(params, x).sum())(x),
            jax.value_and_grad(lambda params: problem.distribution(params).log_prob(x).sum())(
                params
            ),
        )
        return jnp.all(jnp.array([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(values)]))

    scaled = [jax.tree.map(lambda leaf, factor=factor: leaf * factor, params) for factor in FACTORS]
    return [params for params in scaled if bool(is_sound(problem, params))]


class ProblemTrial:
    """A problem at a θ near its initialisation."""

    def __init__(self, name: str, problem: Problem, level: float) -> None:
        self.name, self.problem, self.level = name, problem, level

    @cached_property
    def params(self) -> Params:
        """Near the initialisation but not at it, where some terms of the gradient happen to vanish (the KL's, say)."""
        return moved(self.problem.init_params(jax.random.key(3)), jax.random.key(4), 0.1)

    @cached_property
    def extreme_params(self) -> list[Params]:
        """θ where it is extreme and the problem still makes sense."""
        return extremes(self.problem, self.params)

    @cached_property
    def truth(self) -> dict[str, Any] | None:
        """The exact gradient at θ."""
        return exact_gradient(self.problem, self.params)


class Frozen(Estimator):
    """An estimator with the state that it has learned, which it keeps: its terms are then those that it claims."""

    estimator: Estimator
    state: State

    def estimate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Params, State]:
        return self.estimator.estimate(problem, params, self.state, key, num_samples)[0], state

    def refuses(self, problem: Problem) -> str | None:
        return self.estimator.refuses(problem)

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return self.estimator.evaluations(problem, num_samples)

    def refuses_samples(self, num_samples: int) -> str | None:
        return self.estimator.refuses_samples(num_samples)


class EstimatorTrial:
    """An estimator on a problem."""

    def __init__(self, estimator: Estimator, on: ProblemTrial) -> None:
        self.estimator, self.on, self.problem, self.level = estimator, on, on.problem, on.level
        self._measured: dict[int, Measurement] = {}

    @property
    def params(self) -> Params:
        """θ that it is tried at."""
        return self.on.params

    @cached_property
    def num_samples(self) -> int:
        """The least L from NUM_SAMPLES on that the estimator takes."""
        return self.usable(NUM_SAMPLES)

    def usable(self, least: int) -> int:
        """The least L from `least` on that the estimator takes."""
        for num_samples in range(least, least + 1024):
            if not self.estimator.refuses_samples(num_samples):
                return num_samples
        raise Failed(
            f"refuses_samples: expected it to take some L from {least} on; found {self.refusal(least)!r}"
        )

    def refusal(self, num_samples: int) -> str | None:
        """Why the estimator cannot take so many samples."""
        return self.estimator.refuses_samples(num_samples)

    @cached_property
    def state(self) -> State:
        """Before the first estimate."""
        return self.estimator.init(self.problem, self.params, jax.random.key(1))

    def estimate(
        self, problem: Problem, estimator: Estimator, params: Params, state: State, key: Array
    ) -> tuple[Params, State]:
        """One estimate at the trial's L, as a function of all that may change."""
        return estimator.estimate(problem, params, state, key, self.num_samples)

    @cached_property
    def keys(self) -> Array:
        """Three keys, the first two of them equal."""
        return jax.random.split(jax.random.key(2), 2)[jnp.array([0, 0, 1])]

    @cached_property
    def rows(self) -> Params:
        """Estimates, compiled and batched: one for each of `keys`, then one for each extreme θ."""
        thetas = [self.params] * len(self.keys) + self.on.extreme_params
        keys = jnp.concatenate(
            [self.keys, jnp.broadcast_to(self.keys[:1], (len(self.on.extreme_params),))]
        )
        batched = jax.jit(
            jax.vmap(lambda *args: self.estimate(*args)[0], in_axes=(None, None, 0, None, 0)),
            compiler_options=COMPILER,
        )
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *thetas)
        return jax.device_get(batched(self.problem, self.estimator, stacked, self.state, keys))

    @cached_property
    def single(self) -> list[Params]:
        """Estimates for each of `keys`, one by one and not compiled."""
        args = (self.problem, self.estimator, self.params, self.state)
        return [jax.device_get(self.estimate(*args, key)[0]) for key in self.keys]

    @cached_property
    def settled(self) -> Estimator:
        """The estimator, with what it learned in ADAPT_STEPS estimates held fixed: every L then has the same state."""
        if not jax.tree.leaves(self.state):
            return self.estimator
        states = warm_up(
            self.problem,
            self.estimator,
            self.params,
            jax.random.key(6),
            batches=1,
            num_samples=self.num_samples,
            steps=ADAPT_STEPS,
        )
        return Frozen(self.estimator, jax.tree.map(lambda leaf: leaf[0], states))

    def measured(self, num_samples: int) -> dict[str, Moments]:
        """The moments of many replicates at L, each L measured once."""
        if num_samples not in self._measured:
            cost = sum(self.estimator.evaluations(self.problem, num_samples))
            each = max(1, cost * elements_per_evaluation(self.problem, self.params))
            replicates = (
                int(np.clip(ELEMENTS // each, LEAST_REPLICATES, MOST_REPLICATES)) // 32 * 32
            )
            self._measured[num_samples] = measure(
                self.problem,
                self.settled,
                self.params,
                num_samples=num_samples,
                replicates=replicates,
                key=cell_key(7, self.on.name, "init", num_samples),
            )
        return self._measured[num_samples].moments

    def bias_p(self) -> float:
        """The p-value of the most deviant coordinate of all groups, Holm-adjusted, at the trial's L."""
        moments, truth = self.measured(self.num_samples), self.on.truth
        assert truth is not None
        truths = {group: exactly(gradient) for group, gradient in truth.items()}
        return min(
            found.p for found in biases(moments, truths, float(np.finfo(np.float32).eps)).values()
        )
