"""Breaks the cost: each part evaluates f at two points, and only one of them is stated."""

from gradest.estimators import Cost
from gradest.estimators.differences.measure_valued import MeasureValued


class Broken(MeasureValued):
    def cost(self, problem, num_samples):
        honest = super().cost(problem, num_samples)
        return Cost(f=honest.f // 2, grad=honest.grad)
