"""Every estimator in the registry, with each of its alternatives, and every problem: what registry tests run over."""

from gradest.benchmarks.catalogue.facts import variants
from gradest.benchmarks.checks.trials import small_problem
from gradest.estimators import ESTIMATORS
from gradest.problems import PROBLEMS

PROBLEM_NAMES = list(PROBLEMS)
VARIANTS = [variant for name, cls in ESTIMATORS.items() for variant in variants(name, cls)]

__all__ = ["PROBLEM_NAMES", "VARIANTS", "small_problem"]
