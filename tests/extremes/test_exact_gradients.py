"""Exact gradients over the range of every argument: right to a millionth, or not claimed."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.benchmarks.measurement.exact_gradient import exact_gradient
from gradest.problems import problem
from tests.extremes import truths

POSITIVE = (1e-8, 0.01, 0.1, 1.0, 7.0, 100.0, 2e3, 1e5)
LOCATIONS = (-50.0, 0.0, 0.3)
SCALES = (1e-8, 0.01, 1.0, 20.0, 1e3)

PARAMETERS = {
    "exponential_toy": {"rate": (1e-6, 0.02, *POSITIVE)},
    "weibull_toy": {"scale": (0.01, 1.0, 20.0), "concentration": (0.5, 1.0, 1.5, 2.0, 30.0, 300.0)},
    "logistic_toy": {"loc": LOCATIONS, "scale": SCALES},
    "laplace_toy": {"loc": LOCATIONS, "scale": SCALES},
    "gumbel_toy": {"loc": LOCATIONS, "scale": SCALES},
    "student_t_toy": {
        "df": (2.001, 2.5, 9.0, 100.0),
        "loc": (0.0, 0.3),
        "scale": (1e-4, 1.0, 20.0),
    },
    "gamma_toy": {
        "concentration": (0.01, 0.1, 1.0, 30.0, 2e3, 1e5),
        "rate": (0.01, 1.0, 300.0),
    },
    "beta_toy": {
        "concentration1": (0.01, 0.1, 2.0, 100.0, 1e5),
        "concentration0": (0.01, 0.1, 3.0, 1e5),
    },
    "poisson_toy": {"rate": (0.001, 1.0, 30.0, 900.0, 2e3, 1e6)},
    "von_mises_toy": {"loc": (-3.0, 0.5), "concentration": (1e-6, 0.1, 2.0, 50.0, 1e3, 1e5, 1e8)},
}

CASES = [
    (name, f, k)
    for name in PARAMETERS
    for f in (("cosine",) if name == "von_mises_toy" else ("linear", "square", "cosine"))
    for k in ((1.0,) if f == "linear" else (0.7, 12.0))
]


def grid(name):
    """Every combination of the parameters' values."""
    values = PARAMETERS[name]
    return [
        dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())
    ]


def claimed(name, f, k, points):
    """The toy's gradients, with a coordinate for each point."""
    choices = {} if name == "von_mises_toy" else {"f": f}
    with jax.enable_x64(True):
        toy = problem(name, k=k, dim=len(points), **choices)
        params = {group: jnp.asarray([p[group] for p in points]) for group in points[0]}
        return exact_gradient(toy, params)


@pytest.mark.parametrize("concentration", [0.5, 1, 2])
@pytest.mark.parametrize("z", [0.01, 1, 12])
def test_truths_by_quadrature(concentration, z):
    found = truths.weibull(truths.mp.mpf(z), 1, truths.mp.mpf(concentration))
    assert abs(found - truths.weibull_in_closed_form(z, 1, concentration)) < 1e-20


def test_the_grid_is_large():
    assert sum(len(grid(name)) for name, _, _ in CASES) >= 400


@pytest.mark.parametrize(("name", "f", "k"), CASES)
def test_gradients(name, f, k):
    assert_right(name, f, k, grid(name)[::9])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "f", "k"), CASES)
def test_gradients_everywhere(name, f, k):
    assert_right(name, f, k, grid(name))


def assert_right(name, f, k, points):
    found = claimed(name, f, k, points)
    for group, numbers in found.items():
        true = np.array([truths.gradient(name, f, k, point, group) for point in points])
        allowed = np.maximum(1e-6 * np.abs(true), 1e-9)
        wrong = ~(np.abs(numbers - true) <= allowed)
        assert not wrong.any(), [
            (points[i], numbers[i], true[i]) for i in np.flatnonzero(wrong)[:5]
        ]


BITS = {
    "bernoulli_square": lambda logit: truths.bit_slope(logit) * (1 - 2 * truths.mp.mpf(0.45)),
    "bernoulli_shared": lambda logit: (
        truths.bit_slope(logit) * sum(1 - 2 * truths.mp.mpf(t) for t in (0.6, 0.51, 0.48))
    ),
}
"""The gradients of toys of bits, of which f is linear in each."""


@pytest.mark.parametrize("logit", [-700.0, -50.0, -17.5, 0.3, 17.5, 37.0, 50.0, 700.0])
@pytest.mark.parametrize("name", BITS)
def test_gradients_of_bits_in_both_tails(name, logit):
    """At +50 in double precision 1 − σ(50) is 0, and the gradient is not."""
    with jax.enable_x64(True):
        toy = problem(name, logit=logit)
        (found,) = exact_gradient(toy, toy.init_params(jax.random.key(0))).values()
    np.testing.assert_allclose(found, float(BITS[name](logit)), rtol=1e-6)
