"""Variational bounds: their exact gradients, and estimators that take them apart, against formulas derived anew."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.lax import stop_gradient

import gradest.estimators.score_function.particles
from gradest.benchmarks.checks.evaluations import count_evaluations
from gradest.benchmarks.measurement.exact_gradient import exact_gradient, flat
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.benchmarks.statistics import intervals
from gradest.estimators import estimator
from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.problems import problem
from gradest.problems.distributions.enumeration import binary_vectors

KEY = jax.random.key(0)


def directions(size: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(4, size))


def along(function, point: np.ndarray, h: float = 1e-5) -> list[float]:
    """Derivatives along `directions`, by central differences."""
    return [
        (function(point + h * d) - function(point - h * d)) / (2 * h)
        for d in directions(len(point))
    ]


def as_vector(gradient) -> np.ndarray:
    return np.concatenate([flat(gradient[group]) for group in sorted(gradient)])


def normal_normal_bound(theta: np.ndarray, points: np.ndarray, variance: float, k: int) -> float:
    """−E[log mean w] per point by a product of Gauss–Hermite rules; θ is offset, slope, mean."""
    offset, slope, mean = theta
    nodes, weights = np.polynomial.hermite_e.hermegauss(48)
    weights = weights / weights.sum()
    total = 0.0
    for x in points:
        z = slope * x + offset + np.sqrt(variance) * nodes
        w = np.exp(-((z - mean) ** 2 + (x - z) ** 2 - nodes**2) / 2) * np.sqrt(
            variance / (2 * np.pi)
        )
        mixed, probability = w, weights
        for _ in range(k - 1):
            mixed, probability = np.add.outer(mixed, w), np.multiply.outer(probability, weights)
        total -= (probability * np.log(mixed / k)).sum()
    return total / len(points)


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("variance", [2 / 3, 0.4])
def test_normal_normal_gradient_by_a_product_rule_over_all_particles(k: int, variance: float):
    toy = problem("normal_normal_bound", num_particles=k, variance=variance, num_points=3)
    params = {
        "encoder": {"offset": jnp.float32(0.3), "slope": jnp.float32(0.7)},
        "model": {"mean": jnp.float32(-0.2)},
    }
    point, points = (
        np.array([0.3, 0.7, -0.2], np.float32).astype(float),
        np.asarray(toy.points, float),
    )
    found = directions(3) @ as_vector(exact_gradient(toy, params))
    expected = along(
        lambda theta: normal_normal_bound(theta, points, float(toy.variance), k), point
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_one_particle_of_the_normal_normal_model_is_the_elbo_in_closed_form():
    toy = problem("normal_normal_bound", num_particles=1)
    params = {
        "encoder": {"offset": jnp.float32(0.3), "slope": jnp.float32(0.7)},
        "model": {"mean": jnp.float32(0.5)},
    }
    x = np.asarray(toy.points, float)
    m = 0.7 * x + 0.3
    truth = exact_gradient(toy, params)
    by_mean = (m - 0.5) - (x - m)
    np.testing.assert_allclose(truth["model"], [(0.5 - m).mean()], rtol=1e-6)
    np.testing.assert_allclose(truth["encoder"], [by_mean.mean(), (by_mean * x).mean()], rtol=1e-6)


def test_more_particles_bound_the_evidence_more_tightly():
    """And from below: E[log mean w] rises to log p(x), here known."""
    x = np.asarray(problem("normal_normal_bound", num_points=3).points, float)
    theta = np.array([0.3, 0.7, -0.2])
    bounds = [normal_normal_bound(theta, x, 2 / 3, k) for k in (1, 2, 3)]
    evidence = (0.25 * (x + 0.2) ** 2 + 0.5 * np.log(4 * np.pi)).mean()
    assert bounds[0] > bounds[1] > bounds[2] > evidence


def estimated(toy, params, num_samples: int, label: str, **given):
    """One estimate, compiled."""
    subject = estimator(label, **given)
    return jax.jit(lambda toy, params: subject.estimate(toy, params, (), KEY, num_samples)[0])(
        toy, params
    )


def small_bound(latent: int, k: int, images: int = 2):
    given = {"latent_dim": latent, "num_particles": k, "num_images": images, "hidden_dim": 3}
    vae = problem("vae_bernoulli_bound", **given)
    params = jax.tree.map(lambda leaf: 1.5 * leaf, vae.init_params(KEY))
    return vae, params


def test_vae_bernoulli_bound_by_finite_differences_of_the_enumerated_bound_in_numpy():
    vae, params = small_bound(latent=2, k=3)
    leaves, structure = jax.tree.flatten(params)
    cuts = np.cumsum([leaf.size for leaf in leaves])[:-1]
    images, states = np.asarray(vae.images, float), binary_vectors(2)

    def negative_bound(theta: np.ndarray) -> float:
        arrays = [
            part.reshape(leaf.shape)
            for part, leaf in zip(np.split(theta, cuts), leaves, strict=True)
        ]
        layers = jax.tree.unflatten(structure, arrays)

        def network(layers, x):
            first, second = layers
            return np.tanh(x @ first.weight.T + first.bias) @ second.weight.T + second.bias

        logits, pixels = network(layers["encoder"], images), network(layers["decoder"], states)
        log_q = -np.logaddexp(0, np.where(states == 1, -1, 1) * logits[:, None]).sum(-1)
        log_p = -np.logaddexp(0, np.where(images[:, None] == 1, -1, 1) * pixels).sum(
            -1
        ) + 2 * np.log(0.5)
        w, q, total = np.exp(log_p - log_q), np.exp(log_q), 0.0
        for trio in itertools.product(range(4), repeat=3):
            total += (q[:, trio].prod(1) * np.log(w[:, trio].mean(1))).sum()
        return -total / len(images)

    point = np.concatenate([np.ravel(leaf) for leaf in leaves]).astype(float)
    found = directions(len(point)) @ as_vector(exact_gradient(vae, params))
    np.testing.assert_allclose(found, along(negative_bound, point), rtol=1e-5, atol=1e-6)


def test_one_particle_is_the_plain_autoencoder():
    vae, params = small_bound(latent=3, k=1)
    plain = problem("vae_bernoulli", latent_dim=3, num_images=2, hidden_dim=3, kl="sampled")
    np.testing.assert_allclose(
        as_vector(exact_gradient(vae, params)),
        as_vector(exact_gradient(plain, params)),
        rtol=1e-9,
        atol=1e-12,
    )
    gaussian = problem(
        "vae_gaussian_bound", latent_dim=3, num_particles=1, num_images=2, hidden_dim=3
    )
    params = gaussian.init_params(KEY)
    same = problem("vae_gaussian", latent_dim=3, num_images=2, hidden_dim=3, kl="sampled")
    one, other = (estimated(toy, params, 4, "pathwise") for toy in (gaussian, same))
    np.testing.assert_allclose(as_vector(one), as_vector(other), rtol=1e-4, atol=1e-5)


def test_two_layers_by_finite_differences_of_the_enumerated_elbo_in_numpy():
    vae = problem("vae_bernoulli_two_layers", latent_dim=2, num_images=2, hidden_dim=3)
    params = jax.tree.map(lambda leaf: 1.5 * leaf, vae.init_params(KEY))
    leaves, structure = jax.tree.flatten(params)
    cuts = np.cumsum([leaf.size for leaf in leaves])[:-1]
    images, states = np.asarray(vae.images, float), binary_vectors(2)

    def network(layers, x):
        first, second = layers
        return np.tanh(x @ first.weight.T + first.bias) @ second.weight.T + second.bias

    def log_mass(logits: np.ndarray, bits: np.ndarray) -> float:
        return -np.logaddexp(0, np.where(bits == 1, -1, 1) * logits).sum()

    def negative_elbo(theta: np.ndarray) -> float:
        arrays = [
            part.reshape(leaf.shape)
            for part, leaf in zip(np.split(theta, cuts), leaves, strict=True)
        ]
        both, total = jax.tree.unflatten(structure, arrays), 0.0
        q, p = both["encoder"], both["decoder"]
        for image, b1, b2 in itertools.product(images, states, states):
            log_q = log_mass(network(q["first"], image), b1) + log_mass(
                network(q["second"], b1), b2
            )
            log_p = (
                log_mass(network(p["first"], b1), image)
                + log_mass(network(p["second"], b2), b1)
                + 2 * np.log(0.5)
            )
            total += np.exp(log_q) * (log_q - log_p)
        return total / len(images)

    point = np.concatenate([np.ravel(leaf) for leaf in leaves]).astype(float)
    found = directions(len(point)) @ as_vector(exact_gradient(vae, params))
    np.testing.assert_allclose(found, along(negative_elbo, point), rtol=1e-5, atol=1e-6)


def exact_moments(subject, vae, params, monkeypatch, auxiliary: bool = False):
    """Mean and total variance of an estimate at L = 1, by enumerating all that it can draw."""
    with jax.enable_x64(True):
        vae, params, subject = jax.tree.map(
            lambda leaf: jnp.asarray(leaf, jnp.float64), (vae, params, subject)
        )
        q = vae.distribution(params)
        (size,) = q.batch_shape
        (k, latent) = q.event_shape
        states = binary_vectors(size * k * latent).reshape(-1, size, k, latent)
        probability = np.exp(np.asarray(q.log_prob(jnp.asarray(states)).sum(-1)))
        state = subject.init(vae, params, KEY)

        @jax.jit
        def estimate(x, spare):
            waiting = [x, spare]
            monkeypatch.setattr(
                gradest.estimators.score_function.particles,
                "sample",
                lambda q, key, num: waiting.pop(0)[None],
            )
            return jnp.concatenate(
                [
                    leaf.ravel()
                    for leaf in jax.tree.leaves(subject.estimate(vae, params, state, KEY, 1)[0])
                ]
            )

        spares, weight = (states, probability) if auxiliary else (states[:1], np.ones(1))
        every = jax.vmap(lambda x: jax.vmap(lambda spare: estimate(x, spare))(jnp.asarray(spares)))(
            jnp.asarray(states)
        )
        every, weight = np.asarray(every), probability[:, None] * weight
    mean = np.einsum("ij,ijp->p", weight, every)
    return mean, float((weight * ((every - mean) ** 2).sum(-1)).sum())


PARTICLE_SCORES = {
    "vimco, geometric": ("vimco", {"mean": "geometric"}),
    "vimco, arithmetic": ("vimco", {"mean": "arithmetic"}),
    "ovis": ("ovis", {}),
    "ovis, monte carlo": ("ovis", {"control_variate": "monte_carlo"}),
}


@pytest.mark.parametrize("name", PARTICLE_SCORES)
def test_the_mean_over_everything_that_can_be_drawn_is_the_gradient(name: str, monkeypatch):
    label, given = PARTICLE_SCORES[name]
    monte_carlo = "monte carlo" in name
    vae, params = small_bound(latent=1 if monte_carlo else 2, k=3, images=1)
    mean, variance = exact_moments(
        estimator(label, **given), vae, params, monkeypatch, auxiliary=monte_carlo
    )
    truth = exact_gradient(vae, params)
    expected = np.concatenate([flat(truth[group]) for group in ("decoder", "encoder")])
    np.testing.assert_allclose(mean, expected, rtol=1e-9, atol=1e-10)
    assert variance > 0


def test_ovis_for_many_effective_particles_lacks_gamma_times_the_weighted_score(monkeypatch):
    r"""$E[\gamma \sum_k \tilde w_k \nabla \log q(z_k)]$, enumerated."""
    vae, params = small_bound(latent=2, k=3, images=1)
    subject = estimator("ovis", gamma=0.5)
    assert not subject.claims_unbiased(vae)
    mean, _ = exact_moments(subject, vae, params, monkeypatch)
    truth = exact_gradient(vae, params)
    bias = mean - np.concatenate([flat(truth[group]) for group in ("decoder", "encoder")])
    with jax.enable_x64(True):
        vae, params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), (vae, params))
        states = jnp.asarray(binary_vectors(6).reshape(-1, 1, 3, 2))

        def weighted_score(params):
            q = stop_gradient(vae.distribution(params))
            density = vae.distribution(params).base_dist.log_prob(states).sum(-1)
            log_w = jax.vmap(vae.log_weights, in_axes=(None, None, 0))(
                stop_gradient(params), q, states
            )
            each = (jax.nn.softmax(log_w) * density).sum((-2, -1))
            return (jnp.exp(q.log_prob(states))[:, 0] * each).sum()

        expected = -0.5 * as_vector(jax.jit(jax.grad(weighted_score))(params))
    np.testing.assert_allclose(bias, expected, rtol=1e-8, atol=1e-10)
    assert np.abs(bias).max() > 1e-3


def test_controls_lower_the_exact_variance(monkeypatch):
    vae, params = small_bound(latent=2, k=3, images=1)
    without = estimator("vimco")
    monkeypatch.setattr(
        type(without), "control", lambda self, problem, params, log_w, scale, key: 0 * log_w - scale
    )
    _, plain = exact_moments(without, vae, params, monkeypatch)
    monkeypatch.undo()
    found = {
        name: exact_moments(estimator(label, **given), vae, params, monkeypatch)[1]
        for name, (label, given) in PARTICLE_SCORES.items()
        if "monte carlo" not in name
    }
    assert max(found.values()) < plain / 10


def test_vimco_and_ovis_are_the_formulas_written_out():
    toy = problem("normal_normal_bound", num_particles=4, num_points=3)
    params = toy.init_params(jax.random.key(4))
    q = toy.distribution(params)
    z = np.asarray(
        q.base_dist.loc + q.base_dist.scale * jax.random.normal(KEY, (3, 4, 1, 1))[..., 0], float
    )[..., 0]
    mean, x = np.asarray(q.base_dist.loc, float)[..., 0], np.asarray(toy.points, float)[:, None]
    variance, mu = float(toy.variance), float(params["model"]["mean"])
    w = np.exp(-((z - mu) ** 2 + (x - z) ** 2) / 2 + (z - mean) ** 2 / (2 * variance))
    share, score = w / w.sum(1, keepdims=True), (z - mean) / variance
    signals = {name: np.zeros_like(w) for name in ("geometric", "arithmetic", "ovis")}
    for k in range(4):
        rest = np.delete(w, k, axis=1)
        for name, stand_in in {
            "geometric": np.exp(np.log(rest).mean(1)),
            "arithmetic": rest.mean(1),
        }.items():
            signals[name][:, k] = (
                np.log(w.mean(1)) - np.log((rest.sum(1) + stand_in) / 4) - share[:, k]
            )
        signals["ovis"][:, k] = -np.log(1 - share[:, k]) - share[:, k]
    given = {
        "geometric": ("vimco", {"mean": "geometric"}),
        "arithmetic": ("vimco", {"mean": "arithmetic"}),
    }
    for name, (label, options) in (given | {"ovis": ("ovis", {})}).items():
        estimate = estimated(toy, params, 1, label, **options)
        expected = -(signals[name] * score).sum() / 3
        assert float(estimate["encoder"]["offset"]) == pytest.approx(expected, rel=1e-3)
        assert float(estimate["model"]["mean"]) == pytest.approx(
            -(share * (z - mu)).sum() / 3, rel=1e-4
        )


def test_dreg_is_sticking_the_landing_for_one_particle_and_iwae_for_the_model():
    one = problem("normal_normal_bound", num_particles=1)
    params = one.init_params(jax.random.key(4))
    dreg, landing = (estimated(one, params, 6, name) for name in ("dreg", "sticking_the_landing"))
    np.testing.assert_allclose(as_vector(dreg), as_vector(landing), rtol=1e-5, atol=1e-6)
    several = problem("normal_normal_bound", num_particles=5)
    dreg, iwae = (estimated(several, params, 6, name) for name in ("dreg", "pathwise"))
    np.testing.assert_allclose(dreg["model"]["mean"], iwae["model"]["mean"], rtol=1e-4)
    assert abs(float(dreg["encoder"]["offset"]) / float(iwae["encoder"]["offset"]) - 1) > 0.1


def signal_to_noise(name: str, k: int) -> dict[str, float]:
    toy = problem("normal_normal_bound", num_particles=k)
    params = toy.init_params(jax.random.key(1))
    truth = exact_gradient(toy, params)
    found = measure(
        toy,
        estimator(name),
        params,
        num_samples=1,
        replicates=6_400,
        key=cell_key(0, "snr", "init", k),
    ).moments
    return {
        group: float(np.linalg.norm(truth[group])) / np.sqrt(intervals.variance(found[group]).value)
        for group in truth
    }


def test_the_inference_networks_signal_falls_with_iwae_and_rises_with_dreg():
    """As K^−½ (Rainforth et al., 2018) and K^½ (Tucker et al., 2019); with VIMCO and OVIS (Liévin
    et al., 2020) the same without a differentiable draw. The model's rises with all."""
    few, many = 8, 64
    slopes = {}
    for name in ("pathwise", "vimco", "dreg", "ovis"):
        low, high = signal_to_noise(name, few), signal_to_noise(name, many)
        slopes[name] = {
            group: np.log(high[group] / low[group]) / np.log(many / few) for group in low
        }
    falling, rising = ("pathwise", "vimco"), ("dreg", "ovis")
    assert [slopes[name]["encoder"] for name in falling] == pytest.approx([-0.5, -0.5], abs=0.1)
    assert [slopes[name]["encoder"] for name in rising] == pytest.approx([0.5, 0.5], abs=0.1)
    assert [slope["model"] for slope in slopes.values()] == pytest.approx([0.5] * 4, abs=0.1)


@pytest.mark.parametrize("kl", ["analytic", "sampled"])
def test_linear_gaussian_vae_by_quadrature_of_the_sampled_objective(kl: str):
    vae = problem("linear_gaussian_vae", kl=kl, num_points=3)
    point = np.array([-0.4, 0.1, 0.9, -0.7, 0.3, 0.5], np.float32)
    names = ("log_scale", "offset", "slope")
    params = {
        "decoder": dict(zip(names, jnp.asarray(point[:3]), strict=True)),
        "encoder": dict(zip(names, jnp.asarray(point[3:]), strict=True)),
    }
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    weights = weights / weights.sum()
    points = np.asarray(vae.points, float)

    def negative_elbo(theta: np.ndarray) -> float:
        log_tau, c, w, log_s, b, a = theta
        z = (a * points + b)[:, None] + np.exp(log_s) * nodes
        log_q = -(nodes**2) / 2 - log_s - np.log(2 * np.pi) / 2
        residual = (points[:, None] - c - w * z) / np.exp(log_tau)
        log_p = -(z**2) / 2 - residual**2 / 2 - log_tau - np.log(2 * np.pi)
        return ((log_q - log_p) @ weights).mean()

    found = directions(6) @ as_vector(exact_gradient(vae, params))
    np.testing.assert_allclose(
        found, along(negative_elbo, point.astype(float)), rtol=1e-6, atol=1e-7
    )


def test_sticking_the_landing_has_no_variance_at_the_exact_posterior():
    vae = problem("linear_gaussian_vae", variance_ratio=1.0)
    params = vae.init_params(KEY)
    estimate = estimated(vae, params, 5, "sticking_the_landing")
    full = estimated(vae, params, 5, "pathwise")
    assert max(abs(float(leaf)) for leaf in jax.tree.leaves(estimate["encoder"])) < 2e-6
    assert max(abs(float(leaf)) for leaf in jax.tree.leaves(full["encoder"])) > 0.02
    np.testing.assert_allclose(
        flat(estimate["decoder"]), flat(full["decoder"]), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("ratio", [0.3, 0.5, 0.8])
def test_the_variances_of_both_gradients_of_a_sampled_divergence(ratio: float):
    r"""With ρ = s²/v, v the posterior's variance: of the mean's gradient ρ/v in full, (1 − ρ)²/(ρ
    v) on the path alone; of the log-scale's 2ρ² and 2(1 − ρ)². Equal at ρ = ½, and below it the
    path alone is the worse."""
    vae = problem("linear_gaussian_vae", variance_ratio=ratio)
    params = vae.init_params(KEY)
    x, n, noise = np.asarray(vae.points, float), vae.num_points, float(vae.noise)
    v = noise**2 / (1 + noise**2)
    spread = (x**2).sum() + n  # slope and offset
    exact = {
        "pathwise": (spread * ratio / v + n * 2 * ratio**2) / n**2,
        "sticking_the_landing": (spread * (1 - ratio) ** 2 / (ratio * v) + n * 2 * (1 - ratio) ** 2)
        / n**2,
    }
    for name, expected in exact.items():
        found = measure(
            vae,
            estimator(name),
            params,
            num_samples=1,
            replicates=20_000,
            key=cell_key(0, "stl", "init", 1),
        ).moments["encoder"]
        interval = intervals.variance(found)
        error = (interval.high - interval.low) / 4
        assert abs(interval.value - expected) < 4.5 * error, name
    larger = exact["sticking_the_landing"] > exact["pathwise"] * (1 + 1e-9)
    assert larger == (ratio < 0.5)


def test_refusals_say_what_is_missing():
    square, vae = problem("gaussian_square"), problem("vae_gaussian")
    assert estimator("sticking_the_landing").refuses(vae) == (
        "the divergence is in closed form: there is no log q(x) in f to hold"
    )
    assert estimator("sticking_the_landing").refuses(problem("vae_gaussian", kl="sampled")) is None
    for name in ("sticking_the_landing", "dreg", "vimco", "ovis"):
        assert estimator(name).refuses(square)
    one = problem("normal_normal_bound", num_particles=1)
    assert estimator("vimco").refuses(one) == "num_particles = 1: a particle needs others beside it"
    assert estimator("dreg").refuses(one) is None
    assert "rsample" in estimator("dreg").refuses(problem("vae_bernoulli_bound"))


def test_a_bounds_weights_are_an_evaluation_of_f():
    toy = problem("normal_normal_bound")
    params = toy.init_params(KEY)

    class Asks(Pathwise):
        def surrogate(self, problem, params, state, key, num_samples):
            x = jnp.ones((8, 5, 1))
            q = problem.distribution(params)
            weights, again = (stop_gradient(problem.log_weights(params, q, x)) for _ in range(2))
            more = problem.log_weights(params, q, x + 1)
            return ((weights + again) * more).sum(), state

    assert count_evaluations(Asks(), toy, params, (), 1) == (2, 1)
