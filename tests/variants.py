"""Every estimator in the registry, with each of its alternatives, and every problem: what registry tests run over."""

from benchmarks.catalogue import variants
from benchmarks.trials import small_problem
from estimators import ESTIMATORS
from problems import PROBLEMS

PROBLEM_NAMES = list(PROBLEMS)
VARIANTS = [variant for name, cls in ESTIMATORS.items() for variant in variants(name, cls)]

__all__ = ["PROBLEM_NAMES", "VARIANTS", "small_problem"]
