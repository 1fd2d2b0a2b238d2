"""Breaks the count of random numbers: half of those that it is made of are stated."""

from gradest.estimators.pathwise.pathwise import Pathwise


class Broken(Pathwise):
    def draws(self, problem, num_samples):
        return super().draws(problem, num_samples) // 2
