"""Policy gradients of token sequences: their means by enumeration against closed forms."""

import functools
import itertools
import math

import jax
import numpy as np
import pytest

from gradest.estimators import estimator
from gradest.estimators.policy.advantages import ADVANTAGES
from gradest.estimators.policy.groups import exactly
from gradest.estimators.policy.ratios import RATIOS
from gradest.problems import problem
from tests.support import token_sequences as plain
from tests.support.estimates import as_vector, one_estimate
from tests.support.statistical import assert_mean, assert_variance, initial, moments_of, truth_of


@functools.cache
def enumerated(group, *, drift=0.0, prompts=1, goal="mean", k=2, **arguments):
    """The exact moments of an estimator, in float64."""
    with jax.enable_x64(True):
        toy = problem("token_policy", drift=drift, prompts=prompts, goal=goal, k=k)
        policy = estimator("policy_gradient", **arguments)
        return exactly(policy, toy, initial(toy), group)


@functools.cache
def truth(prompts=1, goal="mean", k=2):
    with jax.enable_x64(True):
        toy = problem("token_policy", prompts=prompts, goal=goal, k=k)
        return as_vector(toy.exact_gradient(initial(toy)))


P = plain.success_by_recursion(plain.start(prompts=1), 0, 3)
"""The probability of a reward, of the one prompt."""


def vector(score):
    return np.concatenate([score["prompt"].ravel(), score["transition"].ravel()])


def binomial(group, value):
    """E[value(c)] of the number c of rewarded sequences."""
    return sum(
        math.comb(group, c) * P**c * (1 - P) ** (group - c) * value(c) for c in range(group + 1)
    )


def by_deviation(group, epsilon=1e-4):
    r"""$c_G(p)$, with the ε that is added: A is $\pm$ a share over s, and scores $\nabla p / p$ and
    $-\nabla p / (1 - p)$."""

    def value(c):
        s = math.sqrt(c * (group - c) / (group * (group - 1)))
        return c * (group - c) / (s + epsilon)

    return binomial(group, value) / (group**2 * P * (1 - P))


SCALES = {
    "none": lambda group: 1.0,
    "leave_one_out": lambda group: 1.0,
    "remax": lambda group: 1.0,
    "mean": lambda group: 1 - 1 / group,
    "group_std": by_deviation,
    "batch_std": by_deviation,
    "maxrl": lambda group: (1 - (1 - P) ** (group - 1)) / P,
    "pass_at_k": lambda group: 2 * (1 - P),
}
"""For one prompt the mean is this multiple of ∇p."""


@pytest.mark.parametrize("advantage", SCALES)
@pytest.mark.parametrize("group", [2, 4])
def test_means_against_closed_forms(advantage, group):
    found = enumerated(group, advantage=advantage)
    np.testing.assert_allclose(found.mean, SCALES[advantage](group) * truth(), atol=1e-12)
    assert found.cosine(truth()) == pytest.approx(1, abs=1e-12)
    assert found.scale(truth()) == pytest.approx(SCALES[advantage](group), rel=1e-10)


def test_the_standard_deviation_of_two_is_a_scale_alone():
    """At G = 2 it is 1/√2 times an indicator, for every p."""
    found = enumerated(2, advantage="group_std")
    assert found.scale(truth()) == pytest.approx(2**-0.5, rel=2e-4)


@pytest.mark.parametrize(
    ("aggregation", "scale"), [("sequence_sum", 1), ("horizon", 1 / 3)], ids=str
)
def test_two_prompts(aggregation, scale):
    """Each with p of its own: leave-one-out is right of all, and 1/T is of their sum."""
    found = enumerated(2, prompts=2, aggregation=aggregation)
    np.testing.assert_allclose(found.mean, scale * truth(prompts=2), atol=1e-12)


def test_what_is_biased_in_direction():
    """The mean over a sequence turns the gradient, at any G; the baseline has a part in it, since
    scores over lengths have a mean."""
    theta = plain.start(prompts=1)
    expected = 0.0
    for each in plain.written(theta, 0):
        score = sum(map(vector, each.scores))
        expected = expected - each.probability * (each.reward - P) * score / len(each.tokens)
    for group in (2, 4):
        found = enumerated(group, aggregation="sequence_mean")
        np.testing.assert_allclose(found.mean, expected, atol=1e-12)
    assert found.cosine(truth()) < 0.99


@pytest.mark.parametrize("advantage", ["opo", "optimal_token", "whiten"])
def test_baselines_with_the_own_sample_are_biased(advantage):
    """By less in a larger group."""
    few, many = (enumerated(group, advantage=advantage).cosine(truth()) for group in (2, 4))
    assert few < 1 - 1e-6
    assert many < 1 - 1e-6
    assert 1 - many < 1 - few


def test_pass_at_k():
    """Unbiased for pass@3 of its goal, and no other."""
    found = enumerated(4, advantage="pass_at_k", goal="pass_at_k", k=3)
    np.testing.assert_allclose(found.mean / 2 / (1 - P), truth(), atol=1e-12)
    with jax.enable_x64(True):
        toy = problem("token_policy", prompts=1, goal="pass_at_k", k=3)
        policy = estimator("policy_gradient", advantage="pass_at_k", k=3)
        found = exactly(policy, toy, initial(toy), 4)
    np.testing.assert_allclose(found.mean, truth(goal="pass_at_k", k=3), atol=1e-12)


def test_maxrl_is_nearly_for_log():
    """With G = 4 the first three terms of ∇ log p."""
    found = enumerated(4, advantage="maxrl", goal="log")
    assert found.scale(truth(goal="log")) == pytest.approx(1 - (1 - P) ** 3, rel=1e-10)


@pytest.mark.parametrize("drift", [0.3, -0.6])
@pytest.mark.parametrize("advantage", ["none", "leave_one_out", "remax"])
def test_importance_weights_at_every_drift(advantage, drift):
    found = enumerated(2, advantage=advantage, drift=drift, prompts=2)
    np.testing.assert_allclose(found.mean, truth(prompts=2), atol=1e-12)


WEIGHTS = {
    "none": lambda rho, a: np.ones_like(rho),
    "sequence": lambda rho, a: np.full_like(rho, rho.prod()),
    "prefix": lambda rho, a: rho.cumprod(),
    "token": lambda rho, a: rho,
    "ppo_clip": lambda rho, a: np.array([0 if r > 1.2 else r for r in rho]),
    "dual_clip": lambda rho, a: np.array([0 if r > 1.2 else r for r in rho]),
    "cispo": lambda rho, a: np.minimum(rho, 1.2),
    "gspo": lambda rho, a: np.full_like(rho, clipped_mean(rho)),
    "gmpo": lambda rho, a: np.array([geometric(rho) if np.log(r) <= 0.4 else 0 for r in rho]),
    "sapo": lambda rho, a: rho / np.cosh((rho - 1) / 2) ** 2,
    "vespo": lambda rho, a: np.full_like(rho, rho.prod() ** 2 * math.exp(3 - 3 * rho.prod())),
    "truncated": lambda rho, a: np.minimum(rho, 2),
    "masked": lambda rho, a: np.array([r if 0.5 <= r <= 2 else 0 for r in rho]),
}
"""Of the tokens of a sequence whose advantage is positive."""


def clipped_mean(rho):
    s = rho.prod() ** (1 / len(rho))
    return 0 if s > 1 + 4e-4 else s


def geometric(rho):
    return np.minimum(rho, math.exp(0.4)).prod() ** (1 / len(rho))


@pytest.mark.parametrize("ratio", RATIOS)
def test_means_off_policy(ratio):
    """Sequence by sequence, with A = r, in plain Python."""
    theta = plain.start(prompts=1)
    old = plain.written(plain.shifted(theta, -0.8), 0)
    expected = 0.0
    for drawn, now in zip(old, plain.written(theta, 0), strict=True):
        weights = WEIGHTS[ratio](np.exp(now.log_probs - drawn.log_probs), 1)
        for weight, score in zip(weights, now.scores, strict=True):
            expected = expected - drawn.probability * now.reward * weight * vector(score)
    found = enumerated(1, advantage="none", drift=0.8, ratio=ratio)
    np.testing.assert_allclose(found.mean, expected, atol=1e-12)
    is_right = np.allclose(found.mean, truth(), rtol=1e-6, atol=1e-9)
    assert is_right == (ratio == "sequence")


def ppo(r, rho, a):
    clipped = r > 1.2 if a > 0 else r < 0.8
    return 0 if clipped else r


def dual(r, rho, a):
    return 0 if a < 0 and r > 3 else ppo(r, rho, a)


def vespo(r, rho, a):
    k, lam = (2, 3) if a >= 0 else (3, 2)
    return rho.prod() ** k * math.exp(lam - lam * rho.prod())


def sapo(r, rho, a):
    tau = 1.0 if a > 0 else 1.05
    return r / math.cosh(tau * (r - 1) / 2) ** 2


def gspo(r, rho, a):
    s = rho.prod() ** (1 / len(rho))
    clipped = s > 1 + 4e-4 if a > 0 else s < 1 - 3e-4
    return 0 if clipped else s


def gmpo(r, rho, a):
    low, high = (0, math.exp(0.4)) if a > 0 else (math.exp(-0.4), math.inf)
    return np.clip(rho, low, high).prod() ** (1 / len(rho)) if low <= r <= high else 0


BY_SIGN = {
    "ppo_clip": ppo,
    "dual_clip": dual,
    "vespo": vespo,
    "sapo": sapo,
    "gspo": gspo,
    "gmpo": gmpo,
}
"""The weight of a token with ratio r, of a sequence with ratios ρ and advantage A."""


@pytest.mark.parametrize("ratio", BY_SIGN)
def test_negative_advantages(ratio):
    """What clips by the sign of A does so on its other side: at A = r − r̄ of two sequences."""
    theta = plain.start(prompts=1)
    old = plain.written(plain.shifted(theta, -1.5), 0)
    now = plain.written(theta, 0)

    def term(i, a):
        rho = np.exp(now[i].log_probs - old[i].log_probs)
        weights = [a * BY_SIGN[ratio](r, rho, a) for r in rho]
        return sum(w * vector(score) for w, score in zip(weights, now[i].scores, strict=True))

    expected = 0.0
    for i, j in itertools.product(range(len(old)), repeat=2):
        a = (now[i].reward - now[j].reward) / 2
        both = term(i, a) + term(j, -a)
        expected = expected - old[i].probability * old[j].probability * both / 2
    found = enumerated(2, advantage="mean", drift=1.5, ratio=ratio)
    np.testing.assert_allclose(found.mean, expected, atol=1e-12)


def test_without_drift_all_ratios_are_one():
    """To the bit: one estimate by each ratio."""
    toy = problem("token_policy")

    @jax.jit
    def by_each_ratio(params):
        estimates = {}
        for ratio in RATIOS:
            policy = estimator("policy_gradient", advantage="group_std", ratio=ratio)
            estimates[ratio], _ = policy.estimate(toy, params, (), jax.random.key(5), 16)
        return estimates

    estimates = by_each_ratio(initial(toy))
    plainly = as_vector(estimates["none"])
    assert np.abs(plainly).max() > 0
    for found in estimates.values():
        np.testing.assert_array_equal(as_vector(found), plainly)


def test_rloo_by_another_name():
    """On policy it is the score function with the leave-one-out baseline, draw by draw."""
    toy = problem("token_policy")
    ours, theirs = (
        as_vector(one_estimate(toy, estimator(name), initial(toy), 16))
        for name in ("policy_gradient", "rloo")
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-7)


def test_dr_grpo_is_rloo_but_for_its_scale():
    """Draw by draw: (1 − 1/G)/T."""
    toy = problem("token_policy")
    ours, theirs = (
        as_vector(one_estimate(toy, estimator(name), initial(toy), 4))
        for name in ("dr_grpo", "policy_gradient")
    )
    np.testing.assert_allclose(ours, (1 - 1 / 4) / 3 * theirs, rtol=1e-5, atol=1e-8)


def test_moments_by_enumeration_are_those_of_draws():
    """And so the two agree, with rewards of two prompts joined by the mean length."""
    toy = problem("token_policy")
    arguments = {"aggregation": "token_mean"}
    exact = enumerated(2, prompts=2, **arguments)
    moments = moments_of(toy, estimator("policy_gradient", **arguments), 2, "token mean")
    sizes = {"prompt": 6, "transition": 9}
    cuts = {"prompt": slice(0, 6), "transition": slice(6, 15)}
    assert sum(sizes.values()) == len(exact.mean)
    for group, cut in cuts.items():
        assert_mean(moments[group], exact.mean[cut])
        assert_variance(moments[group], float(np.trace(exact.covariance[cut, cut])))


CLAIMED = [
    ({}, {}, True),
    ({"advantage": "mean"}, {}, False),
    ({"aggregation": "horizon"}, {}, False),
    ({"ratio": "token"}, {}, True),
    ({"ratio": "token"}, {"drift": 0.1}, False),
    ({}, {"goal": "log"}, False),
    ({"advantage": "pass_at_k"}, {"goal": "pass_at_k"}, True),
    ({"advantage": "pass_at_k"}, {"goal": "pass_at_k", "k": 3}, False),
    ({"advantage": "pass_at_k"}, {"goal": "pass_at_k", "drift": 0.1}, False),
]


@pytest.mark.parametrize(("arguments", "of_problem", "claimed"), CLAIMED, ids=str)
def test_claims(arguments, of_problem, claimed):
    toy = problem("token_policy", **of_problem)
    assert estimator("policy_gradient", **arguments).claims_unbiased(toy) == claimed


def test_refusals():
    policy = estimator("policy_gradient")
    assert "no sequence of tokens" in policy.refuses(problem("bernoulli_square"))
    assert "kl_gradient" in policy.refuses(problem("token_policy", kl=0.1))
    assert "at least 2" in policy.refuses_samples(1)
    assert "at least 3" in estimator("policy_gradient[advantage=pass_at_k,k=3]").refuses_samples(2)
    assert set(SCALES) < set(ADVANTAGES)


def test_truth_is_what_enumeration_of_groups_is_held_against():
    np.testing.assert_allclose(
        truth(), np.concatenate([*truth_of(problem("token_policy", prompts=1)).values()]), rtol=1e-4
    )
