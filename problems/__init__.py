"""What is estimated: θ, q_θ, f, and the exact gradient.

To add a problem: one class, and one line here.
"""

from collections.abc import Mapping
from typing import Any

from gradest.problems.base import Params, Problem
from gradest.problems.control.bandit import Bandit
from gradest.problems.control.chaotic_rollout import ChaoticRollout
from gradest.problems.control.linear_quadratic_control import LinearQuadraticControl
from gradest.problems.control.random_walk import RandomWalk
from gradest.problems.control.token_policy import TokenPolicy
from gradest.problems.registry.lookup import KINDS, build
from gradest.problems.registry.naming import resolve
from gradest.problems.toys.bernoulli import BernoulliShared, BernoulliSquare
from gradest.problems.toys.categorical import CategoricalNorm, CategoricalSquare
from gradest.problems.toys.categorical_decoder import CategoricalDecoder
from gradest.problems.toys.gaussian import (
    GaussianCosine,
    GaussianExponential,
    GaussianSquare,
    GaussianStep,
)
from gradest.problems.toys.implicit_families import (
    BetaToy,
    DirichletToy,
    GammaToy,
    PoissonToy,
    StudentTToy,
    VonMisesToy,
)
from gradest.problems.toys.inverted_families import (
    ExponentialToy,
    GumbelToy,
    LaplaceToy,
    LogisticToy,
    WeibullToy,
)
from gradest.problems.toys.permutation import PlackettLuceSquare
from gradest.problems.variational.bayesian_network import BayesianNetwork
from gradest.problems.variational.dirichlet_multinomial import DirichletMultinomial
from gradest.problems.variational.linear_gaussian_vae import LinearGaussianVAE
from gradest.problems.variational.logistic_regression import LogisticRegression
from gradest.problems.variational.normal_normal import NormalNormalBound
from gradest.problems.variational.two_layer_vae import VAEBernoulliTwoLayers
from gradest.problems.variational.vae import VAEBernoulli, VAECategorical, VAEGaussian
from gradest.problems.variational.vae_bounds import VAEBernoulliBound, VAEGaussianBound

PROBLEMS: dict[str, type[Problem]] = {
    "gaussian_square": GaussianSquare,
    "gaussian_exponential": GaussianExponential,
    "gaussian_cosine": GaussianCosine,
    "gaussian_step": GaussianStep,
    "exponential_toy": ExponentialToy,
    "weibull_toy": WeibullToy,
    "logistic_toy": LogisticToy,
    "laplace_toy": LaplaceToy,
    "gumbel_toy": GumbelToy,
    "student_t_toy": StudentTToy,
    "gamma_toy": GammaToy,
    "beta_toy": BetaToy,
    "dirichlet_toy": DirichletToy,
    "von_mises_toy": VonMisesToy,
    "poisson_toy": PoissonToy,
    "bernoulli_square": BernoulliSquare,
    "bernoulli_shared": BernoulliShared,
    "categorical_square": CategoricalSquare,
    "categorical_norm": CategoricalNorm,
    "categorical_decoder": CategoricalDecoder,
    "plackett_luce_square": PlackettLuceSquare,
    "logistic_regression": LogisticRegression,
    "bayesian_network": BayesianNetwork,
    "dirichlet_multinomial": DirichletMultinomial,
    "linear_gaussian_vae": LinearGaussianVAE,
    "vae_gaussian": VAEGaussian,
    "vae_bernoulli": VAEBernoulli,
    "vae_bernoulli_two_layers": VAEBernoulliTwoLayers,
    "vae_categorical": VAECategorical,
    "normal_normal_bound": NormalNormalBound,
    "vae_gaussian_bound": VAEGaussianBound,
    "vae_bernoulli_bound": VAEBernoulliBound,
    "bandit": Bandit,
    "linear_quadratic_control": LinearQuadraticControl,
    "chaotic_rollout": ChaoticRollout,
    "random_walk": RandomWalk,
    "token_policy": TokenPolicy,
}
KINDS["problem"] = PROBLEMS


def problem(name: str, **arguments: object) -> Problem:
    """The problem that `name` stands for.

    Args:
        name: registered, `name[argument=value,…]`, or `module:Class`, a user's own.
        arguments: of the problem.

    Raises:
        ValueError: an unknown name or argument (naming the nearest), or a refused value.

    >>> problem("gaussian_square", k=2.0).dim
    1
    """
    registered, filled = named_problem(name, arguments)
    return build("problem", PROBLEMS, registered, filled)


def named_problem(
    text: str, arguments: Mapping[str, Any] | None = None
) -> tuple[str, dict[str, Any]]:
    """The registered name that a text stands for, and all arguments with it.

    Args:
        text: a name or `module:Class`, with arguments in brackets or without.
        arguments: those given apart from the text.

    Raises:
        ValueError: no such name (naming the nearest), or arguments that contradict one another.

    >>> named_problem("gaussian_square[k=2]")
    ('gaussian_square', {'k': 2})
    """
    return resolve("problem", PROBLEMS, text, arguments)


__all__ = ["PROBLEMS", "Params", "Problem", "named_problem", "problem"]
