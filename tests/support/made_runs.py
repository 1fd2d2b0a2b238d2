"""Runs that were never measured: files as `gradest run` writes them, with the errors that a test asks for."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from gradest.benchmarks.statistics.intervals import Jackknifed, interval
from gradest.benchmarks.sweeps.columns import COLUMNS, LEFT_OUT_COLUMNS, WHOLE

BATCHES = 32
SQUARE = ("gaussian_square", {"dim": 1, "k": 3.0, "mean": 1.0, "scale": 1.0})
PLAIN = (
    "score_function",
    {"baseline": "none", "control_variate": "none", "coupling": "independent"},
)
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
    estimator=PLAIN,
    problem=SQUARE,
    samples=16,
    group="mean",
    bias=None,
    **columns,
) -> dict:
    """A row of measurements, and under "left_out" its batches; `bias` is the jackknifed ‖bias‖²."""
    (name, args), (kind, options) = problem, estimator
    texts = [json.dumps(given, sort_keys=True) for given in (args, options)]
    steps = args.get("train_steps", 0)
    found = interval(variance)
    row = {
        "cell": f"{name}{texts[0]}{kind}{texts[1]}{samples}",
        "problem": name,
        "problem_args": texts[0],
        "problem_revision": 1,
        "estimator": kind,
        "estimator_args": texts[1],
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
        "variance": found.value,
        "variance_low": found.low,
        "variance_high": found.high,
        "kurtosis": 3.0,
        "unbiased": bias is None,
        "exact": True,
        "exact_norm": 4.0,
        "bias_finding": "equivalent" if bias is None else "biased",
        "bias_q": 0.5 if bias is None else 0.0,
        "bias_detectable": 0.1,
        "equivalence_margin": 0.05,
        "seconds": 1e-6 * samples,
        "seconds_low": 0.9e-6 * samples,
        "seconds_high": 1.1e-6 * samples,
        "timing_processes": 5,
    } | columns
    if bias is not None:
        row |= {
            "bias_squared": bias.value,
            "bias_squared_low": 0.9 * bias.value,
            "bias_squared_high": 1.1 * bias.value,
            "bias_norm": bias.value**0.5,
        }
    without = np.full(len(variance.without), np.nan) if bias is None else bias.without
    return row | {"left_out": (variance.without, without)}


def write(
    folder: Path, cells: list[dict], environment: dict | None = None, left_out: bool = True
) -> Path:
    """Writes the files of a run."""
    folder.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(cells, columns=list(COLUMNS)).astype(dict.fromkeys(WHOLE, "Int64"))
    table.to_csv(folder / "measurements.csv", index=False)
    if left_out:
        parts = [
            pd.DataFrame(
                {
                    "cell": row["cell"],
                    "group": row["group"],
                    "batch": range(len(row["left_out"][0])),
                    "variance": row["left_out"][0],
                    "squared_bias": row["left_out"][1],
                },
                columns=list(LEFT_OUT_COLUMNS),
            )
            for row in cells
            if row["status"] != "failed"
        ]
        pd.concat(parts).to_csv(folder / "leave_one_out.csv", index=False)
    manifest = {"environments": [ENVIRONMENT | (environment or {})], "precision": "float32"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
