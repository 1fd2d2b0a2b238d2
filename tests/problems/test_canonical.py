"""numpyro's Bernoulli variables are ours to every estimator, whichever a user's problem has."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

from gradest.estimators import ESTIMATORS
from gradest.problems.base import Problem
from gradest.problems.canonical import canonical
from gradest.problems.distributions import Bernoulli
from gradest.problems.distributions.coordinates import base

MADE = {
    "ours": Bernoulli,
    "logits": lambda logits: dist.Bernoulli(logits=logits),
    "probabilities": lambda logits: dist.Bernoulli(probs=jax.nn.sigmoid(logits)),
}


def problem_of(make) -> Problem:
    class Bits(Problem):
        def init_params(self, key):
            return {"logits": jnp.array([0.5, 0.0, -1.0])}

        def distribution(self, params):
            """q."""
            return make(params["logits"]).to_event(1)

        def objective(self, params, x):
            return (x * jnp.array([1.0, 2.0, -1.0])).sum() + x.prod()

    return Bits()


PROBLEMS = {name: problem_of(make) for name, make in MADE.items()}


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_class_is_ours(name):
    q = PROBLEMS[name].abstract_distribution()
    assert type(base(q)) is Bernoulli
    assert q.event_shape == (3,)


def test_the_wrapped_method_is_the_user_s():
    assert PROBLEMS["logits"].distribution.__name__ == "distribution"
    assert type(PROBLEMS["logits"]).distribution.__doc__ == "q."


def test_no_estimator_tells_them_apart():
    refusals = {
        name: [cls().refuses(problem) for cls in ESTIMATORS.values()]
        for name, problem in PROBLEMS.items()
    }
    assert refusals["ours"] == refusals["logits"] == refusals["probabilities"]


@pytest.mark.parametrize("name", ["score_function", "measure_valued", "enumeration"])
def test_the_estimates_are_the_same(name):
    made = ESTIMATORS[name]()
    found = {}
    for kind, problem in PROBLEMS.items():
        params = problem.init_params(None)
        state = made.init(problem, params, jax.random.key(0))
        grads, _ = made.estimate(problem, params, state, jax.random.key(1), 4)
        found[kind] = np.asarray(grads["logits"])
    np.testing.assert_array_equal(found["logits"], found["ours"])
    np.testing.assert_allclose(found["probabilities"], found["ours"], rtol=1e-5, atol=1e-6)


def test_others_stay():
    class Mine(dist.BernoulliLogits):
        pass

    for q in (Mine(jnp.zeros(2)), dist.Normal(0.0, 1.0).expand([2]).to_event(1)):
        assert canonical(q) is q
