"""A control variate that is trained wrongly."""

from jax.lax import stop_gradient

from gradest.benchmarks.checks.statistical_checks import learned_gradients
from gradest.benchmarks.checks.trials import EstimatorTrial, ProblemTrial
from gradest.problems import problem
from tests.support.bits import LOGIT, T


def half_trained(cls: type) -> type:
    """The same estimates, but half of what is learned from them passes a stop_gradient."""

    class HalfTrained(cls):
        def surrogate(self, problem, params, state, key, num_samples):
            loss, _ = super().surrogate(problem, params, state, key, num_samples)
            stopped, _ = super().surrogate(problem, params, stop_gradient(state), key, num_samples)
            return (loss + stopped) / 2, state

    return HalfTrained


def check_training(cls: type, **arguments) -> None:
    """The check of learned gradients, on such a copy of an estimator."""
    toy = problem("bernoulli_square", t=T, logit=LOGIT, dim=2)
    trial = ProblemTrial("toy", toy, 1e-4)
    learned_gradients(EstimatorTrial(half_trained(cls)(**arguments), trial))
