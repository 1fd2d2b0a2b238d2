"""Runs of two devices are paired where their numbers are the same, and nowhere else."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.comparisons.ratios import Comparison, compare_runs
from tests.support.made_runs import SQUARE, cell, errors, jackknifed, write

VAE = ("vae_bernoulli", {"num_images": 64})

GPU = {"device": "gpu: NVIDIA H200"}

VARIANCE, MEAN = 2.0, 0.7


def made(problem, folder, environment=None, *, mean=0.0, deviation=0.0, batch=0.0):
    """A run of one cell, its numbers moved by parts of its standard deviation."""
    shared = errors(np.random.default_rng(0), 0.05)
    moved = jackknifed(VARIANCE * (1 + deviation) ** 2, shared)
    moved.without[3] *= (1 + batch) ** 2
    row = cell(moved, problem=problem, mean_norm=MEAN + mean * VARIANCE**0.5, bias_norm=0.1)
    return read_run(write(folder, [row], environment))


def compared(problem, tmp_path, environment=GPU, **moved) -> Comparison:
    first = made(problem, tmp_path / "a")
    return compare_runs(first, made(problem, tmp_path / "b", environment, **moved), ["variance"])


@pytest.mark.parametrize("what", ["mean", "deviation", "batch"])
@pytest.mark.parametrize(
    ("problem", "moved", "paired"),
    [
        (SQUARE, 0.0, True),
        (SQUARE, 1e-6, True),
        (SQUARE, 9e-5, False),
        (SQUARE, 1e-2, False),
        (VAE, 0.0, True),
        (VAE, 1e-5, True),
        (VAE, 9e-5, True),
        (VAE, 2e-4, False),
        (VAE, 1e-2, False),
    ],
)
def test_two_devices_are_paired_where_their_numbers_agree(problem, moved, paired, what, tmp_path):
    """To rounding in a toy, to 1e-4 of the standard deviation in a network."""
    found = compared(problem, tmp_path, **{what: moved})
    (row,) = found.rows
    assert row.paired is paired
    assert (row.ratios["variance"].gain is not None) is paired
    (said,) = [line for line in found.warnings if line.startswith("numbers")]
    assert said.endswith(": paired" if paired else ": not paired")
    told = float(re.search(r"(\S+) of the standard", said)[1])
    assert told == pytest.approx(moved, rel=0.1)


def test_one_device_is_asked_for_no_agreement(tmp_path):
    """What is compared there may be a change of the code."""
    found = compared(SQUARE, tmp_path, None, deviation=1e-2)
    assert found.rows[0].paired
    assert not [line for line in found.warnings if line.startswith("numbers")]


def test_other_draws_are_said_to_be_other_and_no_more(tmp_path):
    found = compared(SQUARE, tmp_path, GPU | {"prng": "philox4x32"})
    assert not found.rows[0].paired
    assert not [line for line in found.warnings if line.startswith("numbers")]


SWEEP = """
schema = 1
name = "devices"
replicates = 1000
samples = [4]

[[problem]]
name = "gaussian_square"
dim = 3

[[problem]]
name = "bernoulli_square"

[[problem]]
name = "vae_bernoulli"
num_images = 4
latent_dim = 2
hidden_dim = 8

[[estimator]]
name = "score_function"
baseline = ["leave_one_out", "mean"]

[[estimator]]
name = ["pathwise", "gumbel_softmax"]
"""

RUN = "import sys; from gradest.benchmarks.cli.main import main; main()"


@pytest.mark.slow
def test_one_device_and_four_are_paired_in_every_cell(tmp_path):
    """Any machine has four: made of one processor."""
    (tmp_path / "devices.toml").write_text(SWEEP)
    runs = []
    for count in (1, 4):
        environ = os.environ | {
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={count}",
        }
        words = ["run", str(tmp_path / "devices.toml"), "-o", str(tmp_path / str(count))]
        subprocess.run([sys.executable, "-c", RUN, *words], env=environ, check=True)
        runs.append(read_run(tmp_path / str(count)))
    found = compare_runs(*runs, ["variance", "mse"])
    assert len(found.rows) == 3 * 2 + 3 * 1 + 3 * 2
    assert all(row.paired for row in found.rows), json.dumps(found.warnings)
    assert "different hardware: device cpu: cpu in A, cpu: cpu × 4 in B" in found.warnings[0]
