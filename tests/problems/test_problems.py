"""Every exact gradient against something that was not derived from it, and every refusal."""

import re

import jax
import numpy as np
import pytest
from scipy.integrate import quad

from gradest.benchmarks.measurement.exact_gradient import exact_gradient
from gradest.problems import PROBLEMS, problem
from gradest.problems.arguments import arguments
from gradest.problems.data import breast_cancer, digits, shipped
from gradest.problems.distributions.enumeration import binary_vectors
from tests.support.quadrature import INTEGRANDS
from tests.support.quadrature import exact_gradient as gauss_hermite_gradient
from tests.support.variants import PROBLEM_NAMES


@pytest.mark.parametrize("name", INTEGRANDS)
@pytest.mark.parametrize(
    ("k", "mean", "scale"), [(0.7, 0.4, 1.2), (-0.1, 1.0, 0.5), (1.5, -2.0, 1.0)]
)
def test_gaussian_gradients_are_gauss_hermites(name, k, mean, scale):
    toy = problem(name, k=k, mean=mean, scale=scale, dim=2)
    truth = exact_gradient(toy, toy.init_params(jax.random.key(0)))
    for group in truth:
        expected = gauss_hermite_gradient(name, k, mean, scale, group)
        np.testing.assert_allclose(truth[group], [expected] * 2, rtol=1e-5, atol=1e-9)


def test_the_step_by_finite_differences_of_the_normal_tail():
    from scipy.stats import norm

    toy = problem("gaussian_step", k=0.3, mean=1.0, scale=0.8)
    truth = exact_gradient(toy, toy.init_params(jax.random.key(0)))
    h = 1e-5
    by_mean = (norm.sf(0.3, 1 + h, 0.8) - norm.sf(0.3, 1 - h, 0.8)) / (2 * h)
    by_scale = (norm.sf(0.3, 1, 0.8 + h) - norm.sf(0.3, 1, 0.8 - h)) / (2 * h)
    np.testing.assert_allclose(
        [truth["mean"][0], truth["scale"][0]], [by_mean, by_scale], rtol=1e-5
    )


@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_bernoulli_gradient_by_enumeration(reduce):
    toy = problem("bernoulli_square", t=0.45, logit=0.5, dim=3, reduce=reduce)
    truth = exact_gradient(toy, toy.init_params(jax.random.key(0)))
    b, p = binary_vectors(3), 1 / (1 + np.exp(-0.5))
    f = ((b - 0.45) ** 2).sum(1) / (3 if reduce == "mean" else 1)
    probability = np.where(b == 1, p, 1 - p).prod(1)
    np.testing.assert_allclose(truth["logits"], (probability * f) @ (b - p), rtol=1e-5)


def test_logistic_regression_by_adaptive_quadrature_of_another_formula():
    """∂/∂μ_j = μ_j − Σ_n y_n x_nj E[σ(−z_n)], ∂/∂λ_j = s_j² Σ_n x_nj² E[σ(z_n) σ(−z_n)] + s_j² − 1."""
    regression = problem("logistic_regression")
    rng = np.random.default_rng(0)
    mean, log_scale = (
        rng.normal(0, 0.3, 31).astype(np.float32),
        rng.normal(-0.5, 0.3, 31).astype(np.float32),
    )
    truth = exact_gradient(regression, {"mean": mean, "log_scale": log_scale})
    x, y = (np.asarray(a, np.float32).astype(float) for a in breast_cancer())
    scale = np.exp(log_scale.astype(float))
    center, spread = y * (x @ mean), np.sqrt(x**2 @ scale**2)

    def sigmoid(z: float) -> float:
        return 1 / (1 + np.exp(-z))

    def gaussian(function, m, s):
        return quad(
            lambda u: function(m + s * u) * np.exp(-u * u / 2) / np.sqrt(2 * np.pi),
            -10,
            10,
            limit=200,
        )[0]

    miss = np.array(
        [gaussian(lambda z: sigmoid(-z), m, s) for m, s in zip(center, spread, strict=True)]
    )
    curve = np.array(
        [
            gaussian(lambda z: sigmoid(z) * sigmoid(-z), m, s)
            for m, s in zip(center, spread, strict=True)
        ]
    )
    np.testing.assert_allclose(truth["mean"], mean - (y * miss) @ x, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(
        truth["log_scale"], scale**2 * (curve @ x**2) + scale**2 - 1, rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("kl", ["analytic", "sampled"])
def test_vae_bernoulli_by_finite_differences_of_the_enumerated_elbo_in_numpy(kl):
    vae = problem("vae_bernoulli", latent_dim=3, num_images=2, hidden_dim=4, kl=kl)
    params = vae.init_params(jax.random.key(0))
    truth = exact_gradient(vae, params)
    images, states = np.asarray(vae.images, float), binary_vectors(3)

    def network(layers, x):
        (w1, b1), (w2, b2) = layers
        return np.tanh(x @ w1.T + b1) @ w2.T + b2

    def negative_elbo(weights):
        logits = network(weights["encoder"], images)
        log_q = -(
            np.logaddexp(0, -logits)[:, None] * states
            + np.logaddexp(0, logits)[:, None] * (1 - states)
        ).sum(-1)
        pixels = network(weights["decoder"], states)
        log_p = -(np.logaddexp(0, -pixels) @ images.T + np.logaddexp(0, pixels) @ (1 - images).T).T
        return (np.exp(log_q) * (log_q - 3 * np.log(0.5) - log_p)).sum() / len(images)

    weights = {
        group: [
            [np.asarray(layer.weight, float), np.asarray(layer.bias, float)] for layer in layers
        ]
        for group, layers in params.items()
    }
    for group in ("encoder", "decoder"):
        numeric, h = [], 1e-6
        for layer in weights[group]:
            for array in layer:
                for index in np.ndindex(array.shape):
                    middle = array[index]
                    array[index] = middle + h
                    up = negative_elbo(weights)
                    array[index] = middle - h
                    down = negative_elbo(weights)
                    array[index] = middle
                    numeric.append((up - down) / (2 * h))
        np.testing.assert_allclose(truth[group], numeric, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["vae_gaussian", "vae_bernoulli"])
def test_sampled_and_analytic_kl_agree_on_average(name):
    from gradest.estimators.sampling.draws import sample

    given = {"latent_dim": 3, "num_images": 2, "hidden_dim": 8}
    values = {}
    for kl in ("analytic", "sampled"):
        vae = problem(name, kl=kl, **given)
        params = vae.init_params(jax.random.key(0))
        x = sample(vae.distribution(params), jax.random.key(1), 20_000)
        values[kl] = np.asarray(vae.objectives(params, x), float)
    apart = values["analytic"] - values["sampled"]
    z = apart.mean(0) / (apart.std(0) / np.sqrt(len(apart)))
    assert apart.std() > 0
    assert np.abs(z).max() < 4.5


def test_many_latents_have_no_enumerated_truth():
    vae = problem("vae_bernoulli", latent_dim=13, num_images=2, hidden_dim=4)
    assert vae.exact_gradient(vae.init_params(jax.random.key(0))) is None


def test_the_data_are_the_real_ones():
    assert digits().shape == (1797, 64)
    assert set(np.unique(digits())) == {0.0, 1.0}
    features, labels = breast_cancer()
    assert features.shape == (569, 31)
    np.testing.assert_allclose(features[:, :30].std(0), 1)
    assert (features[:, 30] == 1).all()
    assert (labels == 1).sum() == 357


@pytest.mark.parametrize("name", PROBLEM_NAMES)
def test_every_problem_is_documented(name):
    cls = PROBLEMS[name]
    assert "$" in cls.__doc__
    assert all(argument.help for argument in arguments(cls).values())


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("gausian_square", {}, "did you mean gaussian_square?"),
        (
            "gaussian_square",
            {"meen": 1.0},
            "unknown argument 'meen': expected k, mean, scale, dim; did you mean mean?",
        ),
        ("gaussian_square", {"scale": -1.0}, "scale = -1.0: expected a finite number above 0"),
        ("gaussian_square", {"k": float("nan")}, "k = nan: expected a finite number"),
        ("gaussian_square", {"k": "three"}, "k = 'three': expected a finite number"),
        ("gaussian_square", {"k": True}, "k = True: expected a finite number"),
        ("gaussian_square", {"dim": 0}, "dim = 0: expected a whole number, at least 1"),
        ("gaussian_square", {"dim": 2.5}, "dim = 2.5: expected a whole number, at least 1"),
        (
            "gaussian_exponential",
            {"k": -0.25},
            "k = -0.25: expected a number above −1/(4σ²) = -0.25, because",
        ),
        ("gaussian_exponential", {"k": -0.1, "scale": 2.0}, "infinite variance"),
        (
            "bernoulli_square",
            {"reduce": "men"},
            "reduce = 'men': expected one of sum, mean; did you mean mean?",
        ),
        ("vae_gaussian", {"data": "mnits"}, "expected one of digits, mnist; did you mean mnist?"),
        ("vae_gaussian", {"num_images": 1798}, "expected at most 1797"),
    ],
)
def test_refusals_name_the_thing_the_value_and_what_was_expected(name, given, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        problem(name, **given)


def test_shipped_tables_are_what_scikit_learn_loads():
    from sklearn.datasets import load_breast_cancer, load_digits

    assert np.array_equal(shipped("digits.csv.gz"), np.column_stack(load_digits(return_X_y=True)))
    assert np.array_equal(
        shipped("breast_cancer.csv", skiprows=1),
        np.column_stack(load_breast_cancer(return_X_y=True)),
    )


def test_mnist_without_a_network_says_so(monkeypatch):
    from urllib.error import URLError

    import sklearn.datasets

    from gradest.problems import data

    def unreachable(*args, **kwargs):
        raise URLError("no network")

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", unreachable)
    data.mnist.cache_clear()
    with pytest.raises(
        ConnectionError, match=r"data = 'mnist': not in .* cannot be reached .*data = 'digits'"
    ):
        problem("vae_gaussian", data="mnist")
