"""The forms of a KL term's gradient: their means by enumeration, on policy and off."""

import functools

import jax
import numpy as np
import pytest

from gradest.estimators import estimator
from gradest.estimators.policy.groups import exactly
from gradest.estimators.policy.kl_gradient import FORMS
from gradest.problems import problem
from tests.support import token_sequences as plain
from tests.support.estimates import as_vector, one_estimate
from tests.support.statistical import initial

SHIFT = 0.6
THETA = plain.start(prompts=1)
REFERENCE = plain.shifted(THETA, SHIFT)


def vector(score):
    return np.concatenate([score["prompt"].ravel(), score["transition"].ravel()])


@functools.cache
def difference(form, drift=0.0):
    """What β = 1 adds to the mean of one sequence's estimate, in float64."""
    with jax.enable_x64(True):
        means = []
        for kl in (0.0, 1.0):
            toy = problem("token_policy", prompts=1, kl=kl, reference_shift=SHIFT, drift=drift)
            means.append(exactly(estimator("kl_gradient", form=form), toy, initial(toy), 1).mean)
        return means[1] - means[0]


@functools.cache
def divergence_gradient():
    """∇KL(π‖π_ref) by the truth, less that of the reward alone."""
    with jax.enable_x64(True):
        vectors = []
        for kl in (0.0, 1.0):
            toy = problem("token_policy", prompts=1, kl=kl, reference_shift=SHIFT)
            vectors.append(as_vector(toy.exact_gradient(initial(toy))))
        return vectors[1] - vectors[0]


def by_sequences(weigh, drift=0.0):
    r"""The mean of $\sum_t w_t \nabla \log \pi_t$ in plain Python, w from κ and ρ of the tokens."""
    old = plain.written(plain.shifted(THETA, -drift), 0)
    total = 0.0
    for drawn, now, ref in zip(
        old, plain.written(THETA, 0), plain.written(REFERENCE, 0), strict=True
    ):
        kappa, rho = now.log_probs - ref.log_probs, np.exp(now.log_probs - drawn.log_probs)
        for weight, score in zip(weigh(kappa, rho), now.scores, strict=True):
            total = total + drawn.probability * weight * vector(score)
    return total


def k3(kappa):
    return np.exp(-kappa) - 1 + kappa


def to_go(values):
    return values[::-1].cumsum()[::-1]


WEIGHTS = {
    "k1_in_loss": lambda kappa, rho: np.ones_like(kappa),
    "k1_in_reward": lambda kappa, rho: np.full_like(kappa, kappa.sum()),
    "k1_to_go": lambda kappa, rho: to_go(kappa),
    "k2_token": lambda kappa, rho: kappa,
    "k3_token": lambda kappa, rho: 1 - np.exp(-kappa),
    "k3_sequence": lambda kappa, rho: np.full_like(kappa, 1 - np.exp(-kappa.sum())),
    "k3_token_weighted": lambda kappa, rho: rho * kappa,
    "k3_mean_weighted": lambda kappa, rho: (
        rho.prod() ** (1 / len(rho)) * (1 - np.exp(-kappa) + k3(kappa).sum() / len(kappa))
    ),
    "k3_prefix_weighted": lambda kappa, rho: (
        rho.cumprod() * (1 - np.exp(-kappa)) + to_go(rho.cumprod() * k3(kappa))
    ),
}
"""What multiplies the score of each token, in the forms without a sum over the vocabulary."""


@pytest.mark.parametrize("drift", [0.0, 0.7])
@pytest.mark.parametrize("form", WEIGHTS)
def test_means(form, drift):
    expected = by_sequences(WEIGHTS[form], drift)
    np.testing.assert_allclose(difference(form, drift), expected, atol=1e-12)


UNBIASED = {"k1_in_reward", "k1_to_go", "k3_prefix_weighted", "rao_blackwell"}


@pytest.mark.parametrize("form", FORMS)
def test_bias(form):
    """Which are the reverse KL's gradient, on policy and with a drift, as is claimed."""
    for drift, unbiased in ((0.0, UNBIASED), (0.7, {"k3_prefix_weighted"})):
        is_right = np.allclose(difference(form, drift), divergence_gradient(), atol=1e-10)
        assert is_right == (form in unbiased)
        toy = problem("token_policy", kl=0.1, drift=drift)
        assert estimator("kl_gradient", form=form).claims_unbiased(toy) == is_right


def test_the_truth_by_sequences():
    gradient = by_sequences(WEIGHTS["k1_in_reward"])
    np.testing.assert_allclose(divergence_gradient(), gradient, atol=1e-12)


def test_k1_in_loss_has_no_mean():
    np.testing.assert_allclose(difference("k1_in_loss"), 0, atol=1e-12)


def test_k3_of_sequences_is_the_other_divergence():
    r"""$\nabla KL(\pi_\mathrm{ref} \| \pi_\theta)
    = -\sum_x \pi_\mathrm{ref}(x) \nabla \log \pi(x)$."""
    expected = 0.0
    for ref, now in zip(plain.written(REFERENCE, 0), plain.written(THETA, 0), strict=True):
        expected = expected - ref.probability * vector(sum_of(now.scores))
    np.testing.assert_allclose(difference("k3_sequence"), expected, atol=1e-12)


def sum_of(scores):
    return {group: sum(score[group] for score in scores) for group in scores[0]}


@pytest.mark.parametrize("form", ["k3_token_weighted", "exact_token"])
def test_given_the_prefix_they_are_one(form):
    """ρ_t k3, the divergence over the vocabulary and k2 of tokens: the gradient given what was
    written before, without the way in which θ decides what that is."""
    np.testing.assert_allclose(difference(form), difference("k2_token"), atol=1e-12)
    missing = np.linalg.norm(difference(form) - divergence_gradient())
    assert missing > 0.01 * np.linalg.norm(divergence_gradient())


def test_estimates_that_are_one_to_rounding():
    """On policy ρ_t k3 is k2 of tokens draw by draw: another name of it."""
    toy = problem("token_policy", kl=1.0, reference_shift=SHIFT)
    ours, theirs = (
        as_vector(one_estimate(toy, estimator("kl_gradient", form=form), initial(toy), 8))
        for form in ("k3_token_weighted", "k2_token")
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_less_noise_for_the_same_mean():
    """To go has less variance than in the reward, Rao–Blackwell's least of all."""
    with jax.enable_x64(True):
        toy = problem("token_policy", prompts=1, kl=1.0, reference_shift=SHIFT)
        variances = [
            exactly(estimator("kl_gradient", form=form), toy, initial(toy), 1).variance
            for form in ("k1_in_reward", "k1_to_go", "rao_blackwell")
        ]
    assert variances == sorted(variances, reverse=True)


def test_refusals():
    form = estimator("kl_gradient")
    assert "no sequence of tokens" in form.refuses(problem("bernoulli_square"))
    assert "the goal is log" in form.refuses(problem("token_policy", goal="log"))
