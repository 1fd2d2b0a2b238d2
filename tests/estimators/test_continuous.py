"""Estimators of the families: variances by quadrature written out here, biases in closed form, and learning."""

import jax
import numpy as np
import pytest
from scipy import special, stats
from scipy.integrate import quad

from gradest.benchmarks.checks.estimator_checks import ESTIMATOR_CHECKS
from gradest.benchmarks.checks.trials import EstimatorTrial, ProblemTrial, Skipped
from gradest.benchmarks.measurement.exact_gradient import exact_gradient
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.benchmarks.statistics import intervals
from gradest.estimators import estimator
from gradest.problems import problem


def measured(
    name: str, given: dict, label: str, num_samples: int = 2, replicates: int = 20_000, **arguments
):
    toy = problem(name, **given)
    params = toy.init_params(jax.random.key(0))
    key = cell_key(0, name, "init", num_samples)
    found = measure(
        toy,
        estimator(label, **arguments),
        params,
        num_samples=num_samples,
        replicates=replicates,
        key=key,
    )
    return found.moments


def holds(interval, expected: float, width: float = 1.6) -> None:
    """The interval holds what was expected, or misses it by half its width at most, and is narrow."""
    assert interval.high / interval.low < width
    half = (interval.high - interval.low) / 4
    assert interval.low - half < expected < interval.high + half


ONE = {"concentration": 1.0, "rate": 1.0, "f": "linear", "k": 0.0}


def gamma_variance(term, concentration: float) -> float:
    """Of term(x), x ~ Gamma(concentration, 1)."""
    q = stats.gamma(concentration)

    def moment(power: int) -> float:
        return sum(
            quad(lambda x: term(x) ** power * q.pdf(x), *ends, limit=400)[0]
            for ends in ((0, 1), (1, 80))
        )

    first, second = moment(1), moment(2)
    assert first == pytest.approx(1, rel=1e-6), "∂E[x]/∂α"
    return second - first**2


def test_generalized_reparameterization_has_the_variance_of_its_formula():
    r"""x = exp(m + s ε): ∂x/∂α = x (m' + s' ε), and the score of ε is that of log x, moved along, plus s'/s."""
    alpha = 4.0
    center, spread = special.digamma(alpha), np.sqrt(special.polygamma(1, alpha))
    center_slope, spread_slope = (
        special.polygamma(1, alpha),
        special.polygamma(2, alpha) / (2 * spread),
    )

    def term(x):
        moved = center_slope + spread_slope * (np.log(x) - center) / spread  # ∂ log x / ∂α
        score = np.log(x) - special.digamma(alpha) + (alpha - x) * moved + spread_slope / spread
        return x * moved + x * score

    moments = measured(
        "gamma_toy", ONE | {"concentration": alpha}, "generalized_reparameterization"
    )
    holds(intervals.variance(moments["concentration"]), gamma_variance(term, alpha) / 2)


def test_rejection_reparameterization_has_the_variance_of_its_formula():
    r"""With B = 1: y ~ Gamma(α + 1), x = y u^{1/α}. What multiplies E[u^{1/α} …] is integrated over u by hand."""
    alpha = 1.5
    a = alpha + 1
    shift, root9 = a - 1 / 3, np.sqrt(9 * a - 3)
    q = stats.gamma(a)

    def parts(y):
        root = (y / shift) ** (1 / 3)
        epsilon = root9 * (root - 1)
        root_slope = -epsilon * 9 / (2 * root9**3)
        moved = root**3 + shift * 3 * root**2 * root_slope  # ∂y/∂α
        score = np.log(y) - special.digamma(a) + ((a - 1) / y - 1) * moved
        score += 1 / shift - 9 / (2 * root9**2) + 2 * root_slope / root  # ∂ log |∂y/∂ε|
        return moved + y * score, y

    # x' + x score = u^{1/α} (A − y log u / α²), with −log u exponential: E[w^j e^{−c w}] = j! / (1
    # + c)^{j+1}
    def moment(power: int) -> float:
        weights = [special.factorial(j) / (1 + power / alpha) ** (j + 1) for j in range(3)]

        def integrand(y):
            first, level = parts(y)
            second = level / alpha**2
            combined = (
                first * weights[0] + second * weights[1]
                if power == 1
                else first**2 * weights[0]
                + 2 * first * second * weights[1]
                + second**2 * weights[2]
            )
            return combined * q.pdf(y)

        return quad(integrand, 0, 80, limit=400)[0]

    assert moment(1) == pytest.approx(1, rel=1e-6)
    moments = measured("gamma_toy", ONE | {"concentration": alpha}, "rejection_reparameterization")
    holds(intervals.variance(moments["concentration"]), (moment(2) - moment(1) ** 2) / 2)


def test_measure_valued_variances_by_hand():
    """Exponential, f = (x − k)²: c (f(x) − f(x + y)); Poisson: f(x + 1) − f(x) = 2 (x − k) + 1, variance 4λ."""
    rate, k, n = 1.3, 0.8, 2
    poisson = measured("poisson_toy", {"rate": rate, "k": k, "f": "square"}, "measure_valued", n)
    holds(intervals.variance(poisson["rate"]), 4 * rate / n)
    loose = measured(
        "poisson_toy", {"rate": rate, "k": k, "f": "linear"}, "measure_valued", n, coupled=False
    )
    holds(intervals.variance(loose["rate"]), 2 * rate / n)
    # f(x) − f(x + y) = −2 (x − k) y − y², x and y exponential, by their moments j!/λʲ
    m = [special.factorial(j) / rate**j for j in range(5)]
    square = m[2] - 2 * k * m[1] + k**2
    mean = -2 * (m[1] - k) * m[1] - m[2]
    second = 4 * square * m[2] + 4 * (m[1] - k) * m[3] + m[4]
    exponential = measured(
        "exponential_toy", {"rate": rate, "k": k, "f": "square"}, "measure_valued", n
    )
    holds(intervals.variance(exponential["rate"]), (second - mean**2) / rate**2 / n, width=2)


GAMMA_RATE = {"learn": "rate", "concentration": 1.7, "rate": 1.2}


@pytest.mark.parametrize("coupled", [True, False])
def test_measure_valued_for_a_gammas_rate(coupled: bool):
    """No registered problem has it with its defaults, since none is known for the concentration."""
    assert "Gamma's concentration" in estimator("measure_valued").refuses(problem("gamma_toy"))
    on = ProblemTrial("gamma_toy", problem("gamma_toy", **GAMMA_RATE), 1e-3)
    trial = EstimatorTrial(estimator("measure_valued", coupled=coupled), on)
    for name in ("shapes", "evaluations", "unbiasedness"):
        ESTIMATOR_CHECKS[name](trial)
    with pytest.raises(Skipped, match="in a while loop"):
        ESTIMATOR_CHECKS["draws"](trial)


@pytest.mark.parametrize("name", ["gamma_toy", "poisson_toy", "bernoulli_square"])
def test_first_order_has_no_variance_on_a_linear_f(name: str):
    given = {"f": "linear"}
    baseline = "none"
    if (
        name == "bernoulli_square"
    ):  # f(b) = (b − t)², whose tangent at ½ is as steep as the line from f(0) to f(1)
        given, baseline = {"logit": 0.0}, "leave_one_out"
    moments = measured(
        name,
        given,
        "score_function",
        replicates=400,
        control_variate="first_order",
        baseline=baseline,
    )
    truth = exact_gradient(
        problem(name, **given), problem(name, **given).init_params(jax.random.key(0))
    )
    for group, found in moments.items():
        assert np.sqrt(intervals.variance(found).value) < 1e-5
        np.testing.assert_allclose(found.mean.mean(0), truth[group], rtol=1e-4, atol=1e-5)


def test_an_angle_has_no_mean_to_expand_about():
    assert "known mean" in estimator("score_function", control_variate="first_order").refuses(
        problem("von_mises_toy")
    )


def test_rao_blackwells_variance_is_linear_in_the_dimension():
    """In D coordinates D times that of one, by the score function's formula in one dimension."""
    from tests.support.quadrature import score_function

    dim, n = 12, 2
    one = score_function("gaussian_cosine", 1.0, 1.0, 1.0, "mean", n)
    moments = measured("gaussian_cosine", {"dim": dim}, "rao_blackwell", n)
    holds(intervals.variance(moments["mean"]), dim * one)
    plain = measured("gaussian_cosine", {"dim": dim}, "score_function", n)
    assert intervals.variance(plain["mean"]).low > 3 * dim * one


def test_importance_weights_in_closed_form():
    """E[w² f² s²] under r is E[w f² s²] under q, by quadrature over the line, and on a rare step it wins."""
    k, share, widening, n = 2.5, 0.4, 2.0, 2
    q, wide = stats.norm(0, 1), stats.norm(0, widening)

    def second(x):
        return q.pdf(x) ** 2 / ((1 - share) * q.pdf(x) + share * wide.pdf(x)) * x**2

    gradient = stats.norm.pdf(k)
    expected = (quad(second, k, 40)[0] - gradient**2) / n
    given = {"mean": 0.0, "k": k}
    moments = measured(
        "gaussian_step", given, "importance_weighted", n, share=share, widening=widening
    )
    holds(intervals.variance(moments["mean"]), expected)
    plain = measured("gaussian_step", given, "score_function", n)
    assert intervals.variance(plain["mean"]).low > 1.5 * expected


@pytest.mark.parametrize("name", ["gaussian_smoothing", "spsa"])
def test_smoothed_gradients_are_those_of_the_smoothed_objective(name: str):
    """In F(μ, σ) = e^{−k²σ²/2} cos(kμ): over u ~ N(0, I) by Gauss–Hermite, over signs by their four pairs."""
    c, mu, sigma, k = 0.6, 0.8, 1.0, 1.0
    if name == "spsa":
        u, weights = np.array([-1.0, 1.0]), np.array([0.5, 0.5])
    else:
        u, weights = np.polynomial.hermite_e.hermegauss(60)
        weights = weights / weights.sum()

    def smoothed(group: str) -> float:
        a, b = u[:, None], u[None, :]

        def f(side):
            return np.exp(-(k**2) * (sigma + side * c * b) ** 2 / 2) * np.cos(
                k * (mu + side * c * a)
            )

        slope = (f(1) - f(-1)) / (2 * c) * (a if group == "mean" else b)
        return float(weights @ slope @ weights)

    moments = measured("gaussian_cosine", {"mean": mu}, name, 4, radius=c)
    truth = {
        "mean": -k * np.exp(-(k**2) / 2) * np.sin(k * mu),
        "scale": -(k**2) * np.exp(-(k**2) / 2) * np.cos(k * mu),
    }
    for group, found in moments.items():
        error = np.sqrt(intervals.variance(found).value / found.replicates)
        assert abs(found.mean.mean() - smoothed(group)) < 4 * error
        assert abs(smoothed(group) - truth[group]) > 8 * error, "the bias is seen"


def test_common_random_numbers_keep_differences_small():
    """As c falls the variance stays: what is drawn on the two sides differs by O(c)."""
    wide, narrow = (
        intervals.variance(
            measured("gaussian_cosine", {}, "spsa", 2, 4_000, radius=c)["mean"]
        ).value
        for c in (0.1, 0.001)
    )
    assert narrow == pytest.approx(wide, rel=0.1)


def test_lax_learns_a_control_variate():
    given = {"dim": 1}
    plain = measured("gaussian_square", given, "score_function", 4, 4_000)
    toy = problem("gaussian_square", **given)
    params = toy.init_params(jax.random.key(0))
    moments = measure(
        toy,
        estimator("lax"),
        params,
        num_samples=4,
        replicates=4_000,
        key=cell_key(0, "lax", "init", 4),
        adapt_steps=1_000,
    ).moments
    for group, truth in exact_gradient(toy, params).items():
        found = intervals.variance(moments[group])
        assert found.high < 0.5 * intervals.variance(plain[group]).low
        assert abs(moments[group].mean.mean() - truth[0]) < 4.5 * np.sqrt(found.value / 4_000)


def test_the_input_dependent_baseline_tells_the_images_apart():
    """In a VAE f differs from image to image; that the network is trained as it should is one of the checks of all."""
    given = {"latent_dim": 3, "num_images": 4, "hidden_dim": 8}
    vae = problem("vae_bernoulli", **given)
    params = vae.init_params(jax.random.key(0))
    variances = {}
    for baseline in ("none", "input_dependent"):
        moments = measure(
            vae,
            estimator("score_function", baseline=baseline),
            params,
            num_samples=2,
            replicates=2_000,
            key=cell_key(0, "vae", "init", 2),
            adapt_steps=1_000,
        ).moments["encoder"]
        variances[baseline] = intervals.variance(moments)
    assert variances["input_dependent"].high < 0.01 * variances["none"].low
    assert "inputs" in estimator("score_function", baseline="input_dependent").refuses(
        problem("gamma_toy")
    )
