"""What checks are tried on: a problem at a θ, small enough to be quick, and what they share."""

from collections.abc import Callable, Hashable, Mapping
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from gradest.benchmarks.checks.comparisons import Failed
from gradest.benchmarks.measurement.batching import elements_per_evaluation
from gradest.benchmarks.measurement.exact_gradient import exact_gradient
from gradest.benchmarks.measurement.programs import warm_up
from gradest.benchmarks.measurement.replicates import Measurement, cell_key, measure
from gradest.benchmarks.statistics.bias import biases, exactly
from gradest.benchmarks.statistics.moments import Moments
from gradest.estimators.base import Estimator, Evaluations, State
from gradest.problems import PROBLEMS
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base
from gradest.problems.registry.lookup import build

SMALL: dict[str, dict[str, Any]] = {
    "categorical_square": {"dim": 2, "logit": 1.5},
    "categorical_norm": {"dim": 2, "categories": 3},
    "categorical_decoder": {"latent_dim": 2, "categories": 3, "num_images": 4, "hidden_dim": 8},
    "vae_categorical": {"latent_dim": 2, "categories": 3, "num_images": 4, "hidden_dim": 8},
    "vae_bernoulli": {"latent_dim": 4, "num_images": 4, "hidden_dim": 8},
    "vae_bernoulli_two_layers": {"latent_dim": 2, "num_images": 4, "hidden_dim": 4},
    "vae_gaussian": {"latent_dim": 3, "num_images": 4, "hidden_dim": 8},
    "vae_bernoulli_bound": {"latent_dim": 2, "num_particles": 3, "num_images": 4, "hidden_dim": 8},
    "vae_gaussian_bound": {"latent_dim": 2, "num_particles": 3, "num_images": 4, "hidden_dim": 8},
    "bayesian_network": {"num_rows": 8, "hidden_dim": 1},
    "random_walk": {"steps": 6},
    "dirichlet_multinomial": {"categories": 4, "trials": 6},
}
"""Arguments that make a costly problem small enough for a check."""

COMPILER = {"xla_backend_optimization_level": 0}
"""What is checked is not speed, and compiling is what takes the time."""

NUM_SAMPLES = 4
"""L where an estimator takes it, else the next that it takes."""

WARM_UP_STEPS = 200
"""Estimates made before a learned state is held fixed."""

FACTORS = (1e-3, 10.0, 100.0, -10.0, -100.0)
"""θ is multiplied by each: extreme, and still inside the domain or given up."""

MOST_REPLICATES = 20_000
LEAST_REPLICATES = 2_000
ELEMENTS = 10**9
"""R of a statistical check: as many as write so many array elements, within bounds."""


def replicates_at_most(fast: bool) -> int:
    """The largest R of a statistical check."""
    return LEAST_REPLICATES if fast else MOST_REPLICATES


def small_problem(name: str) -> Problem:
    """The problem with its defaults, or smaller where that is costly."""
    return build("problem", PROBLEMS, name, SMALL.get(name, {}))


def representatives(
    problems: Mapping[str, Problem], always: Mapping[str, Problem], fits: Callable[[Problem], bool]
) -> dict[str, Problem]:
    """Few problems: those that show what none before them does, and some that always are.

    Args:
        problems: by their names.
        always: those of them that are taken anyway.
        fits: whether an estimator is tried on a problem. Those on which it is not cost nothing: of
            them it is one for each distribution, because that is why they are refused.
    """
    chosen = dict(always)
    shown: set[Hashable] = set()
    for name, problem in problems.items():
        new = traits_of(problem) if fits(problem) else {distribution_of(problem)}
        if name not in always and not new <= shown:
            chosen[name] = problem
            shown |= new
    return chosen


def traits_of(problem: Problem) -> set[Hashable]:
    """What an estimator may do something else on.

    That is each kind of discrete x, and whether there are data points, whether f depends on θ and
    whether it is smooth.
    """
    q = problem.abstract_distribution()
    return {
        ("x", distribution_of(problem) if q.support.is_discrete else "continuous"),
        ("data", bool(q.batch_shape)),
        ("f with θ", problem.objective_uses_params),
        ("smooth", problem.smooth),
    }


def distribution_of(problem: Problem) -> str:
    """The name of the distribution of x's coordinates."""
    return type(base(problem.abstract_distribution())).__name__


def moved(tree: Any, key: Array, size: float) -> Any:
    """A tree with every float moved: off the places where terms of a gradient happen to vanish.

    Args:
        tree: of floats alone.
        key: of the Gaussian steps.
        size: their standard deviation.
    """
    leaves, structure = jax.tree.flatten(tree)
    keys = jax.random.split(key, max(1, len(leaves)))
    steps = [
        size * jax.random.normal(key, jnp.shape(leaf), jnp.result_type(leaf))
        for key, leaf in zip(keys, leaves, strict=False)
    ]
    there = [leaf + step for leaf, step in zip(leaves, steps, strict=True)]
    return jax.tree.unflatten(structure, there)


def in_precision_in_force(tree: Any) -> Any:
    """A tree with every float in the precision in force."""

    def cast(leaf: Any) -> Any:
        is_float = jnp.issubdtype(jnp.result_type(leaf), jnp.floating)
        return jnp.asarray(leaf, jnp.result_type(float)) if is_float else leaf

    return jax.tree.map(cast, tree)


def extremes(problem: Problem, params: Params) -> list[Params]:
    """θ multiplied by each of FACTORS, where the problem is finite there."""
    scaled = [jax.tree.map(lambda leaf, factor=factor: leaf * factor, params) for factor in FACTORS]
    return [there for there in scaled if bool(is_finite(problem, there))]


@jax.jit
def is_finite(problem: Problem, params: Params) -> Array:
    """Whether f, log q and their gradients are finite at a few x."""
    q = problem.distribution(params)
    x = q.sample(jax.random.key(0), (NUM_SAMPLES,)).astype(jnp.result_type(float))

    def f(params: Params, x: Array) -> Array:
        return problem.objectives(params, x).sum()

    def log_q(params: Params) -> Array:
        return problem.distribution(params).log_prob(x).sum()

    values = (
        jax.value_and_grad(f)(params, x),
        jax.grad(f, argnums=1)(params, x),
        jax.value_and_grad(log_q)(params),
    )
    return jnp.all(jnp.array([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(values)]))


class ProblemTrial:
    """A problem at a θ near its initialisation.

    Attributes:
        name: the problem's.
        problem: small enough to be quick.
        level: the probability with which chance may fail a statistical check.
        most_replicates: R of a statistical check, at most.
    """

    def __init__(
        self, name: str, problem: Problem, level: float, most_replicates: int = MOST_REPLICATES
    ) -> None:
        self.name = name
        self.problem = problem
        self.level = level
        self.most_replicates = most_replicates

    @cached_property
    def params(self) -> Params:
        """Near the initialisation, but not at it: there some terms of the gradient may vanish."""
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
    """An estimator that keeps the state that it has learned, so that its claims of terms hold."""

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
    """An estimator on a problem.

    Attributes:
        estimator: what is checked.
        problem_trial: what it is tried on.
        problem: the problem there.
        level: the probability with which chance may fail a statistical check.
    """

    def __init__(self, estimator: Estimator, problem_trial: ProblemTrial) -> None:
        self.estimator = estimator
        self.problem_trial = problem_trial
        self.problem = problem_trial.problem
        self.level = problem_trial.level
        self._measured: dict[int, Measurement] = {}

    @property
    def params(self) -> Params:
        """θ that it is tried at."""
        return self.problem_trial.params

    @cached_property
    def num_samples(self) -> int:
        """The least L from NUM_SAMPLES on that the estimator takes."""
        return self.usable(NUM_SAMPLES)

    def usable(self, least: int) -> int:
        """The least L from `least` on that the estimator takes.

        Raises:
            Failed: it takes none of a thousand.
        """
        for num_samples in range(least, least + 1024):
            if not self.estimator.refuses_samples(num_samples):
                return num_samples
        refusal = self.estimator.refuses_samples(least)
        raise Failed(
            f"refuses_samples: expected it to take some L from {least} on; found {refusal!r}"
        )

    @cached_property
    def state(self) -> State:
        """The state before the first estimate."""
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
        extreme = self.problem_trial.extreme_params
        thetas = [self.params] * len(self.keys) + extreme
        keys = jnp.concatenate([self.keys, jnp.broadcast_to(self.keys[:1], (len(extreme),))])
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
    def warmed_up(self) -> Estimator:
        """The estimator with what it learned held fixed: every L then has the same state."""
        if not jax.tree.leaves(self.state):
            return self.estimator
        states = warm_up(
            self.problem,
            self.estimator,
            self.params,
            jax.random.key(6),
            batches=1,
            num_samples=self.num_samples,
            steps=WARM_UP_STEPS,
        )
        return Frozen(self.estimator, jax.tree.map(lambda leaf: leaf[0], states))

    def measured(self, num_samples: int) -> dict[str, Moments]:
        """The moments of many replicates at L, each L measured once."""
        if num_samples not in self._measured:
            self._measured[num_samples] = measure(
                self.problem,
                self.warmed_up,
                self.params,
                num_samples=num_samples,
                replicates=self.replicates(num_samples),
                key=cell_key(7, self.problem_trial.name, "init", num_samples),
                least_timed=0,
            )
        return self._measured[num_samples].moments

    def replicates(self, num_samples: int) -> int:
        """R: as many as the elements that an estimate writes allow, whole batches of them."""
        evaluations = sum(self.estimator.evaluations(self.problem, num_samples))
        each = max(1, evaluations * elements_per_evaluation(self.problem, self.params))
        most = self.problem_trial.most_replicates
        affordable = int(np.clip(ELEMENTS // each, LEAST_REPLICATES, most))
        return affordable // 32 * 32

    def bias_p(self) -> float:
        """The p-value of the most deviant coordinate of all groups, Holm-adjusted.

        Of estimates at the trial's L, where the exact gradient is known.
        """
        truth = self.problem_trial.truth
        assert truth is not None
        moments = self.measured(self.num_samples)
        truths = {group: exactly(gradient) for group, gradient in truth.items()}
        groups = biases(moments, truths, float(np.finfo(np.float32).eps))
        return min(bias.p for bias in groups.values())
