"""A module of a user's whose classes make the commonest slips, each in one method."""

MODULE = """
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

from gradest.estimators import Evaluations
from gradest.estimators.base import SurrogateEstimator
from gradest.estimators.sampling import sample
from gradest.problems.base import Problem


class Sound(Problem):
    def init_params(self, key):
        return {"w": 0.5 * jax.random.normal(key, (3,))}

    def distribution(self, params):
        return dist.Normal(params["w"], 0.5).to_event(1)

    def objective(self, params, x):
        return (x**2).sum()


class TruthValue(Sound):
    def objective(self, params, x):
        if x[0] > 0:  # here
            return x.sum()
        return -x.sum()


class NumpyCalled(Sound):
    def objective(self, params, x):
        return np.sin(x).sum()  # here


class NoSuchAttribute(Sound):
    def objective(self, params, x):
        return (x * self.weights).sum()  # here


class NoSuchKey(Sound):
    def objective(self, params, x):
        return (x - params["mean"]).sum()  # here


class Divided(Sound):
    def objective(self, params, x):
        return x.sum() / (1 // len(()))  # here


class Asserted(Sound):
    def objective(self, params, x):
        assert x.ndim == 2, "x is no matrix"  # here
        return x.sum()


class Exits(Sound):
    def objective(self, params, x):
        raise SystemExit(0)  # here


class Generates(Sound):
    def objective(self, params, x):
        raise GeneratorExit  # here


class Unsaid(Exception):
    def __str__(self):
        raise ValueError("no text")


class SaysNothing(Sound):
    def objective(self, params, x):
        raise Unsaid  # here


class Recurses(Sound):
    def objective(self, params, x):
        return self.objective(params, x)  # here


class Stores(Sound):
    def objective(self, params, x):
        self.last = x  # here
        return x.sum()


class Unbroadcast(Sound):
    def objective(self, params, x):
        return (x * jnp.ones(4)).sum()  # here


class BrokenInit(Sound):
    def init_params(self, key):
        return {"w": jnp.zeros(3)[key]}  # here


class BrokenDistribution(Sound):
    def distribution(self, params):
        return dist.Normall(params["w"], 0.5)  # here


LEAKED = []


class Leaks(Sound):
    def objective(self, params, x):
        LEAKED.append(x)
        return (x * LEAKED[0]).sum()  # here


class Whole(Sound):
    def objective(self, params, x):
        return (x > 0).sum()


class Unsummed(Sound):
    def objective(self, params, x):
        return x**2


class WholeTheta(Sound):
    def init_params(self, key):
        return {"w": jnp.arange(3)}


class NoDict(Sound):
    def init_params(self, key):
        return jnp.zeros(3)


class NotFinite(Sound):
    def init_params(self, key):
        return {"w": jnp.array([0.0, jnp.inf, 0.0])}


class NoNumber(Sound):
    def init_params(self, key):
        return {"w": jnp.zeros(0)}


class NoDistribution(Sound):
    def distribution(self, params):
        return params["w"]


class OtherTruth(Sound):
    def exact_gradient(self, params):
        return {"w": 2 * params["w"].sum()}


class PlainField(Sound):
    size: int = 3


class Plain(SurrogateEstimator):
    unbiased = True
    source = "nobody"

    def surrogate(self, problem, params, state, key, num_samples):
        q = problem.distribution(params)
        x = sample(q, key, num_samples)
        return (jax.lax.stop_gradient(problem.objectives(params, x)) * q.log_prob(x)).mean(), state

    def refuses(self, problem):
        return None

    def evaluations(self, problem, num_samples):
        return Evaluations(f=num_samples, grad=0)


class AsksTheKey(Plain):
    def estimate(self, problem, params, state, key, num_samples):
        if key:  # here
            return params, state


class Refuses(Plain):
    def refuses(self, problem):
        return problem.nothing_of_the_kind  # here


class RefusesByNumber(Plain):
    def refuses(self, problem):
        return 3


class Counts(Plain):
    def evaluations(self, problem, num_samples):
        return Evaluations(f=num_samples)  # here


class CountsHalves(Plain):
    def evaluations(self, problem, num_samples):
        return num_samples / 2


class Starts(Plain):
    def init(self, problem, params, key):
        return jax.nothing(key)  # here


class WholeEstimate(Plain):
    def estimate(self, problem, params, state, key, num_samples):
        return jax.tree.map(lambda leaf: jnp.ones(leaf.shape, int), params), state


class OtherGroups(Plain):
    def estimate(self, problem, params, state, key, num_samples):
        return {"v": params["mean"]}, state


class MoreGroups(Plain):
    def estimate(self, problem, params, state, key, num_samples):
        return params | {"v": params["mean"]}, state


class NoState(Plain):
    def estimate(self, problem, params, state, key, num_samples):
        return params


class GrowingState(Plain):
    def init(self, problem, params, key):
        return jnp.zeros(2)

    def estimate(self, problem, params, state, key, num_samples):
        return params, jnp.append(state, 0.0)
"""

SWEEP = """
schema = 1
name = "slips"
replicates = 40
reference_replicates = 40
samples = [2]
"""


def sweep_of(problems: list[str], estimators: list[str]) -> str:
    """A sweep of classes by their names."""
    entries = [f'[[problem]]\nname = "{name}"\n' for name in problems]
    entries += [f'[[estimator]]\nname = "{name}"\n' for name in estimators]
    return SWEEP + "".join(entries)


def line_of(cls: str) -> int:
    """The line of a class's slip, which says "here"; 0 where it is in none."""
    lines = MODULE.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"class {cls}("))
    for number, line in enumerate(lines[start + 1 :], start + 2):
        if line.startswith("class "):
            return 0
        if line.endswith("# here"):
            return number
    return 0
