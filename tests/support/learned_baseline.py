r"""A score function with one scalar baseline, trained by gradient on $\|g\|^2$."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient

from gradest.estimators import Evaluations, SurrogateEstimator
from gradest.estimators.learning import Trainable
from gradest.estimators.sampling.draws import sample
from gradest.problems.arguments import Number, number


class LearnedBaseline(SurrogateEstimator, Trainable):
    r"""$\frac1L \sum_l [f_l - b] \nabla_\theta \log q_\theta + \partial_\theta f$. Unbiased."""

    learning_rate: Number = number(1e-3, "of b", above=0)

    unbiased: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = "Mnih and Gregor, 2014"

    def advantage(self, f, state):
        return stop_gradient(f) - state  # round f alone: b is trained through here

    def surrogate(self, problem, params, state, key, num_samples):
        q = problem.distribution(params)
        x = sample(q, key, num_samples)
        f = problem.objectives(params, x)
        return (self.advantage(f, state) * q.log_prob(x) + f).mean(0).sum(), state

    def trained(self, state):
        return state

    def training_objective(self, learned, problem, params, state, key, num_samples):
        estimate, _ = super().estimate(problem, params, learned, key, num_samples)
        return sum((leaf**2).sum() for leaf in jax.tree.leaves(estimate)), estimate

    def estimate(self, problem, params, state, key, num_samples):
        grads, estimate = jax.grad(self.training_objective, has_aux=True)(
            state, problem, params, state, key, num_samples
        )
        return estimate, state - self.learning_rate * grads

    def init(self, problem, params, key):
        return jnp.zeros((), jnp.result_type(float))

    def refuses(self, problem):
        return None

    def evaluations(self, problem, num_samples):
        return Evaluations(f=num_samples, grad=problem.direct_gradients(num_samples))
