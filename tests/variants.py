"""Every estimator in the registry, with each of its alternatives, and every problem: what registry tests run over."""

from typing import Any

from estimators import ESTIMATORS, Estimator, estimator
from problems import PROBLEMS, Problem, problem
from problems.arguments import arguments, defaults

SMALL: dict[str, dict[str, Any]] = {"vae_bernoulli": {"latent_dim": 4, "num_images": 4, "hidden_dim": 8},
                                    "vae_gaussian": {"latent_dim": 3, "num_images": 4, "hidden_dim": 8}}  # fmt: skip
"""Arguments that make a costly problem small enough for a test."""


def estimator_variants() -> list[tuple[str, Estimator]]:
    """Each estimator with its defaults, and with one choice or flag changed at a time."""
    found = []
    for name, cls in ESTIMATORS.items():
        found.append((name, estimator(name)))
        for key, argument in arguments(cls).items():
            others = {"choice": argument.choices, "flag": (True, False)}.get(argument.kind, ())
            for value in others:
                if value != defaults(cls)[key]:
                    found.append((f"{name}[{key}={value}]", estimator(name, **{key: value})))
    return found


def small_problem(name: str) -> Problem:
    return problem(name, **SMALL.get(name, {}))


PROBLEM_NAMES = list(PROBLEMS)
VARIANTS = estimator_variants()
