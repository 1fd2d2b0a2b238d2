"""Arguments of problems, and what is said of wrong ones."""

import re

import pytest

from gradest.problems import problem


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
        (
            "vae_gaussian",
            {"data": "mnits"},
            "digits, mnist_5k, mnist; did you mean mnist?",
        ),
        ("vae_gaussian", {"num_images": 1798}, "expected at most 1797"),
    ],
)
def test_refusals(name, given, message):
    """They name the argument, its value, and what was expected."""
    with pytest.raises(ValueError, match=re.escape(message)):
        problem(name, **given)
