"""Optimizers by name: they are optax's, with optax's schedule, and no other."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gradest.benchmarks.training.optimizers import MOMENTUM, Recipe, expect_optimizer, optimizers

GRADIENTS = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)


def path(rule):
    """θ under a row of gradients."""
    params = jnp.ones(3)
    memory = rule.init(params)
    for gradient in GRADIENTS:
        updates, memory = rule.update(jnp.asarray(gradient), memory, params)
        params = optax.apply_updates(params, updates)
    return np.asarray(params)


@pytest.mark.parametrize(
    ("recipe", "rule"),
    [
        (Recipe("adam", 0.1, (("b1", 0.5),)), optax.adam(0.1, b1=0.5)),
        (Recipe("momentum", 0.1), optax.sgd(0.1, momentum=MOMENTUM)),
        (Recipe("momentum", 0.1, (("momentum", 0.5),)), optax.sgd(0.1, momentum=0.5)),
        (Recipe("rmsprop", 0.1, (("decay", 0.8),)), optax.rmsprop(0.1, decay=0.8)),
        (
            Recipe("sgd", 0.1, (), 20, 0.5),
            optax.sgd(lambda step: 0.1 * jnp.cos(jnp.pi * step / 40)),  # cos(πt/2T)
        ),
        (
            Recipe("sgd", 0.1, (), 40, 1.0),
            optax.sgd(lambda step: 0.05 * (1 + jnp.cos(jnp.pi * step / 40))),
        ),
    ],
)
def test_it_is_optax_s(recipe, rule):
    np.testing.assert_allclose(path(recipe.rule()), path(rule), rtol=1e-6)


def test_maximizing_goes_the_other_way():
    up = path(Recipe("sgd", 0.1, maximize=True).rule())
    down = path(Recipe("sgd", 0.1).rule())
    np.testing.assert_allclose(up - 1, 1 - down, rtol=1e-5, atol=1e-6)


def test_the_usual_ones_are_there():
    assert {"adam", "adamw", "rmsprop", "sgd", "momentum", "adagrad"} <= optimizers().keys()
    assert "cosine_decay_schedule" not in optimizers()


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("adamm", {}, "expected one of optax's; did you mean adam"),
        ("adam", {"bb1": 0.9}, "unexpected keyword bb1: expected steps, b1, .*did you mean b1"),
        ("adam", {"stepps": 9}, "did you mean steps"),
        ("sgd", {"momentum": [0.9]}, "momentum = .*expected a number"),
        ("lbfgs", {}, "value"),
        ("adam", {"b1": 2}, "b1 = 2: expected 0 or more, and less than 1"),
        ("adam", {"b2": 1.0}, "b2 = 1.0: expected 0 or more, and less than 1"),
        ("rmsprop", {"decay": -0.1}, "decay = -0.1: expected 0 or more, and less than 1"),
        ("momentum", {"momentum": 1.5}, "momentum = 1.5: expected 0 or more, and less than 1"),
        ("adam", {"eps": float("nan")}, "eps = nan: expected a finite number"),
        ("adam", {"eps": -1e-8}, "eps = -1e-08: expected 0 or more"),
        ("adamw", {"weight_decay": -1}, "weight_decay = -1: expected 0 or more"),
    ],
)
def test_what_cannot_be_is_refused(name, arguments, words):
    with pytest.raises(ValueError, match=words):
        expect_optimizer(name, arguments, "steps")
