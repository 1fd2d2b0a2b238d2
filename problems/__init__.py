"""What is estimated: θ, q_θ, f, and the exact gradient. To add a problem: one class, and one line here."""

from problems.arguments import build
from problems.bandit import Bandit
from problems.base import Params, Problem
from problems.bayesian_network import BayesianNetwork
from problems.bernoulli import BernoulliShared, BernoulliSquare
from problems.categorical import CategoricalNorm, CategoricalSquare
from problems.chaotic_rollout import ChaoticRollout
from problems.families import (
    BetaToy,
    DirichletToy,
    ExponentialToy,
    GammaToy,
    GumbelToy,
    LaplaceToy,
    LogisticToy,
    PoissonToy,
    StudentTToy,
    VonMisesToy,
    WeibullToy,
)
from problems.gaussian import GaussianCosine, GaussianExponential, GaussianSquare, GaussianStep
from problems.linear_gaussian_vae import LinearGaussianVAE
from problems.linear_quadratic_control import LinearQuadraticControl
from problems.logistic_regression import LogisticRegression
from problems.normal_normal import NormalNormalBound
from problems.permutation import PlackettLuceSquare
from problems.two_layer_vae import VAEBernoulliTwoLayers
from problems.vae import VAEBernoulli, VAECategorical, VAEGaussian
from problems.vae_bounds import VAEBernoulliBound, VAEGaussianBound

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
    "plackett_luce_square": PlackettLuceSquare,
    "logistic_regression": LogisticRegression,
    "bayesian_network": BayesianNetwork,
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
