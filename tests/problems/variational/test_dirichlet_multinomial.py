"""The Dirichlet–multinomial model: its ELBO is a divergence from the posterior and the evidence."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from scipy import stats
from scipy.special import digamma, gammaln

from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.statistical import assert_mean, assert_z, initial, moments_of, truth_of

ALPHA = np.array([0.7, 1.9, 2.4, 5.5])
SMALL = problem("dirichlet_multinomial", categories=4, trials=6, prior=1.25)


def negative_elbo(alpha, counts, prior, entropy=True):
    """KL from the posterior, less the logarithm of the evidence, to 30 digits."""
    alpha = [mpmath.mpf(a) for a in alpha]
    posterior = [mpmath.mpf(prior) + int(n) for n in counts]

    def log_normaliser(a):
        return mpmath.loggamma(sum(a)) - sum(map(mpmath.loggamma, a))

    logs = [mpmath.psi(0, a) - mpmath.psi(0, sum(alpha)) for a in alpha]
    pairs = list(zip(alpha, posterior, logs, strict=True))
    divergence = log_normaliser(alpha) - log_normaliser(posterior)
    divergence += sum((a - b) * log for a, b, log in pairs)
    n = int(sum(counts))
    evidence = mpmath.loggamma(n + 1) - sum(mpmath.loggamma(int(c) + 1) for c in counts)
    evidence += log_normaliser([mpmath.mpf(prior)] * len(counts)) - log_normaliser(posterior)
    minus_entropy = log_normaliser(alpha) + sum((a - 1) * log for a, _, log in pairs)
    return divergence - evidence - (0 if entropy else minus_entropy)


@pytest.mark.parametrize("entropy", [True, False])
def test_gradient(entropy):
    toy = problem("dirichlet_multinomial", categories=4, trials=6, prior=1.25, entropy=entropy)
    counts = np.asarray(toy.counts)

    def slope(i):
        def along(a):
            return negative_elbo([*ALPHA[:i], a, *ALPHA[i + 1 :]], counts, 1.25, entropy)

        return float(mpmath.diff(along, ALPHA[i]))

    with jax.enable_x64(True), mpmath.workdps(30):
        truth = truth_of(toy, {"concentration": jnp.asarray(ALPHA)})["concentration"]
        np.testing.assert_allclose(truth, [slope(i) for i in range(4)], rtol=1e-9)


def test_at_the_posterior():
    """There the ELBO is the logarithm of the evidence, and its gradient is 0."""
    counts = np.asarray(SMALL.counts, int)
    posterior = {"concentration": jnp.asarray(1.25 + counts)}
    evidence = stats.dirichlet_multinomial.logpmf(counts, np.full(4, 1.25), 6)
    assert float(SMALL.exact_objective(posterior)) == pytest.approx(-evidence, rel=1e-6)
    np.testing.assert_allclose(truth_of(SMALL, posterior)["concentration"], 0, atol=1e-6)


def test_objective_at_one_x():
    x = np.array([0.4, 2.0, 1.1, 0.2])
    toy = problem("dirichlet_multinomial", categories=4, trials=6, prior=1.25, offset=-5.0)
    counts = np.asarray(toy.counts, int)
    z = x / x.sum()
    joint = stats.multinomial.logpmf(counts, 6, z) + stats.dirichlet.logpdf(z, np.full(4, 1.25))
    params = {"concentration": jnp.asarray(ALPHA, jnp.float32)}
    expected = -joint - stats.dirichlet.entropy(ALPHA) + 5.0
    found = toy.objective(params, jnp.asarray(x, jnp.float32))
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_the_data_of_the_source():
    toy = problem("dirichlet_multinomial")
    assert np.asarray(toy.counts)[:10].tolist() == [1, 1, 2, 3, 0, 1, 1, 2, 2, 2]
    assert toy.counts.sum() == 100
    np.testing.assert_array_equal(initial(toy)["concentration"], 1 + toy.counts)
    moved = initial(problem("dirichlet_multinomial", first=1.01))["concentration"]
    assert moved[0] == pytest.approx(1.01)
    np.testing.assert_array_equal(moved[1:], 1 + toy.counts[1:])


ESTIMATORS = {
    "pathwise": estimator("pathwise"),
    "G-REP": estimator("generalized_reparameterization"),
    "RSVI, B = 1": estimator("rejection_reparameterization", augmentation=1),
    "RSVI, B = 3": estimator("rejection_reparameterization", augmentation=3),
    "RSVI, B = 10": estimator("rejection_reparameterization", augmentation=10),
    "score function": estimator("score_function"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimates_of_the_whole(name):
    """100 coordinates, of shapes from 1 on."""
    toy = problem("dirichlet_multinomial", first=1.01, entropy=False)
    moments = moments_of(toy, ESTIMATORS[name], 1, "100 proportions", replicates=4_000)
    truth = truth_of(toy)["concentration"]
    assert_mean(moments["concentration"], truth, resolution=1e-5)


def drawn_by_rejection(alpha, b, size, rng):
    """The gradient by α₁ of Naesseth et al. (2017) with B = b, of the cost alone, in NumPy."""
    counts = np.asarray(problem("dirichlet_multinomial").counts, float)
    y = rng.gamma(alpha + b, size=(size, len(alpha)))
    d = alpha + b - 1 / 3
    epsilon = np.sqrt(9 * d) * (np.cbrt(y / d) - 1)
    u = rng.uniform(size=(size, b, len(alpha)))
    shapes = alpha + np.arange(b)[:, None]
    x = y * np.prod(u ** (1 / shapes), axis=1)
    z = x / x.sum(1, keepdims=True)
    log_joint = np.log(z) @ counts + 2 * gammaln(101) - np.log(100) - gammaln(counts + 1).sum()
    # by α₁, of x₁ and of the density of ε₁: y = d v³, v = 1 + ε / √(9 d)
    v = 1 + epsilon[:, 0] / np.sqrt(9 * d[0])
    log_slope = 1 / d[0] - 3 * epsilon[:, 0] / (v * 2 * np.sqrt(9 * d[0]) * d[0])
    through_u = (-np.log(u[:, :, 0]) / shapes[:, 0] ** 2).sum(1)
    through_x = (counts[0] - 100 * z[:, 0]) * (log_slope + through_u)
    from_y = np.log(y[:, 0]) - digamma(alpha[0] + b)
    from_y += ((alpha[0] + b - 1) - y[:, 0]) * log_slope
    # log ∂y/∂ε = log d + 2 log v − log √(9 d) + …
    from_slope = 1 / (2 * d[0]) - epsilon[:, 0] / (v * np.sqrt(9 * d[0]) * d[0])
    return -(through_x + log_joint * (from_y + from_slope))


def test_variance_of_the_first_component():
    alpha = np.asarray(initial(problem("dirichlet_multinomial", first=1.5))["concentration"], float)
    toy = problem("dirichlet_multinomial", first=1.5, entropy=False)
    subject = ESTIMATORS["RSVI, B = 3"]
    moments = moments_of(toy, subject, 1, "by rejection", replicates=16_000)["concentration"]
    ours = np.log(moments.second[:, 0] / (moments.size - 1))
    drawn = drawn_by_rejection(alpha, 3, 16_000, np.random.default_rng(0)).reshape(32, -1)
    theirs = np.log(drawn.var(1, ddof=1))
    errors = [each.std(ddof=1) / np.sqrt(len(each)) for each in (ours, theirs)]
    assert_z((ours.mean() - theirs.mean()) / np.hypot(*errors))
