"""Evidence lower bounds: VAEs, tighter bounds, regressions and networks of hidden variables."""

from gradest.problems.variational.bayesian_network import BayesianNetwork
from gradest.problems.variational.dirichlet_multinomial import DirichletMultinomial
from gradest.problems.variational.linear_gaussian_vae import LinearGaussianVAE
from gradest.problems.variational.logistic_regression import LogisticRegression
from gradest.problems.variational.normal_normal import NormalNormalBound
from gradest.problems.variational.two_layer_vae import VAEBernoulliTwoLayers
from gradest.problems.variational.vae import VAEBernoulli, VAECategorical, VAEGaussian
from gradest.problems.variational.vae_bounds import VAEBernoulliBound, VAEGaussianBound

__all__ = [
    "BayesianNetwork",
    "DirichletMultinomial",
    "LinearGaussianVAE",
    "LogisticRegression",
    "NormalNormalBound",
    "VAEBernoulli",
    "VAEBernoulliBound",
    "VAEBernoulliTwoLayers",
    "VAECategorical",
    "VAEGaussian",
    "VAEGaussianBound",
]
