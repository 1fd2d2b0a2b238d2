"""A file to begin an estimator or a problem of one's own with: it passes `gradest check`."""

import keyword
from pathlib import Path
from typing import NamedTuple

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.runtime.files import write_atomically
from gradest.problems.arguments import shown

ESTIMATOR = '''"""An estimator of gradients of our own: `gradest check {file}:{cls}`."""

from gradest.estimators import Evaluations, SurrogateEstimator
from gradest.estimators.sampling import sample
from jax.lax import stop_gradient


class {cls}(SurrogateEstimator):
    r"""$\\frac1L \\sum_l [f(x_l) - \\bar f_{{-l}}] \\nabla \\log q(x_l)$.

    The baseline of a draw is the mean of the others' f. Unbiased.
    Cost: L evaluations of f.
    """

    unbiased = True
    differentiates_f = False  # does the gradient pass through f's dependence on x?
    purpose = "a baseline of the other draws"  # what it is for, in a few words
    source = ""

    @property
    def min_samples(self):
        return 2

    def refuses(self, problem):
        return None  # or the reason why this problem cannot be estimated

    def surrogate(self, problem, params, state, key, num_samples):
        q = problem.distribution(params)
        x = sample(q, key, num_samples)
        f = problem.objectives(params, x)  # of each draw, and data point if any
        others = (f.sum(0) - f) / (num_samples - 1)
        # its gradient is the estimate; what stop_gradient goes round is a constant
        return (stop_gradient(f - others) * q.log_prob(x) + f).mean(0).sum(), state

    def evaluations(self, problem, num_samples):
        return Evaluations(f=num_samples, grad=problem.direct_gradients(num_samples))
'''

PROBLEM = '''"""A problem of our own: `gradest check {file}:{cls}`."""

import jax
import numpyro.distributions as dist
from gradest.problems import Problem
from gradest.problems.arguments import Number, number


class {cls}(Problem):
    r"""$f(x) = (\\sum_i x_i - k)^2$ of four bits: k of them should be 1.

    Truth: in closed form, $E[f] = \\sum_i p_i (1 - p_i) + (\\sum_i p_i - k)^2$.
    """

    target: Number = number(2.0, "k, how many bits should be 1")

    truth = "closed form"  # with exact_gradient; leave both out where it is not known
    smooth = True  # is f continuous, and differentiable in x almost everywhere?
    purpose = "how many of four bits are 1"  # what it is for, in a few words

    def init_params(self, key):
        return {{"logits": 0.5 * jax.random.normal(key, (4,))}}

    def distribution(self, params):
        return dist.Bernoulli(logits=params["logits"]).to_event(1)

    def objective(self, params, x):
        return (x.sum() - self.target) ** 2

    def exact_gradient(self, params):
        def value(params):
            p = jax.nn.sigmoid(params["logits"])
            return (p * (1 - p)).sum() + (p.sum() - self.target) ** 2

        return jax.grad(value)(params)
'''

TEMPLATES = {"estimator": ESTIMATOR, "problem": PROBLEM}


class Started(NamedTuple):
    """What was written."""

    path: Path
    name: str
    """Of the class, as commands take it: `file.py:Class`."""

    @property
    def following(self) -> list[str]:
        """What to type next."""
        return [f"gradest check {self.name} --fast", f"gradest describe {self.name}"]


def start(kind: str, name: str, output: Path | None) -> Started:
    """Writes a file with a class to begin with.

    Args:
        kind: "estimator" or "problem".
        name: of the module; the class has it in capitals.
        output: the file; NAME.py in the working folder where it is None.

    Raises:
        BadInput: the name is no identifier, or the file is there already.
    """
    if keyword.iskeyword(name):
        raise BadInput(
            f"new {kind} {shown(name)}: expected another name: it is a keyword of Python's"
        )
    if not name.isidentifier() or not name.isascii():
        raise BadInput(
            f"new {kind} {shown(name)}: expected a name of ASCII letters, digits and _ that begins "
            "with a letter, as Python has them"
        )
    path = output or Path(f"{name}.py")
    if path.suffix != ".py":
        raise BadInput(f"-o {path}: expected a file that ends in .py")
    if path.exists():
        raise BadInput(f"{path} is there already: expected another name, or -o FILE")
    cls = class_called(name)
    write_atomically(path, TEMPLATES[kind].format(file=path, cls=cls))
    return Started(path, f"{path}:{cls}")


def class_called(name: str) -> str:
    """A module's name as that of a class.

    >>> class_called("my_estimator"), class_called("SelfCritical")
    ('MyEstimator', 'SelfCritical')
    """
    return "".join(part[:1].upper() + part[1:] for part in name.split("_")) or name
