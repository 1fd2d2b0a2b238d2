"""Self-critical REINFORCE (Rennie et al., 2017), and max-cut."""

import jax
import numpyro.distributions as dist

from gradest.estimators.base import Evaluations, SurrogateEstimator
from gradest.estimators.sampling import base, sample


class SelfCritical(SurrogateEstimator):
    r"""$[f(x) - f(\text{mode})] \nabla\log q(x)$. Unbiased. Cost: (L + 1) evaluations of f."""

    unbiased = True
    independent_terms = True
    source = "Rennie et al., 2017"

    def surrogate(self, problem, params, state, key, num_samples):
        q = problem.distribution(params)
        x = sample(q, key, num_samples)
        costs = problem.objectives(params, x)
        greedy = problem.objectives(params, (base(q).probs > 0.5).astype(x.dtype)[None])
        advantage = jax.lax.stop_gradient(costs - greedy)
        return (advantage * q.log_prob(x) + costs).mean(0).sum(), state

    def refuses(self, problem):
        q = base(problem.abstract_distribution())
        return None if isinstance(q, dist.BernoulliLogits) else "only bits have a greedy x here"

    def evaluations(self, problem, num_samples):
        return Evaluations(f=num_samples + 1, grad=num_samples * problem.objective_uses_params)
