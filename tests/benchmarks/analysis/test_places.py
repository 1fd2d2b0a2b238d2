"""Short names of places: what all places of a problem share is left out, and nothing else."""

from gradest.benchmarks.analysis.places import place_names
from tests.support.made_tables import SQUARE, table

VAE = [("vae_bernoulli", {"latent_dim": 3, "train_steps": steps}) for steps in (0, 1000)]


def names(*args, **columns):
    return [
        *place_names(table(*args, estimators=(("pathwise", {}),), levels=(1,), **columns)).values()
    ]


def test_what_is_the_same_everywhere_is_left_out():
    assert names([SQUARE], groups=("mean",)) == ["Gaussian square"]
    assert names([SQUARE]) == ["Gaussian square, ∂/∂ mean", "Gaussian square, ∂/∂ scale"]
    assert names(VAE, groups=("encoder",)) == [
        "VAE Bernoulli, initialisation",
        "VAE Bernoulli, step 1000",
    ]


def test_arguments_are_named_where_they_differ_within_a_problem():
    other = (SQUARE[0], SQUARE[1] | {"k": 2.0})
    assert names([SQUARE, other, VAE[0]], groups=("mean",)) == [
        "Gaussian square",
        "Gaussian square (k = 2)",
        "VAE Bernoulli",
    ]
