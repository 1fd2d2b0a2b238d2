"""Breaks unbiasedness where f depends on θ: ∂f/∂θ is left out."""

from jax.lax import stop_gradient

from gradest.estimators import Evaluations
from gradest.estimators.sampling.draws import sample
from gradest.estimators.score_function.score_function import ScoreFunction


class Broken(ScoreFunction):
    def surrogate(self, problem, params, state, key, num_samples):
        q = problem.distribution(params)
        x = sample(q, key, num_samples)
        return (stop_gradient(problem.objectives(params, x)) * q.log_prob(x)).mean(0).sum(), state

    def evaluations(self, problem, num_samples):
        return Evaluations(f=num_samples, grad=0)
