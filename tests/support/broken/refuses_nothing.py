"""Breaks the support claims: says yes to problems that it cannot estimate."""

from gradest.estimators.pathwise.pathwise import Pathwise


class Broken(Pathwise):
    def refuses(self, problem):
        return None
