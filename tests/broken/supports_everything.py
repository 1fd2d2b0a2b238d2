"""Breaks the support claims: says yes to problems that it cannot estimate."""

from estimators.pathwise import Pathwise


class Broken(Pathwise):
    def supports(self, problem):
        return None
