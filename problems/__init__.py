"""What is estimated: θ, q_θ, f, and the exact gradient. To add a problem: one class, and one line here."""

from problems.arguments import build
from problems.base import Params, Problem
from problems.bernoulli import BernoulliSquare
from problems.categorical import CategoricalNorm, CategoricalSquare
from problems.gaussian import GaussianCosine, GaussianExponential, GaussianSquare, GaussianStep
from problems.logistic_regression import LogisticRegression
from problems.permutation import PlackettLuceSquare
from problems.vae import VAEBernoulli, VAECategorical, VAEGaussian

PROBLEMS: dict[str, type[Problem]] = {
    "gaussian_square": GaussianSquare,
    "gaussian_exponential": GaussianExponential,
    "gaussian_cosine": GaussianCosine,
    "gaussian_step": GaussianStep,
    "bernoulli_square": BernoulliSquare,
    "categorical_square": CategoricalSquare,
    "categorical_norm": CategoricalNorm,
    "plackett_luce_square": PlackettLuceSquare,
    "logistic_regression": LogisticRegression,
    "vae_gaussian": VAEGaussian,
    "vae_bernoulli": VAEBernoulli,
    "vae_categorical": VAECategorical,
}


def problem(name: str, **arguments: object) -> Problem:
    """The registered problem `name`.

    >>> problem("gaussian_square", k=2.0).dim
    1

    Raises:
        ValueError: an unknown name or argument (naming the nearest), or a refused value.
    """
    return build("problem", PROBLEMS, name, arguments)


__all__ = ["PROBLEMS", "Params", "Problem", "problem"]
