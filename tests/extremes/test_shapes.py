"""Estimators at shapes from 0.01 to 10⁵: no number lost, and no bias found where none is claimed.

Each row is one of a user's: where it is unreliable, as where nearly all of the variance is in draws
that R replicates hardly show, nothing is tested.
"""

import itertools

import numpy as np
import pandas as pd
import pytest

from gradest import measure
from gradest.estimators import ESTIMATORS
from gradest.problems import problem
from tests.support.statistical import assert_likely

SHAPES = (0.01, 0.1, 2.0, 1e5)

FUNCTIONS = ("linear", "square", "cosine")

POINTS = {
    "gamma_toy": [{"concentration": a} for a in (0.01, 0.05, 0.1, 1.0, 100.0, 1e5)],
    "beta_toy": [
        {"concentration1": a, "concentration0": b} for a, b in itertools.product(SHAPES, SHAPES)
    ],
    "dirichlet_toy": [{"concentration": a} for a in (0.01, 0.02, 0.1, 2.0, 1e5)],
    "student_t_toy": [{"df": nu} for nu in (2.5, 5.0, 100.0, 1e5)],
    "weibull_toy": [{"concentration": k} for k in (0.1, 0.5, 2.0, 30.0, 300.0, 1e5)],
}

CASES = [(name, f) for name in POINTS if name != "dirichlet_toy" for f in FUNCTIONS]
CASES += [("dirichlet_toy", None)]

REPLICATES = 20_000
"""As in a sweep: at a gamma shape of 0.01 the score at a rounded x is found biased at p = 0."""


def claim_unbiased(toy):
    """The estimators that do, and do not refuse the toy."""
    made = {name: cls() for name, cls in ESTIMATORS.items()}
    return [name for name, each in made.items() if each.unbiased and each.refuses(toy) is None]


def rows(name, f, points, *, estimators=None, dtype="float32"):
    """A row for each point, estimator and group of θ."""
    chosen = estimators or claim_unbiased(problem(name))
    frames = []
    for point in points:
        arguments = point if f is None else point | {"f": f}
        text = ",".join(f"{key}={value}" for key, value in arguments.items())
        run = measure(f"{name}[{text}]", chosen, samples=2, replicates=REPLICATES, dtype=dtype)
        frames.append(run.frame.assign(point=text))
    return pd.concat(frames, ignore_index=True)


def assert_unbiased(found):
    assert found.status.isin(["ok", "unreliable"]).all()
    assert np.isfinite(found[["mean_norm", "variance"]].astype(float)).all(axis=None)
    tested = found[found.status == "ok"]
    assert len(tested) > 0
    p = np.minimum(tested.bias_p.astype(float) * len(tested), 1)  # Bonferroni's correction
    assert_likely(p.min())


@pytest.mark.slow
def test_a_small_shape():
    estimators = ["score_function", "generalized_reparameterization"]
    assert_unbiased(rows("gamma_toy", "cosine", [{"concentration": 0.01}], estimators=estimators))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "f"), CASES)
def test_all_shapes(name, f, dtype):
    assert_unbiased(rows(name, f, POINTS[name], dtype=dtype))
