"""Breaks recompilation: the temperature is static, so that each value compiles a program."""

import equinox as eqx

from gradest.estimators.discrete.gumbel_softmax import Relaxed
from gradest.estimators.sampling.relaxations import relaxed_sample
from gradest.problems.arguments import as_float
from gradest.problems.distributions.coordinates import base


class Broken(Relaxed):
    temperature: float = eqx.field(default=0.5, static=True)

    def surrogate(self, problem, params, state, key, num_samples):
        q = base(problem.distribution(params))
        relaxed = relaxed_sample(q, key, num_samples, as_float(self.temperature))
        return problem.objectives(params, relaxed).mean(0).sum(), state
