"""training.csv and trajectory.csv that nobody trained, with answers that are known beforehand."""

import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from gradest.benchmarks.folders.columns import COLUMNS
from gradest.benchmarks.learning_curves.curves import Contest, contests
from tests.support.made_runs import LEAVE_ONE_OUT, PATHWISE, PLAIN, SQUARE

STEPS = (0, 10, 20, 40, 80, 100)

MEASURED = (0, 10, 100)
"""Steps at which gradients are measured."""

FACTORS = (0.5, 0.8, 1.0, 1.25, 2.0)
"""What all estimators have in common at each seed: how fast that one is."""

MEASURE_VALUED = ("measure_valued", {"coupled": True})

FOUR = (PLAIN, LEAVE_ONE_OUT, PATHWISE, MEASURE_VALUED)


class Made(NamedTuple):
    """What one estimator is to have done."""

    estimator: tuple[str, dict]
    objective: Callable[[float, int], float]
    """By step and seed."""
    variance: Callable[[int, int], float] = lambda step, seed: 1.0
    """By step and seed."""
    bias_squared: Callable[[int, int], float] = lambda step, seed: 0.0
    biased: bool = False
    """Whether it says so, and was found to be."""
    cost: int = 1
    """Evaluations of f in a step."""
    seconds: float = 1e-3
    """Of a step."""
    diverges: Mapping[int, int] = MappingProxyType({})
    """The step at which a seed is no longer finite."""


def falling(rate: float, start: float = 10.0) -> Callable[[float, int], float]:
    """A straight line down from `start`: a seed's rate is that of all times its factor."""
    return lambda step, seed: start - rate * FACTORS[seed] * step


MORE = (
    *FOUR,
    ("gumbel_softmax", {"temperature": 0.5}),
    ("straight_through_gumbel", {"temperature": 0.5}),
    ("rebar", {"coefficient": 1.0, "learned": True}),
    ("relax", {}),
    ("stochastic_triple", {}),
    ("spsa", {}),
)


def ten() -> list[Made]:
    """Ten estimators that fall as a VAE's bound does, from −540: one of them away, one nowhere.

    Two are the same but for what they cost.
    """
    rates = (0.002, 0.02, 0.1, 0.1, 0.05, 0.03, 0.08, 0.01, -0.02, 0.0)
    return [
        Made(
            estimator,
            lambda step, seed, rate=rate: (
                540 - 120 * (1 - np.exp(-rate * FACTORS[seed] * step)) if rate >= 0 else 540 + step
            ),
            lambda step, seed, i=i: 10.0 ** (4 - i / 3) * FACTORS[seed] / (1 + step / 20),
            biased=i in (4, 5),
            cost=(1, 1, 2, 40, 1, 1, 3, 3, 4, 1)[i],
            diverges={2: 80} if i == 8 else {},
        )
        for i, (estimator, rate) in enumerate(zip(MORE, rates, strict=True))
    ]


def training(
    made: Sequence[Made],
    seeds: int = len(FACTORS),
    problem: tuple[str, dict] = SQUARE,
    samples: int = 4,
    **columns,
) -> pd.DataFrame:
    """The rows of training.csv.

    Args:
        made: what each estimator did.
        seeds: how many.
        problem: its name and arguments.
        samples: L.
        columns: others that all rows have.
    """
    rows = []
    for each in made:
        for seed in range(seeds):
            until = each.diverges.get(seed, STEPS[-1] + 1)
            for step in STEPS:
                is_fine = step < until
                rows.append(
                    of(each, problem, samples)
                    | {
                        "seed": seed,
                        "step": step,
                        "seconds": step * each.seconds,
                        "f_evals": step * each.cost,
                        "grad_evals": 0,
                        "objective": each.objective(step, seed) if is_fine else np.nan,
                        "objective_kind": "estimated",
                        "status": "ok" if is_fine else "failed",
                        "reason": "" if is_fine else f"θ is not finite at step {step}",
                    }
                    | columns
                )
                if not is_fine:
                    break
    return pd.DataFrame(rows)


def trajectory(
    made: Sequence[Made],
    seeds: int = len(FACTORS),
    problem: tuple[str, dict] = SQUARE,
    samples: int = 4,
    groups: Sequence[str] = ("mean",),
    norm: float = 1.0,
) -> pd.DataFrame:
    """The rows of trajectory.csv: errors are known to 1 %.

    Args:
        made: what each estimator did.
        seeds: how many.
        problem: its name and arguments.
        samples: L.
        groups: of θ, which share each error evenly.
        norm: ‖∇‖ of all of θ.
    """
    rows = []
    for each in made:
        for seed in range(seeds):
            for step in MEASURED:
                share = 1 / len(groups)
                variance = share * each.variance(step, seed)
                bias = share * each.bias_squared(step, seed)
                finding = "biased" if each.biased else "none found"
                rows += [
                    of(each, problem, samples)
                    | {
                        "seed": seed,
                        "step": step,
                        "group": group,
                        "point": "init",
                        "status": "ok",
                        "variance": variance,
                        "bias_squared": bias,
                        "mse": variance + bias,
                        "mse_low": 0.99 * (variance + bias),
                        "mse_high": 1.01 * (variance + bias),
                        "exact_norm": norm * np.sqrt(share),
                        "unbiased": not each.biased,
                        "bias_finding": finding,
                    }
                    for group in groups
                ]
    return pd.DataFrame(rows, columns=[*COLUMNS, "step"])


def of(made: Made, problem: tuple[str, dict], samples: int) -> dict:
    """What names the training of a row."""
    return {
        "problem": problem[0],
        "problem_args": json.dumps(problem[1], sort_keys=True),
        "estimator": made.estimator[0],
        "estimator_args": json.dumps(made.estimator[1], sort_keys=True),
        "num_samples": samples,
    }


def contest(made: Sequence[Made], seeds: int = len(FACTORS), *, rises: bool = False) -> Contest:
    """The one contest of these."""
    (found,) = contests(training(made, seeds), trajectory(made, seeds), rises=rises)
    return found
