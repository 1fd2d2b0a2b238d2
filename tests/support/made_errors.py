"""Rows of a made run by their mean squared error, of batches that err as a test asks for."""

import numpy as np

from gradest.benchmarks.analysis.results import read_run
from tests.support.made_runs import BATCHES, cell, jackknifed, write

NO_BIAS = {"unbiased": True, "bias_finding": "equivalent", "bias_p": 1.0}
NORM = 4.0
"""‖∇‖, as made runs have it."""


def row(error, estimator, *, bias=0.0, along=None, wiggle=None, **columns):
    """A cell of this mean squared error, of which `bias` is the squared bias.

    Args:
        error: variance and squared bias together.
        estimator: its name and its arguments.
        bias: the squared bias; of an estimator that claims none where it is 0.
        along: the bias along the gradient, over its length; −√bias/‖∇‖ where nothing is said.
        wiggle: the errors of the batches of the logarithm of the variance.
        columns: others that the row has.
    """
    errors = np.zeros(BATCHES) if wiggle is None else wiggle
    squared = jackknifed(max(bias, 1e-12), np.zeros(BATCHES))
    claims = {"bias_p": 0.0} if bias else NO_BIAS
    relative = -(bias**0.5) / NORM if along is None else along
    return cell(
        jackknifed(error - bias, errors),
        estimator,
        bias=squared,
        **{"bias_relative": relative, **claims, **columns},
    )


def table(folder, *rows):
    """The measurements of a run of these rows."""
    return read_run(write(folder, list(rows))).measurements
