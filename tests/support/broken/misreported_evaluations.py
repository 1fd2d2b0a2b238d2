"""Breaks the count of evaluations: f is evaluated at two points, and one of them is stated."""

from gradest.estimators import Evaluations
from gradest.estimators.differences.measure_valued import MeasureValued


class Broken(MeasureValued):
    def evaluations(self, problem, num_samples):
        honest = super().evaluations(problem, num_samples)
        return Evaluations(f=honest.f // 2, grad=honest.grad)
