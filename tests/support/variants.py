"""What tests over the registries run over: each estimator with each of its alternatives."""

from gradest.benchmarks.catalogue.facts import variants
from gradest.benchmarks.checks.trials import small_problem
from gradest.estimators import ESTIMATORS
from gradest.problems import PROBLEMS

__all__ = ["PROBLEM_NAMES", "VARIANTS", "small_problem"]

PROBLEM_NAMES = list(PROBLEMS)

VARIANTS = [variant for name, cls in ESTIMATORS.items() for variant in variants(name, cls)]
