"""Breaks precision: f is differenced, and float32 loses what float64 keeps."""

from jax.lax import stop_gradient

from gradest.estimators import Evaluations
from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.estimators.sampling.draws import rsample

STEP = 1e-4


class Broken(Pathwise):
    def surrogate(self, problem, params, state, key, num_samples):
        x = rsample(problem.distribution(params), key, num_samples)
        up, down = (problem.objectives(params, stop_gradient(x) + step) for step in (STEP, -STEP))
        return (stop_gradient((up - down) / (2 * STEP)) * x.sum(-1)).mean(0).sum(), state

    def evaluations(self, problem, num_samples):
        return Evaluations(f=2 * num_samples, grad=0)
