"""Files as `gradest run` writes them, with numbers and errors that a test asks for."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from gradest.benchmarks.folders.columns import COLUMNS, LEFT_OUT_COLUMNS, WHOLE
from gradest.benchmarks.folders.record import write_run
from gradest.benchmarks.statistics.intervals import Jackknifed, interval

BATCHES = 32

SQUARE = ("gaussian_square", {"dim": 1, "k": 3.0, "mean": 1.0, "scale": 1.0})
"""A problem: its name and its arguments."""

PLAIN = (
    "score_function",
    {"baseline": "none", "control_variate": "none", "coupling": "independent"},
)
"""An estimator: its name and its arguments."""

LEAVE_ONE_OUT = (
    "score_function",
    {"baseline": "leave_one_out", "control_variate": "none", "coupling": "independent"},
)

PATHWISE = ("pathwise", {"coupling": "independent"})

ENVIRONMENT = {
    "jax": "0.4.38",
    "python": "3.11.7",
    "machine": "x86_64",
    "device": "cpu: cpu",
    "prng": "threefry2x32",
}


def jackknifed(value: float, errors: np.ndarray) -> Jackknifed:
    """A statistic whose logarithm is the mean of B batches' with these errors about ln(value)."""
    whole = value * np.exp(errors.mean())
    return Jackknifed(whole, value * np.exp((errors.sum() - errors) / (len(errors) - 1)))


def errors(rng: np.random.Generator, standard_error: float, batches: int = BATCHES) -> np.ndarray:
    """Independent errors of batches whose mean has this standard error."""
    return rng.normal(size=batches) * standard_error * np.sqrt(batches)


def cell(
    variance: Jackknifed,
    estimator: tuple[str, dict] = PLAIN,
    problem: tuple[str, dict] = SQUARE,
    samples: int = 16,
    group: str = "mean",
    bias: Jackknifed | None = None,
    **columns,
) -> dict:
    """A row of measurements, and under "left_out" its batches.

    Args:
        variance: what was measured.
        estimator: its name and its arguments.
        problem: the same.
        samples: L.
        group: of θ.
        bias: the jackknifed ‖bias‖², of an estimator that is biased.
        columns: others that the row has.
    """
    problem_args = json.dumps(problem[1], sort_keys=True)
    estimator_args = json.dumps(estimator[1], sort_keys=True)
    steps = problem[1].get("train_steps", 0)
    measured = interval(variance)
    row = {
        "cell": f"{problem[0]}{problem_args}{estimator[0]}{estimator_args}{samples}",
        "problem": problem[0],
        "problem_args": problem_args,
        "problem_revision": 1,
        "estimator": estimator[0],
        "estimator_args": estimator_args,
        "point": f"step_{steps}" if steps else "init",
        "theta": "abc",
        "group": group,
        "dim": 1,
        "num_samples": samples,
        "replicates": 20_000,
        "batches": len(variance.without),
        "seed": 0,
        "dtype": "float32",
        "status": "ok",
        "variance": measured.value,
        "variance_low": measured.low,
        "variance_high": measured.high,
        "kurtosis": 3.0,
        "exact": True,
        "exact_norm": 4.0,
        "bias_detectable": 0.1,
        "equivalence_margin": 0.05,
        "seconds": 1e-6 * samples,
        "seconds_low": 0.9e-6 * samples,
        "seconds_high": 1.1e-6 * samples,
        "timing_processes": 5,
    }
    if bias is None:
        no_bias = np.full(len(variance.without), np.nan)
        return row | UNBIASED | columns | {"left_out": (variance.without, no_bias)}
    return row | BIASED | columns | of_bias(bias) | {"left_out": (variance.without, bias.without)}


UNBIASED = {"unbiased": True, "bias_finding": "equivalent", "bias_q": 0.5}

BIASED = {"unbiased": False, "bias_finding": "biased", "bias_q": 0.0}


def of_bias(bias: Jackknifed) -> dict:
    """The columns that a bias has."""
    return {
        "bias_squared": bias.value,
        "bias_squared_low": 0.9 * bias.value,
        "bias_squared_high": 1.1 * bias.value,
        "bias_norm": bias.value**0.5,
    }


def write(
    folder: Path, cells: list[dict], environment: dict | None = None, left_out: bool = True
) -> Path:
    """Writes the files of a run, and returns its folder.

    Args:
        folder: made if it is not there.
        cells: rows from `cell`.
        environment: what differs from ENVIRONMENT.
        left_out: whether leave_one_out.csv is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(cells, columns=list(COLUMNS)).astype(dict.fromkeys(WHOLE, "Int64"))
    texts = {"measurements.csv": table.to_csv(index=False)}
    if left_out:
        parts = [batches(row) for row in cells if row["status"] != "failed"]
        texts["leave_one_out.csv"] = pd.concat(parts).to_csv(index=False)
    environments = [ENVIRONMENT | (environment or {})]
    write_run(folder, {"environments": environments, "precision": "float32"}, texts)
    return folder


def batches(row: dict) -> pd.DataFrame:
    """What leave_one_out.csv has of a row."""
    variance, squared_bias = row["left_out"]
    columns = {
        "cell": row["cell"],
        "group": row["group"],
        "batch": range(len(variance)),
        "variance": variance,
        "squared_bias": squared_bias,
    }
    return pd.DataFrame(columns, columns=list(LEFT_OUT_COLUMNS))
